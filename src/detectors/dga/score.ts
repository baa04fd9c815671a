// SPDX-License-Identifier: BSD-3-Clause
import { GRAMS_MAX, gramsOf } from "./grams.ts";
import { MODEL } from "./model.ts";

/** How much a label looks made up by an algorithm: the weights of its pairs, triples and fours of characters, added up. */
export class Scorer {
  readonly #weights = decoded(MODEL.weights, Int8Array);
  readonly #lengths = decoded(MODEL.lengths, Int16Array);
  readonly #slots = new Uint16Array(GRAMS_MAX);

  /** Of the label from `from` to `to`, of symbols only. */
  score(bytes: Uint8Array, from: number, to: number): number {
    const slots = this.#slots;
    const weights = this.#weights;
    const count = gramsOf(bytes, from, to, slots);
    let sum = this.#lengths[to - from]!;
    for (let i = 0; i < count; i++) sum += weights[slots[i]!]!;
    return sum;
  }

  isMadeUp(bytes: Uint8Array, from: number, to: number): boolean {
    return this.score(bytes, from, to) >= MODEL.limit;
  }
}

/** Hashes of all top-level domains. */
export const topHashes = (): Set<number> => new Set(decoded(MODEL.tops, Int32Array));

function decoded<T>(text: string, Kind: new (buffer: ArrayBuffer) => T): T {
  return new Kind(new Uint8Array(Buffer.from(text, "base64")).buffer);
}
