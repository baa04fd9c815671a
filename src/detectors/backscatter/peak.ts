// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** A minute in steps of ten seconds. */
const STEPS = 6;
const STEP = 10 * SECOND;
const MINUTE = STEPS * STEP;

/** The most packets that each of `rows` rows had in any minute, of those that begin every ten seconds. */
export class Peak {
  readonly #packets: Float64Array;
  /** Number of the step that came last. */
  readonly #latest: Float64Array;
  readonly #most: Float64Array;

  constructor(name: string, rows: number, state: StateStore) {
    this.#packets = state.column(`${name}.packets`, "float64", rows * STEPS);
    this.#latest = state.column(`${name}.latest`, "float64", rows);
    this.#most = state.column(`${name}.most`, "float64", rows);
  }

  clear(row: number): void {
    this.#packets.fill(0, row * STEPS, (row + 1) * STEPS);
    this.#latest[row] = 0;
    this.#most[row] = 0;
  }

  /** Packets of a flow: of one that took longer than a minute those of its last one, at its mean rate. */
  add(row: number, packets: number, first: number, last: number): void {
    const lasted = last - first;
    const step = Math.floor(last / STEP);
    const latest = this.#latest[row]!;
    if (step <= latest - STEPS) return;
    if (step > latest) {
      const stale = Math.min(step - latest, STEPS);
      for (let i = 0; i < stale; i++) this.#packets[row * STEPS + ((step - i) % STEPS)] = 0;
      this.#latest[row] = step;
    }
    this.#packets[row * STEPS + (step % STEPS)]! +=
      lasted > MINUTE ? (packets * MINUTE) / lasted : packets;
    let sum = 0;
    for (let i = row * STEPS; i < (row + 1) * STEPS; i++) sum += this.#packets[i]!;
    if (sum > this.#most[row]!) this.#most[row] = sum;
  }

  most(row: number): number {
    return Math.floor(this.#most[row]!);
  }
}
