// SPDX-License-Identifier: BSD-3-Clause
// Vectors computed by hand from the formulas.
import { describe, expect, test } from "bun:test";
import {
  deviation,
  durationScore,
  histogramScore,
  intervalsOf,
  meanScore,
  median,
  sizeScore,
  threatOf,
  timestampScore,
} from "./score.ts";

/** Times whose intervals are these. */
function timesOf(...intervals: number[]): number[] {
  let time = 1000;
  return [time, ...intervals.map((interval) => (time += interval))];
}
const repeat = (count: number, ...values: number[]): number[] =>
  Array.from({ length: count }, () => values).flat();

describe("beacon's score", () => {
  test("beacon scores even intervals with 1, whatever they are", () => {
    expect(timestampScore(timesOf(60, 60, 60))).toBe(1);
    expect(timestampScore(timesOf(3600, 3600, 3600, 3600))).toBe(1);
  });

  test("beacon scores timing by the mean of skewness and dispersion", () => {
    // Sorted 30 40 60 100 120: Q1 = (30 + 40) / 2 = 35, Q2 = 60, Q3 = (100 + 120) / 2 = 110.
    // Skewness (35 + 110 - 120) / 75 = 0.3333, so 0.6667; deviations 0 20 30 40 60, MAD 30, so 1 - 30 / 60 = 0.5.
    expect(timestampScore(timesOf(100, 30, 60, 120, 40))).toBe(0.583);
    // Sorted 10 20 40 60: Q1 = 15, Q2 = 30, Q3 = 50; (15 + 50 - 60) / 35 = 0.1429, so 0.8571.
    // Deviations 10 10 20 30: MAD 15, so 0.5. Mean 0.6786.
    expect(timestampScore(timesOf(40, 10, 60, 20))).toBe(0.679);
  });

  test("beacon takes no lean of quartiles that are near, or of which one is the middle", () => {
    // Sorted 58 59 61 64 66: Q3 - Q1 = 65 - 58.5 = 6.5 < 10. Deviations 0 2 3 3 5: MAD 3, 1 - 3 / 61 = 0.9508.
    expect(timestampScore(timesOf(61, 58, 66, 59, 64))).toBe(0.975);
    // Sorted 60 60 60 60 90 90: Q1 = Q2 = 60, Q3 = 90; MAD 0.
    expect(timestampScore(timesOf(60, 90, 60, 60, 90, 60))).toBe(1);
  });

  test("beacon leaves out intervals of 0, and does not score fewer than three others", () => {
    expect(timestampScore(timesOf(60, 0, 60, 0, 60))).toBe(1);
    expect(timestampScore(timesOf(60, 0, 60))).toBeUndefined();
    expect(timestampScore([])).toBeUndefined();
    expect([...intervalsOf(timesOf(5, 0, 3))]).toEqual([3, 5]);
  });

  test("beacon scores sizes as intervals, but 0 for the dispersion of sizes of 0", () => {
    expect(sizeScore([1577, 1577, 1577])).toBe(1);
    // Sorted 100 200 400 700: Q1 = 150, Q2 = 300, Q3 = 550; (150 + 550 - 600) / 400 = 0.25, so 0.75.
    // Deviations 100 100 200 400: MAD 150, 1 - 150 / 300 = 0.5. Mean 0.625.
    expect(sizeScore([700, 100, 400, 200])).toBe(0.625);
    // No skewness: 1; median 0: 0.
    expect(sizeScore([0, 0, 0])).toBe(0.5);
    expect(sizeScore([1, 2])).toBeUndefined();
  });

  test("beacon scores a histogram by its coefficient of variation", () => {
    expect(histogramScore(repeat(24, 5))).toBe(1);
    // Mean 2, standard deviation 1: 1 - 0.5. Four bars are too few for heights.
    expect(histogramScore([1, 3, 1, 3])).toBe(0.5);
    // Mean 1, standard deviation sqrt(3) > 1.
    expect(histogramScore([4, 0, 0, 0])).toBe(0);
    expect(histogramScore([0, 0])).toBe(0);
  });

  test("beacon scores a histogram of two heights, but for one bar, from 11 bars on", () => {
    // 12 bars: ten of 100, one of 20 and one of 1. Heights by 5: 10 + 1 of 11.
    expect(histogramScore([...repeat(10, 100), 20, 1, ...repeat(12, 0)])).toBe(1);
    // 14 bars of four heights by 5: 4, 4, 3 and 3; (4 + 4) / 13.
    const heights = [...repeat(4, 100), ...repeat(4, 50), ...repeat(3, 25), ...repeat(3, 10)];
    expect(histogramScore([...heights, ...repeat(10, 0)])).toBe(0.615);
    // 10 bars only: mean 100 * 10 / 24 = 41.67, deviation 49.3, above the mean.
    expect(histogramScore([...repeat(10, 100), ...repeat(14, 0)])).toBe(0);
  });

  test("beacon scores duration by coverage or by bars in a row, from six bars on", () => {
    expect(durationScore(0.5, [...repeat(5, 1), ...repeat(19, 0)])).toBe(0);
    // Six in a row of 12.
    expect(durationScore(0.25, [...repeat(6, 1), ...repeat(18, 0)])).toBe(0.5);
    expect(durationScore(0.75, [...repeat(6, 1), ...repeat(18, 0)])).toBe(0.75);
    // Seven in a row over the end of the day; scores of duration are rounded up.
    expect(durationScore(0, [1, 1, 1, ...repeat(17, 0), ...repeat(4, 1)])).toBe(0.584);
    expect(durationScore(1.2, repeat(24, 1))).toBe(1);
    expect(durationScore(0.1, repeat(8, 1))).toBe(0.667);
  });

  test("beacon's score is the mean of those scores that there are", () => {
    expect(meanScore([1, 0.5, undefined, undefined])).toBe(0.75);
    expect(meanScore([1, 0.9, 0.5, 0.001])).toBe(0.6);
  });

  test("beacon's threat is linear between the scores 0.5, 0.7, 0.9 and 1", () => {
    for (const [score, threat] of [
      [0.49, 0],
      [0.5, 0.2],
      [0.6, 0.3],
      [0.7, 0.4],
      [0.9, 0.6],
      [0.95, 0.7],
      [1, 0.8],
    ] as const)
      expect(threatOf(score)).toBeCloseTo(threat, 10);
  });

  test("beacon's medians are of the middle, or of the two in it", () => {
    expect(median(Float64Array.of(1, 2, 9))).toBe(2);
    expect(median(Float64Array.of(1, 2, 4, 9))).toBe(3);
    expect(deviation(Float64Array.of(1, 2, 4, 9))).toBe(1.5);
  });
});
