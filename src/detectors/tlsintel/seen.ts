// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

export interface SeenOptions {
  /** Words of 32 bits of each half; a power of two. */
  readonly words: number;
  /** Microseconds of event time after which a half is forgotten: things are remembered for one to two of these. */
  readonly span: number;
}

/** Of a thing: never seen, in the former span only, in this one. */
export const SEEN = { never: 0, before: 1, now: 2 } as const;

/** Bits of a thing, all in one word: one look at memory. */
const BITS = 3;
/** Things a word at most: then 1 in 200 new things is taken for a known one. */
const THINGS = 3;
/** Looks between two at the time. */
const LOOKS = 1024;
const META = { half: 0, things: 1, looks: 2 } as const;

/**
 * Which things were seen, by 32 bits of hash, in a bounded memory that forgets: two Bloom filters in turn. It may take a
 * new thing for a known one, never the other way round within the span. When it is full nothing is new.
 */
export class Seen {
  readonly #mask: number;
  readonly #span: number;
  readonly #halves: readonly [Int32Array, Int32Array];
  readonly #start: Float64Array;
  readonly #meta: Uint32Array;

  constructor(name: string, { words, span }: SeenOptions, state: StateStore) {
    this.#mask = words - 1;
    this.#span = span;
    this.#halves = [
      state.column(`${name}.even`, "int32", words),
      state.column(`${name}.odd`, "int32", words),
    ];
    this.#start = state.column(`${name}.start`, "float64", 1);
    this.#meta = state.column(`${name}.meta`, "uint32", 4);
  }

  get isFull(): boolean {
    return this.#meta[META.things]! > this.#mask * THINGS;
  }

  /** Whether it was seen in this span: what most are asked, and no more. */
  has(hash: number): boolean {
    const meta = this.#meta;
    if (++meta[META.looks]! % LOOKS === 0) return false;
    const bits = bitsOf(hash);
    return (this.#halves[meta[META.half]!]![hash & this.#mask]! & bits) === bits;
  }

  /** See it at a time; returns what it was before, a {@link SEEN}. */
  add(hash: number, time: number): number {
    this.#turn(time);
    const meta = this.#meta;
    const half = meta[META.half]!;
    const at = hash & this.#mask;
    const bits = bitsOf(hash);
    const now = this.#halves[half]!;
    if ((now[at]! & bits) === bits) return SEEN.now;
    const known = (this.#halves[1 - half]![at]! & bits) === bits;
    if (this.isFull) return SEEN.before;
    now[at]! |= bits;
    meta[META.things]!++;
    return known ? SEEN.before : SEEN.never;
  }

  #turn(time: number): void {
    const start = this.#start;
    if (start[0] === 0) start[0] = time;
    if (time - start[0]! < this.#span) return;
    const meta = this.#meta;
    const isLong = time - start[0]! >= 2 * this.#span;
    start[0] = time;
    meta[META.half] = 1 - meta[META.half]!;
    meta[META.things] = 0;
    this.#halves[meta[META.half]!]!.fill(0);
    if (isLong) this.#halves[1 - meta[META.half]!]!.fill(0);
  }
}

function bitsOf(hash: number): number {
  let rest = Math.imul(hash ^ (hash >>> 16), 0x9e3779b1);
  let bits = 0;
  for (let i = 0; i < BITS; i++) {
    bits |= 1 << (rest >>> 27);
    rest <<= 5;
  }
  return bits;
}
