// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ListSets, listsOf } from "./list-sets.ts";
import { maskOf, PrefixTrie } from "./prefix-trie.ts";

type Words = readonly [number, number, number, number];
interface Prefix {
  readonly key: Words;
  readonly length: number;
  readonly list: number;
}

const masked = (key: Words, length: number): Words =>
  key.map((word, i) => word & maskOf(length - i * 32)) as never;

/** Few different bits, so that prefixes cover and meet one another. */
const word = fc.integer({ min: 0, max: 15 }).map((n) => (n << 28) | ((n & 3) << 14) | (n & 1));
const words = fc.tuple(word, word, word, word);
const prefixes = (bits: 32 | 128) =>
  fc.array(
    fc.record({
      key: bits === 32 ? word.map((w): Words => [w, 0, 0, 0]) : words,
      length: fc.integer({ min: 1, max: bits }),
      list: fc.integer({ min: 1, max: 64 }),
    }),
    { maxLength: 40 },
  );

/** Lists of all prefixes that cover an address, by comparing each. */
const naive = (all: readonly Prefix[], address: Words): number[] =>
  [
    ...new Set(
      all
        .filter(({ key, length }) =>
          masked(address, length).every((w, i) => w === masked(key, length)[i]),
        )
        .map(({ list }) => list),
    ),
  ].sort((a, b) => a - b);

describe.each([32, 128] as const)("of %d bits", (bits) => {
  test("PrefixTrie names the lists of every prefix that covers an address, whatever the order", () => {
    fc.assert(
      fc.property(prefixes(bits), fc.array(words, { maxLength: 20 }), (all, strangers) => {
        const sets = new ListSets();
        const trie = new PrefixTrie(bits === 32 ? 1 : 4, sets);
        for (const { key, length, list } of all)
          trie.add(masked(key, length), length, sets.of(list)!);
        const addresses = [...all.map(({ key }) => key), ...strangers].map(
          (key): Words => (bits === 32 ? [key[0], 0, 0, 0] : key),
        );
        for (const address of addresses) {
          sets.at(trie.find(...address), 0);
          expect(listsOf(sets)).toEqual(naive(all, address));
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

test("PrefixTrie finds nothing when it is empty, and all when it holds both halves", () => {
  const sets = new ListSets();
  const trie = new PrefixTrie(1, sets);
  expect(trie.find(0x0a00_0001, 0, 0, 0)).toBe(0);
  trie.add([0], 1, sets.of(1)!);
  expect([trie.find(0x7fff_ffff, 0, 0, 0) !== 0, trie.find(-1, 0, 0, 0)]).toEqual([true, 0]);
  trie.add([0x8000_0000 | 0], 1, sets.of(2)!);
  expect(trie.find(-1, 0, 0, 0)).not.toBe(0);
});

test("PrefixTrie adds a short prefix of one list once, however often it is listed", () => {
  const sets = new ListSets();
  const trie = new PrefixTrie(1, sets);
  const set = sets.of(3)!;
  // A list of a million such lines would take minutes otherwise.
  for (let i = 0; i < 1_000_000; i++) trie.add([0], 1, set);
  expect(trie.find(1, 0, 0, 0)).toBe(set);
});
