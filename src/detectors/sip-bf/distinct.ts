// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

/** Of each row up to `most` different keys of some words. */
export class Distinct {
  readonly #keys: Int32Array;
  readonly #counts: Uint16Array;
  readonly #most: number;
  readonly #words: number;

  constructor(
    name: string,
    state: StateStore,
    { rows, most, words }: { rows: number; most: number; words: number },
  ) {
    this.#keys = state.column(`${name}.keys`, "int32", rows * most * words);
    this.#counts = state.column(`${name}.counts`, "uint16", rows);
    this.#most = most;
    this.#words = words;
  }

  clear(row: number): void {
    this.#counts[row] = 0;
  }

  count(row: number): number {
    return this.#counts[row]!;
  }

  /** Where the words of a row's first key begin in {@link words}. */
  first(row: number): number {
    return row * this.#most * this.#words;
  }

  get words(): Int32Array {
    return this.#keys;
  }

  /** Add a key, if there is room for it. */
  add(row: number, key: Int32Array): void {
    const count = this.#counts[row]!;
    if (count === this.#most || this.#find(row, key) >= 0) return;
    this.#keys.set(key, (row * this.#most + count) * this.#words);
    this.#counts[row] = count + 1;
  }

  /** Take a key out; the last one takes its place. */
  remove(row: number, key: Int32Array): void {
    const found = this.#find(row, key);
    if (found < 0) return;
    const last = --this.#counts[row]!;
    const from = (row * this.#most + last) * this.#words;
    this.#keys.copyWithin((row * this.#most + found) * this.#words, from, from + this.#words);
  }

  #find(row: number, key: Int32Array): number {
    const words = this.#words;
    const start = row * this.#most * words;
    for (let i = 0; i < this.#counts[row]!; i++) {
      let k = 0;
      while (k < words && this.#keys[start + i * words + k] === key[k]) k++;
      if (k === words) return i;
    }
    return -1;
  }
}
