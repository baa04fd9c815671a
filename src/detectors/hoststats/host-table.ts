// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

const META = { used: 0, hand: 1, seed: 2 } as const;

/** What stands in front of a host's numbers: its address in the bytes of two of them, when it was touched last, when its window began. */
export const HEAD = { touched: 2, began: 3, size: 4 } as const;

/**
 * A bounded table from addresses to rows of numbers, for a detector that touches two of them at every flow.
 *
 * Address, times and numbers of a host lie side by side, so a known host costs a cache line of the index and those that are changed, and
 * {@link guess} lets a batch's misses overlap. There is no list by age, which the core's table has and which costs more than all else
 * here: a full table gives up the first row not touched since the hand came by (second chance), so a host seen once goes before one that is
 * at work. Rows that are idle are not looked for, only found; whoever has an open event has to ask.
 *
 * Index: open addressing over [hash, row + 1], at most half full, with a random seed against addresses made to collide; deletion shifts back.
 */
export class HostTable {
  readonly rows: number;
  /** Numbers from row to row, and they: those of a row begin at `row * size`, its {@link HEAD} first. */
  readonly size: number;
  readonly numbers: Float64Array;
  /** The same memory as words and as bytes. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #index: Int32Array;
  readonly #mask: number;
  /** Rows touched since the hand came by. */
  readonly #recent: Uint8Array;
  readonly #meta: Int32Array;

  constructor(
    name: string,
    { rows, numbers }: { rows: number; numbers: number },
    state: StateStore,
  ) {
    this.rows = rows;
    this.size = HEAD.size + numbers;
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, rows) * 2));
    this.#mask = slots - 1;
    this.numbers = state.column(`${name}.numbers`, "float64", rows * this.size);
    this.words = new Int32Array(this.numbers.buffer);
    this.bytes = new Uint8Array(this.numbers.buffer);
    this.#index = state.column(`${name}.index`, "int32", slots * 2);
    this.#recent = state.column(`${name}.recent`, "uint8", rows);
    this.#meta = state.column(`${name}.meta`, "int32", 4);
    this.#meta[META.seed] = (Math.random() * 2 ** 32) | 0;
  }

  /** Rows in use: those from 0. */
  get used(): number {
    return this.#meta[META.used]!;
  }

  hash({ w0, w1, w2, w3 }: Ip): number {
    return this.#mix(w0, w1, w2, w3);
  }

  /** The hash of the address in a row. */
  hashOf(row: number): number {
    const { words } = this;
    const at = row * this.size * 2;
    return this.#mix(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }

  #mix(w0: number, w1: number, w2: number, w3: number): number {
    let h = Math.imul(w0 ^ this.#meta[META.seed]!, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15) ^ w1, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15) ^ w2, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15) ^ w3, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    return h ^ (h >>> 13);
  }

  /** Read what {@link find} will of the index; what it returns means nothing. */
  touch(hash: number): number {
    return this.#index[((hash & this.#mask) << 1) + 1]!;
  }

  /** The row that the hash alone leads to, most probably the right one; 0 where there is none. */
  guess(hash: number): number {
    return Math.max(this.#index[((hash & this.#mask) << 1) + 1]! - 1, 0);
  }

  /** The row of an address, touched; -1 when there is none. */
  find(ip: Ip, hash: number): number {
    const index = this.#index;
    const mask = this.#mask;
    const { w0, w1, w2, w3 } = ip;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = index[(slot << 1) + 1]! - 1;
      if (row < 0) return -1;
      if (index[slot << 1] !== hash) continue;
      const at = row * this.size * 2;
      const { words } = this;
      if (
        words[at + 2] === w2 &&
        words[at] === w0 &&
        words[at + 1] === w1 &&
        words[at + 3] === w3
      ) {
        this.#recent[row] = 1;
        return row;
      }
    }
  }

  /** The row that the next address will get: a free one, or one in use, which is to be let go of. */
  next(): number {
    const { rows } = this;
    if (this.#meta[META.used]! < rows) return this.#meta[META.used]!;
    let hand = this.#meta[META.hand]!;
    while (this.#recent[hand] !== 0) {
      this.#recent[hand] = 0;
      hand = hand + 1 === rows ? 0 : hand + 1;
    }
    this.#meta[META.hand] = hand;
    return hand;
  }

  /** Give the row of {@link next} to an address that has none. */
  insert(row: number, ip: Ip, hash: number): void {
    if (row === this.#meta[META.used]) this.#meta[META.used]!++;
    else {
      this.#unindex(row);
      this.#meta[META.hand] = row + 1 === this.rows ? 0 : row + 1;
    }
    const at = row * this.size * 2;
    this.words[at] = ip.w0;
    this.words[at + 1] = ip.w1;
    this.words[at + 2] = ip.w2;
    this.words[at + 3] = ip.w3;
    const index = this.#index;
    let slot = hash & this.#mask;
    while (index[(slot << 1) + 1] !== 0) slot = (slot + 1) & this.#mask;
    index[slot << 1] = hash;
    index[(slot << 1) + 1] = row + 1;
  }

  ip(row: number): Address {
    const at = row * this.size * 2;
    const address = new Address();
    address.w0 = this.words[at]!;
    address.w1 = this.words[at + 1]!;
    address.w2 = this.words[at + 2]!;
    address.w3 = this.words[at + 3]!;
    return address;
  }

  /** Take the row out of the index and shift back what had probed past it. */
  #unindex(row: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.hashOf(row) & mask;
    while (index[hole * 2 + 1] !== row + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; index[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = index[slot * 2]! & mask;
      // Move it when its home does not lie between the hole and itself.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      index[hole * 2] = index[slot * 2]!;
      index[hole * 2 + 1] = index[slot * 2 + 1]!;
      hole = slot;
    }
    index[hole * 2] = 0;
    index[hole * 2 + 1] = 0;
  }
}
