// SPDX-License-Identifier: BSD-3-Clause

/** Time and chance as delivery sees them; tests bring their own. */
export interface Timing {
  /** Milliseconds since 1970, for people to read: it jumps whenever somebody sets the clock. */
  now(): number;
  /** Milliseconds since any moment, by a clock that goes on evenly. */
  elapsed(): number;
  /** Run once, later; returns what calls it off. */
  after(ms: number, run: () => void): () => void;
  /** 0 to below 1. */
  random(): number;
}

/** The machine's. What waits never keeps a process that is done: the queue remembers. */
export const machineTiming: Timing = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
