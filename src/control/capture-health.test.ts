// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { CaptureHealth } from "./capture-health.ts";
import type { CaptureStats } from "./snapshot.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "./snapshot.ts";

const look = (capture: Partial<CaptureStats>, ringDrops = 0): Snapshot => ({
  ...EMPTY_SNAPSHOT,
  ringDrops,
  outputDrops: 0,
  sources: [
    {
      name: "tap0",
      kind: "live",
      workers: 1,
      meter: {} as never,
      capture: { received: 9, dropped: 0, unread: 0, freezes: 0, state: "up", ...capture },
    },
  ],
});

test("CaptureHealth has nothing to say while all goes well", () => {
  const health = new CaptureHealth();
  expect(health.reasons(EMPTY_SNAPSHOT, 0)).toEqual([]);
  expect(health.reasons(look({}), 1000)).toEqual([]);
});

test.each(["down", "gone"] as const)("CaptureHealth tells of an interface that is %s", (state) => {
  const health = new CaptureHealth();
  expect(health.reasons(look({ state }), 0)).toEqual([
    expect.stringContaining(`tap0 is ${state};`),
  ]);
  expect(health.reasons(look({}), 1)).toEqual([]);
});

test("CaptureHealth tells of frames the kernel dropped until a minute has passed without more", () => {
  const health = new CaptureHealth();
  const dropped = (count: number, now: number) => health.reasons(look({ dropped: count }), now);
  expect(dropped(0, 0)).toEqual([]);
  expect(dropped(5, 1000)).toEqual([expect.stringContaining("dropped frames of late (5)")]);
  expect(dropped(7, 50_000)).toEqual([expect.stringContaining("dropped frames of late (7)")]);
  expect(dropped(7, 110_000)).toEqual([expect.stringContaining("dropped frames of late (7)")]);
  expect(dropped(7, 110_001)).toEqual([]);
  // What is told next is what was lost since.
  expect(dropped(8, 200_000)).toEqual([expect.stringContaining("dropped frames of late (1)")]);
});

test("CaptureHealth tells of flow records dropped before detection", () => {
  const health = new CaptureHealth();
  expect(health.reasons(look({}, 3), 0)).toEqual([
    expect.stringContaining("flow records were dropped of late (3)"),
  ]);
  expect(health.reasons(look({}, 3), 60_001)).toEqual([]);
});
