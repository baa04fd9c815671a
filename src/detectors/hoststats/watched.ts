// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { HEAD, type HostTable } from "./host-table.ts";

/** Bits for each row of the table: one host in sixteen that is not watched is looked for in vain when all rows are taken. */
const BITS = 16;

/**
 * Whose flows are counted, as a set of bits by hash: it says of nearly all hosts that they are not watched without a look at the
 * table, whose index is too large for the cache. With each window of event time it begins anew with those who were seen in the last one.
 */
export class Watched {
  readonly #bits: Int32Array;
  readonly #shift: number;
  readonly #window: number;
  /** Begin of the window. */
  readonly #current: Float64Array;

  constructor(
    name: string,
    { rows, window }: { readonly rows: number; readonly window: number },
    state: StateStore,
  ) {
    const log = Math.max(5, Math.ceil(Math.log2(rows * BITS)));
    this.#bits = state.column(`${name}.bits`, "int32", 2 ** (log - 5));
    this.#shift = 32 - log;
    this.#window = window * SECOND;
    this.#current = state.column(`${name}.current`, "float64", 1);
  }

  has(hash: number): boolean {
    const bit = hash >>> this.#shift;
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  add(hash: number): void {
    const bit = hash >>> this.#shift;
    this.#bits[bit >>> 5]! |= 1 << (bit & 31);
  }

  /** Time has come to `time`: who of a table was seen within a window is still watched. */
  roll(time: number, table: HostTable): void {
    if (time < this.#current[0]! + this.#window) return;
    this.#current[0] = Math.floor(time / this.#window) * this.#window;
    this.#bits.fill(0);
    for (let row = 0; row < table.used; row++)
      if (time - table.numbers[row * table.size + HEAD.touched]! <= this.#window)
        this.add(table.hashOf(row));
  }
}
