// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fanoutProgram } from "./fanout-program.ts";
import { openLive } from "./index.ts";
import type { LiveSource } from "./source.ts";
import { TAGS, udpFrame } from "./testing/frames.ts";
import { Flood, FrameSender, Network, networkObstacle } from "./testing/network.ts";
import { Tally } from "./testing/tally.ts";

const obstacle = networkObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const GROUP = process.pid & 0xffff;
const SHARED = { interface: "right", fanout: { group: GROUP, workers: 2 } } as const;

test("fanoutProgram jumps only forwards and to its own instructions", () => {
  const program = fanoutProgram(14);
  const view = new DataView(program.buffer);
  const count = program.length / 8;
  const isReturn = (i: number): boolean => (view.getUint16(i * 8, true) & 7) === 6;
  for (let i = 0; i < count; i++) {
    const isJump = (view.getUint16(i * 8, true) & 7) === 5;
    const jump = view.getUint16(i * 8, true) === 5 ? view.getUint32(i * 8 + 4, true) : 0;
    const targets = [jump, view.getUint8(i * 8 + 2), view.getUint8(i * 8 + 3)];
    if (isJump) for (const target of targets) expect(i + 1 + target).toBeLessThan(count);
  }
  expect(isReturn(count - 1)).toBe(true);
});

describe.skipIf(obstacle !== undefined)(`fanout${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  /** Sources that share `right`, and what each has seen. */
  class Group implements Disposable {
    readonly sources: LiveSource[];
    readonly tallies: Tally[];

    constructor(workers: number, filter?: string) {
      this.sources = Array.from({ length: workers }, () =>
        openLive({
          interface: "right",
          ringBytes: 4 << 20,
          fanout: { group: GROUP, workers },
          ...(filter === undefined ? {} : { filter }),
        }),
      );
      this.tallies = this.sources.map(() => new Tally());
    }

    drain(): number[] {
      return this.sources.map((source, i) => source.drain(this.tallies[i]!.take));
    }

    [Symbol.dispose](): void {
      for (const source of this.sources) source.close();
    }
  }

  /** Per source, the keys of the frames it saw. */
  const keys = ({ tallies }: Group, keyOf: (frame: DataView) => string): Set<string>[] =>
    tallies.map(({ frames }) => new Set(frames.map((bytes) => keyOf(new DataView(bytes.buffer)))));

  test("fanout gives each of 20,000 frames to exactly one source, and each a fair share", () => {
    using group = new Group(3);
    using sender = new FrameSender("left");
    for (let i = 0; i < 20_000; i++)
      sender.send(udpFrame({ source: 0x0a000000 + (i % 250), target: 0x0b000000 + (i % 83) }));
    const counts = group.drain();
    expect(counts.reduce((sum, count) => sum + count)).toBe(20_000);
    for (const count of counts) expect(count).toBeWithin(5_000, 9_000);
    for (const [i, source] of group.sources.entries())
      expect(source.stats()).toEqual({ received: counts[i]!, dropped: 0, unread: 0, freezes: 0 });
  });

  const SHAPES = {
    IPv4: {},
    IPv6: { version: 6 },
    "a VLAN tag": { between: TAGS.customer },
    "two VLAN tags": { between: TAGS.service },
    "IPv6 in a VLAN": { between: TAGS.customer, version: 6 },
    // Ethertype, version and type, code, session, length, protocol.
    PPPoE: { between: [0x88, 0x64, 0x11, 0, 0, 1, 0, 50, 0, 0x21] },
    MPLS: { between: [0x88, 0x47, 0, 1, 0x20, 64, 0, 2, 0x21, 64] },
  } as const;

  test.each(Object.entries(SHAPES))("fanout keeps both directions together: %s", (_, shape) => {
    using group = new Group(2);
    using there = new FrameSender("left");
    // One direction comes in and the other goes out, where frames begin elsewhere.
    using back = new FrameSender("right");
    for (let pair = 0; pair < 64; pair++) {
      const [source, target] = [0x0a000001 + pair, 0xc0a80001 + 7 * pair];
      for (const sourcePort of [1000 + pair, 2000]) {
        there.send(udpFrame({ ...shape, source, target, sourcePort }));
        there.send(udpFrame({ ...shape, source: target, target: source, sourcePort: 53 }));
        back.send(udpFrame({ ...shape, source: target, target: source, sourcePort: 54 }));
      }
    }
    expect(group.drain().reduce((sum, count) => sum + count)).toBe(64 * 6);
    const pairOf = (frame: DataView): string => {
      const [ends, apart] =
        "version" in shape ? [frame.byteLength - 48, 16] : [frame.byteLength - 36, 4];
      const addresses = [frame.getUint32(ends), frame.getUint32(ends + apart)];
      return addresses.sort((a, b) => a - b).join("-");
    };
    const [first, second] = keys(group, pairOf);
    expect(first!.size + second!.size).toBe(64);
    expect(Math.min(first!.size, second!.size)).toBeGreaterThan(10);
    expect(first!.isDisjointFrom(second!)).toBe(true);
  });

  test("fanout gives fragments to the source of their flow, as the frames they were", () => {
    using group = new Group(2);
    using sender = new FrameSender("left");
    for (let pair = 0; pair < 32; pair++) {
      const flow = { source: 0x0a000001 + pair, target: 0xc0a80001, payload: 40 };
      sender.send(udpFrame(flow));
      sender.send(udpFrame({ ...flow, fragment: { offset: 0, more: true } }));
      sender.send(udpFrame({ ...flow, fragment: { offset: 6, more: false } }));
    }
    expect(group.drain().reduce((sum, count) => sum + count)).toBe(32 * 3);
    const [first, second] = keys(group, (frame) => String(frame.getUint32(26)));
    expect(first!.size + second!.size).toBe(32);
    expect(first!.isDisjointFrom(second!)).toBe(true);
  });

  test("fanout lets no frame in twice while a source joins", async () => {
    await using _ = new Flood("left");
    using first = openLive({ ...SHARED, ringBytes: 4 << 20 });
    const tally = new Tally({ keep: false });
    tally.until(first, 1000);
    // What the flood sends is not IP and belongs to the first source; each of these joins and sees nothing.
    for (let i = 0; i < 10; i++) {
      using later = openLive({ ...SHARED, ringBytes: 1 << 20 });
      Bun.sleepSync(5);
      expect(later.stats()).toEqual({ received: 0, dropped: 0, unread: 0, freezes: 0 });
    }
    const before = tally.count;
    tally.until(first, before + 1000);
    expect(tally.count).toBeGreaterThan(before);
  });

  test("fanout applies each source's filter", () => {
    using group = new Group(2, "udp dst port 53");
    using sender = new FrameSender("left");
    for (let i = 0; i < 1000; i++)
      sender.send(udpFrame({ source: 0x0a000000 + i, targetPort: i % 2 ? 53 : 123 }));
    const counts = group.drain();
    expect(counts.reduce((sum, count) => sum + count)).toBe(500);
    expect(Math.min(...counts)).toBeGreaterThan(100);
  });
});
