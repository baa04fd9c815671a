// SPDX-License-Identifier: BSD-3-Clause
import { Address } from "../unirec/ip.ts";
import type { Ip } from "../unirec/types.ts";
import type { StateStore } from "./state-store.ts";

/** A key is made of addresses (four words) and numbers of 32 bits (one word). */
export type KeyPart = "ip" | "number";

export interface TableOptions {
  readonly key: readonly KeyPart[];
  /** Most rows at once. */
  readonly rows: number;
  /** Microseconds of event time after which an untouched row is gone. */
  readonly idle: number;
  /**
   * A row leaves: its columns still hold their values, and it must not be kept. `evicted` when the table
   * was full and this row the one least recently touched.
   */
  readonly onLeave?: (row: number, why: "idle" | "evicted") => void;
}

const META = { head: 0, tail: 1, free: 2, size: 3, seed: 4, fresh: 5 } as const;
const NONE = -1;

/** Where in a row's words lie its links and its key, behind two times of two words each. */
const CELL = { newer: 4, older: 5, key: 6 } as const;
/** Its times: when it was last touched, and when it last came to the front. */
const TIME = { touched: 0, moved: 1 } as const;
/** The part of the idle time for which a row stays where it is in the order, however often it is touched. */
const STAY = 1 / 16;
/** Rows that are spared for being touched since they came to the front, until one has to leave all the same. */
const SPARED = 16;

/**
 * A bounded table from keys to row numbers; what a row means lies in columns of the caller.
 *
 * Rows are linked in order of their last touch, nearly: one comes to the front when it is touched a sixteenth of the idle
 * time after it last did. A full table evicts the last row that was not touched since then and counts it, so a flood of
 * new keys costs memory of idle rows and never blinds the detector. Whether a row is idle is decided when it is touched,
 * from the record's own time: the outcome does not depend on when `expire` runs.
 *
 * All of a row lies together: a touch costs two cache misses, the index's and the row's. With a column for each and an
 * exact order it cost six, and half of all time of the detectors.
 *
 * Index: open addressing over [hash, row + 1], at most half full, with a random seed against keys made to
 * collide; deletion shifts back.
 */
export class Table {
  readonly rows: number;
  /** Whether the last `upsert` made a new row, whose columns hold a former row's values. */
  isNew = false;
  readonly #name: string;
  readonly #words: number;
  readonly #idle: number;
  readonly #onLeave: TableOptions["onLeave"];
  readonly #count: (counter: string, by?: number) => void;
  readonly #mask: number;
  readonly #index: Int32Array;
  /** Rows, each of `#stride` words; and the same as doubles, for their times. */
  readonly #cells: Int32Array;
  readonly #times: Float64Array;
  readonly #stride: number;
  /** Whether a row was touched since it came to the front. */
  readonly #used: Uint8Array;
  /** Microseconds for which a row stays where it is. */
  readonly #stay: number;
  readonly #meta: Int32Array;
  readonly #key: Int32Array;

  constructor(
    name: string,
    options: TableOptions,
    state: StateStore,
    count: (counter: string, by?: number) => void,
  ) {
    const { key, rows, idle, onLeave } = options;
    this.#name = name;
    this.rows = rows;
    this.#idle = idle;
    this.#onLeave = onLeave;
    this.#count = count;
    this.#words = key.reduce((sum, part) => sum + (part === "ip" ? 4 : 1), 0);
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, rows) * 2));
    this.#mask = slots - 1;
    this.#index = state.column(`${name}.index`, "int32", slots * 2);
    this.#stride = CELL.key + this.#words + (this.#words & 1);
    this.#times = state.column(`${name}.rows`, "float64", (rows * this.#stride) / 2);
    this.#cells = new Int32Array(this.#times.buffer);
    this.#used = state.column(`${name}.used`, "uint8", rows);
    this.#stay = idle * STAY;
    this.#meta = state.column(`${name}.meta`, "int32", 16);
    this.#key = new Int32Array(this.#words);
    this.#meta[META.head] = NONE;
    this.#meta[META.tail] = NONE;
    // Rows that were used and are free are linked through `older`; those from `fresh` on were never used, and take no memory yet.
    this.#meta[META.free] = NONE;
    this.#meta[META.seed] = (Math.random() * 2 ** 32) | 0;
  }

  /** Rows in use. */
  get size(): number {
    return this.#meta[META.size]!;
  }

  /** The row of an address pair, made when there is none; `time` is the record's. */
  upsertPair(a: Ip, b: Ip, time: number): number {
    this.#putIp(0, a);
    this.#putIp(4, b);
    return this.#upsert(time);
  }

  /** The row of an address and a number. */
  upsertIpNumber(a: Ip, number: number, time: number): number {
    this.#putIp(0, a);
    this.#key[4] = number;
    return this.#upsert(time);
  }

  /** The row of an address. */
  upsertIp(a: Ip, time: number): number {
    this.#putIp(0, a);
    return this.#upsert(time);
  }

  /** The row of an address pair and a number. */
  upsertPairNumber(a: Ip, b: Ip, number: number, time: number): number {
    this.#putIp(0, a);
    this.#putIp(4, b);
    this.#key[8] = number;
    return this.#upsert(time);
  }

  /** The row of an address and two numbers, such as the halves of a hash. */
  upsertIpNumbers(a: Ip, number: number, another: number, time: number): number {
    this.#putIp(0, a);
    this.#key[4] = number;
    this.#key[5] = another;
    return this.#upsert(time);
  }

  /** The row of two numbers. */
  upsertNumbers(number: number, another: number, time: number): number {
    this.#key[0] = number;
    this.#key[1] = another;
    return this.#upsert(time);
  }

  /** The row of an address, left untouched; -1 when there is none. It may be idle: see {@link touched}. */
  findIp(a: Ip): number {
    this.#putIp(0, a);
    return this.#find(this.#hash(this.#key, 0));
  }

  /** As {@link findIp}, of an address pair. */
  findPair(a: Ip, b: Ip): number {
    this.#putIp(0, a);
    this.#putIp(4, b);
    return this.#find(this.#hash(this.#key, 0));
  }

  /** As {@link findIp}, of an address and a number. */
  findIpNumber(a: Ip, number: number): number {
    this.#putIp(0, a);
    this.#key[4] = number;
    return this.#find(this.#hash(this.#key, 0));
  }

  /** The address that begins at a word of a row's key. */
  ip(row: number, word: number): Address {
    const at = row * this.#stride + CELL.key + word;
    const address = new Address();
    address.w0 = this.#cells[at]!;
    address.w1 = this.#cells[at + 1]!;
    address.w2 = this.#cells[at + 2]!;
    address.w3 = this.#cells[at + 3]!;
    return address;
  }

  /** The number at a word of a row's key. */
  number(row: number, word: number): number {
    return this.#cells[row * this.#stride + CELL.key + word]!;
  }

  /** Event time at which the row was last touched. */
  touched(row: number): number {
    return this.#times[this.#timesOf(row) + TIME.touched]!;
  }

  /** Let go of a row. */
  delete(row: number): void {
    this.#unindex(row);
    this.#unlink(row);
    this.#cells[row * this.#stride + CELL.older] = this.#meta[META.free]!;
    this.#meta[META.free] = row;
    this.#meta[META.size]!--;
  }

  /** Free the rows idle at event time `now`, oldest first; one that was spared may stay for some time longer. */
  expire(now: number): void {
    for (let row = this.#meta[META.tail]!; row !== NONE; ) {
      const at = this.#timesOf(row);
      if (now - this.#times[at + TIME.moved]! <= this.#idle) return;
      const newer = this.#cells[row * this.#stride + CELL.newer]!;
      if (now - this.#times[at + TIME.touched]! > this.#idle) {
        this.#onLeave?.(row, "idle");
        this.delete(row);
      }
      row = newer;
    }
  }

  /** Each row in use, the one that came to the front last first; the visitor may delete the row it is given. */
  forEach(visit: (row: number) => void): void {
    for (let row = this.#meta[META.head]!; row !== NONE; ) {
      const older = this.#cells[row * this.#stride + CELL.older]!;
      visit(row);
      row = older;
    }
  }

  #putIp(word: number, ip: Ip): void {
    this.#key[word] = ip.w0;
    this.#key[word + 1] = ip.w1;
    this.#key[word + 2] = ip.w2;
    this.#key[word + 3] = ip.w3;
  }

  /** Where a row's times lie, in doubles. */
  #timesOf(row: number): number {
    return (row * this.#stride) / 2;
  }

  #hash(keys: Int32Array, at: number): number {
    const end = at + this.#words;
    let h = this.#meta[META.seed]!;
    for (let i = at; i < end; i++) {
      h = Math.imul(h ^ keys[i]!, 0x9e3779b1);
      h ^= h >>> 15;
    }
    h = Math.imul(h, 0x85ebca6b);
    return h ^ (h >>> 13);
  }

  #upsert(time: number): number {
    const hash = this.#hash(this.#key, 0);
    const found = this.#find(hash);
    if (found !== NONE) {
      const times = this.#times;
      const at = this.#timesOf(found);
      const touched = times[at + TIME.touched]!;
      this.isNew = time - touched > this.#idle;
      if (this.isNew) this.#onLeave?.(found, "idle");
      if (time > touched) times[at + TIME.touched] = time;
      if (time - times[at + TIME.moved]! > this.#stay) this.#toFront(found, time);
      else this.#used[found] = 1;
      return found;
    }
    this.isNew = true;
    if (this.#meta[META.size] === this.rows) this.#evict(time);
    return this.#insert(hash, time);
  }

  #find(hash: number): number {
    const index = this.#index;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const row = index[slot * 2 + 1]! - 1;
      if (row < 0) return NONE;
      if (index[slot * 2] === hash && this.#same(row)) return row;
    }
  }

  #same(row: number): boolean {
    const cells = this.#cells;
    const key = this.#key;
    const words = this.#words;
    const at = row * this.#stride + CELL.key;
    for (let i = 0; i < words; i++) if (cells[at + i] !== key[i]) return false;
    return true;
  }

  #evict(time: number): void {
    let row = this.#meta[META.tail]!;
    for (let spared = 0; spared < SPARED && this.#used[row] === 1; spared++) {
      this.#toFront(row, time);
      row = this.#meta[META.tail]!;
    }
    this.#onLeave?.(row, "evicted");
    this.#count(`${this.#name}_evicted`);
    this.delete(row);
  }

  #insert(hash: number, time: number): number {
    const cells = this.#cells;
    const isUsed = this.#meta[META.free] !== NONE;
    const row = isUsed ? this.#meta[META.free]! : this.#meta[META.fresh]!++;
    const at = row * this.#stride;
    if (isUsed) this.#meta[META.free] = cells[at + CELL.older]!;
    for (let i = 0; i < this.#words; i++) cells[at + CELL.key + i] = this.#key[i]!;
    this.#times[this.#timesOf(row) + TIME.touched] = time;
    let slot = hash & this.#mask;
    while (this.#index[slot * 2 + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#index[slot * 2] = hash;
    this.#index[slot * 2 + 1] = row + 1;
    this.#link(row, time);
    this.#meta[META.size]!++;
    return row;
  }

  #link(row: number, time: number): void {
    const cells = this.#cells;
    const head = this.#meta[META.head]!;
    const at = row * this.#stride;
    this.#times[this.#timesOf(row) + TIME.moved] = time;
    this.#used[row] = 0;
    cells[at + CELL.newer] = NONE;
    cells[at + CELL.older] = head;
    if (head === NONE) this.#meta[META.tail] = row;
    else cells[head * this.#stride + CELL.newer] = row;
    this.#meta[META.head] = row;
  }

  #unlink(row: number): void {
    const cells = this.#cells;
    const newer = cells[row * this.#stride + CELL.newer]!;
    const older = cells[row * this.#stride + CELL.older]!;
    if (newer === NONE) this.#meta[META.head] = older;
    else cells[newer * this.#stride + CELL.older] = older;
    if (older === NONE) this.#meta[META.tail] = newer;
    else cells[older * this.#stride + CELL.newer] = newer;
  }

  #toFront(row: number, time: number): void {
    this.#unlink(row);
    this.#link(row, time);
  }

  /** Take the row out of the index and shift back what had probed past it. */
  #unindex(row: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#hash(this.#cells, row * this.#stride + CELL.key) & mask;
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
