// SPDX-License-Identifier: BSD-3-Clause

/** Longest number that is read: E.164 has 15 digits, and prefixes are guessed before them. */
const NUMBER_MAX = 64;

const CHAR = {
  percent: 0x25,
  plus: 0x2b,
  zero: 0x30,
  one: 0x31,
  nine: 0x39,
  colon: 0x3a,
} as const;
/** What a character does in the user part of a URI. */
const [DIALS, SEPARATES, ENDS] = [1, 2, 3];
const KIND = new Uint8Array(256);
for (const char of "0123456789*#") KIND[char.charCodeAt(0)] = DIALS;
// RFC 3966 section 5.1.1: what only helps the eye.
for (const char of "-.() ") KIND[char.charCodeAt(0)] = SEPARATES;
for (const char of "@;?:>,") KIND[char.charCodeAt(0)] = ENDS;

const isDigit = (char: number): boolean => char >= CHAR.zero && char <= CHAR.nine;

/** The telephone number in the user part of a SIP or tel URI, read where it lies. */
export class Dialled {
  /** Digits, `*`, `#`, and a `+` in front. */
  readonly chars = new Uint8Array(NUMBER_MAX);
  length = 0;

  /** Read a URI; false when its user is no number, and of one longer than 64 characters. */
  read(view: DataView, at: number, length: number): boolean {
    const { chars } = this;
    const end = at + length;
    const start = at + schemeOf(view, at, end);
    let count = 0;
    this.length = 0;
    for (let i = start; i > at && i < end; i++) {
      let char = view.getUint8(i);
      if (!isDigit(char)) {
        if (KIND[char] === ENDS) break;
        if (char === CHAR.percent && i + 2 < end) {
          char = hexDigit(view.getUint8(i + 1)) * 16 + hexDigit(view.getUint8(i + 2));
          i += 2;
        }
        if (KIND[char] === SEPARATES) continue;
        if (!isDialled(char, count)) return false;
      }
      if (count === NUMBER_MAX) return false;
      chars[count++] = char;
    }
    this.length = count;
    return count > 0;
  }

  /** The last `digits` (at most 9) as a number; -1 when there are fewer of them. */
  tail(digits: number): number {
    if (this.length < digits) return -1;
    let value = 0;
    for (let i = this.length - digits; i < this.length; i++) {
      if (!isDigit(this.chars[i]!)) return -1;
      value = value * 10 + this.chars[i]! - CHAR.zero;
    }
    return value;
  }

  /**
   * Characters of an international prefix: of `+`, `00` or `011`, the usual ways to begin a number with its country.
   * 0 when there is none.
   */
  get international(): number {
    const { chars, length } = this;
    if (length > 0 && chars[0] === CHAR.plus) return 1;
    if (length < 3 || chars[0] !== CHAR.zero) return 0;
    if (chars[1] === CHAR.zero) return 2;
    return chars[1] === CHAR.one && chars[2] === CHAR.one ? 3 : 0;
  }

  /** The E.164 country code of a number with `+` or `00` before it; 0 when there is none. */
  get country(): number {
    const { international: from, chars, length } = this;
    // 011 may also be the beginning of a domestic number: only who sits in North America could tell.
    if (from === 0 || from === 3) return 0;
    let code = 0;
    for (let i = from; i < from + 3 && i < length && isDigit(chars[i]!); i++) {
      code = code * 10 + chars[i]! - CHAR.zero;
      if (isWhole(code)) return code;
    }
    return 0;
  }
}

/** Whether a character may be part of a number, behind so many others. */
const isDialled = (char: number, count: number): boolean =>
  KIND[char] === DIALS || (char === CHAR.plus && count === 0);

/** Two digits in E.164's list of assigned codes; all others but 1 and 7 have three. */
const TWO_DIGITS = new Set([
  20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
  57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
]);

const isWhole = (code: number): boolean =>
  code === 1 || code === 7 || code >= 200 || TWO_DIGITS.has(code);

/** Bytes of `sip:`, `sips:` or `tel:` in front; 0 when it begins otherwise. */
function schemeOf(view: DataView, at: number, end: number): number {
  if (end - at < 6) return 0;
  // In lower case, as a big-endian word.
  const start = view.getUint32(at) | 0x20202000;
  if (start === 0x7369703a || start === 0x74656c3a) return 4;
  return (view.getUint32(at) | 0x20202020) === 0x73697073 && view.getUint8(at + 4) === CHAR.colon
    ? 5
    : 0;
}

/** The value of a hexadecimal digit; of anything else one that makes no part of a number. */
function hexDigit(char: number): number {
  if (isDigit(char)) return char - CHAR.zero;
  const letter = char | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 0xff;
}
