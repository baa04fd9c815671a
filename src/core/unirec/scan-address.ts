// SPDX-License-Identifier: BSD-3-Clause
/** Addresses from bytes of text, strict as inet_pton (unirec.md section 2.1). @module */
import type { Span } from "./span.ts";

const POINT = 46;
const COLON = 58;
/** Value of a hexadecimal digit; -1 for other bytes. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return byte < 128 ? digit : -1;
});

/** An IPv4 or IPv6 address into the 16 bytes at `out`; false when there is none. */
export function scanIp(span: Span, view: DataView, out: number): boolean {
  const { at } = span;
  if (!scanQuad(span, view, out + 8)) {
    span.at = at;
    return scanIpv6(span, view, out);
  }
  view.setInt32(out, 0);
  view.setInt32(out + 4, 0);
  view.setInt32(out + 12, -1);
  return true;
}

/** Dotted quad into four bytes: no leading zeros, no octet above 255. */
function scanQuad(span: Span, view: DataView, out: number): boolean {
  const { bytes, end } = span;
  let i = span.at;
  let word = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i >= end || bytes[i++] !== POINT)) return false;
    if (i >= end) return false;
    let octet = bytes[i++]! - 48;
    if (octet < 0 || octet > 9) return false;
    // Behind a leading zero no digit belongs to the octet: the point is missed there.
    for (; i < end && octet !== 0; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) break;
      octet = octet * 10 + digit;
      if (octet > 255) return false;
    }
    word = (word << 8) | octet;
  }
  span.at = i;
  view.setInt32(out, word);
  return true;
}

/** Up to eight groups, one `::` in place of at least one, the last two perhaps as a dotted quad. */
function scanIpv6(span: Span, view: DataView, out: number): boolean {
  const { bytes, end } = span;
  let count = 0;
  let gap = -1;
  if (isGap(span)) {
    gap = 0;
    span.at += 2;
  }
  for (;;) {
    const size = scanGroup(span, view, out, count);
    // Nothing may follow the `::`, and only there.
    if (size === 0 && gap === count) break;
    if (size <= 0) return false;
    count += size;
    if (size === 2 || span.at >= end || bytes[span.at] !== COLON) break;
    if (isGap(span)) {
      if (gap >= 0) return false;
      gap = count;
      span.at++;
    }
    span.at++;
  }
  if (gap < 0) return count === 8;
  if (count === 8) return false;
  widen(view, out, count, gap);
  return true;
}

const isGap = (span: Span): boolean =>
  span.at + 1 < span.end && span.bytes[span.at] === COLON && span.bytes[span.at + 1] === COLON;

/** Write the group of a number; returns the groups written: 2 for a dotted quad, 0 without a digit, -1 when wrong. */
function scanGroup(span: Span, view: DataView, out: number, count: number): number {
  const { bytes, at, end } = span;
  let value = 0;
  let i = at;
  for (; i < end; i++) {
    const digit = HEX[bytes[i]!]!;
    if (digit < 0) break;
    value = (value << 4) | digit;
  }
  if (i === at) return 0;
  if (i < end && bytes[i] === POINT) {
    return count <= 6 && scanQuad(span, view, out + 2 * count) ? 2 : -1;
  }
  if (i - at > 4 || count === 8) return -1;
  span.at = i;
  view.setInt16(out + 2 * count, value);
  return 1;
}

/** Move the groups from `gap` on to the end of the eight, zeros before them. */
function widen(view: DataView, out: number, count: number, gap: number): void {
  const zeros = 8 - count;
  for (let i = 7; i >= gap + zeros; i--) {
    view.setInt16(out + 2 * i, view.getInt16(out + 2 * (i - zeros)));
  }
  for (let i = gap; i < gap + zeros; i++) view.setInt16(out + 2 * i, 0);
}

/** Six octets of one or two hexadecimal digits into the 6 bytes at `out`; false when there are none. */
export function scanMac(span: Span, view: DataView, out: number): boolean {
  const { bytes, end } = span;
  let i = span.at;
  for (let part = 0; part < 6; part++) {
    if (part > 0 && (i >= end || bytes[i++] !== COLON)) return false;
    const high = i < end ? HEX[bytes[i++]!]! : -1;
    if (high < 0) return false;
    const low = i < end ? HEX[bytes[i]!]! : -1;
    if (low >= 0) i++;
    view.setInt8(out + part, low < 0 ? high : (high << 4) | low);
  }
  span.at = i;
  return true;
}

/** Pairs of hexadecimal digits, decoded in place over their own text; -1 when it is not all pairs. */
export function decodeHex(bytes: Uint8Array, at: number, end: number): number {
  if ((end - at) % 2 !== 0) return -1;
  const count = (end - at) / 2;
  for (let i = 0; i < count; i++) {
    const high = HEX[bytes[at + 2 * i]!]!;
    const low = HEX[bytes[at + 2 * i + 1]!]!;
    if (high < 0 || low < 0) return -1;
    bytes[at + i] = (high << 4) | low;
  }
  return count;
}
