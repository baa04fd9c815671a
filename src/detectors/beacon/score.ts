// SPDX-License-Identifier: BSD-3-Clause
/**
 * The beacon score of RITA 5, as its source and its documentation give it: https://github.com/activecm/rita, `analysis/beacons.go`
 * (sub-scores), `analysis/analysis.go` (from score to threat) and `default_config.hjson` (the figures below). Each score is from 0 to 1.
 * @module
 */

/** Bars of the histogram below which there is no score of the duration; consecutive ones that are ideal. */
const DURATION_BARS = 6;
const IDEAL_RUN = 12;
/** Bars below which heights are not compared; how near two are alike, as a share of the highest; bars that may differ. */
const HEIGHTS_BARS = 11;
const HEIGHTS_ALIKE = 0.05;
const HEIGHTS_ODD = 1;
/** Least distance of the outer quartiles whose middle is asked for: of less, any lean is chance. */
const QUARTILES_APART = 10;
/** Scores, and the threats that they are: in between it is linear. */
const SCORES = [0.5, 0.7, 0.9, 1] as const;
const THREATS = [0.2, 0.4, 0.6, 0.8] as const;

const rounded = (score: number): number => Math.round(score * 1000) / 1000;
const roundedUp = (score: number): number => Math.min(1, Math.ceil(score * 1000) / 1000);

/** How even intervals are: needs times in ascending seconds. Undefined of fewer than three intervals that are not 0. */
export function timestampScore(times: ArrayLike<number>): number | undefined {
  const intervals = intervalsOf(times);
  return intervals.length < 3 ? undefined : evenness(intervals, 1);
}

/** How alike the sizes are; undefined of fewer than three. */
export function sizeScore(sizes: ArrayLike<number>): number | undefined {
  return sizes.length < 3 ? undefined : evenness(Float64Array.from(sizes).sort(), 0);
}

/** Intervals that are not 0, in ascending order. */
export function intervalsOf(times: ArrayLike<number>): Float64Array {
  const intervals: number[] = [];
  for (let i = 1; i < times.length; i++)
    if (times[i] !== times[i - 1]) intervals.push(times[i]! - times[i - 1]!);
  return Float64Array.from(intervals).sort();
}

/** Mean of the scores of skewness and dispersion; `small` is that of dispersion where the median is below 1. */
function evenness(sorted: Float64Array, small: number): number {
  return rounded((skewScore(sorted) + dispersionScore(sorted, small)) / 2);
}

/** 1 - |Bowley's skewness| = 1 - |Q1 + Q3 - 2 Q2| / (Q3 - Q1), over halves without the middle one of an odd number. */
function skewScore(sorted: Float64Array): number {
  const half = sorted.length >>> 1;
  const q1 = median(sorted.subarray(0, half));
  const q2 = median(sorted);
  const q3 = median(sorted.subarray(sorted.length - half));
  if (q3 - q1 < QUARTILES_APART || q2 === q1 || q2 === q3) return 1;
  return 1 - Math.abs((q1 + q3 - 2 * q2) / (q3 - q1));
}

/** 1 less the median absolute deviation as a share of the median. */
function dispersionScore(sorted: Float64Array, small: number): number {
  const middle = median(sorted);
  return middle < 1 ? small : Math.max(0, (middle - deviation(sorted)) / middle);
}

/** The median absolute deviation from the median. */
export function deviation(sorted: Float64Array): number {
  const middle = median(sorted);
  return median(sorted.map((value) => Math.abs(value - middle)).sort());
}

export function median(sorted: Float64Array): number {
  const half = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** How flat the connections lie over the time, or how many bars have one of two heights: the better of both. */
export const histogramScore = (bars: ArrayLike<number>): number =>
  Math.max(flatness(bars), twoHeights(bars));

/** 1 less the coefficient of variation. */
function flatness(bars: ArrayLike<number>): number {
  const heights = Array.from(bars);
  const mean = heights.reduce((sum, height) => sum + height, 0) / heights.length;
  if (!(mean > 0)) return 0;
  const variance = heights.reduce((sum, height) => sum + (height - mean) ** 2, 0) / heights.length;
  return rounded(Math.max(0, 1 - Math.sqrt(variance) / mean));
}

function twoHeights(bars: ArrayLike<number>): number {
  const heights = Array.from(bars).filter((height) => height > 0);
  if (heights.length < HEIGHTS_BARS) return 0;
  const step = Math.ceil(Math.max(...heights) * HEIGHTS_ALIKE);
  const counts = new Map<number, number>();
  for (const height of heights) {
    const group = Math.floor(height / step);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const [first = 0, second = 0] = [...counts.values()].sort((a, b) => b - a);
  return Math.min(1, rounded((first + second) / (heights.length - HEIGHTS_ODD)));
}

/** How much of the time it went on (`coverage`, a share), or how many bars in a row: the better of both. */
export function durationScore(coverage: number, bars: ArrayLike<number>): number {
  if (Array.from(bars).filter((height) => height > 0).length < DURATION_BARS) return 0;
  return Math.max(roundedUp(coverage), roundedUp(longestRun(bars) / IDEAL_RUN));
}

/** Consecutive bars that are not 0; the first follows on the last. */
function longestRun(bars: ArrayLike<number>): number {
  let longest = 0;
  for (let i = 0, run = 0; i < bars.length * 2; i++) {
    run = bars[i % bars.length]! > 0 ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return Math.min(longest, bars.length);
}

/** The mean of those sub-scores that there are. */
export function meanScore(scores: readonly (number | undefined)[]): number {
  const known = scores.filter((score) => score !== undefined);
  return rounded(known.reduce((sum, score) => sum + score, 0) / known.length);
}

/** What a score is as a threat, before anything modifies it. */
export function threatOf(score: number): number {
  if (score < SCORES[0]) return 0;
  let i = 0;
  while (i < 2 && score >= SCORES[i + 1]!) i++;
  const share = (Math.min(score, 1) - SCORES[i]!) / (SCORES[i + 1]! - SCORES[i]!);
  return THREATS[i]! + share * (THREATS[i + 1]! - THREATS[i]!);
}
