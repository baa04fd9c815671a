// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Alert } from "./api.ts";
import { detectorFacets, pageFacets, severityFacets } from "./facet-counts.ts";

const STORED = [
  { detector: "a", severity: 9, events: 2 },
  { detector: "b", severity: 5, events: 10 },
  { detector: "a", severity: 4, events: 1 },
  { detector: "c", severity: 0, events: 7 },
];

test("severityFacets counts what the filter would find: events of at least that severity", () => {
  expect(severityFacets(STORED).map(({ value, events }) => [value, events])).toEqual([
    ["9", 2],
    ["7", 2],
    ["4", 13],
    ["1", 13],
  ]);
  expect(severityFacets([])).toEqual([]);
});

test("detectorFacets sums over severities, most first", () => {
  const counts = detectorFacets(STORED).map(({ value, events }) => [value, events]);
  expect(counts).toEqual([
    ["b", 10],
    ["c", 7],
    ["a", 3],
  ]);
});

test("pageFacets counts the events of a page, and names of objects are names like any other", () => {
  const items = ["x", "__proto__", "x"].map((category) => ({ category })) as Alert[];
  expect(pageFacets(items, ({ category }) => category)).toEqual([
    { value: "x", name: "x", events: 2 },
    { value: "__proto__", name: "__proto__", events: 1 },
  ]);
});
