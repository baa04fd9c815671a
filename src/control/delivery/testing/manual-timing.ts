// SPDX-License-Identifier: BSD-3-Clause
import type { Timing } from "../timing.ts";

/** Time that stands until a test moves it, and chance that is chosen. */
export class ManualTiming implements Timing {
  readonly #start: number;
  #now: number;
  /** Milliseconds by which somebody has set the clock. */
  #shift = 0;
  #waiting: { at: number; run: () => void }[] = [];
  chance = 0;

  constructor(now = 1_767_603_600_000) {
    this.#start = now;
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#shift;
  }

  elapsed(): number {
    return this.#now - this.#start;
  }

  /** Somebody sets the clock. */
  set(now: number): void {
    this.#shift = now - this.#now;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#waiting.push(timer);
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== timer);
    };
  }

  /** Milliseconds until the next timer runs; undefined when there is none. */
  get next(): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return Math.min(...this.#waiting.map(({ at }) => at)) - this.#now;
  }

  /** Let time pass, running what becomes due in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#waiting = this.#waiting.filter((each) => each !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = end;
  }
}
