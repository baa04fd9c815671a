// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../unirec/types.ts";
import { cardinality, ipHash } from "./hyper-log-log.ts";
import type { StateStore } from "./state-store.ts";

/** Addresses a slot counts one by one; from there on it estimates. */
export const EXACT_MAX = 1024;
/** Twice the addresses, so that the index is at most half full. */
const INDEX_SLOTS = 2048;
/** HyperLogLog of 2^12 registers: a standard error of 1.04 / sqrt(4096) = 1.6 %. */
const REGISTERS = 4096;
/** Ranks of the 20 bits of the hash that choose no register: 0 (nothing seen) to 21 (all bits zero). */
const RANKS = 22;

/**
 * Counts distinct addresses for up to `slots` rows: exactly up to {@link EXACT_MAX}, beyond by HyperLogLog.
 *
 * A slot takes 24 KB. When all are taken, the one in use for longest is given away and its row's count
 * stands still; that is counted. The hash has no random seed, since equal input has to give equal alerts;
 * addresses chosen to collide cost at most {@link EXACT_MAX} steps each and cannot lower an exact count.
 */
export class DistinctAddresses {
  readonly #name: string;
  readonly #slots: number;
  readonly #count: (counter: string, by?: number) => void;
  /** The row a slot belongs to, plus 1; slots ever taken. */
  readonly #owner: Int32Array;
  readonly #taken: Uint32Array;
  readonly #counted: Uint32Array;
  readonly #addresses: Int32Array;
  /** Open addressing over numbers of addresses, plus 1. */
  readonly #index: Uint16Array;
  readonly #registers: Uint8Array;
  /** How many registers of a slot have each rank: all that the estimate needs. */
  readonly #ranks: Uint16Array;

  constructor(
    name: string,
    slots: number,
    state: StateStore,
    count: (counter: string, by?: number) => void,
  ) {
    this.#name = name;
    this.#slots = slots;
    this.#count = count;
    this.#owner = state.column(`${name}.owner`, "int32", slots);
    this.#taken = state.column(`${name}.taken`, "uint32", 1);
    this.#counted = state.column(`${name}.counted`, "uint32", slots);
    this.#addresses = state.column(`${name}.addresses`, "int32", slots * EXACT_MAX * 4);
    this.#index = state.column(`${name}.index`, "uint16", slots * INDEX_SLOTS);
    this.#registers = state.column(`${name}.registers`, "uint8", slots * REGISTERS);
    this.#ranks = state.column(`${name}.ranks`, "uint16", slots * RANKS);
  }

  /** An empty slot for `row`: an index from 0. */
  take(row: number): number {
    const slot = this.#taken[0]!++ % this.#slots;
    if (this.#owner[slot] !== 0) this.#count(`${this.#name}_reused`);
    this.#owner[slot] = row + 1;
    this.#counted[slot] = 0;
    this.#index.fill(0, slot * INDEX_SLOTS, (slot + 1) * INDEX_SLOTS);
    this.#registers.fill(0, slot * REGISTERS, (slot + 1) * REGISTERS);
    this.#ranks.fill(0, slot * RANKS, (slot + 1) * RANKS);
    this.#ranks[slot * RANKS] = REGISTERS;
    return slot;
  }

  /** `row` needs its slot no more. */
  release(slot: number, row: number): void {
    if (this.#owner[slot] === row + 1) this.#owner[slot] = 0;
  }

  /** Count an address; returns the count, or 0 when the slot was given away. */
  add(slot: number, row: number, ip: Ip): number {
    if (this.#owner[slot] !== row + 1) return 0;
    const hash = ipHash(ip);
    const counted = this.#counted[slot]!;
    if (counted < EXACT_MAX) {
      if (!this.#list(slot, hash, ip)) return counted;
      this.#sketch(slot, hash);
      return ++this.#counted[slot]!;
    }
    // Up to the bound the count is exact, and it never falls.
    if (this.#sketch(slot, hash)) this.#counted[slot] = Math.max(counted, this.#estimate(slot));
    return this.#counted[slot]!;
  }

  /** Add to the exact set; returns whether the address is new. */
  #list(slot: number, hash: number, ip: Ip): boolean {
    const index = this.#index;
    const addresses = this.#addresses;
    const base = slot * INDEX_SLOTS;
    let at = hash & (INDEX_SLOTS - 1);
    for (; index[base + at] !== 0; at = (at + 1) & (INDEX_SLOTS - 1)) {
      if (holds(addresses, (slot * EXACT_MAX + index[base + at]! - 1) * 4, ip)) return false;
    }
    const position = this.#counted[slot]!;
    index[base + at] = position + 1;
    put(addresses, (slot * EXACT_MAX + position) * 4, ip);
    return true;
  }

  /** Add to the HyperLogLog; returns whether a register rose. */
  #sketch(slot: number, hash: number): boolean {
    const register = slot * REGISTERS + (hash >>> 20);
    const rank = Math.clz32((hash << 12) | 0x800) + 1;
    const former = this.#registers[register]!;
    if (rank <= former) return false;
    this.#registers[register] = rank;
    this.#ranks[slot * RANKS + former]!--;
    this.#ranks[slot * RANKS + rank]!++;
    return true;
  }

  #estimate(slot: number): number {
    return cardinality(this.#ranks, slot * RANKS, RANKS, REGISTERS);
  }
}

/** Whether the address at a position of a list of words is this one. IPv4 addresses differ in `w2` only. */
export const holds = (words: Int32Array, at: number, ip: Ip): boolean =>
  words[at + 2] === ip.w2 &&
  words[at + 3] === ip.w3 &&
  words[at] === ip.w0 &&
  words[at + 1] === ip.w1;

/** Put an address at a position of a list of words. */
export function put(words: Int32Array, at: number, ip: Ip): void {
  words[at] = ip.w0;
  words[at + 1] = ip.w1;
  words[at + 2] = ip.w2;
  words[at + 3] = ip.w3;
}
