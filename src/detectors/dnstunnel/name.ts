// SPDX-License-Identifier: BSD-3-Clause
import { CLASS_OF, NONE, ODD, PAIR, pairOf, USUAL_PAIR } from "./letter-pairs.ts";

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
/** The bit by which letters of either case differ; other bytes with and without it are taken as one when hashed. */
const CASE = 0x20;
const PRIME = 0x01000193;
const OTHER_PRIME = 0x5bd1e995;

/** Labels below a country's that anybody can register names under, as `co.uk`. Of at most four letters: see {@link packed}. */
const SECOND_LEVEL = new Set(
  "ac co com ed edu go gob gouv gov id ltd mil ne net nhs nom or org plc sch web"
    .split(" ")
    .map((label) => packed(new TextEncoder().encode(label), 0, label.length)),
);

/** A label's bytes in a number, in lower case; only labels of up to four bytes differ. */
function packed(bytes: Uint8Array, from: number, to: number): number {
  let word = 0;
  for (let at = from; at < to; at++) word = (word << 8) | lower(bytes[at]!);
  return word;
}

function lower(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte | CASE : byte;
}

/** Bytes of the escape that ends at `at`: 4 of `\DDD`, 2 of `\.`, 1 of a character that stands for itself. */
function escapeSize(bytes: Uint8Array, from: number, at: number): number {
  if (at - 1 >= from && bytes[at - 1] === BACKSLASH) return 2;
  if (at - 3 < from || bytes[at - 3] !== BACKSLASH) return 1;
  return isDigit(bytes[at]!) && isDigit(bytes[at - 1]!) && isDigit(bytes[at - 2]!) ? 4 : 1;
}

const isDigit = (byte: number): boolean => byte >= DIGIT_0 && byte <= DIGIT_9;

/** The byte that `\DDD`, ending at `at`, stands for. */
const decimal = (bytes: Uint8Array, at: number): number =>
  (bytes[at - 2]! * 100 + bytes[at - 1]! * 10 + bytes[at]! - DIGIT_0 * 111) & 255;

/** Where the last label of the text up to `to` begins. */
function labelStart(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (at > from && !(bytes[at - 1] === DOT && (at - 1 === from || bytes[at - 2] !== BACKSLASH)))
    at--;
  return at;
}

const mix = (hash: number, byte: number): number => Math.imul(hash ^ byte ^ (hash >>> 15), PRIME);
const otherMix = (hash: number, byte: number): number =>
  Math.imul(hash ^ byte, OTHER_PRIME) ^ (hash >>> 13);

/**
 * Reads names as they lie in records, without a string: where the registered domain begins, and what stands below it.
 *
 * A name is text, its bytes beyond printed ASCII as `\DDD` (RFC 4343 section 2.1). It is read from its end, so that the
 * hash of each parent is met on the way.
 */
export class NameReader {
  /** Names that are passed over with all below them, by their hash. */
  readonly #ignored = new Map<number, Uint8Array>();
  /** Low bytes that such hashes have, so that most names need no look-up. */
  readonly #maybe = new Uint8Array(256);
  /** Bytes below the registered domain, dots left out. */
  payload = 0;
  /** Pairs of characters within its labels, and how many of them are frequent in words. */
  pairs = 0;
  usual = 0;
  /** Bytes that no name of a host or service has. */
  odd = 0;
  /** A hash of the whole name; two of the domain. */
  low = 0;
  domainLow = 0;
  domainHigh = 0;

  constructor(ignored: Iterable<string> = []) {
    const encoder = new TextEncoder();
    for (const name of ignored) {
      const bytes = encoder.encode(name.toLowerCase());
      let hash = 0;
      for (let at = bytes.length - 1; at >= 0; at--) hash = mix(hash, bytes[at]! | CASE);
      this.#ignored.set(hash, bytes);
      this.#maybe[hash & 0xff] = 1;
    }
  }

  /** Where the registered domain begins in the name from `from` to `to`; `from` when nothing is below it. */
  domainOf(bytes: Uint8Array, from: number, to: number): number {
    const top = labelStart(bytes, from, to);
    if (top === from) return from;
    const second = labelStart(bytes, from, top - 1);
    if (second === from || to - top !== 2 || top - 1 - second > 4) return second;
    if (!SECOND_LEVEL.has(packed(bytes, second, top - 1))) return second;
    return labelStart(bytes, from, second - 1);
  }

  /**
   * Read the name, whose registered domain begins at `domain`.
   * Returns false, with nothing more known, when it is one that is passed over.
   */
  read(bytes: Uint8Array, from: number, domain: number, to: number): boolean {
    let low = 0;
    let high = 0;
    for (let at = to - 1; at >= domain; at--) {
      const byte = bytes[at]!;
      if (byte === DOT && this.#isIgnored(low, bytes, at + 1, to)) return false;
      low = mix(low, byte | CASE);
      high = otherMix(high, byte | CASE);
    }
    if (this.#isIgnored(low, bytes, domain, to)) return false;
    this.domainLow = low;
    this.domainHigh = high;
    this.low = mix(low, DOT);
    return this.#below(bytes, from, domain - 1, to);
  }

  /** Read text that is no name, such as an answer's data. */
  readText(bytes: Uint8Array, from: number, to: number): void {
    this.low = 0;
    this.#below(bytes, from, to, from);
  }

  /**
   * Read the labels from `from` to `to` of a name that ends at `end`; `end` is `from` of other text.
   * Escapes are rare, so they are looked for only once there is a backslash.
   */
  #below(bytes: Uint8Array, from: number, to: number, end: number): boolean {
    let { low } = this;
    let dots = 0;
    let pairs = 0;
    let frequent = 0;
    let odd = 0;
    let behind = NONE;
    for (let at = to - 1; at >= from; at--) {
      const byte = bytes[at]!;
      const kind = CLASS_OF[byte]!;
      if (kind === NONE) {
        if (this.#isIgnored(low, bytes, at + 1, end)) return false;
        dots++;
      } else if (kind === ODD) {
        if (byte === BACKSLASH) return this.#escaped(bytes, from, to, end);
        odd++;
      }
      const pair = pairOf(kind, behind);
      pairs += pair & PAIR;
      frequent += pair & USUAL_PAIR;
      low = mix(low, byte | CASE);
      behind = kind;
    }
    this.payload = Math.max(0, to - from) - dots;
    this.pairs = pairs;
    this.usual = frequent / USUAL_PAIR;
    this.odd = odd;
    this.low = low;
    return true;
  }

  /** The same of text with escapes; each counts as the byte it stands for. */
  #escaped(bytes: Uint8Array, from: number, to: number, end: number): boolean {
    let { low } = this;
    let payload = 0;
    let pairs = 0;
    let frequent = 0;
    let odd = 0;
    let behind = NONE;
    for (let at = to - 1; at >= from; at--) {
      const size = escapeSize(bytes, from, at);
      const byte = size === 4 ? decimal(bytes, at) : bytes[at]!;
      const kind = size > 1 ? ODD : CLASS_OF[byte]!;
      if (kind === NONE && this.#isIgnored(low, bytes, at + 1, end)) return false;
      if (kind !== NONE) payload++;
      if (kind === ODD) odd++;
      const pair = pairOf(kind, behind);
      pairs += pair & PAIR;
      frequent += pair & USUAL_PAIR;
      at -= size - 1;
      low = mix(low, byte | CASE);
      behind = kind;
    }
    this.payload = payload;
    this.pairs = pairs;
    this.usual = frequent / USUAL_PAIR;
    this.odd = odd;
    this.low = low;
    return true;
  }

  #isIgnored(hash: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#maybe[hash & 0xff] === 0) return false;
    const name = this.#ignored.get(hash);
    if (name === undefined || name.length !== to - from) return false;
    for (let i = 0; i < name.length; i++) if (lower(bytes[from + i]!) !== name[i]) return false;
    return true;
  }
}
