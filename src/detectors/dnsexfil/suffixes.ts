// SPDX-License-Identifier: BSD-3-Clause
import { TABLES } from "./tables.ts";

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const CASE = 0x20;

/** What is known of a name: it is a rule of the Public Suffix List, the parent of one with a star, an exception, or to be passed over. */
const KIND = { rule: 1, star: 2, exception: 4, ignored: 8 } as const;
/** Room for names, a third of it in use. */
const SLOTS = 1 << 15;
const SHIFT = 32 - 15;
/** No rule has more labels than this. */
const DEPTH = 8;

const encoder = new TextEncoder();
const lower = (byte: number): number => (byte >= UPPER_A && byte <= UPPER_Z ? byte | CASE : byte);
const mix = (hash: number, byte: number): number =>
  Math.imul(hash ^ byte ^ (hash >>> 15), 0x01000193);

const slotOf = (hash: number): number => Math.imul(hash, 0x9e3779b1) >>> SHIFT;

/** A name's hash, from its end to its begin. Never 0, which marks an empty slot. */
export function nameHash(name: string): number {
  const bytes = encoder.encode(name.toLowerCase());
  let hash = 0;
  for (let at = bytes.length - 1; at >= 0; at--) hash = mix(hash, bytes[at]!);
  return hash === 0 ? 1 : hash;
}

/**
 * Finds the registered domain of names as bytes where they lie, by the Public Suffix List: its rules are known by their hashes of 32 bits,
 * no two of which are alike. A name that is none may have the hash of one, once in 400,000 labels.
 */
export class DomainFinder {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #kinds = new Uint8Array(SLOTS);
  readonly #starts = new Int32Array(DEPTH);
  readonly #labelHashes = new Int32Array(DEPTH);
  /** Where the registered domain begins, its hash, and that of the whole name: letters of either case are alike. */
  domain = 0;
  hash = 0;
  whole = 0;

  /** Takes names that are passed over, with all below them. */
  constructor(ignored: Iterable<string>) {
    this.#addAll(TABLES.rules, KIND.rule);
    this.#addAll(TABLES.stars, KIND.star);
    this.#addAll(TABLES.exceptions, KIND.exception);
    for (const name of ignored) this.#add(nameHash(name), KIND.ignored);
  }

  #addAll(text: string, kind: number): void {
    const { buffer } = new Uint8Array(Buffer.from(text, "base64"));
    for (const hash of new Int32Array(buffer)) this.#add(hash, kind);
  }

  #add(hash: number, kind: number): void {
    let slot = slotOf(hash);
    while (this.#hashes[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) & (SLOTS - 1);
    this.#hashes[slot] = hash;
    this.#kinds[slot]! |= kind;
  }

  #kindOf(hash: number): number {
    let slot = slotOf(hash);
    while (this.#hashes[slot] !== 0) {
      if (this.#hashes[slot] === hash) return this.#kinds[slot]!;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return 0;
  }

  /** Find the domain of the name from `from` to `to`; false when nothing is below it, or it is passed over. */
  find(bytes: Uint8Array, from: number, to: number): boolean {
    const labels = this.#labels(bytes, from, to);
    const suffix = this.#suffix(labels);
    if (suffix >= labels) return false;
    this.domain = this.#starts[suffix]!;
    this.hash = this.#labelHashes[suffix]!;
    return this.domain > from;
  }

  /** Where the last labels begin, and the hashes of the names from there on; returns how many, 0 when one is empty. */
  #labels(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0;
    let labels = 0;
    let end = to;
    for (let at = to - 1; at >= from - 1; at--) {
      const byte = at < from ? DOT : bytes[at]!;
      if (byte === DOT && labels < DEPTH && (at <= from || bytes[at - 1] !== BACKSLASH)) {
        if (end === at + 1) return 0;
        end = at;
        this.#starts[labels] = at + 1;
        this.#labelHashes[labels++] = hash;
      }
      hash = mix(hash, lower(byte));
    }
    this.whole = hash;
    return labels;
  }

  /** How many of the labels are the suffix: one at least, whatever the list says (its default rule). All when it is passed over. */
  #suffix(labels: number): number {
    let suffix = 1;
    let parent = 0;
    for (let i = 0; i < labels; i++) {
      const kind = this.#kindOf(this.#labelHashes[i]!);
      if ((kind & KIND.ignored) !== 0) return labels;
      if ((kind & KIND.exception) !== 0) return i;
      if ((kind & KIND.rule) !== 0 || (parent & KIND.star) !== 0) suffix = i + 1;
      parent = kind;
    }
    return suffix;
  }
}
