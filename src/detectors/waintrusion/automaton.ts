// SPDX-License-Identifier: BSD-3-Clause
import { BLANK, FOLDED } from "./folding.ts";

/** A word that the automaton looks for, by its number. */
export interface Pattern {
  /** As folded text. */
  readonly text: Uint8Array;
  /** No letter or digit before it; none after it. */
  readonly starts: boolean;
  readonly ends: boolean;
}

const ROOT = 0;
/** Printed ASCII and a blank; all else is one class more. */
const CLASS_BITS = 6;

/**
 * Finds all of many words in one pass, whatever the text (Aho and Corasick, 1975): a step a byte.
 *
 * `next[state << 6 | class]` is the state behind a byte. A state is a begin of words; `hits[state]` begins the chain of the
 * words that end there, `more[i]` goes on with it.
 */
export class Automaton {
  /** The class of each byte of folded text. */
  readonly classOf = new Uint8Array(256);
  readonly next: Uint16Array;
  /** Number of a word plus 1, 0 for none. */
  readonly hits: Uint16Array;
  /** The longest state that is an end of this one and has hits. */
  readonly more: Uint16Array;

  constructor(patterns: readonly Pattern[]) {
    this.#classes(patterns);
    const states = 1 + patterns.reduce((sum, { text }) => sum + text.length, 0);
    if (states > 0xffff) throw new Error("too many words for 16 bits");
    this.next = new Uint16Array(states << CLASS_BITS);
    this.hits = new Uint16Array(states);
    this.more = new Uint16Array(states);
    let used = 1;
    for (const [i, { text }] of patterns.entries()) {
      let state = ROOT;
      for (const byte of text) {
        const slot = (state << CLASS_BITS) | this.classOf[byte]!;
        if (this.next[slot] === 0) this.next[slot] = used++;
        state = this.next[slot]!;
      }
      if (this.hits[state] !== 0)
        throw new Error(`a word is there twice: ${new TextDecoder().decode(text)}`);
      this.hits[state] = i + 1;
    }
    this.#link();
  }

  /** Bytes of words have classes of their own; 0 is for all others. */
  #classes(patterns: readonly Pattern[]): void {
    let count = 0;
    for (const { text } of patterns)
      for (const byte of text) if (this.classOf[byte] === 0) this.classOf[byte] = ++count;
    if (count >= 1 << CLASS_BITS) throw new Error("too many different characters in words");
  }

  /** From each state, what a byte leads to that no word goes on with: where its longest proper end leads. */
  #link(): void {
    const { next, hits, more } = this;
    const fail = new Uint16Array(hits.length);
    const queue: number[] = [];
    const classes = 1 << CLASS_BITS;
    for (let i = 0; i < classes; i++) if (next[i] !== 0) queue.push(next[i]!);
    for (const state of queue) {
      const failed = fail[state]!;
      more[state] = hits[failed] === 0 ? more[failed]! : failed;
      for (let i = 0; i < classes; i++) {
        const slot = (state << CLASS_BITS) | i;
        const fallback = next[(failed << CLASS_BITS) | i]!;
        if (next[slot] === 0) next[slot] = fallback;
        else {
          fail[next[slot]!] = fallback;
          queue.push(next[slot]!);
        }
      }
    }
  }
}

/** Text of a pattern as it is searched for: folded, its blanks joined. */
export const folded = (text: string): Uint8Array =>
  Uint8Array.from(new TextEncoder().encode(text), (byte) => FOLDED[byte]!).filter(
    (byte, i, all) => byte !== BLANK || all[i - 1] !== BLANK,
  );
