// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { snapshotOf } from "../src/control/api/testing/fixtures.ts";
import type { Stats } from "./api.ts";
import { RateHistory, ratesBetween, type Totals, totalsOf } from "./rates.ts";

const totals = (at: number, packets = 0): Totals => ({
  at,
  packets,
  bytes: packets * 100,
  flows: packets / 10,
  dropped: 0,
  seen: packets,
});

test("totalsOf sums all sources of an answer", () => {
  const stats = { ...snapshotOf(), at: "1970-01-01T00:00:10Z" } as unknown as Stats;
  expect(totalsOf(stats)).toEqual({
    at: 10,
    packets: 300,
    bytes: 19_200,
    flows: 30,
    dropped: 6,
    seen: 318,
  });
});

test("ratesBetween divides by the pipeline's time, bytes as bits", () => {
  expect(ratesBetween(totals(10, 100), totals(12, 300))).toEqual({
    packets: 100,
    bits: 80_000,
    flows: 10,
  });
});

test("ratesBetween tells nothing of a counter that began anew, or of no time", () => {
  expect(ratesBetween(totals(10, 100), totals(12, 0))).toBeUndefined();
  expect(ratesBetween(totals(10, 100), totals(10, 100))).toBeUndefined();
});

test("RateHistory waits for the pipeline's next word, and goes to 0 when the source has ended", () => {
  const history = new RateHistory();
  history.add(totals(10), 1);
  expect(history.latest).toBeUndefined();
  history.add(totals(11, 50), 3);
  history.add(totals(11, 50), 5);
  expect(history.columns[0]).toEqual([3]);
  expect(history.latest?.packets).toBe(50);
  history.add(totals(11, 50), 7, true);
  expect(history.columns[0]).toEqual([3, 7]);
  expect(history.latest?.packets).toBe(0);
});

test("RateHistory keeps the last five minutes", () => {
  const history = new RateHistory();
  for (let i = 0; i < 200; i++) history.add(totals(i, i), i * 2);
  expect(history.columns.map(({ length }) => length)).toEqual([150, 150, 150, 150]);
  expect(history.columns[0].at(-1)).toBe(398);
});
