// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { retryAfterMs } from "./retry-after.ts";

const NOW = Date.UTC(2026, 10, 24, 2, 0, 0);

test.each([
  ["0", 0],
  ["7", 7000],
  [" 120 ", 120_000],
  ["999999999", 86_400_000],
  ["Tue, 24 Nov 2026 02:00:30 GMT", 30_000],
  ["Tue, 24 Nov 2026 01:00:00 GMT", 0],
  ["Tue, 24 Nov 2037 01:00:00 GMT", 86_400_000],
])("retryAfterMs reads %j", (value, wanted) => {
  expect(retryAfterMs(value, NOW)).toBe(wanted);
});

test.each([
  undefined,
  "",
  "soon",
  "-1",
  "1.5",
  "1e3",
  "2026-11-24",
  "Tue, 99 Nov 2026 02:00:30 GMT",
])("retryAfterMs passes over %j", (value) => {
  expect(retryAfterMs(value, NOW)).toBeUndefined();
});

test("retryAfterMs gives a time within a day or none for any text", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(retryAfterMs(value, NOW) ?? 0).toBeWithin(0, 86_400_001);
    }),
  );
});
