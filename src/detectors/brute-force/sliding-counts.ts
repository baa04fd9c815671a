// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

/** Parts of the window: what leaves it does so by such a part. */
const PARTS = 30;
const COUNT_MAX = 0xffff;

/** Of each row, how often each of some kinds of things happened within a window of time. */
export class SlidingCounts {
  readonly #kinds: number;
  readonly #width: number;
  readonly #parts: Uint16Array;
  readonly #sums: Uint32Array;
  /** The latest part that something happened in: a number of parts since 1970. */
  readonly #latest: Float64Array;

  /** `window` in microseconds. */
  constructor(
    name: string,
    state: StateStore,
    { rows, kinds, window }: { rows: number; kinds: number; window: number },
  ) {
    this.#kinds = kinds;
    this.#width = window / PARTS;
    this.#parts = state.column(`${name}.parts`, "uint16", rows * PARTS * kinds);
    this.#sums = state.column(`${name}.sums`, "uint32", rows * kinds);
    this.#latest = state.column(`${name}.latest`, "float64", rows);
  }

  clear(row: number): void {
    this.#latest[row] = 0;
    this.#sums.fill(0, row * this.#kinds, (row + 1) * this.#kinds);
    const size = PARTS * this.#kinds;
    this.#parts.fill(0, row * size, (row + 1) * size);
  }

  /** Count something that happened at `time`; nothing when that is before the window. */
  add(row: number, kind: number, time: number): void {
    const part = Math.floor(time / this.#width);
    if (part > this.#latest[row]!) this.#slide(row, part);
    else if (part <= this.#latest[row]! - PARTS) return;
    const at = (row * PARTS + (part % PARTS)) * this.#kinds + kind;
    if (this.#parts[at] === COUNT_MAX) return;
    this.#parts[at]!++;
    this.#sums[row * this.#kinds + kind]!++;
  }

  /** How often, as of the latest thing that was counted for the row. */
  count(row: number, kind: number): number {
    return this.#sums[row * this.#kinds + kind]!;
  }

  /** Empty the parts that have come round again. */
  #slide(row: number, part: number): void {
    const kinds = this.#kinds;
    const from = Math.max(this.#latest[row]! + 1, part - PARTS + 1);
    for (let p = from; p <= part; p++) {
      const at = (row * PARTS + (p % PARTS)) * kinds;
      for (let kind = 0; kind < kinds; kind++) {
        this.#sums[row * kinds + kind]! -= this.#parts[at + kind]!;
        this.#parts[at + kind] = 0;
      }
    }
    this.#latest[row] = part;
  }
}
