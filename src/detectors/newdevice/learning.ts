// SPDX-License-Identifier: BSD-3-Clause
import type { Setup } from "./fields.ts";

const HOUR = 3600;
/** What it keeps: seconds learned, the latest second; the hour that is counted, and what was said in it. */
const AT = { learned: 0, latest: 1, hour: 2, said: 3 } as const;

/**
 * How long the detector has seen traffic, and how much it may say in an hour. An hour without a flow is a sensor that
 * saw nothing, not a network in which nothing was.
 */
export class Learning {
  readonly #learnTime: number;
  readonly #newsMax: number;
  readonly #count: Setup["count"];
  readonly #times: Float64Array;

  constructor({ params, state, count }: Setup) {
    this.#learnTime = params.learnTime;
    this.#newsMax = params.newsMax;
    this.#count = count;
    this.#times = state.column("learning", "float64", 4);
  }

  /** A flow ended in this second of event time. */
  pass(second: number): void {
    const times = this.#times;
    const gap = second - times[AT.latest]!;
    if (gap <= 0) return;
    times[AT.latest] = second;
    if (gap < HOUR) times[AT.learned]! += gap;
  }

  /** Whether what comes is only learned. */
  get isOn(): boolean {
    return this.#times[AT.learned]! < this.#learnTime;
  }

  /** Whether a new thing may be told of: else it is counted. */
  mayTell(): boolean {
    const times = this.#times;
    const hour = Math.floor(times[AT.latest]! / HOUR);
    if (hour > times[AT.hour]!) {
      times[AT.hour] = hour;
      times[AT.said] = 0;
    }
    if (times[AT.said]! < this.#newsMax) {
      times[AT.said]!++;
      return true;
    }
    this.#count("news_held");
    return false;
  }
}
