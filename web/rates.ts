// SPDX-License-Identifier: BSD-3-Clause
import type { Stats } from "./api.ts";

/** Totals of all sources at a time of the pipeline's clock (seconds since 1970). */
export interface Totals {
  readonly at: number;
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  /** Frames the kernel had to drop, and all that it saw. */
  readonly dropped: number;
  readonly seen: number;
}

export interface Rates {
  readonly packets: number;
  readonly bits: number;
  readonly flows: number;
}

/** Sum up all sources. */
export function totalsOf({ at, sources }: Stats): Totals {
  const sum = (pick: (source: Stats["sources"][number]) => number): number =>
    sources.reduce((total, source) => total + pick(source), 0);
  const dropped = sum(({ capture }) => capture?.dropped ?? 0);
  return {
    at: Date.parse(at) / 1000,
    packets: sum(({ meter }) => meter.packets),
    bytes: sum(({ meter }) => meter.bytes),
    flows: sum(({ meter }) => meter.flows),
    dropped,
    seen: dropped + sum(({ capture }) => capture?.received ?? 0),
  };
}

/** Rates between two looks; undefined when the pipeline said nothing new, or began anew and counts from 0. */
export function ratesBetween(before: Totals, after: Totals): Rates | undefined {
  const seconds = after.at - before.at;
  const rate = (field: "packets" | "bytes" | "flows"): number =>
    (after[field] - before[field]) / seconds;
  const [packets, bits, flows] = [rate("packets"), rate("bytes") * 8, rate("flows")];
  const usable = seconds > 0 && packets >= 0 && bits >= 0 && flows >= 0;
  return usable ? { packets, bits, flows } : undefined;
}

/** Points that the charts show: five minutes at one point each two seconds. */
const POINTS_MAX = 150;

/** Times and the three rates, as columns. */
export type Columns = readonly [
  times: number[],
  packets: number[],
  bits: number[],
  flows: number[],
];

/** The latest rates, oldest first. */
export class RateHistory {
  #columns: Columns = [[], [], [], []];
  #last: Totals | undefined;

  /** Take a look at the totals, made at a time of the browser's clock (seconds). */
  add(totals: Totals, now: number, finished = false): void {
    const before = this.#last;
    if (before && totals.at <= before.at && !finished) return;
    this.#last = totals;
    const silent = finished && before !== undefined && totals.at <= before.at;
    const rates = silent
      ? { packets: 0, bits: 0, flows: 0 }
      : before && ratesBetween(before, totals);
    if (!rates) return;
    const point = [now, rates.packets, rates.bits, rates.flows];
    this.#columns = this.#columns.map((column, i) =>
      [...column, point[i]!].slice(-POINTS_MAX),
    ) as unknown as Columns;
  }

  get columns(): Columns {
    return this.#columns;
  }

  get latest(): Rates | undefined {
    const [times, packets, bits, flows] = this.#columns;
    const last = times.length - 1;
    if (last < 0) return undefined;
    return { packets: packets[last]!, bits: bits[last]!, flows: flows[last]! };
  }
}
