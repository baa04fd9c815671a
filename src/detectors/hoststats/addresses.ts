// SPDX-License-Identifier: BSD-3-Clause
/** How many different addresses a host has met, in 64 bytes among its numbers: two ways, each good where the other is not. @module */
import { cardinality, hashWord } from "../../core/state/hyper-log-log.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Numbers (of 8 bytes) that either takes. */
export const SKETCH = 8;

/** The same in every run, as equal flows have to give equal alerts. IPv4 addresses never have the same. */
export const hashOf = (ip: Ip): number =>
  hashWord(hashWord(0, ip.w0 ^ Math.imul(ip.w1, 0x9e3779b1)), ip.w2 ^ Math.imul(ip.w3, 0x85ebca6b));

const BITS = 512;
/** How many there were when so many bits are set; when all are, at least so many. */
const ESTIMATES = Float64Array.from({ length: BITS + 1 }, (_, set) =>
  Math.round(-BITS * Math.log(1 - Math.min(set, BITS - 1) / BITS)),
);

/**
 * Linear counting (Whang, Vander-Zanden, Taylor, "A linear-time probabilistic counting algorithm for database applications", 1990), for few: 3 % off at
 * 200, where the limit of scans is, and at its end at 3,194. Sets the bit of a hash; returns whether it was not set, which the caller counts.
 */
export function setBit(words: Int32Array, at: number, hash: number): boolean {
  const word = at + (hash >>> 28);
  const mask = 1 << ((hash >>> 23) & 31);
  if ((words[word]! & mask) !== 0) return false;
  words[word]! |= mask;
  return true;
}

/** How many addresses have set so many bits. */
export const addressesOf = (bits: number): number => ESTIMATES[bits]!;

const REGISTERS = 64;
/** Ranks of the 26 bits that choose no register: 0 (nothing seen) to 27. */
const ranks = new Uint16Array(28);

/** HyperLogLog, for many: 13 % off. Takes in a hash. */
export function raise(bytes: Uint8Array, at: number, hash: number): void {
  const register = at + (hash >>> 26);
  const rank = Math.clz32((hash << 6) | 32) + 1;
  if (rank > bytes[register]!) bytes[register] = rank;
}

/** How many addresses have raised the registers so. */
export function addressesBehind(bytes: Uint8Array, at: number): number {
  ranks.fill(0);
  for (let i = at; i < at + REGISTERS; i++) ranks[bytes[i]!]!++;
  return cardinality(ranks, 0, ranks.length, REGISTERS);
}
