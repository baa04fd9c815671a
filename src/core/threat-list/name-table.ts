// SPDX-License-Identifier: BSD-3-Clause
import type { ListSets } from "./list-sets.ts";

const DOT = 0x2e;
const PRIME = 0x0100_0193;
/** Numbers of an entry: where its bytes begin, how many, its set. */
const ENTRY = 3;
const FIRST = 1024;
/** Bits of the filter for each slot of the index. */
const NEAR = 4;
/** Bytes of all names. */
const POOL_MAX = 1 << 28;

/** What a byte is compared as: letters of ASCII in lower case. */
const FOLD = Uint8Array.from({ length: 256 }, (_, c) => (c >= 0x41 && c <= 0x5a ? c + 32 : c));

/**
 * Names to sets of lists, compared without regard to the case of ASCII letters; the bytes are compared, not hashes
 * alone. A name is hashed from its end, so that one pass over a domain name meets each of its parents.
 *
 * Open addressing over [hash, entry + 1], at most half full, with a random seed against names made to collide. A bitmap of
 * hashes stands in front, a sixteenth of the index: most names are not listed, and most look-ups end there. Of domain names it
 * has the parents too, so that the others end at their second label.
 */
export class NameTable {
  size = 0;
  /** Bytes of the entry that the last look-up found: the longest one, counted from the end of the name. */
  found = 0;
  readonly #sets: ListSets;
  readonly #isDomains: boolean;
  readonly #seed = (Math.random() * 2 ** 32) | 0;
  #index = new Int32Array(FIRST * 2);
  #mask = FIRST - 1;
  #near = new Int32Array((FIRST * NEAR) / 32);
  /** The high bits of a hash choose the bit. */
  #shift = Math.clz32(FIRST * NEAR - 1);
  #entries = new Int32Array((FIRST / 2) * ENTRY);
  #pool = new Uint8Array(FIRST * 16);
  #used = 0;
  /** What is looked up: the end of these bytes. */
  #bytes: Uint8Array = this.#pool;
  #to = 0;

  /** @param isDomains whether names are looked up by {@link findDomain}: of two labels at least */
  constructor(sets: ListSets, isDomains: boolean) {
    this.#sets = sets;
    this.#isDomains = isDomains;
  }

  get byteLength(): number {
    const { byteLength } = this.#near;
    return byteLength + this.#index.byteLength + this.#entries.byteLength + this.#pool.byteLength;
  }

  /** Add a name; false when there is no room for it. */
  add(bytes: Uint8Array, from: number, to: number, set: number): boolean {
    this.#bytes = bytes;
    this.#to = to;
    const hash = this.#hash(from);
    const known = this.#entry(hash, from);
    if (known >= 0) {
      const at = known * ENTRY + 2;
      this.#entries[at] = this.#sets.union(this.#entries[at]!, set);
      return true;
    }
    const length = to - from;
    if (this.#used + length > POOL_MAX) return false;
    this.#grow(length);
    for (let i = from; i < to; i++) this.#pool[this.#used + i - from] = FOLD[bytes[i]!]!;
    this.#entries.set([this.#used, length, set], this.size * ENTRY);
    this.#used += length;
    this.#place(hash, this.size++);
    return true;
  }

  /** The lists that hold just this name, as a set; 0 for none. */
  find(bytes: Uint8Array, from: number, to: number): number {
    this.#bytes = bytes;
    this.#to = to;
    return this.#join(0, this.#hash(from), from);
  }

  /** The lists that hold a domain name or one that it is below, as a set; 0 for none. */
  findDomain(bytes: Uint8Array, from: number, to: number): number {
    this.#bytes = bytes;
    this.#to = to;
    let hash = this.#seed;
    let set = 0;
    let labels = 0;
    for (let i = to - 1; i >= from; i--) {
      const byte = bytes[i]!;
      if (byte === DOT && labels++ > 0) {
        const parent = mixed(hash);
        if (!this.#isNear(parent)) return set;
        set = this.#join(set, parent, i + 1);
      }
      hash = Math.imul(hash ^ (byte | 0x20), PRIME);
    }
    return this.#join(set, mixed(hash), from);
  }

  /** Of letters of either case alike, and of some other bytes. */
  #hash(from: number): number {
    let hash = this.#seed;
    for (let i = this.#to - 1; i >= from; i--)
      hash = Math.imul(hash ^ (this.#bytes[i]! | 0x20), PRIME);
    return mixed(hash);
  }

  /** `set` and that of the name which begins at `from`. */
  #join(set: number, hash: number, from: number): number {
    const entry = this.#isNear(hash) ? this.#entry(hash, from) : -1;
    if (entry < 0) return set;
    this.found = this.#to - from;
    return this.#sets.union(set, this.#entries[entry * ENTRY + 2]!);
  }

  #isNear(hash: number): boolean {
    const bit = hash >>> this.#shift;
    return ((this.#near[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }

  #entry(hash: number, from: number): number {
    const index = this.#index;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = index[slot * 2 + 1]! - 1;
      if (entry < 0) return -1;
      if (index[slot * 2] === hash && this.#same(entry, from)) return entry;
    }
  }

  #same(entry: number, from: number): boolean {
    const pool = this.#pool;
    const bytes = this.#bytes;
    const length = this.#to - from;
    if (this.#entries[entry * ENTRY + 1] !== length) return false;
    const at = this.#entries[entry * ENTRY]!;
    for (let i = 0; i < length; i++) if (pool[at + i] !== FOLD[bytes[from + i]!]) return false;
    return true;
  }

  #place(hash: number, entry: number): void {
    let slot = hash & this.#mask;
    while (this.#index[slot * 2 + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#index[slot * 2] = hash;
    this.#index[slot * 2 + 1] = entry + 1;
    this.#mark(hash);
    if (this.#isDomains) this.#markParents(entry);
  }

  #mark(hash: number): void {
    const bit = hash >>> this.#shift;
    this.#near[bit >>> 5]! |= 1 << (bit & 31);
  }

  #markParents(entry: number): void {
    const from = this.#entries[entry * ENTRY]!;
    let hash = this.#seed;
    for (let i = from + this.#entries[entry * ENTRY + 1]! - 1; i >= from; i--) {
      if (this.#pool[i] === DOT) this.#mark(mixed(hash));
      hash = Math.imul(hash ^ (this.#pool[i]! | 0x20), PRIME);
    }
  }

  /** Make room for one more entry of `length` bytes. */
  #grow(length: number): void {
    while (this.#used + length > this.#pool.length) {
      const pool = new Uint8Array(this.#pool.length * 2);
      pool.set(this.#pool);
      this.#pool = pool;
    }
    if ((this.size + 1) * ENTRY <= this.#entries.length) return;
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    const former = this.#index;
    this.#index = new Int32Array(former.length * 2);
    this.#mask = this.#index.length / 2 - 1;
    this.#near = new Int32Array(this.#near.length * 2);
    this.#shift--;
    for (let i = 0; i < former.length; i += 2)
      if (former[i + 1] !== 0) this.#place(former[i]!, former[i + 1]! - 1);
  }
}

/** The high bits of a product are good, the low ones choose the slot. */
const mixed = (hash: number): number => {
  const h = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
  return h ^ (h >>> 13);
};
