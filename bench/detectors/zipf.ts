// SPDX-License-Identifier: BSD-3-Clause
import type { Random } from "../capture/random.ts";

/** Draws ranks from 0, each with a weight of 1 / (rank + 1)^exponent; with exponent 0 all alike (alias method, Vose). */
export class Zipf {
  readonly count: number;
  /** Of each rank how often it stands for itself, and which one otherwise. */
  readonly #share: Float64Array;
  readonly #other: Uint32Array;

  constructor(count: number, exponent: number) {
    this.count = count;
    const weights = new Float64Array(count).map((_, rank) => (rank + 1) ** -exponent);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
    this.#share = weights.map((weight) => weight / mean);
    this.#other = new Uint32Array(count);
    const light: number[] = [];
    const heavy: number[] = [];
    for (let rank = 0; rank < count; rank++) (this.#share[rank]! < 1 ? light : heavy).push(rank);
    while (light.length > 0 && heavy.length > 0) {
      const less = light.pop()!;
      const more = heavy.at(-1)!;
      this.#other[less] = more;
      this.#share[more]! -= 1 - this.#share[less]!;
      if (this.#share[more]! < 1) light.push(heavy.pop()!);
    }
    // What rounding has left over stands for itself.
    for (const rank of [...light, ...heavy]) this.#share[rank] = 1;
  }

  draw(random: Random): number {
    const rank = random.below(this.count);
    return random.below(1 << 30) < this.#share[rank]! * (1 << 30) ? rank : this.#other[rank]!;
  }
}
