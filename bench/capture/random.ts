// SPDX-License-Identifier: BSD-3-Clause

/** Avalanches 32 bits into 32 bits (MurmurHash3's finalizer): a bijection, so distinct stays distinct. */
export const mix32 = (value: number): number => {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
};

/** A seeded generator of uniform numbers (xoshiro128**, Blackman and Vigna): equal seeds, equal captures. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    this.a = mix32(seed + 1);
    this.b = mix32(this.a + 0x9e3779b9);
    this.c = mix32(this.b + 0x9e3779b9);
    // A state of four zeroes would stay zero.
    this.d = mix32(this.c + 0x9e3779b9) | 1;
  }

  /** 32 uniform bits, as an unsigned number. */
  bits(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }

  /** An integer in [0, bound), for bounds far below 2^32. */
  below(bound: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * bound);
  }
}
