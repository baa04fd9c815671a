// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { fastClock, ManualClock, wallClock } from "./clock.ts";
import { Counters } from "./counters.ts";

test("ManualClock stands until it is set", () => {
  const clock = new ManualClock(5);
  expect([clock.now(), clock.now()]).toEqual([5, 5]);
  clock.set(3);
  expect(clock.now()).toBe(3);
  expect(new ManualClock().now()).toBe(0);
});

test("fastClock begins with the machine's time, and is ahead of it from then on", async () => {
  const before = Date.now() * 1000;
  const clock = fastClock(1000);
  expect(clock.now()).toBeGreaterThanOrEqual(before - 1000);
  await Bun.sleep(20);
  expect(clock.now()).toBeGreaterThan(before + 10_000_000);
});

test("wallClock counts whole microseconds since 1970", () => {
  const before = Date.now() * 1000;
  const now = wallClock.now();
  expect(Number.isInteger(now)).toBe(true);
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now() * 1000);
});

test("Counters add up, are set, and read as 0 before their first use", () => {
  const counters = new Counters();
  const { add } = counters;
  add("dropped");
  add("dropped", 4);
  counters.set("held", 9);
  expect([counters.get("dropped"), counters.get("held"), counters.get("other")]).toEqual([5, 9, 0]);
  expect(Object.entries(counters.snapshot())).toEqual([
    ["dropped", 5],
    ["held", 9],
  ]);
});
