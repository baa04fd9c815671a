// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { ja4 } from "../../metadata/tls/fingerprints.ts";
import { Hello } from "../../metadata/tls/hello.ts";
import { PacketDecoder } from "../../packet/decoder.ts";
import { FrameBatch } from "../../packet/frames.ts";
import { TrafficGenerator, type TrafficOptions } from "../generator.ts";
import { Random } from "../rng.ts";
import { hello, STACKS, type StackName } from "./hellos.ts";

/** Bytes of the record's header, which stands before the handshake message. */
const RECORD = 5;
const QUIET = { profile: "quiet", seconds: 90, hosts: 200 } as const;

function digestOf(options: TrafficOptions): string {
  const traffic = new TrafficGenerator(options);
  const frames = new FrameBatch();
  const hasher = new Bun.CryptoHasher("sha256");
  while (traffic.next(frames)) {
    const last = frames.count - 1;
    hasher.update(frames.bytes.subarray(0, frames.start[last]! + frames.captured[last]!));
    hasher.update(frames.time.subarray(0, frames.count));
  }
  return hasher.digest("hex");
}

interface Seen {
  readonly ports: Set<number>;
  frames: number;
  v6: number;
  last: number;
  backwards: number;
}

/** Note what a frame is; all are Ethernet with IP and nothing between but a VLAN tag. */
function look({ view, start, time }: FrameBatch, i: number, seen: Seen): void {
  const at = start[i]! + (view.getUint16(start[i]! + 12) === 0x8100 ? 18 : 14);
  const isV6 = view.getUint16(at - 2) === 0x86dd;
  const transport = at + (isV6 ? 40 : 20);
  seen.frames++;
  if (isV6) seen.v6++;
  if (time[i]! < seen.last) seen.backwards++;
  seen.last = time[i]!;
  seen.ports.add(view.getUint16(transport)).add(view.getUint16(transport + 2));
}

describe("the quiet profile of TrafficGenerator", () => {
  test("gives equal frames for equal options, and others for another seed", () => {
    const digest = digestOf({ seed: 3, ...QUIET });
    expect(digestOf({ seed: 3, ...QUIET })).toBe(digest);
    expect(digestOf({ seed: 4, ...QUIET })).not.toBe(digest);
  });

  test("has no attack, however long it goes on", () => {
    const traffic = new TrafficGenerator({ seed: 3, ...QUIET });
    expect(traffic.truth.attacks).toEqual([]);
    traffic.goOn(60);
    expect(traffic.truth.attacks).toEqual([]);
  });

  test("has packets of IP alone, whole and in order of time, a fifth of them IPv6, of each service that an office has", () => {
    const traffic = new TrafficGenerator({ seed: 5, ...QUIET });
    const frames = new FrameBatch();
    const decoder = new PacketDecoder();
    const seen: Seen = { ports: new Set(), frames: 0, v6: 0, last: 0, backwards: 0 };
    while (traffic.next(frames)) {
      decoder.decode(frames);
      for (let i = 0; i < frames.count; i++) look(frames, i, seen);
    }
    expect(decoder.nonIp + decoder.malformed).toBe(0);
    expect(seen.backwards).toBe(0);
    expect(seen.v6 / seen.frames).toBeGreaterThan(0.1);
    expect(seen.v6 / seen.frames).toBeLessThan(0.3);
    for (const port of [22, 25, 53, 67, 80, 88, 123, 161, 389, 443, 445, 993, 1900, 5060, 5353])
      expect(seen.ports).toContain(port);
  });
});

/** JA4 of the hello of a kind of client. */
function fingerprintOf(stack: StackName): string {
  const bytes = Uint8Array.from(hello(new Random(1), stack, "www.example.com"));
  const read = new Hello();
  expect(read.read(bytes, new DataView(bytes.buffer), RECORD, bytes.length)).toBe(true);
  expect(read.isSound).toBe(true);
  return ja4(read, { carrier: "t" });
}

test("hello() has the fingerprints that Chrome and Firefox are known by", () => {
  expect(fingerprintOf("chrome")).toBe("t13d1516h2_8daaf6152771_d8a2da3f94cd");
  expect(fingerprintOf("firefox")).toStartWith("t13d1716h2_5b57614c22b0_");
  const all = (Object.keys(STACKS) as StackName[]).map(fingerprintOf);
  expect(new Set(all).size).toBe(all.length);
});
