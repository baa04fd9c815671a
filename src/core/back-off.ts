// SPDX-License-Identifier: BSD-3-Clause

/** Seconds to the first new start after a failure, and most of them. */
const FIRST = 1;
const LONGEST = 60;
/** Starts that fail in a row after which no other is tried: a minute apart at the end, some twenty minutes in all. */
const FAILURES_MAX = 25;
/** Seconds after which what runs is taken to be sound: the next failure is the first again. */
const SOUND = 60;

/** When what failed is tried again, a process or a module: after 1, 2, 4 … 60 s, and at last no more. */
export class BackOff {
  #failures = 0;
  #startedAt = Number.NEGATIVE_INFINITY;

  /** It was started at a time, seconds of any clock. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /** It failed: seconds to wait; undefined when it is not to be tried again. */
  failed(now: number): number | undefined {
    if (now - this.#startedAt >= SOUND) this.#failures = 0;
    this.#failures++;
    if (this.#failures > FAILURES_MAX) return undefined;
    return Math.min(LONGEST, FIRST * 2 ** (this.#failures - 1));
  }

  /** An operator starts it: what was is forgotten. */
  reset(): void {
    this.#failures = 0;
  }
}
