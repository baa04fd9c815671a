// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ListSets } from "./list-sets.ts";
import { NameTable } from "./name-table.ts";

function table(
  names: readonly string[],
  isDomains = false,
): { find: (name: string) => number; domain: (name: string) => [number, number] } {
  const sets = new ListSets();
  const made = new NameTable(sets, isDomains);
  for (const name of names) made.add(Buffer.from(name), 0, name.length, sets.of(1)!);
  return {
    find: (name) => made.find(Buffer.from(`<${name}>`), 1, 1 + name.length),
    domain(name) {
      made.found = 0;
      const set = made.findDomain(Buffer.from(`<${name}>`), 1, 1 + name.length);
      return [set === 0 ? 0 : 1, made.found];
    },
  };
}

test("NameTable finds a name as a whole, in letters of either case, and nothing else", () => {
  const { find } = table(["evil.example/A", "x"]);
  expect([find("EVIL.example/a"), find("X")]).toEqual([1, 1]);
  for (const name of ["", "evil.example", "evil.example/a/", "xx", "/a"])
    expect([name, find(name)]).toEqual([name, 0]);
  // Bytes that differ in the bit of upper and lower case, and are no letters.
  expect(table(["[{"]).find("{[")).toBe(0);
});

test("NameTable finds a domain name and all below it, at labels only, and says which entry it was", () => {
  const { domain } = table(["evil.example", "a.evil.example", "b.c.d.test"], true);
  expect(domain("evil.example")).toEqual([1, 12]);
  expect(domain("www.EVIL.example")).toEqual([1, 12]);
  expect(domain("x.y.a.evil.example")).toEqual([1, 14]);
  for (const name of ["xevil.example", "example", "evil.example.org", "c.d.test", "", ".", "evil."])
    expect([name, domain(name)]).toEqual([name, [0, 0]]);
});

test("NameTable finds each of many names after it has grown, and joins the lists of one", () => {
  const sets = new ListSets();
  const names = new NameTable(sets, false);
  const bytes = (i: number): Uint8Array => Buffer.from(`host${i}.example`);
  for (let i = 0; i < 20_000; i++) names.add(bytes(i), 0, bytes(i).length, sets.of(1)!);
  for (let i = 0; i < 20_000; i += 2) names.add(bytes(i), 0, bytes(i).length, sets.of(2)!);
  expect(names.size).toBe(20_000);
  const both = sets.union(sets.of(1)!, sets.of(2)!);
  for (let i = 0; i < 20_000; i++)
    expect(names.find(bytes(i), 0, bytes(i).length)).toBe(i % 2 === 0 ? both : sets.of(1)!);
});

test("NameTable agrees with a search of suffixes", () => {
  const label = fc.constantFrom("a", "b", "ab", "c");
  const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 12 }), name, (names, asked) => {
      const found = names.filter((each) => asked === each || asked.endsWith(`.${each}`));
      const longest = Math.max(0, ...found.map(({ length }) => length));
      expect(table(names, true).domain(asked)).toEqual([found.length > 0 ? 1 : 0, longest]);
    }),
    { seed: 1, numRuns: 500 },
  );
});
