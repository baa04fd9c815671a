// SPDX-License-Identifier: BSD-3-Clause
/** What became of alerts at a sink. @module */

/** `filtered`: passed by, since the sink's route does not want it, or since it is older than the sink. */
export const FATES = ["delivered", "filtered", "dropped", "dead"] as const;
export type Fate = (typeof FATES)[number];

/** Alerts with numbers in a row, and what became of all of them. */
export interface Run {
  readonly first: number;
  readonly count: number;
  readonly fate: Fate;
}

/** Alerts of the latest numbers whose fate is kept, at the least. */
export const FATES_KEPT = 100_000;
/** Alerts of one run: the oldest runs leave whole. */
export const RUN_MAX = 10_000;
/** Runs that wait for their commit; past it the oldest are lost, and nobody knows any more. */
const UNSAVED_MAX = 10_000;

/** The fates of a sink's alerts that the file does not have yet, and the latest run, which grows. */
export class Fates {
  #unsaved: Run[] = [];
  #latest: Run | undefined;

  add(first: number, count: number, fate: Fate): void {
    let seq = first;
    for (let left = count; left > 0; ) {
      const run = this.#growing(seq, fate) ?? { first: seq, count: 0, fate };
      const more = Math.min(left, RUN_MAX - run.count);
      if (this.#unsaved.at(-1)?.first === run.first) this.#unsaved.pop();
      this.#latest = { ...run, count: run.count + more };
      this.#unsaved.push(this.#latest);
      seq += more;
      left -= more;
    }
    if (this.#unsaved.length > UNSAVED_MAX)
      this.#unsaved.splice(0, this.#unsaved.length - UNSAVED_MAX);
  }

  /** The latest run, where it can take an alert of this number and fate. */
  #growing(seq: number, fate: Fate): Run | undefined {
    const run = this.#latest;
    const takes = run?.fate === fate && run.first + run.count === seq && run.count < RUN_MAX;
    return takes ? run : undefined;
  }

  of(seq: number): Fate | undefined {
    return this.#unsaved.findLast(({ first, count }) => first <= seq && seq < first + count)?.fate;
  }

  get unsaved(): readonly Run[] {
    return this.#unsaved;
  }

  /** The file has all of them. */
  saved(): void {
    this.#unsaved = [];
  }
}
