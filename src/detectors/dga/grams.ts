// SPDX-License-Identifier: BSD-3-Clause
import { EDGE, SYMBOL } from "./label.ts";

/** The model has 2^16 weights; a gram's is found by its hash. */
export const WEIGHTS = 1 << 16;
const SHIFT = 32 - 16;
/** Symbols and the edge, counted from 1. */
const BASE = 40;
/** Most grams of a label of 63 characters. */
export const GRAMS_MAX = 3 * 64;

const slotOf = (code: number): number => Math.imul(code ^ (code >>> 15), 0x9e3779b1) >>> SHIFT;

/**
 * Puts into `slots` where the weights of a label's grams are; returns how many there are. Training and scoring both read labels so.
 * The label is from `from` to `to`, of symbols only.
 */
export function gramsOf(bytes: Uint8Array, from: number, to: number, slots: Uint16Array): number {
  let count = 0;
  // The codes of the last one, two and three symbols.
  let one = EDGE + 1;
  let two = 0;
  let three = 0;
  for (let at = from; at <= to; at++) {
    const symbol = (at < to ? SYMBOL[bytes[at]!]! : EDGE) + 1;
    slots[count++] = slotOf(one * BASE + symbol);
    if (two !== 0) slots[count++] = slotOf(two * BASE + symbol);
    if (three !== 0) slots[count++] = slotOf(three * BASE + symbol);
    three = two === 0 ? 0 : two * BASE + symbol;
    two = one * BASE + symbol;
    one = symbol;
  }
  return count;
}
