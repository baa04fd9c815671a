// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { BackOff } from "./back-off.ts";

test("BackOff waits 1, 2, 4 … 60 s, and gives up after 25 failures in a row", () => {
  const backOff = new BackOff();
  const waits = Array.from({ length: 26 }, (_, i) => {
    backOff.started(i);
    return backOff.failed(i);
  });
  expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(waits.slice(8, 25).every((wait) => wait === 60)).toBe(true);
  expect(waits[25]).toBeUndefined();
});

test("BackOff begins anew for a process that ran for a minute, and where an operator starts it", () => {
  const backOff = new BackOff();
  backOff.started(0);
  backOff.failed(1);
  backOff.started(2);
  expect(backOff.failed(3)).toBe(2);
  backOff.started(10);
  expect(backOff.failed(70)).toBe(1);
  backOff.started(71);
  expect(backOff.failed(72)).toBe(2);
  backOff.reset();
  backOff.started(73);
  expect(backOff.failed(74)).toBe(1);
});
