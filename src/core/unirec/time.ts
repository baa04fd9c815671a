// SPDX-License-Identifier: BSD-3-Clause
/**
 * UniRec time: 32 bits of seconds, 32 bits of fraction (unirec.md section 2.2).
 *
 * A detector computes with whole microseconds, which a double holds exactly. The original converts
 * through nanoseconds with the constant K = 0x44B82FA0A, so the fraction is not simply us * 2^32 / 10^6;
 * the split arithmetic here gives the same 64 bits without BigInt.
 * @module
 */

/** Microseconds in a second: times a duration in seconds gives the unit of event time. */
export const SECOND = 1_000_000;

/** K / 2^32 = 4 + 0x4b82fa0a / 2^32. */
const K_LOW = 0x4b82fa0a;
const K_LOW_HIGH = K_LOW >>> 16;
const K_LOW_LOW = K_LOW & 0xffff;
const WORD = 4_294_967_296;

/** The fraction word of `micros` (0 to 999,999) microseconds. */
export const fractionOfMicros = (micros: number): number => fractionOfNanos(micros * 1000);

/** The fraction word of `nanos` (below 10^9) nanoseconds: floor(nanos * K / 2^32). */
export function fractionOfNanos(nanos: number): number {
  // nanos * K_LOW takes 61 bits: two products of 46 bits, added above the lower 16 bits.
  const low = nanos * K_LOW_LOW;
  const high = nanos * K_LOW_HIGH + Math.floor(low / 65_536);
  return nanos * 4 + Math.floor(high / 65_536);
}

/**
 * Whole microseconds of a fraction word: floor(floor((fraction * 10^9 + 2^32 - 1) / 2^32) / 1000).
 *
 * Nanoseconds are rounded up there, so what is above .999 of a microsecond is the next one. The product is exact, and
 * its steps of 2^-26 come no nearer to .999 than 2e-9, which the sum does not blur.
 */
export const microsOfFraction = (fraction: number): number =>
  Math.floor(fraction * MICROS_OF_FRACTION + 0.001);

/** 15625 / 2^26. */
const MICROS_OF_FRACTION = 1e6 / WORD;

/** Microseconds since 1970 of a time at `at`. */
export function readTime(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * SECOND + microsOfFraction(view.getUint32(at, true));
}

/** Write microseconds since 1970 (0 up to 2106) as a UniRec time. */
export function writeTime(view: DataView, at: number, micros: number): void {
  const seconds = Math.floor(micros / SECOND);
  // Signed words: a store of a double above 2^31 is slow in JSC.
  view.setInt32(at, fractionOfMicros(micros - seconds * SECOND) | 0, true);
  view.setInt32(at + 4, seconds | 0, true);
}

/** Microseconds of a raw 64-bit UniRec time. */
export const microsOfRaw = (raw: bigint): number =>
  Number(raw >> 32n) * SECOND + microsOfFraction(Number(raw & 0xffff_ffffn));

/** The raw 64-bit UniRec time of whole microseconds. */
export const rawOfMicros = (micros: number): bigint => {
  const seconds = Math.floor(micros / SECOND);
  return (BigInt(seconds) << 32n) | BigInt(fractionOfMicros(micros - seconds * SECOND));
};

const TWO_DIGITS = (n: number): string => (n < 10 ? `0${n}` : `${n}`);

let dayOfText = -1;
let textOfDay = "";

/** `YYYY-MM-DDTHH:MM:SS.uuuuuu`, UTC, as UniRec's text form has it. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / SECOND);
  const day = Math.floor(seconds / 86_400);
  if (day !== dayOfText) {
    // Records of one file lie in few days: the date is formatted once a day, not once a record.
    dayOfText = day;
    textOfDay = new Date(day * 86_400_000).toISOString().slice(0, 11);
  }
  const rest = seconds - day * 86_400;
  const hours = Math.floor(rest / 3600);
  const minutes = Math.floor(rest / 60) % 60;
  const fraction = String(micros - seconds * SECOND).padStart(6, "0");
  return `${textOfDay}${TWO_DIGITS(hours)}:${TWO_DIGITS(minutes)}:${TWO_DIGITS(rest % 60)}.${fraction}`;
}

/** RFC 3339 with microseconds, from 1970 to 2255: past 2^53 a double has no single microseconds. */
export const rfc3339 = (micros: number): string =>
  `${timeText(Math.min(Math.max(Math.trunc(micros) || 0, 0), Number.MAX_SAFE_INTEGER))}Z`;

const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Microseconds of a time's text: `YYYY-MM-DDTHH:MM:SS[.fraction][Z]`, and RFC 3339 offsets, which the
 * original refuses. Undefined when the text is no time, or before 1970 or past the format's 2106.
 */
export function parseTime(text: string): number | undefined {
  const found = TIME.exec(text);
  if (!found) return undefined;
  const [, ...words] = found;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = words.map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  // Date carries 30 February over to March, and takes year 70 for 1970.
  if (date.getUTCMonth() !== month - 1 || date.getUTCFullYear() !== year) return undefined;
  // RFC 3339 section 5.7: a leap second is second 60.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const offset = offsetSeconds(found[8] ?? "Z");
  if (offset === undefined) return undefined;
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  if (seconds < 0 || seconds >= WORD) return undefined;
  return seconds * SECOND + Number((found[7] ?? "").padEnd(6, "0").slice(0, 6));
}

function offsetSeconds(text: string): number | undefined {
  if (text === "Z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (text.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}
