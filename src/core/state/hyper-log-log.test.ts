// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { HyperLogLog, hashWord } from "./hyper-log-log.ts";
import { StateStore } from "./state-store.ts";

const sketch = (rows: number, bits: number): HyperLogLog =>
  new HyperLogLog("seen", rows, bits, new StateStore(() => {}));

test.each([6, 8, 10, 12])("HyperLogLog estimates within its error at 2^%i registers", (bits) => {
  const error = 1.04 / Math.sqrt(2 ** bits);
  for (const count of [1, 10, 100, 1000, 20_000, 300_000]) {
    const seen = sketch(1, bits);
    for (let i = 0; i < count; i++) seen.add(0, hashWord(7, i));
    expect(Math.abs(seen.estimate(0) / count - 1)).toBeLessThan(4 * error);
  }
});

test("HyperLogLog counts a thing once, and says whether anything changed", () => {
  const seen = sketch(1, 8);
  expect(seen.estimate(0)).toBe(0);
  expect(seen.add(0, hashWord(0, 1))).toBe(true);
  expect(seen.add(0, hashWord(0, 1))).toBe(false);
  expect(seen.estimate(0)).toBe(1);
});

test("HyperLogLog keeps rows apart and clears one", () => {
  const seen = sketch(3, 6);
  for (let i = 0; i < 50; i++) seen.add(1, hashWord(0, i));
  expect([0, 1, 2].map((row) => seen.estimate(row) > 0)).toEqual([false, true, false]);
  seen.clear(1);
  expect(seen.estimate(1)).toBe(0);
});

test("HyperLogLog takes a hash of all zeros and one of all ones", () => {
  for (const bits of [6, 12]) {
    const seen = sketch(1, bits);
    seen.add(0, 0);
    seen.add(0, -1);
    expect(seen.estimate(0)).toBe(2);
  }
});
