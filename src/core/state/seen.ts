// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "./state-store.ts";

export interface SeenOptions {
  /** Words of 32 bits of each half; a power of two. */
  readonly words: number;
  /** Microseconds of event time after which a half is forgotten: things are remembered for one to two of these. */
  readonly span: number;
}

/** Of a thing: never seen, in the former span only, in this one. */
export const SEEN = { never: 0, before: 1, now: 2 } as const;

/** Things a word at most: then 1 in 200 new things is taken for a known one. */
const THINGS = 2;

/**
 * Which things were seen, by 32 bits of hash, in a bounded memory that forgets: two Bloom filters, of this span and of the
 * one before. It may take a new thing for a known one, never the other way round within the span. When it is full nothing
 * is new. A thing is three bits of one word: one look at memory.
 */
export class Seen {
  readonly #mask: number;
  readonly #span: number;
  readonly #now: Int32Array;
  readonly #before: Int32Array;
  readonly #start: Float64Array;
  readonly #things: Uint32Array;

  constructor(name: string, { words, span }: SeenOptions, state: StateStore) {
    this.#mask = words - 1;
    this.#span = span;
    this.#now = state.column(`${name}.now`, "int32", words);
    this.#before = state.column(`${name}.before`, "int32", words);
    this.#start = state.column(`${name}.start`, "float64", 1);
    this.#things = state.column(`${name}.things`, "uint32", 1);
  }

  /** Things that this span has. */
  get things(): number {
    return this.#things[0]!;
  }

  get isFull(): boolean {
    return this.things > this.#mask * THINGS;
  }

  /** Whether it was seen in this span: what most are asked, and no more. All was, to a full memory. */
  has(hash: number): boolean {
    const bits = bitsOf(hash);
    return (this.#now[hash & this.#mask]! & bits) === bits || this.isFull;
  }

  /** See it; returns what it was before, a {@link SEEN}. */
  add(hash: number): number {
    const at = hash & this.#mask;
    const bits = bitsOf(hash);
    if ((this.#now[at]! & bits) === bits || this.isFull) return SEEN.now;
    this.#now[at]! |= bits;
    this.#things[0]!++;
    return (this.#before[at]! & bits) === bits ? SEEN.before : SEEN.never;
  }

  /** Event time has come so far: forget what is too old. */
  turn(time: number): void {
    const start = this.#start;
    if (start[0] === 0) start[0] = time;
    const age = time - start[0]!;
    if (age < this.#span) return;
    start[0] = time;
    if (age < 2 * this.#span) this.#before.set(this.#now);
    else this.#before.fill(0);
    this.#now.fill(0);
    this.#things[0] = 0;
  }
}

function bitsOf(hash: number): number {
  const rest = Math.imul(hash ^ (hash >>> 16), 0x9e3779b1);
  return (1 << (rest >>> 27)) | (1 << (rest >>> 22)) | (1 << (rest >>> 17));
}
