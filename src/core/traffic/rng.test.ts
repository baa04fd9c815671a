// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Random, scatter } from "./rng.ts";

test("Random repeats itself for an equal seed and not for another", () => {
  const words = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.word());
  };
  expect(words(5)).toEqual(words(5));
  expect(words(5)).not.toEqual(words(6));
});

test("Random keeps its first numbers, so that a seed means the same traffic in all versions", () => {
  const random = new Random(1);
  expect([random.word(), random.word(), random.word()]).toMatchInlineSnapshot(`
    [
      792534090,
      -1079615483,
      160231488,
    ]
  `);
});

test("Random.between stays within its bounds and reaches both", () => {
  const property = fc.property(fc.integer(), fc.integer({ min: 0, max: 5 }), (seed, span) => {
    const random = new Random(seed);
    const seen = new Set(Array.from({ length: 300 }, () => random.between(-2, span - 2)));
    expect(Math.min(...seen)).toBe(-2);
    expect(Math.max(...seen)).toBe(span - 2);
  });
  fc.assert(property, { seed: 1, numRuns: 40 });
});

test("Random spreads evenly over 16 cells", () => {
  const random = new Random(9);
  const cells = new Array<number>(16).fill(0);
  for (let i = 0; i < 16_000; i++) cells[random.below(16)]!++;
  // Chi squared with 15 degrees of freedom is below 37.7 in 999 of 1000 cases; the seed is fixed.
  const chi = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chi).toBeLessThan(37.7);
});

test("Random.exponential has its mean and its bound", () => {
  const random = new Random(3);
  const values = Array.from({ length: 20_000 }, () => random.exponential(1000));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean).toBeGreaterThan(970);
  expect(mean).toBeLessThan(1030);
  expect(Math.max(...values)).toBeLessThanOrEqual(8000);
});

test("Random.shuffle keeps every item", () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = new Random(4).shuffle([...items]);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.sort((a, b) => a - b)).toEqual(items);
});

test("scatter gives distinct words for distinct words", () => {
  const seen = new Set(Array.from({ length: 50_000 }, (_, i) => scatter(i - 25_000)));
  expect(seen.size).toBe(50_000);
});
