// SPDX-License-Identifier: BSD-3-Clause
/** The text of UniRec's scalars, by type. @module */
import { ip, mac } from "./text-address.ts";
import { short, signed, signed64, unsigned, unsigned16, unsigned64 } from "./text-digits.ts";
import { time } from "./text-time.ts";
import type { ScalarType } from "./types.ts";

/** Longest text of a scalar: the sign, 309 digits and six decimals of a double. */
export const SCALAR_MAX = 320;

/** Writes the value at `from` of `view` as text to `at` of `out`, and returns where the text ends. */
export type ScalarText = (out: DataView, at: number, view: DataView, from: number) => number;

/** All but `char`, whose text depends on the line's delimiter. */
export const SCALAR_TEXT: Readonly<Record<Exclude<ScalarType, "char">, ScalarText>> = {
  uint8: (out, at, view, from) => short(out, at, view.getUint8(from)),
  uint16: (out, at, view, from) => unsigned16(out, at, view.getUint16(from, true)),
  uint32: (out, at, view, from) => unsigned(out, at, view.getUint32(from, true)),
  uint64: (out, at, view, from) =>
    unsigned64(out, at, view.getUint32(from, true), view.getUint32(from + 4, true)),
  int8: (out, at, view, from) => signed(out, at, view.getInt8(from)),
  int16: (out, at, view, from) => signed(out, at, view.getInt16(from, true)),
  int32: (out, at, view, from) => signed(out, at, view.getInt32(from, true)),
  int64: (out, at, view, from) =>
    signed64(out, at, view.getInt32(from, true), view.getInt32(from + 4, true)),
  float: (out, at, view, from) => ascii(out, at, fixedText(view.getFloat32(from, true))),
  double: (out, at, view, from) => ascii(out, at, fixedText(view.getFloat64(from, true))),
  time,
  ipaddr: ip,
  macaddr: mac,
};

function ascii(out: DataView, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

/** printf's `%f`: six decimals, all digits of a large value. */
export function fixedText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  // toFixed has no sign for it, printf has.
  if (Object.is(value, -0)) return "-0.000000";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

const QUOTE = 34;

/**
 * The character unquoted, as the original has it, unless it would be taken for the line's own signs.
 * One above ASCII is Latin-1 in UTF-8; controls are left out: a zero ends a C program's line.
 */
export function char(out: DataView, start: number, byte: number, delimiter: number): number {
  const quoted = byte === delimiter || byte === QUOTE;
  let at = start;
  if (quoted) out.setUint8(at++, QUOTE);
  if (byte < 0x80) at = character(out, at, byte);
  else if (byte >= 0xa0) {
    out.setUint8(at++, 0xc0 | (byte >>> 6));
    out.setUint8(at++, 0x80 | (byte & 0x3f));
  }
  if (quoted) out.setUint8(at++, QUOTE);
  return at;
}

/** An ASCII character of a string: a quote doubled, a newline as a space, other controls left out. */
export function character(out: DataView, at: number, byte: number): number {
  if (byte === 10) {
    out.setUint8(at, 32);
    return at + 1;
  }
  if (byte < 32 || byte === 127) return at;
  out.setUint8(at, byte);
  if (byte !== QUOTE) return at + 1;
  out.setUint8(at + 1, QUOTE);
  return at + 2;
}
