// SPDX-License-Identifier: BSD-3-Clause
/** Blocks of LZ4 as nfdump has them: bare, without a frame and without their length (LZ4 block format). @module */
import { Unpacking } from "./unpacking.ts";

const MATCH_MIN = 4;
/** A block ends with so many literals, and its last match begins so many bytes before the end. */
const LITERALS_LAST = 5;
const MATCH_LAST = 12;
const DISTANCE_MAX = 65_535;
const HASH_BITS = 14;
/** Knuth's multiplier. */
const HASH_FACTOR = 2_654_435_761;
/** A nibble of a token that says: more length bytes follow. */
const MORE = 15;

/** Most bytes that {@link packLz4} makes of so many. */
export const lz4Bound = (length: number): number => length + Math.ceil(length / 255) + 16;

/** Unpack a block; returns its bytes, -1 when it is damaged or has no room. */
export function unpackLz4(packed: Uint8Array, into: Uint8Array): number {
  const unpacking = new Unpacking(packed, into);
  while (!unpacking.failed) {
    const token = unpacking.byte();
    unpacking.literals(lengthOf(unpacking, token >>> 4));
    // The last sequence is literals alone.
    if (unpacking.left === 0) break;
    const distance = unpacking.pair();
    unpacking.match(distance, MATCH_MIN + lengthOf(unpacking, token & MORE));
  }
  return unpacking.failed ? -1 : unpacking.to;
}

/** A length that its token has, or with the bytes behind it. */
function lengthOf(unpacking: Unpacking, own: number): number {
  if (own < MORE) return own;
  let length = own;
  let more: number;
  do {
    more = unpacking.byte();
    length += more;
  } while (more === 255);
  return length;
}

/** Pack bytes into `into`, which has {@link lz4Bound} bytes; returns the length. */
export function packLz4(bytes: Uint8Array, into: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** Where each hash was seen last, plus one. */
  const seen = new Int32Array(1 << HASH_BITS);
  const lastStart = bytes.length - MATCH_LAST;
  const lastEnd = bytes.length - LITERALS_LAST;
  let anchor = 0;
  let to = 0;
  let at = 0;
  while (at < lastStart) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS);
    const found = seen[slot]! - 1;
    seen[slot] = at + 1;
    if (found < 0 || at - found > DISTANCE_MAX || view.getInt32(found, true) !== word) {
      at++;
      continue;
    }
    let run = MATCH_MIN;
    while (at + run < lastEnd && bytes[found + run] === bytes[at + run]) run++;
    to = putToken(into, to, { literals: at - anchor, run: run - MATCH_MIN });
    to = putLiterals(into, to, bytes.subarray(anchor, at));
    into[to++] = (at - found) & 255;
    into[to++] = (at - found) >>> 8;
    if (run - MATCH_MIN >= MORE) to = putLength(into, to, run - MATCH_MIN - MORE);
    at += run;
    anchor = at;
  }
  to = putToken(into, to, { literals: bytes.length - anchor, run: 0 });
  return putLiterals(into, to, bytes.subarray(anchor));
}

function putToken(
  into: Uint8Array,
  to: number,
  { literals, run }: { literals: number; run: number },
): number {
  into[to] = (Math.min(literals, MORE) << 4) | Math.min(run, MORE);
  return literals >= MORE ? putLength(into, to + 1, literals - MORE) : to + 1;
}

function putLiterals(into: Uint8Array, to: number, literals: Uint8Array): number {
  into.set(literals, to);
  return to + literals.length;
}

/** What is left of a length: 255 again and again, then the rest. */
function putLength(into: Uint8Array, to: number, length: number): number {
  let at = to;
  let left = length;
  for (; left >= 255; left -= 255) into[at++] = 255;
  into[at++] = left;
  return at;
}
