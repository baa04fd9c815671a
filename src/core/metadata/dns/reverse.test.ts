// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { addressOf } from "./reverse.ts";

test("addressOf turns names for look-ups by address around", () => {
  expect(String(addressOf("230.144.113.195.in-addr.arpa"))).toBe("195.113.144.230");
  const digits = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2";
  expect(String(addressOf(`${digits}.IP6.ARPA`))).toBe("2001:db8::567:89ab");
});

test("addressOf finds no address in other names", () => {
  const others = [
    "",
    "example.org",
    "1.2.3.in-addr.arpa",
    "1.2.3.4.5.in-addr.arpa",
    "256.2.3.4.in-addr.arpa",
    "01.2.3.4.in-addr.arpa",
    "1.2.3.4.in-addr.arpa.example",
    `${"0.".repeat(31)}ip6.arpa`,
    `${"0.".repeat(33)}ip6.arpa`,
    `g.${"0.".repeat(31)}ip6.arpa`,
  ];
  for (const name of others) expect(addressOf(name)).toBeUndefined();
});

test("addressOf gives back each IPv4 address", () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), (octets) => {
      const name = `${octets.toReversed().join(".")}.in-addr.arpa`;
      expect(String(addressOf(name))).toBe(octets.join("."));
    }),
  );
});
