// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

/** Words of a block, which is a cache line. */
const BLOCK = 16;

/**
 * Remembers hashes for one to two periods of event time: two Bloom filters, one of the period under way and one of the last.
 *
 * What was put in is found; of others one of so many is found too, the more the fuller it is. All four bits of a hash lie in one cache line.
 */
export class Memory {
  readonly #period: number;
  readonly #blocks: number;
  readonly #shift: number;
  readonly #words: Int32Array;
  /** Number of the period under way. */
  readonly #current: Float64Array;
  /** When the period under way ends, which is asked at each flow. */
  #end = Number.NEGATIVE_INFINITY;
  /** Where the filters of this period and of the last begin. */
  #now = 0;
  #before = 0;

  /** @param blocks of 512 bits each, a power of two; the period is in microseconds */
  constructor(
    name: string,
    { blocks, period }: { blocks: number; period: number },
    state: StateStore,
  ) {
    this.#period = period;
    this.#blocks = blocks;
    this.#shift = 32 - Math.log2(blocks);
    this.#words = state.column(`${name}.words`, "int32", 2 * blocks * BLOCK);
    this.#current = state.column(`${name}.period`, "float64", 1);
  }

  /** Event time is `time`: forget what is too old. To be called before what follows, at each flow. */
  turn(time: number): void {
    if (time < this.#end) return;
    const period = Math.floor(time / this.#period);
    const current = this.#current[0]!;
    if (period > current) {
      // At first nothing is there yet, and memory that is not written to costs nothing.
      if (current !== 0) this.#forget(period, period - current);
      this.#current[0] = period;
    }
    this.#end = (this.#current[0]! + 1) * this.#period;
    this.#now = this.#half(this.#current[0]!);
    this.#before = this.#half(this.#current[0]! + 1);
  }

  /** Forget what a period takes the place of, or all. */
  #forget(period: number, later: number): void {
    const from = later > 1 ? 0 : this.#half(period);
    this.#words.fill(0, from, later > 1 ? undefined : from + this.#blocks * BLOCK);
  }

  #half(period: number): number {
    return period % 2 === 0 ? 0 : this.#blocks * BLOCK;
  }

  add(hash: number): void {
    const words = this.#words;
    const at = this.#now + this.#block(hash);
    const bits = mix(hash);
    words[at + (bits & 15)]! |= 1 << (bits >>> 27);
    words[at + ((bits >>> 4) & 15)]! |= 1 << ((bits >>> 22) & 31);
    words[at + ((bits >>> 8) & 15)]! |= 1 << ((bits >>> 17) & 31);
    words[at + ((bits >>> 12) & 15)]! |= 1 << ((bits >>> 20) & 31);
  }

  has(hash: number): boolean {
    return this.#isIn(this.#now, hash) || this.#isIn(this.#before, hash);
  }

  #isIn(half: number, hash: number): boolean {
    const words = this.#words;
    const at = half + this.#block(hash);
    const bits = mix(hash);
    return (
      (words[at + (bits & 15)]! & (1 << (bits >>> 27))) !== 0 &&
      (words[at + ((bits >>> 4) & 15)]! & (1 << ((bits >>> 22) & 31))) !== 0 &&
      (words[at + ((bits >>> 8) & 15)]! & (1 << ((bits >>> 17) & 31))) !== 0 &&
      (words[at + ((bits >>> 12) & 15)]! & (1 << ((bits >>> 20) & 31))) !== 0
    );
  }

  /** By the upper bits, which {@link mix} lets have a say in all of the others. */
  #block(hash: number): number {
    return (hash >>> this.#shift) * BLOCK;
  }
}

function mix(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}
