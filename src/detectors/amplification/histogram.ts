// SPDX-License-Identifier: BSD-3-Clause
import type { Setup } from "./index.ts";

/** Values from here on are in no bin. */
const VALUE_END = 5000;
/** Share of all answers that those of the most frequent sizes have to exceed: a constant there. */
const SHARE_MIN = 0.9;
/** From so many packets of queries on, and so many of answers for each, only a big attack is looked for. */
const BIG_QUERIES = 30;
const BIG_RATIO = 5;
const BIG_PACKETS = 1000;
const BIG_BYTES = 100_000;

/** Flows of one direction. */
interface Flows {
  readonly bytes: readonly number[];
  readonly packets: readonly number[];
  readonly packetsSum: number;
}

/** A label and how many values have it. */
type Bin = readonly [label: number, count: number];

/** Verdict of amplification_detection on the queries and answers of a pair. */
export function verdict(
  queries: Flows,
  answers: Flows,
  params: Setup["params"],
): "no" | "big" | "attack" {
  const ratio = Math.floor(answers.packetsSum / queries.packetsSum);
  if (queries.packetsSum >= BIG_QUERIES && ratio >= BIG_RATIO)
    return isBig(queries, answers, params) ? "big" : "no";
  return isComplex(queries, answers, params) ? "attack" : "no";
}

function isBig(queries: Flows, answers: Flows, { ratioMin }: Setup["params"]): boolean {
  if (queries.bytes.length === 0 || answers.bytes.length === 0) return false;
  const most = largest(answers.bytes);
  if (largest(queries.packets) <= BIG_PACKETS && most <= BIG_BYTES) return false;
  return Math.floor(most / largest(queries.bytes)) > ratioMin;
}

function isComplex(queries: Flows, answers: Flows, params: Setup["params"]): boolean {
  const { top, binWidth, ratioMin, answersMin, answerBytes, answerPackets, queryBytes } = params;
  const bins = (values: readonly number[]): Bin[] => histogram(values, binWidth);
  const all = bins(answers.bytes);
  const bytes = mostFrequent(all, top);
  const asked = mostFrequent(bins(queries.bytes), top);
  return (
    share(bytes, all) > SHARE_MIN &&
    countOf(bytes) > answersMin &&
    weighedMean(mostFrequent(bins(answers.packets), top)) > answerPackets &&
    weighedMean(bytes) > answerBytes &&
    weighedMean(asked) < queryBytes &&
    countOf(asked) > 0 &&
    Math.floor(meanLabel(bytes) / meanLabel(asked)) > ratioMin
  );
}

/** Values in bins by the label of their upper end; a bin has the count of its largest value only. */
function histogram(values: readonly number[], width: number): Bin[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const bins = new Map<number, number>();
  for (const [value, count] of [...counts].sort(([a], [b]) => a - b))
    if (value < VALUE_END) bins.set((Math.floor(value / width) + 1) * width, count);
  return [...bins];
}

/** The bins with the most values, of equal ones those with the higher label, in the order of their labels. */
const mostFrequent = (bins: readonly Bin[], top: number): Bin[] =>
  bins
    .toSorted(([a, m], [b, n]) => n - m || b - a)
    .slice(0, top)
    .sort(([a], [b]) => a - b);

const countOf = (bins: readonly Bin[]): number => bins.reduce((sum, [, count]) => sum + count, 0);

/** Share of some bins in all, summed up in single precision as there. */
function share(some: readonly Bin[], all: readonly Bin[]): number {
  const total = Math.fround(countOf(all));
  return some.reduce((sum, [, count]) => Math.fround(sum + Math.fround(count / total)), 0);
}

/** Mean of the labels by their counts, rounded down. */
function weighedMean(bins: readonly Bin[]): number {
  const total = countOf(bins);
  if (total === 0) return 0;
  return Math.floor(bins.reduce((sum, [label, count]) => sum + label * count, 0) / total);
}

/** Mean of the labels, whatever their counts, rounded down. */
const meanLabel = (bins: readonly Bin[]): number =>
  Math.floor(bins.reduce((sum, [label]) => sum + label, 0) / bins.length);

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), 0);
