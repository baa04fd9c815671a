// SPDX-License-Identifier: BSD-3-Clause
import type { ListSets } from "./list-sets.ts";

/** Bits that the index resolves. */
const TOP_BITS = 16;
const TOPS = 1 << TOP_BITS;
/** Bits of which a bitmap tells whether any prefix begins so. */
const NEAR_BITS = 24;
/** Words of a node before its key. */
const LEFT = 0;
const LENGTH = 2;
const SET = 3;
const KEY = 4;
const NODES_FIRST = 1024;

/**
 * Prefixes of addresses to sets of lists: which lists name an address, by any of its prefixes.
 *
 * A bitmap tells whether anything begins with an address' first 24 bits; mostly nothing does, and that was the look-up.
 * Else the first 16 bits lead through an index to a path-compressed binary tree:
 *
 * ```text
 *   index  | node | set of the prefixes up to /15 that cover these 16 bits |  x 65,536
 *   nodes  | left | right | length | set, 0 for a fork | key, 1 or 4 words |
 * ```
 *
 * Keys are big-endian words. A walk goes down and joins the sets on its way, so a prefix never hides a shorter one.
 */
export class PrefixTrie {
  readonly #sets: ListSets;
  readonly #words: 1 | 4;
  readonly #stride: number;
  readonly #index = new Int32Array(TOPS * 2);
  readonly #near = new Int32Array(1 << (NEAR_BITS - 5));
  /** Sets, lengths and tops of short prefixes that were added. */
  readonly #covers = new Set<number>();
  /** The address that is looked up. */
  readonly #key = new Int32Array(4);
  #nodes: Int32Array;
  /** Nodes in use; node 0 is none. */
  #count = 1;

  /** @param words length of an address: 1 for IPv4, 4 for IPv6 */
  constructor(words: 1 | 4, sets: ListSets) {
    this.#words = words;
    this.#sets = sets;
    this.#stride = KEY + words;
    this.#nodes = new Int32Array(NODES_FIRST * this.#stride);
  }

  get byteLength(): number {
    return this.#near.byteLength + this.#index.byteLength + this.#nodes.byteLength;
  }

  /** Add a prefix. Bits of `key` beyond `length` must be zero. */
  add(key: ArrayLike<number>, length: number, set: number): void {
    const top = key[0]! >>> (32 - TOP_BITS);
    if (length < TOP_BITS) this.#cover(top, length, set);
    else {
      const first = key[0]! >>> (32 - NEAR_BITS);
      const count = 1 << Math.max(0, NEAR_BITS - length);
      for (let i = first; i < first + count; i++) this.#near[i >>> 5]! |= 1 << (i & 31);
      this.#insert(key, length, set);
    }
  }

  /** A prefix shorter than what the index resolves: it goes to each of the tops that it covers, once. */
  #cover(top: number, length: number, set: number): void {
    const key = (set * TOP_BITS + length) * TOPS + top;
    if (this.#covers.has(key)) return;
    this.#covers.add(key);
    const count = 1 << (TOP_BITS - length);
    for (let i = top; i < top + count; i++)
      this.#index[i * 2 + 1] = this.#sets.union(this.#index[i * 2 + 1]!, set);
    const words = 1 << (NEAR_BITS - TOP_BITS - 5);
    this.#near.fill(-1, top * words, (top + count) * words);
  }

  #insert(key: ArrayLike<number>, length: number, set: number): void {
    // Where the link to the node stands: in the index, then in a parent.
    let inIndex = true;
    let link = (key[0]! >>> (32 - TOP_BITS)) * 2;
    for (;;) {
      const node = inIndex ? this.#index[link]! : this.#nodes[link]!;
      const at = node * this.#stride;
      const nodeLength = this.#nodes[at + LENGTH]!;
      const common = node === 0 ? 0 : this.#common(key, at, Math.min(length, nodeLength));
      if (node !== 0 && common === nodeLength) {
        if (length === nodeLength) {
          this.#nodes[at + SET] = this.#sets.union(this.#nodes[at + SET]!, set);
          return;
        }
        inIndex = false;
        link = at + LEFT + bit(key, nodeLength);
        continue;
      }
      const added = node === 0 ? this.#node(key, length, set) : this.#above(node, common);
      if (inIndex) this.#index[link] = added;
      else this.#nodes[link] = added;
      if (node === 0) return;
    }
  }

  /** A new node over one whose key goes on after the first `length` bits. */
  #above(node: number, length: number): number {
    const at = node * this.#stride;
    const key = this.#nodes.subarray(at + KEY, at + this.#stride);
    const added = this.#node(key, length, 0);
    this.#nodes[added * this.#stride + LEFT + bit(key, length)] = node;
    return added;
  }

  /** The lists that name an address, as a set; 0 for none. An IPv4 address is `k0` alone. */
  find(k0: number, k1: number, k2: number, k3: number): number {
    const near = k0 >>> (32 - NEAR_BITS);
    if (((this.#near[near >>> 5]! >>> (near & 31)) & 1) === 0) return 0;
    const top = (k0 >>> (32 - TOP_BITS)) * 2;
    const node = this.#index[top]!;
    const set = this.#index[top + 1]!;
    if (node === 0) return set;
    const key = this.#key;
    key[0] = k0;
    key[1] = k1;
    key[2] = k2;
    key[3] = k3;
    return this.#walk(node, set);
  }

  /** Go down from a node by the key that is looked up; returns `set` and the sets on the way. */
  #walk(first: number, set: number): number {
    const nodes = this.#nodes;
    const bits = this.#words * 32;
    let found = set;
    for (let node = first; node !== 0; ) {
      const at = node * this.#stride;
      const length = nodes[at + LENGTH]!;
      if (!this.#leadsTo(at, length)) return found;
      if (nodes[at + SET] !== 0) found = this.#sets.union(found, nodes[at + SET]!);
      if (length === bits) return found;
      node = nodes[at + LEFT + bit(this.#key, length)]!;
    }
    return found;
  }

  /** Whether the key that is looked up begins as a node's. */
  #leadsTo(at: number, length: number): boolean {
    for (let i = 0, rest = length; ; i++, rest -= 32) {
      const different = this.#key[i]! ^ this.#nodes[at + KEY + i]!;
      if (rest <= 32) return different >>> (32 - rest) === 0;
      if (different !== 0) return false;
    }
  }

  /** A new node without children, of the first `length` bits of `key`. */
  #node(key: ArrayLike<number>, length: number, set: number): number {
    const at = this.#count * this.#stride;
    if (at === this.#nodes.length) {
      const larger = new Int32Array(this.#nodes.length * 2);
      larger.set(this.#nodes);
      this.#nodes = larger;
    }
    this.#nodes[at + LENGTH] = length;
    this.#nodes[at + SET] = set;
    for (let i = 0; i < this.#words; i++)
      this.#nodes[at + KEY + i] = key[i]! & maskOf(length - i * 32);
    return this.#count++;
  }

  /** How many of their first `most` bits a key and a node's have in common. */
  #common(key: ArrayLike<number>, at: number, most: number): number {
    for (let i = 0; i * 32 < most; i++) {
      const different = key[i]! ^ this.#nodes[at + KEY + i]!;
      if (different !== 0) return Math.min(most, i * 32 + Math.clz32(different));
    }
    return most;
  }
}

/** The first `bits` of a word, all of them or none beyond its ends. */
export const maskOf = (bits: number): number =>
  bits >= 32 ? -1 : bits <= 0 ? 0 : -1 << (32 - bits);

const bit = (key: ArrayLike<number>, i: number): number => (key[i >>> 5]! >>> (31 - (i & 31))) & 1;
