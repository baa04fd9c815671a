// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, integer, property, tuple } from "fast-check";
import { Address } from "../unirec/ip.ts";
import { HeavyHitters, heaviest } from "./heavy-hitters.ts";

/** A key of which each word differs from another number's. */
function keyOf(number: number): Address {
  const key = new Address();
  key.w0 = number % 3;
  key.w1 = number % 5;
  key.w2 = number;
  key.w3 = -number;
  return key;
}

type Flow = readonly [number: number, bytes: number];

function fill(table: HeavyHitters, flows: readonly Flow[]): HeavyHitters {
  for (const [number, bytes] of flows) table.add(keyOf(number), bytes, 2);
  return table;
}

/** Bytes and flows of each key as they are. */
function truthOf(flows: readonly Flow[]): Map<number, { bytes: number; flows: number }> {
  const sums = new Map<number, { bytes: number; flows: number }>();
  for (const [number, bytes] of flows) {
    const sum = sums.get(number) ?? { bytes: 0, flows: 0 };
    sums.set(number, { bytes: sum.bytes + bytes, flows: sum.flows + 1 });
  }
  return sums;
}

const total = (flows: readonly Flow[]): number => flows.reduce((sum, [, bytes]) => sum + bytes, 0);

/** Many keys with few bytes and some with many, so that tables overflow again and again. */
const flowsOf = (maxLength: number) =>
  array(
    tuple(
      integer({ min: 1, max: 60 }).chain((group) => integer({ min: 0, max: group })),
      integer({ min: 0, max: 100 }).map((root) => root ** 2),
    ),
    { maxLength, size: "max" },
  );

test("HeavyHitters is exact while it is not full", () => {
  const table = fill(new HeavyHitters(8), [
    [1, 100],
    [2, 5],
    [1, 11],
  ]);
  const row = table.find(keyOf(1));
  expect([table.bytes(row), table.packets(row), table.flows(row)]).toEqual([111, 4, 2]);
  expect([table.size, table.floor, table.find(keyOf(3))]).toEqual([2, 0, -1]);
  expect(table.key(row, new Address())).toEqual(keyOf(1));
});

test("HeavyHitters never counts less than there was, nor more than its floor above", () => {
  assert(
    property(flowsOf(400), integer({ min: 2, max: 24 }), (flows, rows) => {
      const table = fill(new HeavyHitters(rows), flows);
      expect(table.size).toBeLessThanOrEqual(rows);
      expect(table.floor).toBeLessThanOrEqual(total(flows) / (rows >> 1));
      for (const [number, truth] of truthOf(flows)) {
        const row = table.find(keyOf(number));
        // Who is not in the table has at most the floor: whoever has more is in it.
        const bytes = row < 0 ? table.floor : table.bytes(row);
        expect(bytes).toBeGreaterThanOrEqual(truth.bytes);
        if (row < 0) continue;
        expect(bytes).toBeLessThanOrEqual(truth.bytes + table.floor);
        expect(table.flows(row)).toBeLessThanOrEqual(truth.flows);
        expect(table.packets(row)).toBe(2 * table.flows(row));
      }
    }),
  );
});

test("HeavyHitters keeps the heavy through a flood of keys that are seen once", () => {
  const table = new HeavyHitters(2048);
  const flows: Flow[] = [];
  for (let i = 0; i < 100_000; i++)
    flows.push([i + 10, 60], ...(i % 50 === 0 ? [[1, 500] as const] : []));
  fill(table, flows);
  expect(table.floor).toBeLessThanOrEqual(total(flows) / 1024);
  const [first] = heaviest([table], 1);
  expect(first!.key).toEqual(keyOf(1));
  expect(first!.bytes).toBeGreaterThanOrEqual(1_000_000);
  expect(first!.bytes).toBeLessThanOrEqual(1_000_000 + table.floor);
});

test("HeavyHitters begins anew when it is cleared", () => {
  const table = fill(new HeavyHitters(2), [
    [1, 9],
    [2, 9],
    [3, 9],
  ]);
  expect(table.floor).toBeGreaterThan(0);
  table.clear();
  expect([table.size, table.floor, table.find(keyOf(3))]).toEqual([0, 0, -1]);
  fill(table, [[3, 4]]);
  expect(table.bytes(table.find(keyOf(3)))).toBe(4);
});

test.each([1, 32_768, Number.NaN])("HeavyHitters refuses %p rows", (rows) => {
  expect(() => new HeavyHitters(rows)).toThrow(RangeError);
});

test("heaviest ranks the sums of several tables by their bytes", () => {
  const tables = [
    fill(new HeavyHitters(8), [
      [1, 10],
      [2, 30],
    ]),
    fill(new HeavyHitters(8), [
      [3, 35],
      [1, 40],
    ]),
  ];
  expect(heaviest(tables, 2)).toEqual([
    { key: keyOf(1), bytes: 50, packets: 4, flows: 2 },
    { key: keyOf(3), bytes: 35, packets: 2, flows: 1 },
  ]);
  expect(heaviest(tables, 10)).toHaveLength(3);
  expect(heaviest(tables, 0)).toEqual([]);
});

test("heaviest has any key with more bytes than the floors together, and never too few of them", () => {
  assert(
    property(flowsOf(150), flowsOf(150), integer({ min: 2, max: 24 }), (one, two, rows) => {
      const tables = [fill(new HeavyHitters(rows), one), fill(new HeavyHitters(rows), two)];
      const floors = tables[0]!.floor + tables[1]!.floor;
      const ranked = heaviest(tables, 1000);
      for (const [number, { bytes }] of truthOf([...one, ...two])) {
        const found = ranked.find(({ key }) => key.w2 === number);
        if (found === undefined) expect(bytes).toBeLessThanOrEqual(floors);
        else {
          expect(found.bytes).toBeGreaterThanOrEqual(bytes);
          expect(found.bytes).toBeLessThanOrEqual(bytes + floors);
        }
      }
    }),
  );
});
