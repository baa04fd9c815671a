// SPDX-License-Identifier: BSD-3-Clause
import { Automaton } from "./automaton.ts";
import { comparesConstants } from "./comparison.ts";
import { Decoder, shortened, TEXT_MAX } from "./decoder.ts";
import { BLANK, FOLDED, IS_WORD } from "./folding.ts";
import { ACTION, FAMILIES } from "./indications.ts";
import type { Indications } from "./points.ts";

const PERCENT = 0x25;
const SLASH = 0x2f;
const STAR = 0x2a;
const BANG = 0x21;
const LF = 10;
const CR = 13;
const FIRST_LONG = 0xc0;
const FIRST_OF_THREE = 0xe0;
const ROUNDS = 2;
/** Bytes shown before and behind the end of what was found. */
const SHOWN_BEFORE = 60;
export const SHOWN = 120;
const NONE = -1;

/** Adds up the indications in a request, each once. One for all requests: it is filled anew. */
export class Request {
  /** Points by family, and in all. */
  readonly scores = new Uint16Array(FAMILIES.length);
  total = 0;
  /** Numbers of the indications that were found. */
  readonly found: Uint16Array;
  foundCount = 0;
  /** By family the field of its first indication that is worth most, and the text there, as it was decoded. */
  readonly fieldOf = new Uint8Array(FAMILIES.length);
  readonly shownSize = new Uint8Array(FAMILIES.length);
  readonly shown = new Uint8Array(FAMILIES.length * SHOWN);
  /** Fields that were longer than what is looked at. */
  cut = 0;
  readonly #best = new Uint8Array(FAMILIES.length);
  readonly #indications: Indications;
  readonly #points: Uint8Array;
  readonly #families: Uint8Array;
  readonly #in: Uint8Array;
  readonly #actions: Uint8Array;
  readonly #isFound: Uint8Array;
  readonly #automaton: Automaton;
  readonly #decoder = new Decoder();
  /** Folded text, for what stands before a word. */
  readonly #text = new Uint8Array(TEXT_MAX + 1);
  /** Text without comments. */
  readonly #plain = new Uint8Array(TEXT_MAX);
  /** What is searched, and the field it is of. */
  #bytes: Uint8Array = this.#text;
  #from = 0;
  #to = 0;
  #field = 0;
  #hasSelect = false;
  #hasComment = false;
  #hasLong = false;

  constructor(indications: Indications) {
    const { all, patterns } = indications;
    this.#indications = indications;
    this.#automaton = new Automaton(patterns);
    this.#points = Uint8Array.from(all, ({ points }) => points);
    this.#families = Uint8Array.from(all, ({ family }) => family);
    this.#in = Uint8Array.from(all, (indication) => indication.in);
    this.#actions = Uint8Array.from(all, ({ action }) => action);
    this.#isFound = new Uint8Array(all.length);
    this.found = new Uint16Array(all.length);
  }

  begin(): void {
    for (let i = 0; i < this.foundCount; i++) {
      const id = this.found[i]!;
      const family = this.#families[id]!;
      this.#isFound[id] = 0;
      this.scores[family] = 0;
      this.#best[family] = 0;
    }
    this.foundCount = 0;
    this.total = 0;
  }

  /** The family with most points, the first of equals; -1 when nothing was found. */
  get strongest(): number {
    let best = NONE;
    for (let i = 0; i < this.foundCount; i++) {
      const family = this.#families[this.found[i]!]!;
      if (best === NONE || this.scores[family]! > this.scores[best]!) best = family;
      else if (this.scores[family] === this.scores[best] && family < best) best = family;
    }
    return best;
  }

  pointsOf(id: number): number {
    return this.#points[id]!;
  }

  /** Look at a field, one of `IN`, as it is and decoded once and twice. */
  look(bytes: Uint8Array, from: number, length: number, field: number): void {
    const size = Math.min(length, TEXT_MAX);
    if (length > TEXT_MAX) this.cut++;
    this.#field = field;
    const isEncoded = this.#scan(bytes, from, from + size);
    if (this.#hasComment) this.#scanWithout(bytes, from, from + size);
    if (!isEncoded) return;
    const decoder = this.#decoder;
    if (!decoder.decode(bytes, from, from + size)) return;
    for (let round = 1; ; round++) {
      const isStill = this.#scan(decoder.bytes, 0, decoder.length);
      this.#control(decoder.bytes, decoder.length);
      if (this.#hasComment) this.#scanWithout(decoder.bytes, 0, decoder.length);
      if (round === ROUNDS || !isStill) return;
      if (!decoder.decode(decoder.bytes, 0, decoder.length)) return;
    }
  }

  /** Look at a field that is no text: what is seen then is of it. */
  turnTo(field: number): void {
    this.#field = field;
  }

  /** See what is no word, in text that lies from `from` to `to`. */
  see(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (this.#isFound[id] === 1 || this.#points[id] === 0) return;
    this.#isFound[id] = 1;
    this.found[this.foundCount++] = id;
    const family = this.#families[id]!;
    const points = this.#points[id]!;
    this.scores[family] = this.scores[family]! + points;
    this.total += points;
    if (points <= this.#best[family]!) return;
    this.#best[family] = points;
    this.fieldOf[family] = this.#field;
    const size = Math.min(to - from, SHOWN);
    this.shownSize[family] = size;
    for (let i = 0; i < size; i++) this.shown[family * SHOWN + i] = bytes[from + i]!;
  }

  /** Search text, blanks joined. Returns whether it may be encoded. */
  #scan(bytes: Uint8Array, from: number, to: number): boolean {
    const { next, hits, more, classOf } = this.#automaton;
    const text = this.#text;
    let state = 0;
    let out = 0;
    let isEncoded = false;
    this.#hasComment = false;
    this.#hasLong = false;
    this.#hasSelect = false;
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    let former = 0;
    for (let at = from; at < to; at++) {
      let byte = bytes[at]!;
      if (byte >= FIRST_LONG) {
        const short = shortened(bytes, at, to);
        if (short !== NONE) {
          at += this.#skipLong(byte);
          byte = short;
        }
      }
      byte = FOLDED[byte]!;
      if (byte === PERCENT) isEncoded = true;
      else if (byte === STAR && former === SLASH) this.#hasComment = true;
      if (byte === BLANK && former === BLANK) continue;
      former = byte;
      text[out++] = byte;
      state = next[(state << 6) | classOf[byte]!]!;
      if (hits[state] !== 0 || more[state] !== 0) this.#hit(state, out, at);
    }
    return isEncoded;
  }

  /** Bytes of a character behind its first one. */
  #skipLong(first: number): number {
    if (first >= FIRST_OF_THREE) return 2;
    this.#hasLong = true;
    return 1;
  }

  /** Search text without its comments, for which blanks stand. What MySQL executes, from `/*!` on, is none but for its marks. */
  #scanWithout(bytes: Uint8Array, from: number, to: number): void {
    const plain = this.#plain;
    let out = 0;
    let hasEnd = true;
    for (let at = from; at < to; at++) {
      if (hasEnd && at + 1 < to && bytes[at] === SLASH && bytes[at + 1] === STAR) {
        const end = commentEnd(bytes, at, to);
        hasEnd = end >= 0;
        if (hasEnd) at = end;
        plain[out++] = BLANK;
      } else plain[out++] = bytes[at]!;
    }
    const known = this.foundCount;
    this.#scan(plain, 0, out);
    if (this.foundCount > known) this.see(this.#indications.seen.comments, plain, 0, out);
  }

  /** Words end at `out` in the folded text, at `at` in what is searched. */
  #hit(state: number, out: number, at: number): void {
    const { hits, more } = this.#automaton;
    const { patterns } = this.#indications;
    for (let end = hits[state] === 0 ? more[state]! : state; end !== 0; end = more[end]!) {
      const id = hits[end]! - 1;
      if ((this.#in[id]! & this.#field) === 0) continue;
      const { text, starts, ends } = patterns[id]!;
      if (ends && at + 1 < this.#to && IS_WORD[FOLDED[this.#bytes[at + 1]!]!] === 1) continue;
      const begin = out - text.length - 1;
      if (starts && begin >= 0 && IS_WORD[this.#text[begin]!] === 1) continue;
      if (this.#actions[id] !== ACTION.none) this.#act(this.#actions[id]!, at);
      else if (this.#isFound[id] === 0) this.#seeAt(id, at);
    }
  }

  #seeAt(id: number, at: number): void {
    this.see(id, this.#bytes, Math.max(this.#from, at - SHOWN_BEFORE), this.#to);
  }

  #act(action: number, at: number): void {
    const { seen } = this.#indications;
    if (action === ACTION.select) this.#hasSelect = true;
    else if (action === ACTION.from) {
      if (this.#hasSelect) this.#seeAt(seen.selectFrom, at);
    } else if (comparesConstants(this.#bytes, at + 1, this.#to))
      this.#seeAt(action === ACTION.or ? seen.orEqual : seen.andEqual, at);
  }

  /** Look at characters that an encoding has hidden. */
  #control(bytes: Uint8Array, length: number): void {
    const { seen } = this.#indications;
    if (this.#hasLong) this.see(seen.overlong, bytes, 0, length);
    for (let at = 0; at < length; at++) {
      const byte = bytes[at]!;
      if (byte > CR) continue;
      if (byte === 0) this.see(seen.nul, bytes, Math.max(0, at - SHOWN_BEFORE), length);
      else if (byte === LF || byte === CR)
        this.see(seen.lineBreak, bytes, Math.max(0, at - SHOWN_BEFORE), length);
    }
  }
}

/** Where the last byte lies of what a comment takes, which begins at `at`; -1 when it has no end. */
function commentEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 < end && bytes[at + 2] === BANG) {
    let last = at + 2;
    while (last + 1 < end && bytes[last + 1]! >= 0x30 && bytes[last + 1]! <= 0x39) last++;
    return last;
  }
  for (let i = at + 3; i < end; i++) if (bytes[i] === SLASH && bytes[i - 1] === STAR) return i;
  return -1;
}
