// SPDX-License-Identifier: BSD-3-Clause
import type { Columns } from "./columns.ts";

/** Shares of the queries, and bytes of the longest label on average, from which each is a sign. */
const CARRIERS_MIN = 0.25;
const MISSING_MIN = 0.5;
const LONG_MIN = 32;
/** Signs that make an alert of the least bytes; for each one missing it takes so many times as many. */
const SIGNS = 2;
const DEARER = 8;

/** What else speaks for a tunnel, beside names that differ and look encoded, in words. */
export function signsOf({ queries, carriers, missing, longest }: Columns, row: number): string[] {
  const count = queries[row]!;
  const signs: string[] = [];
  if (longest[row]! >= count * LONG_MIN) signs.push("long labels");
  if (carriers[row]! >= count * CARRIERS_MIN) signs.push("types whose answers carry data");
  if (missing[row]! >= count * MISSING_MIN) signs.push("names that do not exist");
  return signs;
}

/** How many times the least bytes it takes with so many signs. */
export const dearness = (signs: number): number => DEARER ** Math.max(0, SIGNS - signs);
