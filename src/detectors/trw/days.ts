// SPDX-License-Identifier: BSD-3-Clause
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Days that are remembered. */
export const DAYS = 7;
const DAY = 86_400 * SECOND;
/** Registers of a day, 2^6: a standard error of 13 %, less of few. */
const BITS = 6;

/**
 * How many different addresses each row has had in the last seven days.
 *
 * A row has a HyperLogLog for each day, which counts from that day on: what is added goes to all of them, the oldest has the week, and
 * a day that begins takes the oldest one's place. So no two have to be joined.
 */
export class Days {
  readonly #counts: HyperLogLog;
  readonly #day: Int32Array;

  constructor(rows: number, state: StateStore) {
    this.#counts = new HyperLogLog("days", rows * DAYS, BITS, state);
    this.#day = state.column("day", "int32", rows);
  }

  clear(row: number, time: number): void {
    for (let i = 0; i < DAYS; i++) this.#counts.clear(row * DAYS + i);
    this.#day[row] = Math.floor(time / DAY);
  }

  /** Count an address by its hash. Time that goes back is no news. */
  add(row: number, hash: number, time: number): void {
    const today = Math.floor(time / DAY);
    const from = Math.max(this.#day[row]! + 1, today - DAYS + 1);
    for (let day = from; day <= today; day++) this.#counts.clear(row * DAYS + (day % DAYS));
    if (today > this.#day[row]!) this.#day[row] = today;
    // A day that began earlier has seen whatever a later one has: what is no news to the latest is none to any.
    const latest = this.#day[row]!;
    for (let day = latest; day > latest - DAYS; day--)
      if (!this.#counts.add(row * DAYS + (day % DAYS), hash)) return;
  }

  /** Addresses of the seven days up to the last one that anything was added on. */
  estimate(row: number): number {
    return this.#counts.estimate(row * DAYS + ((this.#day[row]! + 1) % DAYS));
  }
}
