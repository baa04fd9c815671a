// SPDX-License-Identifier: BSD-3-Clause
/**
 * Whole numbers as text in a view: each function writes at `at` and returns where its text ends.
 *
 * Digits come from tables, three at once, and go in stores of four bytes. What a store leaves behind the end is
 * overwritten by the text that follows; a buffer has {@link SLACK} bytes for the last one.
 * @module
 */

/** Bytes past the end of its text that a function of the text form may touch. */
export const SLACK = 4;

const WORD = 4_294_967_296;
const BILLION = 1_000_000_000;
const MINUS = 45;

/** Up to four ASCII characters as a little-endian word, the first in front. */
export function packed(text: string): number {
  let word = 0;
  for (let i = 0; i < text.length; i++) word |= text.charCodeAt(i) << (8 * i);
  return word;
}

/** 0 to 999 without leading zeros, and in the highest byte how many digits that are. */
const SHORT = Int32Array.from({ length: 1000 }, (_, i) => packed(`${i}`) | (`${i}`.length << 24));
/** The last three digits of 0 to 1000. */
const THREE = Int32Array.from({ length: 1001 }, (_, i) => packed(`00${i}`.slice(-3)));

/** 0 to 999. */
export function short(out: DataView, at: number, value: number): number {
  const word = SHORT[value]!;
  out.setInt32(at, word, true);
  return at + (word >>> 24);
}

/** 0 to 99 in two digits. */
export function two(out: DataView, at: number, value: number): number {
  out.setInt32(at, THREE[value]! >>> 8, true);
  return at + 2;
}

/** 0 to 1,000,000 in six digits, of the last one zeros. */
export function six(out: DataView, at: number, value: number): number {
  const high = thousands(value);
  out.setInt32(at, THREE[high]!, true);
  out.setInt32(at + 3, THREE[value - high * 1000]!, true);
  return at + 6;
}

/** 0 to 999,999,999 in nine digits. */
function nine(out: DataView, at: number, value: number): number {
  const high = millions(value);
  out.setInt32(at, THREE[high]!, true);
  return six(out, at + 3, value - high * 1_000_000);
}

/** 0 to 65,535, or any number below a million. */
export function unsigned16(out: DataView, at: number, value: number): number {
  if (value < 1000) return short(out, at, value);
  const high = thousands(value);
  const end = short(out, at, high);
  out.setInt32(end, THREE[value - high * 1000]!, true);
  return end + 3;
}

/** A whole number from 0 to 2^53. */
export function unsigned(out: DataView, at: number, value: number): number {
  if (value < 1_000_000) return unsigned16(out, at, value | 0);
  if (value < BILLION) return underBillion(out, at, value | 0);
  const high = Math.floor(value / BILLION);
  const end = high < 1_000_000 ? unsigned16(out, at, high | 0) : underBillion(out, at, high | 0);
  return nine(out, end, (value - high * BILLION) | 0);
}

/** 1,000,000 to 999,999,999. */
function underBillion(out: DataView, at: number, value: number): number {
  const high = millions(value);
  return six(out, short(out, at, high), value - high * 1_000_000);
}

// A product with a double next to the inverse, since that is quicker than a division. It is exact over the whole
// range of the callers, as the test of every multiple shows.
const thousands = (value: number): number => (value * 0.001) | 0;
const millions = (value: number): number => (value * 0.000_001) | 0;

/** The unsigned number of two words (as getUint32 gives them). */
export function unsigned64(out: DataView, at: number, low: number, high: number): number {
  if (high < 0x20_0000) return unsigned(out, at, high * WORD + low);
  // By hand in base 2^16, each step below 2^53: a BigInt would be allocated.
  const first = Math.floor(high / BILLION);
  const middle = (high - first * BILLION) * 65_536 + (low >>> 16);
  const second = Math.floor(middle / BILLION);
  const last = (middle - second * BILLION) * 65_536 + (low & 0xffff);
  const third = Math.floor(last / BILLION);
  const end = unsigned(out, at, first * WORD + second * 65_536 + third);
  return nine(out, end, (last - third * BILLION) | 0);
}

/** The signed number of two words (as getInt32 gives them). */
export function signed64(out: DataView, at: number, low: number, high: number): number {
  if (high >= 0) return unsigned64(out, at, low >>> 0, high);
  out.setUint8(at, MINUS);
  // The two's complement: the carry goes up only from a low word of zeros.
  return unsigned64(out, at + 1, -low >>> 0, (low === 0 ? -high : ~high) >>> 0);
}

/** A whole number of at most 53 bits and a sign. */
export function signed(out: DataView, at: number, value: number): number {
  if (value >= 0) return unsigned(out, at, value);
  out.setUint8(at, MINUS);
  return unsigned(out, at + 1, -value);
}
