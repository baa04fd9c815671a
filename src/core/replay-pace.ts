// SPDX-License-Identifier: BSD-3-Clause
import type { Clock } from "./clock.ts";
import { SECOND } from "./unirec/time.ts";

/** Microseconds by which a replay may be late and still catch up. */
const LATE_MAX = SECOND;
/** A longer gap between two records is not waited for: files of different days, or a router's wrong clock. */
const GAP_MAX = 3600 * SECOND;

export interface ReplayPaceOptions {
  /** Records are as far apart as they were. */
  readonly isRealTime?: boolean;
  /** Records in a second at most. */
  readonly rate?: number;
}

/** When records of a file may go, that are in order of their time, or nearly so. */
export class ReplayPace {
  readonly #clock: Clock;
  readonly #isRealTime: boolean;
  readonly #interval: number;
  /** Wall time less the records' time. */
  #offset = Number.NaN;
  /** The latest record that was followed, and one that leapt far ahead of it. */
  #latest = 0;
  #leapt = Number.NaN;
  /** When the rate lets the next one go. */
  #free = 0;

  constructor(clock: Clock, { isRealTime = false, rate = 0 }: ReplayPaceOptions = {}) {
    this.#clock = clock;
    this.#isRealTime = isRealTime;
    this.#interval = rate > 0 ? SECOND / rate : 0;
  }

  /** Whether it ever lets a record wait. */
  get isNeeded(): boolean {
    return this.#isRealTime || this.#interval > 0;
  }

  /** Milliseconds until a record of this time (microseconds) may go; at 0 it has to go, and counts. */
  wait(time: number): number {
    if (!this.isNeeded) return 0;
    const now = this.#clock.now();
    let due = this.#isRealTime ? this.#dueAt(time, now) : 0;
    if (this.#interval > 0) due = Math.max(due, this.#free);
    if (due > now) return Math.ceil((due - now) / 1000);
    if (this.#isRealTime) this.#follow(time, now);
    this.#free = Math.max(this.#free, now - LATE_MAX) + this.#interval;
    return 0;
  }

  #dueAt(time: number, now: number): number {
    if (Number.isNaN(this.#offset)) return now;
    return time - this.#latest > GAP_MAX ? now : time + this.#offset;
  }

  #follow(time: number, now: number): void {
    const isFar = !Number.isNaN(this.#offset) && Math.abs(time - this.#latest) > GAP_MAX;
    // One record alone that is far from the others does not move the pace; two that are near each other do.
    const isConfirmed = Math.abs(time - this.#leapt) <= GAP_MAX;
    this.#leapt = isFar ? time : Number.NaN;
    if (isFar && !isConfirmed) return;
    const isLate = now - (time + this.#offset) > LATE_MAX;
    if (Number.isNaN(this.#offset) || isFar || (isLate && time >= this.#latest))
      this.#offset = now - time;
    this.#latest = isFar ? time : Math.max(this.#latest, time);
  }
}
