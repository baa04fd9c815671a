// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseIp } from "../../core/unirec/ip.ts";
import { Whitelist } from "./whitelist.ts";

const ip = (text: string) => parseIp(text)!;
const covers = (list: Whitelist, client: string, server: string, ports = [40_000, 22]): boolean =>
  list.covers(ip(client), ip(server), ports[0]!, ports[1]!);
const parse = (text: string) => {
  const warnings: string[] = [];
  return { list: Whitelist.parse(text, (warning) => warnings.push(warning)), warnings };
};

test("Whitelist covers clients by src, servers by dst, and both by neither", () => {
  const { list } = parse("src 10.0.0.0/8 # ours\ndst 192.0.2.1/32\n198.51.100.0/24");
  expect(list.size).toBe(3);
  expect(covers(list, "10.1.2.3", "203.0.113.1")).toBe(true);
  expect(covers(list, "203.0.113.1", "10.1.2.3")).toBe(false);
  expect(covers(list, "203.0.113.1", "192.0.2.1")).toBe(true);
  expect(covers(list, "192.0.2.1", "203.0.113.1")).toBe(false);
  expect(covers(list, "198.51.100.9", "203.0.113.1")).toBe(true);
  expect(covers(list, "203.0.113.1", "198.51.100.9")).toBe(true);
  expect(covers(list, "203.0.113.1", "198.51.101.9")).toBe(false);
});

test("Whitelist keeps IPv4 and IPv6 apart", () => {
  const { list } = parse("::/0\n");
  expect(covers(list, "10.0.0.1", "10.0.0.2")).toBe(false);
  expect(covers(list, "2001:db8::1", "2001:db8::2")).toBe(true);
  const six = parse("dst 2001:db8:1::/48/22\n").list;
  expect(covers(six, "2001:db8::1", "2001:db8:1:ffff::2")).toBe(true);
  expect(covers(six, "2001:db8::1", "2001:db8:2::2")).toBe(false);
  expect(covers(six, "2001:db8::1", "2001:db8:1::2", [40_000, 23])).toBe(false);
});

test("Whitelist looks at ports, those of overlapping ranges too, which the original loses", () => {
  const text = "dst 192.0.2.1/32/20-30,25-40,50\n";
  const hits = (list: Whitelist): number[] =>
    [19, 20, 30, 31, 40, 41, 50].filter((port) => covers(list, "10.0.0.1", "192.0.2.1", [1, port]));
  expect(hits(parse(text).list)).toEqual([20, 30, 31, 40, 50]);
  expect(hits(Whitelist.parseOriginal(text))).toEqual([20, 30, 50]);
});

test("Whitelist reads a last line without its end, which the original loses", () => {
  const text = "src 10.0.0.1/32\nsrc 10.0.0.2/32";
  expect(parse(text).list.size).toBe(2);
  expect(Whitelist.parseOriginal(text).size).toBe(1);
});

test.each([
  "10.0.0.0/33",
  "10.0.0.0/x",
  "10.0.0.0/",
  "10.0.0/8",
  "2001:db8::/129",
  "10.0.0.0/8/",
  "10.0.0.0/8/x",
  "10.0.0.0/8/30-20",
  "10.0.0.0/8/1-2-3",
  "10.0.0.0/8/70000",
  "10.0.0.0/8/22/23",
  "from 10.0.0.0/8",
  "src",
])("Whitelist tells of a line that is no rule: %s", (line) => {
  const { list, warnings } = parse(`src 10.9.9.9/32\n${line}\n`);
  expect(list.size).toBe(1);
  expect(warnings).toEqual([`line 2 of the whitelist is no rule: ${JSON.stringify(line)}`]);
});

test("Whitelist takes what is no number for 0 as the original does, which covers all", () => {
  const text = "src 10.0.0.1/x\n";
  expect(covers(Whitelist.parseOriginal(text), "203.0.113.1", "192.0.2.1")).toBe(true);
  expect(covers(parse(text).list, "203.0.113.1", "192.0.2.1")).toBe(false);
  expect(Whitelist.parseOriginal("10.0.0.1/288\n").size).toBe(1);
  expect(Whitelist.parseOriginal("10.0.0.1/40\n10.0.0.1\n10.0.0.1/32/\nabc\n# x\n").size).toBe(0);
});

test("Whitelist is the same as its rules taken one by one", () => {
  const octets = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)).map((all) => all.join("."));
  const value = (text: string): number =>
    text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(octets, fc.integer({ min: 0, max: 32 })), { maxLength: 12 }),
      octets,
      (rules, address) => {
        const { list } = parse(rules.map(([net, prefix]) => `src ${net}/${prefix}`).join("\n"));
        const expected = rules.some(([net, prefix]) => {
          const size = 2 ** (32 - prefix);
          return Math.floor(value(net) / size) === Math.floor(value(address) / size);
        });
        expect(covers(list, address, "192.0.2.1")).toBe(expected);
      },
    ),
    { seed: 1 },
  );
});

test("Whitelist takes any text without a throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."srcdt 0129./:-,#\n") }), (text) => {
      parse(text);
      Whitelist.parseOriginal(text);
    }),
    { seed: 1, numRuns: 500 },
  );
});
