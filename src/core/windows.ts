// SPDX-License-Identifier: BSD-3-Clause

/** Windows of time, for what gathers records: its handlers call these. */
export interface Windows {
  /** A record has come. */
  hear(): void;
  everySecond(now: number): void;
  tick(now: number): void;
}

/**
 * Calls `flush` at the end of each window of `span` microseconds: when event time passes a multiple of it, and when nothing has come for so long
 * by the wall clock, since TRAP carries no event time.
 */
export function windows(span: number, flush: () => void): Windows {
  let window: number | undefined;
  let heard = false;
  /** Wall time since which nothing has come. */
  let silent = 0;
  return {
    hear(): void {
      heard = true;
    },
    everySecond(now: number): void {
      const next = Math.floor(now / span);
      if (window !== undefined && next !== window) flush();
      window = next;
    },
    tick(now: number): void {
      // A clock that was set is silence as well: nothing is held longer than it should be.
      if (!heard && Math.abs(now - silent) < span) return;
      if (!heard) flush();
      silent = now;
      heard = false;
    },
  };
}
