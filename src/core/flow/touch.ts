// SPDX-License-Identifier: BSD-3-Clause
/** The passes that read what a batch will touch, so that cache misses overlap. @module */
import { ROW, WORD } from "../packet/row.ts";
import { HOT_SHIFT } from "./record.ts";

/** Word of a decoded row in which its candidate record is noted. */
export const CANDIDATE = WORD.spare;
/** Bytes of the two addresses in the IPv6 pool, as a shift of words: 8. */
export const POOL_SHIFT = 3;

/** Read the home slot of each row: all the cache misses of the index at once. */
export function touchIndex(
  index: Int32Array,
  mask: number,
  rows: Int32Array,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let z = from * ROW; z < to * ROW; z += ROW) sum ^= index[(rows[z]! & mask) * 2 + 1]!;
  return sum;
}

/**
 * Find for each row the first record with its hash, or 0, and read that record: the misses of the table at once.
 * A third of the flows lie beyond their home slot, so the slot alone would not tell which record to read.
 */
export function findCandidates(
  index: Int32Array,
  mask: number,
  hot: Int32Array,
  rows: Int32Array,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let z = from * ROW; z < to * ROW; z += ROW) {
    const hash = rows[z]!;
    let slot = hash & mask;
    while (index[slot * 2] !== hash && index[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    const record = index[slot * 2 + 1]!;
    rows[z + CANDIDATE] = record;
    sum ^= hot[record << HOT_SHIFT]!;
  }
  return sum;
}

/** Read the pooled addresses of each candidate that has some. */
export function touchPool(
  pool: Int32Array,
  hot: Int32Array,
  rows: Int32Array,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let z = from * ROW; z < to * ROW; z += ROW) {
    if ((rows[z + 1]! & 256) === 0) continue;
    const w = rows[z + CANDIDATE]! << HOT_SHIFT;
    if ((hot[w + 1]! & 256) !== 0) sum ^= pool[hot[w + 4]! << POOL_SHIFT]!;
  }
  return sum;
}
