// SPDX-License-Identifier: BSD-3-Clause

/** Lists are numbered 1 to 64, as bits of a UniRec bitmap: list 1 is bit 0. */
export const LISTS_MAX = 64;
/** Different sets at once, so that a list whose every line has ports of its own cannot grow them without end. */
const SETS_MAX = 65_536;

/** A list that names something, at some ports or at all. */
interface Part {
  readonly list: number;
  readonly ports: readonly number[] | undefined;
}

/** Which lists name a thing: bits 0 to 31 and 32 to 63. */
export interface ListBits {
  readonly low: number;
  readonly high: number;
}

/**
 * Which lists name an entry, as a small number that fits into a tree or a table.
 *
 * A million entries of one list share one set; the set of no list is 0. Sets are only made while lists are loaded, and
 * when prefixes of different lists cover an address for the first time.
 */
export class ListSets implements ListBits {
  /** The lists that the last {@link at} found. */
  low = 0;
  high = 0;
  readonly #parts: (readonly Part[])[] = [[]];
  readonly #known = new Map<string, number>([["", 0]]);
  readonly #unions = new Map<number, number>();

  /** The set of one list, at all ports or only at some; undefined when there are too many different sets. */
  of(list: number, ports?: readonly number[]): number | undefined {
    return this.#intern([{ list, ports: ports && [...new Set(ports)].sort((a, b) => a - b) }]);
  }

  /** The set of what is in either; the first one when there are too many different sets. */
  union(a: number, b: number): number {
    if (a === b || b === 0) return a;
    if (a === 0) return b;
    const pair = a * SETS_MAX + b;
    let union = this.#unions.get(pair);
    if (union === undefined) {
      union = this.#intern([...this.#parts[a]!, ...this.#parts[b]!]) ?? a;
      this.#unions.set(pair, union);
    }
    return union;
  }

  /** Set {@link low} and {@link high} to the lists of a set that hold at a port; false when there are none. */
  at(set: number, port: number): boolean {
    let low = 0;
    let high = 0;
    const parts = this.#parts[set]!;
    for (let i = 0; i < parts.length; i++) {
      const { list, ports } = parts[i]!;
      if (ports !== undefined && !ports.includes(port)) continue;
      if (list <= 32) low |= 1 << (list - 1);
      else high |= 1 << (list - 33);
    }
    this.low = low;
    this.high = high;
    return (low | high) !== 0;
  }

  #intern(parts: readonly Part[]): number | undefined {
    const everywhere = new Set(parts.flatMap(({ list, ports }) => (ports ? [] : [list])));
    const kept = new Map<string, Part>();
    for (const part of parts)
      if (!part.ports || !everywhere.has(part.list))
        kept.set(`${part.list}:${part.ports ?? ""}`, part);
    const key = [...kept.keys()].sort().join(";");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#parts.length >= SETS_MAX) return undefined;
    this.#known.set(key, this.#parts.length);
    return this.#parts.push([...kept.values()]) - 1;
  }
}

/** The numbers of the lists among bits, in order. */
export const listsOf = ({ low, high }: ListBits): number[] =>
  Array.from({ length: LISTS_MAX }, (_, i) => i + 1).filter((list) => has({ low, high }, list));

const has = ({ low, high }: ListBits, list: number): boolean =>
  ((list <= 32 ? low >>> (list - 1) : high >>> (list - 33)) & 1) === 1;

/** Two words of lists as UniRec's bitmap. */
export const bitmapOf = (low: number, high: number): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
