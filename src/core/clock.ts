// SPDX-License-Identifier: BSD-3-Clause

/** Where wall-clock time comes from, in microseconds since 1970. Tests and replays bring their own. */
export interface Clock {
  now(): number;
}

/** The machine's clock. */
export const wallClock: Clock = { now: () => Date.now() * 1000 };

/** A clock that starts with the machine's and goes `rate` times as fast: what waits for hours is tested in seconds. */
export function fastClock(rate: number): Clock {
  const start = Date.now();
  const began = performance.now();
  return { now: () => (start + (performance.now() - began) * rate) * 1000 };
}

/** A clock that stands until it is set. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  set(now: number): void {
    this.#now = now;
  }
}
