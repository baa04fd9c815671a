// SPDX-License-Identifier: BSD-3-Clause
// The table's own bounds: its records, its index, its pool of IPv6 addresses.
import { describe, expect, test } from "bun:test";
import { PacketDecoder } from "../packet/decoder.ts";
import { FRAMES_MAX, type FrameBatch } from "../packet/frames.ts";
import { ROW, WORD } from "../packet/row.ts";
import { batchOf, ipv4, ipv6, udp } from "../packet/test-kit.ts";
import { SECOND } from "../unirec/time.ts";
import { HOT_SHIFT } from "./record.ts";
import { FlowTable } from "./table.ts";

const V4 = ipv4(udp(1, 2));
const V6 = ipv6(udp(1, 2));

/** Where flows differ in a frame: the last word of the source address, or the ports. */
const SOURCE = { v4: 12, v6: 20, ports: 20, portsV6: 40 } as const;

interface Flows {
  readonly v6?: boolean;
  /** Offset of the word in which they differ; the source address when left out. */
  readonly at?: number;
  /** Give all of them this hash; of IPv6 addresses both hashes. */
  readonly hash?: number;
}

/** A table, and flows that differ by one word of their key. */
class Filled {
  readonly table: FlowTable;
  readonly exported: { packets: number; reason: number }[] = [];
  readonly #decoder = new PacketDecoder();
  readonly #frames: FrameBatch;
  readonly #size: number;
  readonly #at: number;
  readonly #hash: number | undefined;
  readonly #v6: boolean;

  constructor(capacity: number, { v6 = false, at, hash }: Flows = {}) {
    this.table = new FlowTable(
      { active: 300 * SECOND, idle: 30 * SECOND, capacity },
      (record, reason) => {
        const w = record << HOT_SHIFT;
        const { hot } = this.table;
        this.exported.push({ packets: hot[w + 10]! + hot[w + 11]!, reason });
      },
    );
    const frame = v6 ? V6 : V4;
    this.#size = frame.length;
    this.#at = at ?? (v6 ? SOURCE.v6 : SOURCE.v4);
    this.#hash = hash;
    this.#v6 = v6;
    this.#frames = batchOf(new Array(FRAMES_MAX).fill(frame), 101);
  }

  /** A packet of each flow from number `from` up to `to`, at one time. */
  packets(from: number, to: number, micros = 1e15): this {
    const frames = this.#frames;
    for (let flow = from; flow < to; flow += FRAMES_MAX) {
      frames.count = Math.min(FRAMES_MAX, to - flow);
      for (let i = 0; i < frames.count; i++) {
        frames.view.setUint32(i * this.#size + this.#at, flow + i);
        frames.time[i] = micros;
      }
      this.#decoder.decode(frames);
      if (this.#hash !== undefined)
        for (let i = 0; i < frames.count; i++) {
          this.#decoder.rows[i * ROW + WORD.hash] = this.#hash;
          if (this.#v6) this.#decoder.rows[i * ROW + WORD.low] = this.#hash;
        }
      this.table.update(this.#decoder, frames, 0, this.#decoder.count);
    }
    return this;
  }
}

const packetsOf = ({ exported }: Filled): number =>
  exported.reduce((sum, { packets }) => sum + packets, 0);

describe.each([
  ["IPv4", false],
  ["IPv6", true],
] as const)("FlowTable, %s:", (name, v6) => {
  test(`FlowTable finds each of many ${name} flows again while its index grows`, () => {
    const filled = new Filled(1 << 18, { v6 });
    const { table } = filled;
    // The index has 65,536 slots at first and doubles at half: three times here.
    filled.packets(0, 150_000).packets(0, 150_000).packets(100, 200);
    expect([table.live, table.peak, table.created]).toEqual([150_000, 150_000, 150_000]);
    table.flush();
    expect(filled.exported.length).toBe(150_000);
    expect(packetsOf(filled)).toBe(300_100);
    expect(filled.exported.filter(({ packets }) => packets === 3).length).toBe(100);
    expect(table.live).toBe(0);
  });

  test(`FlowTable with ${name} flows never holds more than its capacity, and loses no packet`, () => {
    const filled = new Filled(1000, { v6 });
    filled.packets(0, 50_000);
    const { table } = filled;
    expect([table.live, table.peak, table.evicted]).toEqual([1000, 1000, 49_000]);
    expect(filled.exported.every(({ reason }) => reason === 5)).toBe(true);
    table.flush();
    expect(packetsOf(filled)).toBe(50_000);
  });

  test(`FlowTable keeps busy ${name} flows when a flood of others fills it`, () => {
    const filled = new Filled(1000, { v6 });
    for (let turn = 0; turn < 4; turn++) filled.packets(0, 500);
    filled.packets(1000, 20_000);
    filled.table.flush();
    // A look at 16 records finds a victim of the flood: none of the busy ones left early.
    expect(filled.exported.filter(({ packets }) => packets === 4).length).toBe(500);
  });

  test(`FlowTable uses records of ${name} flows that left again`, () => {
    const filled = new Filled(5000, { v6 });
    const { table } = filled;
    const pool = (): number => table.pool.byteLength;
    filled.packets(0, 4000);
    const before = pool();
    for (let turn = 1; turn <= 20; turn++) {
      const now = 1e15 + turn * 40 * SECOND;
      table.sweep(now);
      expect(table.live).toBe(0);
      filled.packets(turn * 4000, turn * 4000 + 4000, now);
    }
    expect([table.live, table.peak, table.evicted]).toEqual([4000, 4000, 0]);
    // 4,096 pairs of addresses: the pool's first size.
    expect([before, pool()]).toEqual([4096 * 32, 4096 * 32]);
    table.flush();
    expect(packetsOf(filled)).toBe(84_000);
  });
});

describe("FlowTable, equal hashes:", () => {
  test.each<[string, Flows]>([
    ["source address", {}],
    ["IPv6 source address", { v6: true }],
    ["ports", { at: SOURCE.ports }],
    ["ports of IPv6", { v6: true, at: SOURCE.portsV6 }],
  ])("FlowTable keeps flows of one hash apart by their %s", (_, flows) => {
    // The last slot of the index, so that the flows go round its end.
    const filled = new Filled(1000, { ...flows, hash: 0xffff });
    const { table } = filled;
    filled.packets(0, 600).packets(300, 600, 1e15 + 20 * SECOND);
    expect(table.live).toBe(600);
    table.sweep(1e15 + 30 * SECOND);
    expect(table.live).toBe(300);
    filled.packets(300, 600, 1e15 + 31 * SECOND);
    expect(table.created).toBe(600);
    table.flush();
    expect(filled.exported.map(({ packets }) => packets).sort()).toEqual([
      ...new Array(300).fill(1),
      ...new Array(300).fill(3),
    ]);
  });
});

describe("FlowTable, sweep:", () => {
  test("FlowTable sweeps what is due and leaves the rest, in the order of records", () => {
    const filled = new Filled(1000);
    filled.packets(0, 100, 1e15).packets(100, 200, 1e15 + 10 * SECOND);
    filled.packets(50, 60, 1e15 + 20 * SECOND);
    const { table } = filled;
    table.sweep(1e15 + 30 * SECOND - 1);
    expect(table.live).toBe(200);
    table.sweep(1e15 + 30 * SECOND);
    expect(table.live).toBe(110);
    table.sweep(1e15 + 40 * SECOND);
    expect(table.live).toBe(10);
    table.sweep(1e15 + 50 * SECOND);
    expect(table.live).toBe(0);
    expect(packetsOf(filled)).toBe(210);
    expect(filled.exported.every(({ reason }) => reason === 1)).toBe(true);
  });

  test("FlowTable keeps finding flows after others beside them in the index have left", () => {
    const filled = new Filled(40_000);
    const { table } = filled;
    filled.packets(0, 30_000, 1e15);
    for (let flow = 0; flow < 30_000; flow += 3) filled.packets(flow, flow + 1, 1e15 + 20 * SECOND);
    table.sweep(1e15 + 35 * SECOND);
    expect(table.live).toBe(10_000);
    for (let flow = 0; flow < 30_000; flow += 3) filled.packets(flow, flow + 1, 1e15 + 36 * SECOND);
    expect(table.created).toBe(30_000);
    table.flush();
    expect(packetsOf(filled)).toBe(50_000);
  });
});
