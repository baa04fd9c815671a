// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Histograms } from "./histograms.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600 * SECOND;

function histograms(): Histograms {
  const made = new Histograms(2, new StateStore(() => {}));
  made.begin(START);
  made.clear(1, START);
  return made;
}

/** Width of a bar when so much has passed: 225 s, doubled until 24 are enough, an hour at most. */
function widthAt(passed: number): number {
  let width = 225 * SECOND;
  while (width < HOUR && passed >= width * 24) width *= 2;
  return width;
}

test("beacon's histogram has bars of 225 s, which double until they are hours", () => {
  const one = histograms();
  for (const [hours, bars] of [
    [1, 16],
    [1.6, 12],
    [2.9, 23],
    [13, 13],
    [24, 24],
    [100, 24],
  ] as const)
    expect(one.bars(1, START + hours * HOUR)).toHaveLength(bars);
});

test("beacon's histogram counts as one of all connections would", () => {
  const gaps = fc.array(fc.nat(4 * 3600), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(gaps, (seconds) => {
      const one = histograms();
      const times: number[] = [];
      let now = START;
      for (const gap of seconds) {
        now += gap * SECOND;
        times.push(now);
        one.add(1, now, now);
      }
      const width = widthAt(now - START);
      const newest = Math.floor((now - START) / width);
      const expected: number[] = [];
      for (let bar = Math.max(0, newest - 24); bar < newest; bar++)
        expected.push(times.filter((time) => Math.floor((time - START) / width) === bar).length);
      expect(one.bars(1, now)).toEqual(expected);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("beacon's histogram takes connections that are late, and leaves those too old", () => {
  const one = histograms();
  const now = START + 100 * HOUR + SECOND;
  one.add(1, now, now);
  one.add(1, now - 3 * HOUR, now);
  one.add(1, now - 60 * HOUR, now);
  one.add(1, START - HOUR, now);
  expect(one.bars(1, now)).toEqual([...new Array<number>(21).fill(0), 1, 0, 0]);
});

test("beacon's histogram of a row is empty after it was cleared", () => {
  const one = histograms();
  one.add(1, START + SECOND, START + SECOND);
  one.clear(1, START + 2 * HOUR);
  expect(one.bars(1, START + 2 * HOUR).every((bar) => bar === 0)).toBe(true);
});
