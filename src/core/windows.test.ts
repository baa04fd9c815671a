// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { windows } from "./windows.ts";

function counted(span: number) {
  let flushes = 0;
  const over = windows(span, () => {
    flushes++;
  });
  return { over, flushes: () => flushes };
}

test("windows end where event time passes a multiple of their span, and not within it", () => {
  const { over, flushes } = counted(100);
  for (const now of [110, 150, 199]) over.everySecond(now);
  expect(flushes()).toBe(0);
  over.everySecond(200);
  over.everySecond(299);
  expect(flushes()).toBe(1);
  over.everySecond(900);
  expect(flushes()).toBe(2);
});

test("windows end by the wall clock once nothing has come for their span", () => {
  const { over, flushes } = counted(100);
  over.hear();
  over.tick(1000);
  over.tick(1099);
  expect(flushes()).toBe(0);
  over.tick(1100);
  expect(flushes()).toBe(1);
  over.hear();
  over.tick(1150);
  over.tick(1200);
  expect(flushes()).toBe(1);
});

test("windows take a wall clock that is set back for silence", () => {
  const { over, flushes } = counted(100);
  over.hear();
  over.tick(1000);
  over.tick(10);
  expect(flushes()).toBe(1);
});
