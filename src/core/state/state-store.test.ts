// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, integer, property } from "fast-check";
import { StateStore } from "./state-store.ts";

/** A store with some columns, the larger ones of reserved memory. */
function storeOf(length = 1000) {
  const store = new StateStore(() => {});
  const counts = store.column("counts", "uint32", length);
  const times = store.column("times", "float64", 200_000);
  const flags = store.column("flags", "uint8", 3);
  return { store, counts, times, flags };
}

test("StateStore gives zeroed columns of the kind and length asked for", () => {
  const { store, counts, times, flags } = storeOf();
  expect(counts).toBeInstanceOf(Uint32Array);
  expect([counts.length, times.length, flags.length]).toEqual([1000, 200_000, 3]);
  expect(times.every((time) => time === 0)).toBe(true);
  expect(store.byteLength).toBe(4000 + 1_600_000 + 3);
  for (const kind of ["uint8", "uint16", "uint32", "int32", "float32", "float64"] as const)
    expect(store.column(kind, kind, 2)).toHaveLength(2);
});

test("StateStore refuses a name that is taken", () => {
  const { store } = storeOf();
  expect(() => store.column("counts", "uint8", 1)).toThrow("counts is declared twice");
});

test("StateStore restores what it saved", () => {
  const before = storeOf();
  before.counts[999] = 4_000_000_000;
  before.times[199_999] = Math.PI;
  before.flags.set([1, 2, 3]);
  const after = storeOf();
  expect(after.store.restore(before.store.save())).toBe(true);
  expect(after.counts[999]).toBe(4_000_000_000);
  expect(after.times[199_999]).toBe(Math.PI);
  expect([...after.flags]).toEqual([1, 2, 3]);
});

test("StateStore reads no state of another schema, and stays as it is", () => {
  const saved = storeOf(1001).store.save();
  const { store, counts } = storeOf();
  counts[0] = 7;
  expect(store.restore(saved)).toBe(false);
  const renamed = new StateStore(() => {});
  renamed.column("other", "uint8", 1);
  expect(store.restore(renamed.save())).toBe(false);
  expect(renamed.restore(store.save())).toBe(false);
  expect(counts[0]).toBe(7);
});

test("StateStore reads no state that is damaged or cut off, and stays as it is", () => {
  const before = storeOf();
  for (let i = 0; i < 1000; i++) before.counts[i] = (i * 7919) % 10_007;
  const saved = before.store.save();
  const { store, counts } = storeOf();
  counts[0] = 7;
  expect(store.restore(new Uint8Array(0))).toBe(false);
  assert(
    property(integer({ min: 0, max: saved.length - 1 }), integer({ min: 0, max: 7 }), (at, bit) => {
      expect(store.restore(saved.subarray(0, at))).toBe(false);
      const damaged = new Uint8Array(saved);
      damaged[at]! ^= 1 << bit;
      expect(store.restore(damaged)).toBe(false);
    }),
    { seed: 1, numRuns: 300 },
  );
  expect(counts[0]).toBe(7);
  expect(counts[1]).toBe(0);
});
