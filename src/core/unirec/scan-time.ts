// SPDX-License-Identifier: BSD-3-Clause
/** UniRec times from bytes of text (unirec.md section 6), to all nine digits of a second. @module */
import type { Span } from "./span.ts";
import { fractionOfNanos } from "./time.ts";

const WORD = 4_294_967_296;
const DASH = 45;
const POINT = 46;
const COLON = 58;
const T = 84;
const Z = 90;
const PLUS = 43;
/** What stands between year, month, day, hour, minute and second. */
const SEPARATORS = new Uint8Array([0, DASH, DASH, T, COLON, COLON]);
/** Year, month, day, hour, minute and second of the last text. */
const clock = new Int32Array(6);
const DAYS = new Uint8Array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
const NOT_DIGITS = -1000;

/**
 * `YYYY-MM-DDTHH:MM:SS[.fraction][Z]` or with an RFC 3339 offset, which the original refuses, into the 8 bytes
 * at `out`; false when there is no time, or one before 1970 or past the format's 2106.
 */
export function scanTime(span: Span, view: DataView, out: number): boolean {
  if (!scanFixed(span) && !scanLoose(span)) return false;
  let seconds = secondsOf();
  if (seconds === NO_TIME) return false;
  const nanos = scanFraction(span);
  if (nanos < 0) return false;
  if (span.at < span.end) {
    const zone = span.bytes[span.at]!;
    if (zone === Z) span.at++;
    else if (zone === PLUS || zone === DASH) {
      const offset = scanOffset(span);
      if (offset === NO_TIME) return false;
      seconds -= offset;
    }
  }
  if (seconds < 0 || seconds >= WORD) return false;
  view.setInt32(out, fractionOfNanos(nanos) | 0, true);
  view.setInt32(out + 4, seconds | 0, true);
  return true;
}

const NO_TIME = Number.MIN_SAFE_INTEGER;

/** The usual form, every number with all its digits. */
function scanFixed(span: Span): boolean {
  const { bytes, at, end } = span;
  if (at + 19 > end) return false;
  if (
    bytes[at + 4] !== DASH ||
    bytes[at + 7] !== DASH ||
    bytes[at + 10] !== T ||
    bytes[at + 13] !== COLON ||
    bytes[at + 16] !== COLON
  )
    return false;
  const century = twoDigits(bytes, at);
  const year = century * 100 + twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  const hour = twoDigits(bytes, at + 11);
  const minute = twoDigits(bytes, at + 14);
  const second = twoDigits(bytes, at + 17);
  if ((century | year | month | day | hour | minute | second) < 0) return false;
  clock[0] = year;
  clock[1] = month;
  clock[2] = day;
  clock[3] = hour;
  clock[4] = minute;
  clock[5] = second;
  span.at = at + 19;
  return true;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return (tens | ones | (9 - tens) | (9 - ones)) < 0 ? NOT_DIGITS : tens * 10 + ones;
}

/** Months, days and so on may lack their leading zero. */
function scanLoose(span: Span): boolean {
  const { bytes, end } = span;
  let i = span.at;
  for (let part = 0; part < 6; part++) {
    if (part > 0 && (i >= end || bytes[i++] !== SEPARATORS[part])) return false;
    const from = i;
    const last = Math.min(end, from + (part === 0 ? 4 : 2));
    let value = 0;
    for (; i < last; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (i === from || (part === 0 && i - from < 4)) return false;
    clock[part] = value;
  }
  span.at = i;
  return true;
}

/** Seconds since 1970 of {@link clock}; {@link NO_TIME} when it is none. */
function secondsOf(): number {
  const year = clock[0]!;
  const month = clock[1]!;
  const day = clock[2]!;
  const hour = clock[3]!;
  const minute = clock[4]!;
  const second = clock[5]!;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NO_TIME;
  // RFC 3339 section 5.7: a leap second is second 60.
  if (hour > 23 || minute > 59 || second > 60) return NO_TIME;
  return daysBefore(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : DAYS[month - 1]!;
}

/** Days from 1970 to a date of the Gregorian calendar. Years begin in March, so that the leap day is their last. */
function daysBefore(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const century = Math.floor(y / 100);
  const leaps = Math.floor(y / 4) - century + Math.floor(century / 4);
  return y * 365 + leaps + (((153 * m + 2) / 5) | 0) + day - 719_469;
}

/** Nanoseconds of `.fraction`, 0 without one; digits past the ninth are ignored. -1 for a point without digits. */
function scanFraction(span: Span): number {
  const { bytes, at, end } = span;
  if (at === end || bytes[at] !== POINT) return 0;
  let nanos = 0;
  let unit = 1_000_000_000;
  let i = at + 1;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    if (unit === 1) continue;
    unit /= 10;
    nanos = nanos * 10 + digit;
  }
  if (i === at + 1) return -1;
  span.at = i;
  return nanos * unit;
}

/** Seconds of `+hh:mm` or `-hh:mm`; {@link NO_TIME} when it is none. */
function scanOffset(span: Span): number {
  const { bytes, at, end } = span;
  if (at + 6 > end || bytes[at + 3] !== COLON) return NO_TIME;
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NO_TIME;
  span.at = at + 6;
  return (bytes[at] === DASH ? -1 : 1) * (hours * 3600 + minutes * 60);
}
