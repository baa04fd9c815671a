// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Counters } from "../counters.ts";
import { Address } from "../unirec/ip.ts";
import { DistinctAddresses, EXACT_MAX } from "./distinct-addresses.ts";
import { StateStore } from "./state-store.ts";

function make(slots = 1) {
  const counters = new Counters();
  const state = new StateStore(counters.add);
  return {
    counters,
    state,
    distinct: new DistinctAddresses("distinct", slots, state, counters.add),
  };
}

const v4 = (address: number): Address => new Address().setV4(address);

/** The count after addresses were added; they may repeat. */
function countOf(addresses: Iterable<Address>): number {
  const { distinct } = make();
  const slot = distinct.take(0);
  let count = 0;
  for (const address of addresses) count = distinct.add(slot, 0, address);
  return count;
}

test("DistinctAddresses counts as a Set does up to its exact bound", () => {
  const word = fc.oneof(fc.constantFrom(0, -1), fc.integer());
  const address = fc.tuple(word, word, word, word).map(([w0, w1, w2, w3]) => {
    return new Address().set({ w0, w1, w2, w3 });
  });
  fc.assert(
    fc.property(fc.array(address, { maxLength: 300 }), (list) => {
      const twice = [...list, ...list];
      expect(countOf(twice)).toBe(
        new Set(list.map(({ w0, w1, w2, w3 }) => [w0, w1, w2, w3].join())).size,
      );
    }),
    { seed: 1, numRuns: 30 },
  );
});

test("DistinctAddresses counts exactly 1,024 addresses and the same ones again", () => {
  const list = Array.from({ length: EXACT_MAX }, (_, i) => v4(0x0a000000 + i));
  expect(countOf([...list, ...list])).toBe(EXACT_MAX);
});

test.each([2000, 10_000, 60_000, 500_000])(
  "DistinctAddresses estimates %d consecutive addresses within 5 percent",
  (number) => {
    // Consecutive addresses are what a scan tries, and the hardest for a weak hash.
    const estimate = countOf(
      (function* () {
        for (let i = 0; i < number; i++) yield v4(0x0a000000 + i);
      })(),
    );
    expect(Math.abs(estimate / number - 1)).toBeLessThan(0.05);
  },
);

test("DistinctAddresses estimates IPv6 addresses that differ in their first words only", () => {
  const estimate = countOf(
    (function* () {
      for (let i = 0; i < 20_000; i++) yield new Address().set({ w0: i, w1: 0, w2: 0, w3: 1 });
    })(),
  );
  expect(Math.abs(estimate / 20_000 - 1)).toBeLessThan(0.05);
});

test("DistinctAddresses never counts down", () => {
  const { distinct } = make();
  const slot = distinct.take(0);
  for (let i = 0, former = 0; i < 20_000; i++) {
    const count = distinct.add(slot, 0, v4(i * 7919));
    expect(count).toBeGreaterThanOrEqual(former);
    former = count;
  }
});

test("DistinctAddresses gives away the slot in use for longest and counts it", () => {
  const { distinct, counters } = make(2);
  const slots = [0, 1, 2].map((row) => distinct.take(row));
  expect(slots).toEqual([0, 1, 0]);
  expect(counters.get("distinct_reused")).toBe(1);
  expect(distinct.add(0, 0, v4(1))).toBe(0);
  expect(distinct.add(0, 2, v4(1))).toBe(1);
});

test("DistinctAddresses takes a released slot again, empty and uncounted", () => {
  const { distinct, counters } = make();
  distinct.add(distinct.take(0), 0, v4(1));
  distinct.release(0, 0);
  expect(distinct.add(distinct.take(3), 3, v4(1))).toBe(1);
  expect(counters.get("distinct_reused")).toBe(0);
});

test("DistinctAddresses goes on counting after a restart", () => {
  const [former, later] = [make(), make()];
  const slot = former.distinct.take(0);
  for (let i = 0; i < 1500; i++) former.distinct.add(slot, 0, v4(i));
  expect(later.state.restore(former.state.save())).toBe(true);
  for (let i = 1500; i < 4000; i++)
    expect(later.distinct.add(slot, 0, v4(i))).toBe(former.distinct.add(slot, 0, v4(i)));
});
