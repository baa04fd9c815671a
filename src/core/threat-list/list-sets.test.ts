// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { bitmapOf, ListSets, listsOf } from "./list-sets.ts";

const lists = (sets: ListSets, set: number, port = 0): number[] => {
  sets.at(set, port);
  return listsOf(sets);
};

test("ListSets gives equal sets one number, and no list 0", () => {
  const sets = new ListSets();
  const [one, two] = [sets.of(1)!, sets.of(2)!];
  expect(sets.of(1)).toBe(one);
  expect(sets.union(one, two)).toBe(sets.union(two, one));
  expect(sets.union(sets.union(one, two), one)).toBe(sets.union(one, two));
  expect([sets.union(0, one), sets.union(one, 0), sets.union(0, 0)]).toEqual([one, one, 0]);
  expect(sets.at(0, 80)).toBe(false);
});

test("ListSets knows all 64 lists", () => {
  const sets = new ListSets();
  const all = Array.from({ length: 64 }, (_, i) => i + 1);
  const set = all.reduce((union, list) => sets.union(union, sets.of(list)!), 0);
  expect(lists(sets, set)).toEqual(all);
  expect(bitmapOf(sets.low, sets.high)).toBe(2n ** 64n - 1n);
});

test("ListSets holds a list at its ports alone, unless it holds everywhere", () => {
  const sets = new ListSets();
  const web = sets.of(1, [8080, 80])!;
  const both = sets.union(web, sets.of(2)!);
  expect([lists(sets, both, 80), lists(sets, both, 443)]).toEqual([[1, 2], [2]]);
  expect(sets.at(web, 443)).toBe(false);
  const more = sets.union(web, sets.of(1, [443])!);
  expect([lists(sets, more, 443), lists(sets, more, 8080), lists(sets, more, 22)]).toEqual([
    [1],
    [1],
    [],
  ]);
  expect(sets.union(more, sets.of(1)!)).toBe(sets.of(1)!);
  expect(sets.of(1, [80, 8080, 80])).toBe(web);
});

test("ListSets has a bound", () => {
  const sets = new ListSets();
  let port = 0;
  while (sets.of(1, [port]) !== undefined && port < 70_000) port++;
  expect(port).toBe(65_535);
  expect(sets.of(1, [7])).toBeDefined();
  const [a, b] = [sets.of(1, [7])!, sets.of(1, [8])!];
  expect(sets.union(a, b)).toBe(a);
});
