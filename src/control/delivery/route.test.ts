// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  option,
  property,
  record,
  tuple,
} from "fast-check";
import { NemeanError } from "../../core/errors.ts";
import { alertOf } from "../store/testing/alerts.ts";
import { matcherOf, type Route } from "./route.ts";

/** All bits of an address; IPv6 in its full form, of eight groups. */
const bitsOf = (address: string): string =>
  address.includes(":")
    ? address
        .split(":")
        .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
        .join("")
    : address
        .split(".")
        .map((octet) => Number(octet).toString(2).padStart(8, "0"))
        .join("");

function isIn(address: string | undefined, prefix: string): boolean {
  if (address === undefined) return false;
  const [network = "", length] = prefix.split("/");
  if (network.includes(":") !== address.includes(":")) return false;
  const bits = bitsOf(network);
  return bitsOf(address).startsWith(bits.slice(0, Number(length ?? bits.length)));
}

const CATEGORIES = ["Recon", "Recon.Scanning", "Reconnect", "Availability.DDoS"];
const DETECTORS = ["ddos", "vportscan", "bruteforce"];
const some = (values: readonly string[]) =>
  option(array(constantFrom(...values), { maxLength: 2 }), { nil: undefined });

/** Addresses that share beginnings, or prefixes would hold none. */
const word = constantFrom(0, 1, 0x7fff, 0x8000, 0xffff, 0x2001, 0xdb8);
const octet = constantFrom(0, 1, 127, 128, 192, 255);
const address = oneof(
  array(octet, { minLength: 4, maxLength: 4 }).map((octets) => octets.join(".")),
  array(word, { minLength: 8, maxLength: 8 }).map((words) =>
    words.map((each) => each.toString(16)).join(":"),
  ),
);
const prefix = tuple(address, option(integer({ min: 0, max: 128 }))).map(([text, length]) =>
  length === null ? text : `${text}/${text.includes(":") ? length : length >> 2}`,
);

test("matcherOf agrees with a naive model for any route and alert", () => {
  const route = record({
    severity: option(integer({ min: 0, max: 10 }), { nil: undefined }),
    categories: some(CATEGORIES),
    detectors: some(DETECTORS),
    prefixes: option(array(prefix, { maxLength: 3 }), { nil: undefined }),
  });
  const side = option(address, { nil: undefined });
  const alert = record({
    severity: integer({ min: 0, max: 10 }),
    category: constantFrom(...CATEGORIES),
    detector: constantFrom(...DETECTORS),
    source: record({ ip: side }),
    target: record({ ip: side }),
  });
  let matched = 0;
  assert(
    property(route, alert, ({ severity, categories, detectors, prefixes }, seen) => {
      const wanted: Record<string, unknown> = { severity, categories, detectors, prefixes };
      const given = Object.fromEntries(
        Object.entries(wanted).filter(([, value]) => value !== undefined),
      ) as Route;
      const parts = seen.category.split(".").map((_, i, all) => all.slice(0, i + 1).join("."));
      const expected =
        seen.severity >= (severity ?? 0) &&
        (!categories?.length || parts.some((part) => categories.includes(part))) &&
        (!detectors?.length || detectors.includes(seen.detector)) &&
        (!prefixes?.length ||
          prefixes.some((each) => isIn(seen.source.ip, each) || isIn(seen.target.ip, each)));
      const { source, target, ...rest } = seen;
      const ends = {
        source: source.ip === undefined ? {} : { ip: source.ip },
        target: target.ip === undefined ? {} : { ip: target.ip },
      };
      expect(matcherOf(given)(alertOf({ ...rest, ...ends }))).toBe(expected);
      if (expected) matched++;
    }),
    { seed: 8, numRuns: 2000 },
  );
  expect(matched).toBeGreaterThan(200);
});

test.each<[Route, boolean]>([
  [{}, true],
  [{ severity: 5 }, true],
  [{ severity: 6 }, false],
  [{ categories: [], detectors: [], prefixes: [] }, true],
  [{ categories: ["Recon"] }, true],
  [{ categories: ["Rec"] }, false],
  [{ categories: ["Recon.Scanning.Deep"] }, false],
  [{ prefixes: ["192.0.2.1"] }, true],
  [{ prefixes: ["192.0.2.0/31", "10.0.0.0/8"] }, true],
  [{ prefixes: ["192.0.2.2/31"] }, false],
  [{ prefixes: ["0.0.0.0/0"] }, true],
  [{ prefixes: ["::/0"] }, false],
  [{ prefixes: ["::ffff:0:0/96"] }, false],
  [{ severity: 5, detectors: ["ddos"] }, false],
])("matcherOf of %j says %p of a scan of 192.0.2.1 with severity 5", (route, expected) => {
  expect(matcherOf(route)(alertOf())).toBe(expected);
});

test.each([
  "",
  "/8",
  "10.0.0/8",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/08",
  "10.0.0.0/8/8",
  "10.0.0.0/-1",
  "::/129",
  "example.org",
])("matcherOf refuses %j as a prefix and says what it takes", (text) => {
  expect(() => matcherOf({ prefixes: [text] })).toThrow(NemeanError);
  expect(() => matcherOf({ prefixes: [text] })).toThrow("192.0.2.0/24");
});
