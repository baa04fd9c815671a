// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { FrameBatch } from "../packet/frames.ts";
import { TrafficGenerator, type TrafficOptions } from "./generator.ts";

interface Summary {
  count: number;
  bytes: number;
  digest: string;
  first: number;
  last: number;
  sorted: boolean;
}

function summaryOf(options: TrafficOptions): Summary {
  const traffic = new TrafficGenerator(options);
  const frames = new FrameBatch();
  const hasher = new Bun.CryptoHasher("sha256");
  const summary: Summary = { count: 0, bytes: 0, digest: "", first: 0, last: 0, sorted: true };
  while (traffic.next(frames)) {
    const end = frames.start[frames.count - 1]! + frames.captured[frames.count - 1]!;
    hasher.update(frames.bytes.subarray(0, end));
    hasher.update(frames.time.subarray(0, frames.count));
    if (summary.count === 0) summary.first = frames.time[0]!;
    for (let i = 0; i < frames.count; i++) {
      if (frames.time[i]! < summary.last || !Number.isInteger(frames.time[i]!))
        summary.sorted = false;
      summary.last = frames.time[i]!;
      summary.bytes += frames.length[i]!;
    }
    summary.count += frames.count;
  }
  summary.digest = hasher.digest("hex");
  return summary;
}

const SMALL = { seconds: 20, scale: 0.2 };

test("TrafficGenerator gives equal frames for equal options", () => {
  expect(summaryOf({ seed: 3, ...SMALL })).toEqual(summaryOf({ seed: 3, ...SMALL }));
});

test("TrafficGenerator gives other frames and another truth for another seed", () => {
  expect(summaryOf({ seed: 3, ...SMALL }).digest).not.toBe(summaryOf({ seed: 4, ...SMALL }).digest);
  const [three, four] = [new TrafficGenerator({ seed: 3 }), new TrafficGenerator({ seed: 4 })];
  expect(three.truth).not.toEqual(four.truth);
});

test("TrafficGenerator gives some 200,000 frames over two minutes by default, in order of time", () => {
  const summary = summaryOf({ seed: 1 });
  expect(summary.count).toBeGreaterThan(160_000);
  expect(summary.count).toBeLessThan(240_000);
  expect(summary.sorted).toBe(true);
  expect(summary.first).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 5, 9) * 1000);
  expect(summary.last).toBeLessThan(Date.UTC(2026, 0, 5, 9, 2) * 1000);
  expect(summary.last - summary.first).toBeGreaterThan(119e6);
});

test("TrafficGenerator scales normal traffic and leaves the attacks as they are", () => {
  const options = { seed: 8, seconds: 20 };
  const [plain, busy] = [summaryOf(options), summaryOf({ ...options, scale: 3 })];
  expect(busy.count).toBeGreaterThan(2 * plain.count);
  const truth = new TrafficGenerator({ ...options, scale: 3 }).truth;
  expect(truth).toEqual(new TrafficGenerator(options).truth);
});

test("TrafficGenerator contains each kind of frame an office has", () => {
  const kinds = new Set<string>();
  const traffic = new TrafficGenerator({ seed: 2 });
  const frames = new FrameBatch();
  while (traffic.next(frames)) {
    for (let i = 0; i < frames.count; i++) kinds.add(kindOf(frames, frames.start[i]!));
  }
  expect([...kinds].sort()).toEqual([
    "arp",
    "ipv4 icmp",
    "ipv4 tcp",
    "ipv4 udp",
    "ipv6 icmpv6",
    "ipv6 tcp",
    "ipv6 udp",
    "vlan arp",
    "vlan ipv4 icmp",
    "vlan ipv4 tcp",
    "vlan ipv4 udp",
    "vlan ipv6 icmpv6",
    "vlan ipv6 tcp",
    "vlan ipv6 udp",
  ]);
});

const PROTOCOLS = new Map([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [58, "icmpv6"],
]);

function kindOf({ view }: FrameBatch, start: number): string {
  const tagged = view.getUint16(start + 12) === 0x8100;
  const at = tagged ? start + 16 : start + 12;
  const tag = tagged ? "vlan " : "";
  if (view.getUint16(at) === 0x0806) return `${tag}arp`;
  const v4 = view.getUint16(at) === 0x0800;
  const protocol = view.getUint8(at + 2 + (v4 ? 9 : 6));
  return `${tag}${v4 ? "ipv4" : "ipv6"} ${PROTOCOLS.get(protocol) ?? protocol}`;
}

test("TrafficGenerator fills whole batches until the end, and then none", () => {
  const traffic = new TrafficGenerator({ seed: 5, ...SMALL });
  const frames = new FrameBatch();
  const counts: number[] = [];
  while (traffic.next(frames)) counts.push(frames.count);
  expect(new Set(counts.slice(0, -1))).toEqual(new Set([256]));
  expect(traffic.next(frames)).toBe(false);
  expect(frames.count).toBe(0);
});

test("TrafficGenerator begins at the time it is given", () => {
  const { first } = summaryOf({ seed: 5, ...SMALL, start: 1_000_000 });
  expect(first).toBeGreaterThanOrEqual(1_000_000);
  expect(first).toBeLessThan(2_000_000);
});

/** Digests of all bytes and times of 20 s, then of 10 s more, asked for in pieces of so many microseconds. */
function digestsInPieces(piece: number): string[] {
  const start = 5_000_000;
  const traffic = new TrafficGenerator({ seed: 6, ...SMALL, start });
  const frames = new FrameBatch();
  const [bytes, times] = [new Bun.CryptoHasher("sha256"), new Bun.CryptoHasher("sha256")];
  const take = (from: number): void => {
    for (let until = from + piece; until < traffic.end + piece; until += piece) {
      while (traffic.next(frames, until)) {
        const last = frames.count - 1;
        bytes.update(frames.bytes.subarray(0, frames.start[last]! + frames.captured[last]!));
        times.update(frames.time.subarray(0, frames.count));
        expect(frames.time[last]!).toBeLessThan(Math.min(until, traffic.end));
      }
    }
  };
  take(start);
  const { end } = traffic;
  traffic.goOn(10);
  expect(traffic.end).toBe(end + 10_000_000);
  take(end);
  return [bytes.digest("hex"), times.digest("hex")];
}

test("TrafficGenerator gives the same frames in whatever pieces of time they are asked for", () => {
  expect(digestsInPieces(7000)).toEqual(digestsInPieces(20_000_000));
});

test("TrafficGenerator refuses to go on for less than 10 seconds", () => {
  const traffic = new TrafficGenerator({ seed: 1, ...SMALL });
  expect(() => traffic.goOn(9)).toThrow("traffic: seconds: expected");
});

test.each([
  [{ seed: 1.5 }, "seed"],
  [{ seed: 1, seconds: 9 }, "seconds"],
  [{ seed: 1, hosts: 7 }, "hosts"],
  [{ seed: 1, hosts: 2001 }, "hosts"],
  [{ seed: 1, scale: 0 }, "scale"],
  [{ seed: 1, scale: Number.NaN }, "scale"],
  [{ seed: 1, start: -1 }, "start"],
])("TrafficGenerator refuses %j with a message that names the option", (options, name) => {
  expect(() => new TrafficGenerator(options)).toThrow(`traffic: ${name}: expected`);
});
