// SPDX-License-Identifier: BSD-3-Clause
/** Addresses as text in a view, as `ipText` and `macText` write them but without a string. @module */
import { packed, short } from "./text-digits.ts";

const COLON = 58;
/** The third word of an IPv4-mapped IPv6 address: groups of 0 and ffff. */
const MAPPED = 0xffff_0000 | 0;

const DOTTED = Int32Array.from({ length: 256 }, (_, i) => packed(`${i}.`));
const DOTTED_SIZE = Uint8Array.from({ length: 256 }, (_, i) => `${i}.`.length);
/** A byte in two hexadecimal digits. */
export const HEX_PAIR = Int32Array.from({ length: 256 }, (_, i) =>
  packed(i.toString(16).padStart(2, "0")),
);
/** And a colon behind them. */
const HEX_COLON = HEX_PAIR.map((pair) => pair | (COLON << 16));
/** A byte in hexadecimal digits and a colon, without leading zeros; the size is in the highest byte. */
const HEX_SHORT = Int32Array.from({ length: 256 }, (_, i) => {
  const text = `${i.toString(16)}:`;
  return packed(text) | (text.length << 24);
});

/**
 * The first longest run of two or more groups of zero, by a mask of the groups that are (bit 0 the first): where it
 * begins, and 16 times where it ends.
 */
const RUN = Uint8Array.from({ length: 256 }, (_, mask) => {
  let best = 0;
  let size = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && mask & (1 << to)) to++;
    if (to - from <= size) continue;
    size = to - from;
    best = from | (to << 4);
  }
  return best;
});

/** The 16 bytes of a UniRec address (unirec.md section 2.1). */
export function ip(out: DataView, at: number, view: DataView, from: number): number {
  if (view.getInt32(from, true) === 0 && view.getInt32(from + 4, true) === 0) {
    const word = view.getInt32(from + 8, true);
    if (view.getInt32(from + 12, true) === -1) return v4(out, at, word);
    if (word === MAPPED) return v4(out, label(out, at, "::ffff:"), view.getInt32(from + 12, true));
    // glibc writes IPv4-compatible addresses with a dotted tail, but :: and ::1 and their likes.
    if (word === 0 && view.getUint16(from + 12) !== 0)
      return v4(out, label(out, at, "::"), view.getInt32(from + 12, true));
  }
  return v6(out, at, view, from);
}

function label(out: DataView, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

/** An IPv4 address, its first octet in the lowest byte. */
function v4(out: DataView, at: number, word: number): number {
  const first = word & 255;
  const second = (word >>> 8) & 255;
  const third = (word >>> 16) & 255;
  out.setInt32(at, DOTTED[first]!, true);
  const one = at + DOTTED_SIZE[first]!;
  out.setInt32(one, DOTTED[second]!, true);
  const two = one + DOTTED_SIZE[second]!;
  out.setInt32(two, DOTTED[third]!, true);
  return short(out, two + DOTTED_SIZE[third]!, word >>> 24);
}

function v6(out: DataView, start: number, view: DataView, from: number): number {
  let zeros = 0;
  for (let i = 0; i < 8; i++) {
    if (view.getUint16(from + 2 * i, true) === 0) zeros |= 1 << i;
  }
  const run = RUN[zeros]!;
  const runFrom = run === 0 ? 8 : run & 15;
  const runTo = run >>> 4;
  let at = start;
  // Each group brings the colon behind it, so that a run of zeros adds one only.
  for (let i = 0; i < 8; i++) {
    if (i === runFrom) {
      if (i === 0) out.setUint8(at++, COLON);
      out.setUint8(at++, COLON);
      i = runTo - 1;
    } else at = group(out, at, view.getUint16(from + 2 * i));
  }
  return runTo === 8 ? at : at - 1;
}

function group(out: DataView, at: number, value: number): number {
  if (value < 256) {
    const word = HEX_SHORT[value]!;
    out.setInt32(at, word, true);
    return at + (word >>> 24);
  }
  const word = HEX_SHORT[value >>> 8]!;
  const end = at + (word >>> 24) - 1;
  out.setInt32(at, word, true);
  out.setInt32(end, HEX_COLON[value & 255]!, true);
  return end + 3;
}

/** Six octets, lower case. */
export function mac(out: DataView, at: number, view: DataView, from: number): number {
  for (let i = 0; i < 6; i++) out.setInt32(at + 3 * i, HEX_COLON[view.getUint8(from + i)]!, true);
  return at + 17;
}
