// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { placeOf, placesOf } from "./locate.ts";

test("placesOf finds tables, their keys, and each table of a list", () => {
  const text = '[[ sources ]]\na = 1\n  [ "x" . y ]\n  b.c = 2\n[[sources]]\na = 3\n';
  const places = placesOf(text);
  expect(placeOf(places, ["sources", "0", "a"])).toEqual({ line: 2, column: 1 });
  expect(placeOf(places, ["x", "y"])).toEqual({ line: 3, column: 3 });
  expect(placeOf(places, ["x", "y", "b", "c"])).toEqual({ line: 4, column: 3 });
  expect(placeOf(places, ["sources", "1", "a"])).toEqual({ line: 6, column: 1 });
  expect(placeOf(places, ["sources", "1", "none"])).toEqual({ line: 5, column: 1 });
});

test("placesOf ends on lines that no table heads, however long", () => {
  for (const line of ["[", "[[", " "].map((start) => start + " ".repeat(60_000)))
    expect(placesOf(line).size).toBe(0);
  expect(placesOf(`${"a.".repeat(30_000)}b`).size).toBe(0);
});
