// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ManualClock } from "./clock.ts";
import { ReplayPace } from "./replay-pace.ts";
import { SECOND } from "./unirec/time.ts";

const START = 1_700_000_000 * SECOND;
const HOUR = 3600 * SECOND;

/** What each record waits when it is asked for at once behind the one before; waiting passes. */
function waits(times: readonly number[], took = 0): number[] {
  const clock = new ManualClock(START);
  const pace = new ReplayPace(clock, { isRealTime: true });
  return times.map((time) => {
    clock.set(clock.now() + took);
    const wait = pace.wait(time);
    clock.set(clock.now() + wait * 1000);
    if (wait > 0) expect(pace.wait(time)).toBe(0);
    return wait;
  });
}

test("ReplayPace without anything asked lets all go", () => {
  const pace = new ReplayPace(new ManualClock(START));
  expect(pace.isNeeded).toBe(false);
  expect([0, HOUR, 5].map((time) => pace.wait(time))).toEqual([0, 0, 0]);
});

test("ReplayPace keeps records as far apart as they were, and lets older ones go at once", () => {
  const second = 1000 * SECOND;
  expect(waits([second, second, second + 500_000, second, second + 2 * SECOND])).toEqual([
    0, 0, 500, 0, 1500,
  ]);
});

test("ReplayPace catches up what sending took, and goes on from there where it is more than a second late", () => {
  expect(waits([0, SECOND, 2 * SECOND], 400_000)).toEqual([0, 600, 600]);
  expect(waits([5, 5 + SECOND, 5 + 2 * SECOND, 5 + 6 * SECOND], 3 * SECOND)).toEqual([
    0, 0, 0, 1000,
  ]);
});

test("ReplayPace does not wait for a record far ahead, nor lose its pace by one", () => {
  expect(waits([HOUR, 9e4 * HOUR, HOUR + SECOND])).toEqual([0, 0, 1000]);
});

test("ReplayPace begins anew where all records are far ahead, or far back", () => {
  const far = 30 * HOUR;
  expect(waits([HOUR, far, far + SECOND, far + 2 * SECOND])).toEqual([0, 0, 0, 1000]);
  expect(waits([far, HOUR, HOUR + SECOND, HOUR + 2 * SECOND])).toEqual([0, 0, 0, 1000]);
});

test("ReplayPace lets no more go in a second than its rate", () => {
  const clock = new ManualClock(START);
  const pace = new ReplayPace(clock, { rate: 1000 });
  let sent = 0;
  for (let i = 0; i < 5000; i++) {
    while (pace.wait(0) === 0) sent++;
    clock.set(clock.now() + 1000);
  }
  // What was not sent in the second before it began may be made up for.
  expect(sent).toBeWithin(5000, 6002);
});
