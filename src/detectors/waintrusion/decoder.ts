// SPDX-License-Identifier: BSD-3-Clause
/** Bytes of a field that are looked at; servers take requests of up to 8 KB. */
export const TEXT_MAX = 8192;
const PERCENT = 0x25;
const LETTER_U = 0x75;
const UNKNOWN = 0x3f;
/** Fullwidth forms of printed ASCII: U+FF01 to U+FF5E. */
const FULLWIDTH = 0xff01;
const FULLWIDTH_END = 0xff5e;
const FIRST_PRINTED = 0x21;

const HEX = hexDigits();

/** Undoes percent encoding (`%41`, `%u0041`), into memory of its own, without a string. */
export class Decoder {
  readonly bytes = new Uint8Array(TEXT_MAX);
  length = 0;

  /** Decode the bytes from `from` to `to`, which may be {@link bytes} themselves. Returns whether there was an encoding. */
  decode(source: Uint8Array, from: number, to: number): boolean {
    const { bytes } = this;
    let out = 0;
    let isEncoded = false;
    for (let at = from; at < to; at++) {
      let byte = source[at]!;
      if (byte === PERCENT) {
        const size = escapeSize(source, at, to);
        if (size > 0) {
          byte = size === 3 ? hexAt(source, at + 1, 2) : byteOf(hexAt(source, at + 2, 4));
          at += size - 1;
          isEncoded = true;
        }
      }
      bytes[out++] = byte;
    }
    this.length = out;
    return isEncoded;
  }
}

/** Bytes of `%41` or `%u0041` that begins at `at`; 0 when it is none. */
function escapeSize(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 < end && HEX[bytes[at + 1]!]! < 16 && HEX[bytes[at + 2]!]! < 16) return 3;
  if (at + 5 >= end || (bytes[at + 1]! | 0x20) !== LETTER_U) return 0;
  for (let i = at + 2; i < at + 6; i++) if (HEX[bytes[i]!]! > 15) return 0;
  return 6;
}

function hexAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) value = (value << 4) | HEX[bytes[i]!]!;
  return value;
}

/** The byte that a character of UTF-16 is taken for. */
function byteOf(code: number): number {
  if (code < 256) return code;
  if (code >= FULLWIDTH && code <= FULLWIDTH_END) return code - FULLWIDTH + FIRST_PRINTED;
  return UNKNOWN;
}

/** The ASCII character that UTF-8 in two bytes, or a fullwidth form in three, stands for; -1 for others. */
export function shortened(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (at + 1 >= end) return -1;
  const second = bytes[at + 1]! ^ 0x80;
  if (second > 0x3f) return -1;
  if (first < 0xc2) return ((first & 1) << 6) | second;
  if (first !== 0xef || at + 2 >= end) return -1;
  const third = bytes[at + 2]! ^ 0x80;
  const code = 0xf000 | (second << 6) | third;
  return third <= 0x3f && code >= FULLWIDTH && code <= FULLWIDTH_END ? byteOf(code) : -1;
}

function hexDigits(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let i = 0; i < 10; i++) table[0x30 + i] = i;
  for (let i = 0; i < 6; i++) {
    table[0x41 + i] = 10 + i;
    table[0x61 + i] = 10 + i;
  }
  return table;
}
