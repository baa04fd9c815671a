// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { CounterRates } from "./counter-rates.ts";

test("CounterRates divides what was gained by the time between two looks", () => {
  const rates = new CounterRates();
  expect(rates.look(new Map([["a", 100]]), 10).size).toBe(0);
  const second = rates.look(
    new Map([
      ["a", 150],
      ["b", 7],
    ]),
    12,
  );
  expect(Object.fromEntries(second)).toEqual({ a: 25 });
});

test("CounterRates tells nothing of a counter that began anew, and repeats itself within one look", () => {
  const rates = new CounterRates();
  rates.look(new Map([["a", 100]]), 10);
  expect(rates.look(new Map([["a", 3]]), 11).has("a")).toBe(false);
  expect(rates.look(new Map([["a", 5]]), 12).get("a")).toBe(2);
  expect(rates.look(new Map([["a", 99]]), 12).get("a")).toBe(2);
});
