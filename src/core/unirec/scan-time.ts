// SPDX-License-Identifier: BSD-3-Clause
/** UniRec times from bytes of text (unirec.md section 6), to all nine digits of a second. @module */
import type { Span } from "./span.ts";
import { fractionOfNanos } from "./time.ts";

const WORD = 4_294_967_296;
const COMMA = 44;
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
const POWERS = Int32Array.from({ length: 9 }, (_, i) => 10 ** i);
const NOT_DIGITS = -1000;
const NO_TIME = Number.MIN_SAFE_INTEGER;

/** The text `YYYY-MM-DDTHH:` of the hour read last, as words, and its seconds since 1970. */
const hour = {
  word0: 0x31393730,
  word4: 0x2d30312d,
  word8: 0x30315430,
  word12: 0x303a,
  seconds: 0,
};

/**
 * `YYYY-MM-DDTHH:MM:SS[.fraction][Z]` or with an RFC 3339 offset, which the original refuses, into the 8 bytes
 * at `out`; false when there is no time, or one before 1970 or past the format's 2106.
 */
export function scanTime(span: Span, view: DataView, out: number): boolean {
  let seconds = scanSameHour(span);
  if (seconds === NO_TIME) seconds = scanAnyHour(span);
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

/** Seconds since 1970 of a time in the usual form and the hour read last: records of a file lie in few hours. */
function scanSameHour(span: Span): number {
  const { bytes, view, at } = span;
  if (at + 19 > span.end) return NO_TIME;
  if (
    view.getInt32(at + 8) !== hour.word8 ||
    view.getInt16(at + 12) !== hour.word12 ||
    view.getInt32(at + 4) !== hour.word4 ||
    view.getInt32(at) !== hour.word0 ||
    bytes[at + 16] !== COLON
  )
    return NO_TIME;
  const minute = twoDigits(bytes, at + 14);
  const second = twoDigits(bytes, at + 17);
  if ((minute | second) < 0 || minute > 59 || second > 60) return NO_TIME;
  span.at = at + 19;
  return hour.seconds + minute * 60 + second;
}

/** Seconds since 1970 of any time, and remember its hour. */
function scanAnyHour(span: Span): number {
  const { view, at } = span;
  if (!scanClock(span)) return NO_TIME;
  const seconds = secondsOf();
  // 19 characters: no number lacks its leading zero.
  if (seconds !== NO_TIME && span.at === at + 19) {
    hour.word0 = view.getInt32(at);
    hour.word4 = view.getInt32(at + 4);
    hour.word8 = view.getInt32(at + 8);
    hour.word12 = view.getInt16(at + 12);
    hour.seconds = seconds - clock[4]! * 60 - clock[5]!;
  }
  return seconds;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return (tens | ones | (9 - tens) | (9 - ones)) < 0 ? NOT_DIGITS : tens * 10 + ones;
}

/** Six numbers into {@link clock}: months, days and so on may lack their leading zero. */
function scanClock(span: Span): boolean {
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
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return NO_TIME;
  // RFC 3339 section 5.7: a leap second is second 60.
  if (clock[3]! > 23 || clock[4]! > 59 || clock[5]! > 60) return NO_TIME;
  return daysBefore(year, month, day) * 86_400 + clock[3]! * 3600 + clock[4]! * 60 + clock[5]!;
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

const ZEROS = 0x30303030;
const HIGH = 0xf0f0f0f0 | 0;

/** The number of four digits, the first in the word's low byte; negative when they are none. */
function fourDigits(word: number): number {
  // Digits are 0x30 to 0x39: their high half is 3, also with 6 added.
  if ((word & HIGH) !== ZEROS || ((word + 0x06060606) & HIGH) !== ZEROS) return NOT_DIGITS;
  const digits = word & 0x0f0f0f0f;
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff;
  return (pairs & 0xff) * 100 + (pairs >>> 16);
}

/** Nanoseconds of `.fraction`, 0 without one; digits past the ninth are ignored. -1 for a point without digits. */
function scanFraction(span: Span): number {
  const { bytes, at, end } = span;
  if (at === end || bytes[at] !== POINT) return 0;
  // The usual six digits: 5 ns, against 13 of the loop below.
  if (at + 7 === end || (at + 7 < end && bytes[at + 7] === COMMA)) {
    const four = fourDigits(span.view.getInt32(at + 1, true));
    const two = twoDigits(bytes, at + 5);
    if ((four | two) >= 0) {
      span.at = at + 7;
      return (four * 100 + two) * 1000;
    }
  }
  let nanos = 0;
  let i = at + 1;
  for (; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) break;
    if (i - at <= 9) nanos = nanos * 10 + digit;
  }
  if (i === at + 1) return -1;
  span.at = i;
  return i - at > 9 ? nanos : nanos * POWERS[10 + at - i]!;
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
