// SPDX-License-Identifier: BSD-3-Clause
/**
 * Numbers from bytes of text (unirec.md section 6), without a string and without BigInt.
 * Stricter than the original, which wraps 70000 in a uint16.
 * @module
 */
import type { Span } from "./span.ts";

const WORD = 4_294_967_296;
const MINUS = 45;
const PLUS = 43;
const POINT = 46;
/** Digits that a double holds whatever they are. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);

/** A decimal number up to `max`, which is below 2^50; -1 when there is none, or one above it. */
export function scanUnsigned(span: Span, max: number): number {
  const { bytes, at, end } = span;
  let value = 0;
  let i = at;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  if (i === at) return -1;
  span.at = i;
  return value;
}

/** Take a sign; whether it is a minus. */
function scanSign(span: Span): boolean {
  if (span.at === span.end) return false;
  const sign = span.bytes[span.at]!;
  if (sign === MINUS || sign === PLUS) span.at++;
  return sign === MINUS;
}

/** A signed integer with a magnitude of up to `max`, and `max + 1` below zero; {@link NO_INTEGER} when there is none. */
export function scanSigned(span: Span, max: number): number {
  const negative = scanSign(span);
  const magnitude = scanUnsigned(span, negative ? max + 1 : max);
  if (magnitude < 0) return NO_INTEGER;
  return negative ? -magnitude : magnitude;
}
export const NO_INTEGER = 0x1_0000_0000;

/** A uint64 into `view`, all 64 bits of it; false when there is none. */
export function scanUnsigned64(span: Span, view: DataView, out: number): boolean {
  const { bytes, at, end } = span;
  const near = Math.min(at + EXACT_DIGITS, end);
  let value = 0;
  let i = at;
  for (; i < near; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (i === at) return false;
  span.at = i;
  // Signed words: a store of a double above 2^31 is slow in JSC.
  const high = (value / WORD) | 0;
  view.setInt32(out, (value - high * WORD) | 0, true);
  view.setInt32(out + 4, high, true);
  return i < near || i === end || scanRest64(span, view, out);
}

/** More digits behind the value in `view`, in two words; false when it exceeds 64 bits. */
function scanRest64(span: Span, view: DataView, out: number): boolean {
  const { bytes, end } = span;
  let low = view.getUint32(out, true);
  let high = view.getUint32(out + 4, true);
  let i = span.at;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    low = low * 10 + digit;
    const carry = Math.floor(low / WORD);
    low -= carry * WORD;
    high = high * 10 + carry;
    if (high >= WORD) return false;
  }
  span.at = i;
  view.setInt32(out, low | 0, true);
  view.setInt32(out + 4, high | 0, true);
  return true;
}

/** An int64 into `view`; false when there is none. */
export function scanSigned64(span: Span, view: DataView, out: number): boolean {
  const negative = scanSign(span);
  if (!scanUnsigned64(span, view, out)) return false;
  const low = view.getInt32(out, true);
  const high = view.getInt32(out + 4, true);
  // A magnitude with the top bit fits only as -2^63, whose two's complement it is.
  if (high < 0) return negative && low === 0 && high === -2_147_483_648;
  if (!negative) return true;
  view.setInt32(out, -low | 0, true);
  view.setInt32(out + 4, (low === 0 ? -high : ~high) | 0, true);
  return true;
}

/**
 * A plain decimal fraction of up to 15 digits; NaN when there is none. Such digits and their power of ten are
 * exact doubles, so one division rounds correctly. {@link floatingOf} takes the other forms.
 */
export function scanDecimal(span: Span): number {
  const negative = scanSign(span);
  const { bytes, end } = span;
  let value = 0;
  let digits = 0;
  let point = -1;
  let i = span.at;
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 48 && byte <= 57) {
      value = value * 10 + (byte - 48);
      digits++;
    } else if (byte === POINT && point < 0) point = digits;
    else break;
  }
  if (digits === 0 || digits > EXACT_DIGITS) return Number.NaN;
  span.at = i;
  if (point >= 0) value /= POWERS[digits - point]!;
  return negative ? -value : value;
}

/** C's notation without its hexadecimal form. */
const FLOATING = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/;
const NOT_A_NUMBER = /^[+-]?nan$/;
const INFINITE = /^[+-]?inf(inity)?$/;

/** A floating number in any form; undefined when the text is none. */
export function floatingOf(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (NOT_A_NUMBER.test(word)) return Number.NaN;
  if (INFINITE.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  return FLOATING.test(word) ? Number(word) : undefined;
}
