// SPDX-License-Identifier: BSD-3-Clause

/**
 * The dice of the traffic: sfc32 of PractRand (Chris Doty-Humphrey), seeded through splitmix32.
 * Equal seeds give equal traffic on every machine, which `Math.random` cannot promise.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Only the low 32 bits of the seed count. */
  constructor(seed: number) {
    this.#a = splitmix(seed, 1);
    this.#b = splitmix(seed, 2);
    this.#c = splitmix(seed, 3);
    for (let round = 0; round < 12; round++) this.word();
  }

  /** 32 random bits, as a signed number. */
  word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  /** A number of [0, 1). */
  unit(): number {
    return (this.word() >>> 0) / 4294967296;
  }

  /**
   * A whole number of [0, count), count at most 2^31. It is cut with `|0`, since `Math.floor` may leave a
   * boxed double: ports and sizes made of those cost the frame writer three quarters of its speed.
   */
  below(count: number): number {
    return (this.unit() * count) | 0;
  }

  /** A whole number of [min, max], both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A whole number with this mean as between arrivals of a Poisson process, at most eight means. */
  exponential(mean: number): number {
    return Math.min(8 * mean, Math.round(-mean * Math.log(1 - this.unit())));
  }

  /** Noise: randoms, keys, whatever is encrypted. */
  bytes(size: number): number[] {
    return Array.from({ length: size }, () => this.below(256));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Put the items in random order, in place (Fisher and Yates). */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      const item = items[i]!;
      items[i] = items[other]!;
      items[other] = item;
    }
    return items;
  }
}

/** A bijection of 32-bit numbers (MurmurHash3's finalizer): distinct in, distinct out. */
export function scatter(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function splitmix(seed: number, step: number): number {
  return scatter((seed | 0) + Math.imul(step, 0x9e3779b9));
}
