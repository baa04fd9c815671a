// SPDX-License-Identifier: BSD-3-Clause
/** Scalars of every UniRec type from bytes of text, into their place in a record. @module */
import { scanIp, scanMac } from "./scan-address.ts";
import {
  floatingOf,
  NO_INTEGER,
  scanDecimal,
  scanSigned,
  scanSigned64,
  scanUnsigned,
  scanUnsigned64,
} from "./scan-number.ts";
import { scanTime } from "./scan-time.ts";
import type { Span } from "./span.ts";
import type { ScalarType } from "./types.ts";

/** Scalar types as small numbers: one switch over them is faster than a function a type. */
export const SCALAR_CODE: Readonly<Record<ScalarType, number>> = {
  ipaddr: 0,
  time: 1,
  uint64: 2,
  uint32: 3,
  uint16: 4,
  uint8: 5,
  int64: 6,
  int32: 7,
  int16: 8,
  int8: 9,
  char: 10,
  macaddr: 11,
  float: 12,
  double: 13,
};
const COMMA = 44;
const QUOTE = 34;
const RETURN = 13;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Scan the value of a type at the span's front into `view`; false when there is none of a usual form. What
 * follows it is the caller's to judge; {@link scanWhole} takes the unusual forms.
 */
export function scanScalar(code: number, span: Span, view: DataView, out: number): boolean {
  switch (code) {
    case 0:
      return scanIp(span, view, out);
    case 1:
      return scanTime(span, view, out);
    case 2:
      return scanUnsigned64(span, view, out);
    case 3: {
      const value = scanUnsigned(span, 0xffff_ffff);
      view.setInt32(out, value | 0, true);
      return value >= 0;
    }
    case 4: {
      const value = scanUnsigned(span, 0xffff);
      view.setInt16(out, value, true);
      return value >= 0;
    }
    case 5: {
      const value = scanUnsigned(span, 0xff);
      view.setInt8(out, value);
      return value >= 0;
    }
    default:
      return scanRarer(code, span, view, out);
  }
}

function scanRarer(code: number, span: Span, view: DataView, out: number): boolean {
  switch (code) {
    case 6:
      return scanSigned64(span, view, out);
    case 7: {
      const value = scanSigned(span, 0x7fff_ffff);
      view.setInt32(out, value | 0, true);
      return value !== NO_INTEGER;
    }
    case 8: {
      const value = scanSigned(span, 0x7fff);
      view.setInt16(out, value | 0, true);
      return value !== NO_INTEGER;
    }
    case 9: {
      const value = scanSigned(span, 0x7f);
      view.setInt8(out, value | 0);
      return value !== NO_INTEGER;
    }
    case 10:
      return scanChar(span, view, out);
    case 11:
      return scanMac(span, view, out);
    default: {
      const value = scanDecimal(span);
      writeFloating(code, value, view, out);
      return !Number.isNaN(value);
    }
  }
}

function writeFloating(code: number, value: number, view: DataView, out: number): void {
  if (code === SCALAR_CODE.float) view.setFloat32(out, value, true);
  else view.setFloat64(out, value, true);
}

/** One ASCII character that is none of the line's own signs; none at all is zero. */
function scanChar(span: Span, view: DataView, out: number): boolean {
  const { bytes, at, end } = span;
  const byte = at < end ? bytes[at]! : COMMA;
  if (byte >= 0x80 || byte === QUOTE || byte === RETURN) return false;
  const empty = byte === COMMA;
  view.setInt8(out, empty ? 0 : byte);
  if (!empty) span.at = at + 1;
  return true;
}

/** Take all of a span as a value of a type, in whatever form; false when it is none. */
export function scanWhole(code: number, span: Span, view: DataView, out: number): boolean {
  const { bytes, at, end } = span;
  if (code === SCALAR_CODE.char) {
    view.setUint8(out, firstCharacter(bytes.subarray(at, end)));
    return true;
  }
  if (scanScalar(code, span, view, out) && span.at === end) return true;
  if (code !== SCALAR_CODE.float && code !== SCALAR_CODE.double) return false;
  const value = floatingOf(decoder.decode(bytes.subarray(at, end)));
  if (value === undefined) return false;
  writeFloating(code, value, view, out);
  return true;
}

/** The first character's low byte, as Latin-1 in UTF-8 has it; a byte that is no UTF-8 as it stands; zero without one. */
function firstCharacter(bytes: Uint8Array): number {
  const first = bytes[0] ?? 0;
  if (first < 0x80) return first;
  const character = decoder.decode(bytes.subarray(0, 4)).charCodeAt(0);
  return character === 0xfffd ? first : character & 0xff;
}
