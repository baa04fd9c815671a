// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import { PairFilter } from "./pair-filter.ts";

const host = (i: number): Address => new Address().setV4(0x0a000000 + i);
const filterOf = (elements: number): PairFilter =>
  new PairFilter("met", elements, new StateStore(() => {}));

test("PairFilter knows a pair by its order and by what it is known under", () => {
  const met = filterOf(1000);
  expect(met.add(host(1), host(2), 5)).toBe(true);
  expect(met.add(host(1), host(2), 5)).toBe(false);
  expect(met.add(host(2), host(1), 5)).toBe(true);
  expect(met.add(host(1), host(2), 6)).toBe(true);
});

test("PairFilter remembers over one swap what came since the last", () => {
  const met = filterOf(1000);
  met.add(host(1), host(2), 0);
  met.swap();
  expect(met.add(host(1), host(2), 0)).toBe(false);
  met.swap();
  met.swap();
  expect(met.add(host(1), host(2), 0)).toBe(true);
});

test("PairFilter takes one of 100 new pairs for known when it is full", () => {
  const met = filterOf(10_000);
  for (let i = 0; i < 10_000; i++) met.add(host(i), host(0), 0);
  let known = 0;
  for (let i = 0; i < 500; i++) if (!met.add(host(100_000 + i), host(0), 0)) known++;
  expect(known / 500).toBeLessThan(0.04);
});
