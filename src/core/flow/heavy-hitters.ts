// SPDX-License-Identifier: BSD-3-Clause
import { Address } from "../unirec/ip.ts";
import type { Ip } from "../unirec/types.ts";

/** A row is a cache line: a key of four words, then three sums as doubles. */
const WORDS = 16;
const DOUBLES = 8;
const BYTES = 2;
const PACKETS = 3;
const FLOWS = 4;
/** Most rows that an index of 16 bits can number. */
const ROWS_MAX = 0x7fff;

/**
 * The keys with the most bytes, of any number of keys, in memory that does not grow.
 *
 * A full table drops at once the half of its keys with the fewest bytes; the most that one of these had is the
 * {@link floor}, with which a key begins that comes later. So a count is never below the truth and exceeds it by at
 * most the floor; a key that is not in the table has at most the floor. Each raise of the floor is paid for by half of the
 * rows, and so it is at most all bytes / (rows / 2). That is Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient
 * Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005) with weights, and with the eviction of many at once
 * as in Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items in Data Streams", IMC 2017:
 * a record costs a look into a hash table and no heap.
 *
 * Packets and flows are those since the key came into the table: never above the truth, and exact, as the bytes are, while the
 * floor is 0.
 */
export class HeavyHitters {
  readonly rows: number;
  /** Rows in use: 0 up to `size`. */
  size = 0;
  /** Most bytes that a key may have lost by being dropped. */
  floor = 0;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** Row + 1 by hash, at most half full. */
  readonly #index: Uint16Array;
  readonly #shift: number;
  /** The hash is the upper bits of a sum of products; its factors are random, against keys made to collide. */
  readonly #a = oddNumber();
  readonly #b = oddNumber();
  readonly #c = oddNumber();
  readonly #d = oddNumber();
  readonly #ranked: Float64Array;

  /** `rows`: from 2 to 32,767. */
  constructor(rows: number) {
    if (!(rows >= 2 && rows <= ROWS_MAX)) throw new RangeError(`${rows} rows`);
    this.rows = rows;
    this.#doubles = new Float64Array(rows * DOUBLES);
    this.#words = new Int32Array(this.#doubles.buffer);
    const bits = Math.ceil(Math.log2(rows * 2));
    this.#index = new Uint16Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#ranked = new Float64Array(rows);
  }

  /** Account one flow of `key`. */
  add(key: Ip, bytes: number, packets: number): void {
    let slot = this.#slot(key);
    let row = this.#index[slot]! - 1;
    if (row < 0) {
      if (this.size === this.rows) {
        this.#drop();
        slot = this.#slot(key);
      }
      row = this.#insert(key, slot);
    }
    const doubles = this.#doubles;
    const at = row * DOUBLES;
    doubles[at + BYTES]! += bytes;
    doubles[at + PACKETS]! += packets;
    doubles[at + FLOWS]! += 1;
  }

  /** The row of a key; -1 when it has none. */
  find(key: Ip): number {
    return this.#index[this.#slot(key)]! - 1;
  }

  /** Read the key of a row into `target`. */
  key(row: number, target: Address): Address {
    const words = this.#words;
    const at = row * WORDS;
    target.w0 = words[at]!;
    target.w1 = words[at + 1]!;
    target.w2 = words[at + 2]!;
    target.w3 = words[at + 3]!;
    return target;
  }

  /** From the truth up to the floor above it. */
  bytes(row: number): number {
    return this.#doubles[row * DOUBLES + BYTES]!;
  }

  /** At most the truth, as are flows. */
  packets(row: number): number {
    return this.#doubles[row * DOUBLES + PACKETS]!;
  }

  flows(row: number): number {
    return this.#doubles[row * DOUBLES + FLOWS]!;
  }

  clear(): void {
    this.size = 0;
    this.floor = 0;
    this.#index.fill(0);
  }

  /** The slot of the key, or the free one where it belongs. */
  #slot({ w0, w1, w2, w3 }: Ip): number {
    const index = this.#index;
    const words = this.#words;
    const sum = (Math.imul(w0, this.#a) + Math.imul(w1, this.#b)) | 0;
    const hash = (sum + ((Math.imul(w2, this.#c) + Math.imul(w3, this.#d)) | 0)) | 0;
    let slot = hash >>> this.#shift;
    for (;;) {
      const row = index[slot]! - 1;
      if (row < 0) return slot;
      const at = row * WORDS;
      if (words[at + 2] === w2 && words[at + 3] === w3 && words[at] === w0 && words[at + 1] === w1)
        return slot;
      slot = (slot + 1) & (index.length - 1);
    }
  }

  #insert({ w0, w1, w2, w3 }: Ip, slot: number): number {
    const row = this.size++;
    const words = this.#words;
    const at = row * WORDS;
    words[at] = w0;
    words[at + 1] = w1;
    words[at + 2] = w2;
    words[at + 3] = w3;
    this.#index[slot] = row + 1;
    const doubles = this.#doubles;
    doubles[row * DOUBLES + BYTES] = this.floor;
    doubles[row * DOUBLES + PACKETS] = 0;
    doubles[row * DOUBLES + FLOWS] = 0;
    return row;
  }

  /** Raise the floor to the median, and drop all that do not stand above it. */
  #drop(): void {
    const { rows } = this;
    const words = this.#words;
    for (let row = 0; row < rows; row++) this.#ranked[row] = this.bytes(row);
    const floor = nth(this.#ranked, rows >> 1);
    this.clear();
    this.floor = floor;
    const key = new Address();
    for (let row = 0; row < rows; row++) {
      if (this.bytes(row) <= floor) continue;
      // Rows move to the front, over those that were dropped.
      const to = this.size++;
      words.copyWithin(to * WORDS, row * WORDS, (row + 1) * WORDS);
      this.#index[this.#slot(this.key(to, key))] = this.size;
    }
  }
}

const oddNumber = (): number => (Math.random() * 2 ** 32) | 1;

/** A key with what several tables know of it. */
export interface Heavy {
  readonly key: Address;
  readonly bytes: number;
  readonly packets: number;
  readonly flows: number;
}

/**
 * The `count` keys with the most bytes over all tables, heaviest first. The bounds of the tables add up, and any key with more
 * than that is among the keys that are ranked.
 */
export function heaviest(tables: readonly HeavyHitters[], count: number): Heavy[] {
  const best: Heavy[] = [];
  const key = new Address();
  for (const [number, table] of tables.entries()) {
    for (let row = 0; row < table.size; row++) {
      table.key(row, key);
      if (isIn(tables, number, key)) continue;
      const sums = sumOf(tables, key);
      let place = best.length;
      while (place > 0 && best[place - 1]!.bytes < sums.bytes) place--;
      if (place >= count) continue;
      best.splice(place, 0, { key: Address.of(key), ...sums });
      if (best.length > count) best.pop();
    }
  }
  return best;
}

/** Whether one of the first `count` tables has the key, so that it was ranked already. */
function isIn(tables: readonly HeavyHitters[], count: number, key: Ip): boolean {
  for (let i = 0; i < count; i++) if (tables[i]!.find(key) >= 0) return true;
  return false;
}

function sumOf(tables: readonly HeavyHitters[], key: Ip): Omit<Heavy, "key"> {
  let [bytes, packets, flows] = [0, 0, 0];
  for (const table of tables) {
    const row = table.find(key);
    bytes += row < 0 ? table.floor : table.bytes(row);
    if (row < 0) continue;
    packets += table.packets(row);
    flows += table.flows(row);
  }
  return { bytes, packets, flows };
}

/** The value that stands at `place` when `values` are sorted, which are put into another order: Hoare's "Find" (CACM 4, 1961). */
function nth(values: Float64Array, place: number): number {
  let first = 0;
  let last = values.length - 1;
  while (first < last) {
    const pivot = values[place]!;
    let i = first;
    let j = last;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (j < place) first = i;
    if (place < i) last = j;
  }
  return values[place]!;
}
