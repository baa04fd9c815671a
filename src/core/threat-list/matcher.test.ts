// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseIp } from "../unirec/ip.ts";
import { AddressMatcher, DomainMatcher, UrlMatcher } from "./matcher.ts";

test("AddressMatcher takes for an address what the rest of the product does", () => {
  const matcher = new AddressMatcher();
  const piece = fc.constantFrom(
    "0",
    "1",
    "9",
    "00",
    "10",
    "255",
    "256",
    "300",
    ".",
    "..",
    ":",
    "::",
    "f",
    " ",
    "-",
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 9 }), (pieces) => {
      const text = pieces.join("");
      // An address of IPv4 with a port behind it is one of ours alone.
      fc.pre(!/^[0-9.]+:[0-9]+$/.test(text));
      expect([text, matcher.add(text) === undefined]).toEqual([text, parseIp(text) !== undefined]);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

test("AddressMatcher puts an address where it belongs, and only looks when it is not told the lists", () => {
  const matcher = new AddressMatcher();
  const one = () => matcher.sets.of(1);
  expect(matcher.add("192.0.2.129/25")).toBeUndefined();
  expect(matcher.v4.find(0xc000_0281 | 0, 0, 0, 0)).toBe(0);
  matcher.add("192.0.2.129/25", one);
  matcher.add("2001:db8::/33", one);
  const found = [0xc000_0280, 0xc000_02ff, 0xc000_027f].map((ip) =>
    matcher.v4.find(ip | 0, 0, 0, 0),
  );
  expect(found).toEqual([1, 1, 0]);
  expect(matcher.v6.find(0x2001_0db8, 0x7fff_ffff, 0, 0)).toBe(1);
  expect(matcher.v6.find(0x2001_0db8, 0x8000_0000 | 0, 0, 0)).toBe(0);
});

test("matchers say when there are too many different sets of ports", () => {
  for (const [matcher, value] of [
    [new AddressMatcher(), "192.0.2.1"],
    [new DomainMatcher(), "evil.example"],
    [new UrlMatcher(), "http://evil.example/"],
  ] as const)
    expect(matcher.add(value, () => undefined)).toContain("too many different ones");
});
