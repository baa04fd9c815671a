// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { DomainFinder } from "./suffixes.ts";
import { EDGE, OTHER, SYMBOL_OF, SYMBOLS, UNIT } from "./symbols.ts";
import { TABLES } from "./tables.ts";

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const CASE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** The begin of the number that a space is written as. */
const SPACE = "032";
/** Shorter labels carry next to nothing, and are what lists and reverse look-ups are asked with: parts of addresses, nibbles. */
const LABEL_MIN = 8;
/** Bytes of such labels in a name that is worth a look, and of all of it: a domain has at least four. */
const PAYLOAD_MIN = 12;
const NAME_MIN = PAYLOAD_MIN + 5;
/** Bits a character from which a label looks encoded: of names of hosts it is 4.3 on average, of base 16 5.5, of base 32 and 64 6.2. */
const ENCODED = 4.5;

const isDigit = (byte: number): boolean => byte >= DIGIT_0 && byte <= DIGIT_9;
const mix = (hash: number, byte: number): number =>
  Math.imul(hash ^ byte ^ (hash >>> 15), 0x01000193);

/**
 * Reads names as they lie in records, without a string: where the registered domain begins, and how much stands below it that looks
 * encoded. That is told by what its characters cost, in bits, whom hosts of the web have taught which follows which.
 *
 * A name is text, its bytes beyond printed ASCII as `\DDD` (RFC 4343 section 2.1).
 */
export class NameReader {
  readonly #costs = new Uint8Array(Buffer.from(TABLES.costs, "base64"));
  readonly #finder: DomainFinder;
  /** The registered domain, and two hashes of it. */
  domain = 0;
  end = 0;
  domainLow = 0;
  domainHigh = 0;
  /** Bytes in labels that are long enough, and in the longest of them; bits that they cost. */
  payload = 0;
  longest = 0;
  bits = 0;
  /** Bytes that no name of a host or service has. */
  odd = 0;
  /** A hash of the whole name. */
  hash = 0;

  /** Takes domains that are passed over, with all below them. */
  constructor(ignored: Iterable<string>) {
    this.#finder = new DomainFinder(ignored);
  }

  /** Read the name from `from` to `to`; false when it does not look encoded, or is passed over. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    const end = to > from && bytes[to - 1] === DOT ? to - 1 : to;
    if (end - from < NAME_MIN || !mayCarry(bytes, from, end)) return false;
    if (!this.#finder.find(bytes, from, end)) return false;
    this.domain = this.#finder.domain;
    this.end = end;
    this.#below(bytes, from, this.domain - 1);
    if (this.payload < PAYLOAD_MIN || this.bits < this.payload * ENCODED) return false;
    this.#identify(bytes, from);
    return true;
  }

  #below(bytes: Uint8Array, from: number, to: number): void {
    const costs = this.#costs;
    let payload = 0;
    let total = 0;
    let longest = 0;
    let odd = 0;
    let size = 0;
    let cost = 0;
    let before = EDGE;
    for (let at = from; at <= to; at++) {
      const byte = at < to ? bytes[at]! : DOT;
      if (byte === DOT) {
        if (size >= LABEL_MIN) {
          payload += size;
          total += cost + costs[before * SYMBOLS + EDGE]!;
          if (size > longest) longest = size;
        }
        size = cost = 0;
        before = EDGE;
        continue;
      }
      const symbol = byte === BACKSLASH ? escaped(bytes, at) : SYMBOL_OF[byte]!;
      at += escapeSize(bytes, at);
      if (symbol === OTHER) odd++;
      cost += costs[before * SYMBOLS + symbol]!;
      before = symbol;
      size++;
    }
    this.payload = payload;
    this.longest = longest;
    this.odd = odd;
    this.bits = total / UNIT;
  }

  #identify(bytes: Uint8Array, from: number): void {
    let high = 0;
    for (let at = this.domain; at < this.end; at++) high = mix(high, bytes[at]! | CASE);
    this.domainLow = this.#finder.hash;
    this.domainHigh = high;
    this.hash = hashWord(this.#finder.whole, this.end - from);
  }
}

/** Whether the labels in front of the last two may carry enough: most names are done with here. */
function mayCarry(bytes: Uint8Array, from: number, to: number): boolean {
  let payload = 0;
  let last = 0;
  let secondLast = 0;
  let size = 0;
  for (let at = from; at <= to; at++) {
    if (at < to && (bytes[at] !== DOT || (at > from && bytes[at - 1] === BACKSLASH))) {
      size++;
      continue;
    }
    payload += secondLast;
    secondLast = last;
    last = size >= LABEL_MIN ? size : 0;
    size = 0;
  }
  return payload >= PAYLOAD_MIN;
}

/** Bytes of the escape that begins at `at`, beside its first one. */
function escapeSize(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== BACKSLASH) return 0;
  return isDigit(bytes[at + 1]!) ? 3 : 1;
}

/** The symbol that is written with a backslash at `at`: none that hosts have, but for the space of a service's name. */
function escaped(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < SPACE.length; i++)
    if (bytes[at + 1 + i] !== SPACE.charCodeAt(i)) return OTHER;
  return SYMBOL_OF[0x20]!;
}
