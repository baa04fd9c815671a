// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Bits an element, and how many of them it sets: one of 100 that are new is taken for known when the filter is full. */
const BITS_EACH = 9.6;
const HASHES = 7;
/** Which of the two halves is asked. */
const ACTIVE = 0;

/**
 * Which pairs of addresses a host has met: a Bloom filter for `elements` pairs, and another that learns meanwhile and takes
 * its place at the next {@link swap}. As hoststatsnemea has it, but for the hash.
 */
export class PairFilter {
  readonly #bits: number;
  readonly #words: number;
  readonly #filters: Int32Array;
  readonly #turn: Uint8Array;

  constructor(name: string, elements: number, state: StateStore) {
    this.#words = Math.ceil((elements * BITS_EACH) / 32);
    this.#bits = this.#words * 32;
    this.#filters = state.column(`${name}.filters`, "int32", this.#words * 2);
    this.#turn = state.column(`${name}.turn`, "uint8", 1);
  }

  /** Take in a pair and what it is known under; returns whether it is new. */
  add(a: Ip, b: Ip, tag: number): boolean {
    let first = hashWord(hashWord(hashWord(tag, a.w0), a.w1), a.w2);
    first = hashWord(hashWord(hashWord(first, a.w3), b.w0), b.w1);
    first = hashWord(hashWord(first, b.w2), b.w3);
    const second = hashWord(first, tag) | 1;
    const active = this.#turn[ACTIVE]! * this.#words;
    const learning = this.#words - active;
    let isNew = false;
    for (let i = 0; i < HASHES; i++) {
      const bit = ((first + Math.imul(i, second)) >>> 0) % this.#bits;
      const mask = 1 << (bit & 31);
      const word = bit >>> 5;
      if ((this.#filters[active + word]! & mask) === 0) isNew = true;
      this.#filters[active + word]! |= mask;
      this.#filters[learning + word]! |= mask;
    }
    return isNew;
  }

  /** Forget what came before the last swap. */
  swap(): void {
    const active = this.#turn[ACTIVE]! * this.#words;
    this.#filters.fill(0, active, active + this.#words);
    this.#turn[ACTIVE]! ^= 1;
  }
}
