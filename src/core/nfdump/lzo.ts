// SPDX-License-Identifier: BSD-3-Clause
/**
 * Blocks of LZO1X, of which no description but decoders exists: the instructions are those that the Linux kernel's documentation
 * lists ("LZO stream format").
 * @module
 */
import { Unpacking } from "./unpacking.ts";

const MATCH_MIN = 4;
const HASH_BITS = 14;
const HASH_FACTOR = 2_654_435_761;
/** Farthest matches of the three kinds of instructions that are written. */
const NEAR_MAX = 0x800;
const MIDDLE_MAX = 0x4000;
const FAR_MAX = 0xbfff;
/** Most bytes that a near match has. */
const NEAR_RUN_MAX = 8;
/** The first byte of a block less this is a count of literals. */
const FIRST = 17;
/** Literals behind a match that fit into its instruction. */
const STATE_MAX = 3;
/** In place of those: the block ends. */
const END = -1;

/** Most bytes that {@link packLzo} makes of so many. */
export const lzoBound = (length: number): number => length + Math.ceil(length / 16) + 64;

/** Unpack a block; returns its bytes, -1 when it is damaged or has no room. */
export function unpackLzo(packed: Uint8Array, into: Uint8Array): number {
  const unpacking = new Unpacking(packed, into);
  /** Literals that the instruction before copied: 0 to 3, or 4 for more. */
  let state = 0;
  if (unpacking.peek > FIRST) {
    const literals = unpacking.byte() - FIRST;
    unpacking.literals(literals);
    state = Math.min(literals, STATE_MAX + 1);
  }
  while (!unpacking.failed) {
    const code = unpacking.byte();
    if (code < 16 && state === 0) {
      unpacking.literals(3 + runOf(unpacking, code, 15));
      state = STATE_MAX + 1;
      continue;
    }
    if (code >= 64) state = near(unpacking, code);
    else if (code >= 16) state = far(unpacking, code);
    else state = tiny(unpacking, code, state);
    if (state === END) return unpacking.left === 0 && !unpacking.failed ? unpacking.to : -1;
    unpacking.literals(state);
  }
  return -1;
}

/** Matches of 3 to 8 bytes, up to 2 KB back; returns the literals behind, as the others do. */
function near(unpacking: Unpacking, code: number): number {
  const run = code >= 128 ? 5 + ((code >>> 5) & 3) : 3 + ((code >>> 5) & 1);
  unpacking.match((unpacking.byte() << 3) + ((code >>> 2) & 7) + 1, run);
  return code & STATE_MAX;
}

/** Matches of any length up to 48 KB back, or the end of the block. */
function far(unpacking: Unpacking, code: number): number {
  const isMiddle = code >= 32;
  const run = isMiddle ? runOf(unpacking, code & 31, 31) : runOf(unpacking, code & 7, 7);
  const pair = unpacking.pair();
  const distance = (pair >>> 2) + (isMiddle ? 1 : MIDDLE_MAX + ((code & 8) << 11));
  if (!isMiddle && distance === MIDDLE_MAX) return END;
  unpacking.match(distance, 2 + run);
  return pair & STATE_MAX;
}

/** Matches of 2 bytes up to 1 KB back, and behind many literals of 3 bytes up to 3 KB back. */
function tiny(unpacking: Unpacking, code: number, state: number): number {
  const isLong = state > STATE_MAX;
  const distance = (unpacking.byte() << 2) + (code >>> 2) + (isLong ? NEAR_MAX : 0) + 1;
  unpacking.match(distance, isLong ? 3 : 2);
  return code & STATE_MAX;
}

/** A length that its instruction has, or where that is zero the bytes behind it. */
function runOf(unpacking: Unpacking, own: number, most: number): number {
  if (own > 0) return own;
  let run = most;
  while (!unpacking.failed) {
    const more = unpacking.byte();
    if (more > 0) return run + more;
    run += 255;
  }
  return run;
}

/** Pack bytes into `into`, which has {@link lzoBound} bytes; returns the length. */
export function packLzo(bytes: Uint8Array, into: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /** Where each hash was seen last, plus one. */
  const seen = new Int32Array(1 << HASH_BITS);
  let anchor = 0;
  let to = 0;
  let at = 0;
  while (at + MATCH_MIN <= bytes.length) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS);
    const found = seen[slot]! - 1;
    seen[slot] = at + 1;
    if (found < 0 || at - found > FAR_MAX || view.getInt32(found, true) !== word) {
      at++;
      continue;
    }
    let run = MATCH_MIN;
    while (at + run < bytes.length && bytes[found + run] === bytes[at + run]) run++;
    to = putLiterals(into, to, bytes.subarray(anchor, at));
    to = putMatch(into, to, { run, distance: at - found });
    at += run;
    anchor = at;
  }
  to = putLiterals(into, to, bytes.subarray(anchor));
  into[to] = FIRST;
  into[to + 1] = 0;
  into[to + 2] = 0;
  return to + 3;
}

function putLiterals(into: Uint8Array, to: number, literals: Uint8Array): number {
  const { length } = literals;
  if (length === 0) return to;
  let at = to;
  if (to === 0 && length <= 255 - FIRST) into[at++] = FIRST + length;
  // The two lowest bits of the match before, whose instruction has them in its last byte but one.
  else if (to > 0 && length <= STATE_MAX) into[at - 2]! |= length;
  else if (length <= 18) into[at++] = length - 3;
  else {
    into[at++] = 0;
    at = putRun(into, at, length - 18);
  }
  into.set(literals, at);
  return at + length;
}

function putMatch(
  into: Uint8Array,
  to: number,
  { run, distance }: { run: number; distance: number },
): number {
  let at = to;
  if (run <= NEAR_RUN_MAX && distance <= NEAR_MAX) {
    into[at++] = ((run - 1) << 5) | (((distance - 1) & 7) << 2);
    into[at++] = (distance - 1) >>> 3;
    return at;
  }
  const isMiddle = distance <= MIDDLE_MAX;
  const left = isMiddle ? distance - 1 : distance - MIDDLE_MAX;
  const code = isMiddle ? 32 : 16 | ((left & MIDDLE_MAX) >>> 11);
  const most = isMiddle ? 33 : 9;
  if (run <= most) into[at++] = code | (run - 2);
  else {
    into[at++] = code;
    at = putRun(into, at, run - most);
  }
  into[at++] = (left << 2) & 255;
  into[at++] = (left & (MIDDLE_MAX - 1)) >>> 6;
  return at;
}

/** What is left of a length: zeros for 255 each, then the rest, which is not zero. */
function putRun(into: Uint8Array, to: number, length: number): number {
  let at = to;
  let left = length;
  for (; left > 255; left -= 255) into[at++] = 0;
  into[at++] = left;
  return at;
}
