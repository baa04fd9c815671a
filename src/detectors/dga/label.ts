// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";

const DOT = 0x2e;
const HYPHEN = 0x2d;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const CASE = 0x20;
const LETTER_X = 0x78;
const LETTER_N = 0x6e;
/** Shorter labels say too little, longer ones are none. */
export const LABEL_MIN = 6;
const LABEL_MAX = 63;

/** Labels below a country's that anybody can register names under, as `co.uk`. */
const SECOND_LEVEL =
  "ac co com ed edu go gob gouv gov id ltd mil ne net nhs nom or org plc sch web".split(" ");

/** What a label may be made of, as the alphabet of the model: letters by their place, digits, the hyphen; 0xff for all else. */
const NO_SYMBOL = 0xff;
export const SYMBOL = symbols();
export const EDGE = 37;

function symbols(): Uint8Array {
  const table = new Uint8Array(256).fill(NO_SYMBOL);
  for (let i = 0; i < 26; i++) table[0x61 + i] = table[0x41 + i] = i;
  for (let i = 0; i < 10; i++) table[0x30 + i] = 26 + i;
  table[HYPHEN] = 36;
  return table;
}

const lower = (byte: number): number => (byte >= UPPER_A && byte <= UPPER_Z ? byte | CASE : byte);

/** A hash of bytes from the right to the left, letters of either case alike. */
function hashOf(bytes: Uint8Array, from: number, to: number, hash = 0): number {
  let h = hash;
  for (let at = to - 1; at >= from; at--)
    h = Math.imul(h ^ lower(bytes[at]!), 0x01000193) ^ (h >>> 15);
  return h;
}

/** Where the last label of the text up to `to` begins. */
function labelStart(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (at > from && bytes[at - 1] !== DOT) at--;
  return at;
}

const encoder = new TextEncoder();
/** A name's hash, as {@link LabelFinder} compares it. */
export function nameHash(name: string): number {
  const bytes = encoder.encode(name);
  return hashOf(bytes, 0, bytes.length);
}

/**
 * Finds the label of a name that somebody registered, as bytes where they lie: `example` of `www.example.co.uk`. What stands in front of it
 * is the owner's own business: random names of hosts and content are usual there.
 */
export class LabelFinder {
  readonly #tops: ReadonlySet<number>;
  readonly #seconds: ReadonlySet<number>;
  readonly #open: ReadonlySet<number>;
  from = 0;
  to = 0;
  /** A hash of the registered domain. */
  hash = 0;
  /** Whether the label is one to judge: long enough, of letters, digits and hyphens, and no coded form of another script (RFC 5891). */
  isJudged = false;
  /** Whether it looks made up, once it has been judged. */
  isMadeUp = false;

  /** Takes the hashes of all top-level domains, and domains below which anybody gets a name at once. */
  constructor(tops: ReadonlySet<number>, open: Iterable<string>) {
    this.#tops = tops;
    this.#seconds = new Set(SECOND_LEVEL.map(nameHash));
    this.#open = new Set(Array.from(open, (name) => nameHash(name.toLowerCase())));
  }

  /** Find the label of the name from `from` to `to`; false when it is not below a top-level domain of the Internet. */
  find(bytes: Uint8Array, from: number, to: number): boolean {
    const end = to > from && bytes[to - 1] === DOT ? to - 1 : to;
    const top = labelStart(bytes, from, end);
    if (top === from || top === end || !this.#tops.has(hashOf(bytes, top, end))) return false;
    let at = labelStart(bytes, from, top - 1);
    let stop = top - 1;
    const isRegistry = end - top === 2 && this.#seconds.has(hashOf(bytes, at, stop));
    if (at > from && (isRegistry || this.#open.has(hashOf(bytes, at, end)))) {
      stop = at - 1;
      at = labelStart(bytes, from, stop);
    }
    if (at === stop) return false;
    this.from = at;
    this.to = stop;
    this.hash = hashWord(0, hashOf(bytes, at, end));
    this.isJudged = isWord(bytes, at, stop);
    return true;
  }
}

function isWord(bytes: Uint8Array, from: number, to: number): boolean {
  const size = to - from;
  if (size < LABEL_MIN || size > LABEL_MAX) return false;
  if (bytes[from + 2] === HYPHEN && bytes[from + 3] === HYPHEN)
    if (lower(bytes[from]!) === LETTER_X && lower(bytes[from + 1]!) === LETTER_N) return false;
  for (let at = from; at < to; at++) if (SYMBOL[bytes[at]!] === NO_SYMBOL) return false;
  return true;
}
