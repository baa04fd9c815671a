// SPDX-License-Identifier: BSD-3-Clause
import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import type { FrameBatch } from "../core/packet/frames.ts";
import type { Attack } from "../core/traffic/truth.ts";
import { type GeneratorOptions, GeneratorSource, type Pace } from "./generator.ts";

test("GeneratorSource hands on all frames of its traffic, and tells what is hidden in it", () => {
  using source = new GeneratorSource({ seed: 3, seconds: 20, hosts: 8 });
  let frames = 0;
  const count = (batch: { count: number }): void => {
    frames += batch.count;
  };
  while (source.step(count));
  expect(frames).toBeGreaterThan(1000);
  expect(source.truth.attacks.length).toBeGreaterThan(0);
});

describe("GeneratorSource, live,", () => {
  const START = 1_800_000_000_123_457;
  const SECOND = 1_000_000;
  /** Kinds of attack, of which each round has one. */
  const KINDS = 10;

  /** A source on a clock that only sleeping moves, and what it gave. */
  function liveOf(options: Partial<GeneratorOptions> = {}) {
    let now = START;
    const sleeps: number[] = [];
    const pace: Pace = {
      now: () => now,
      sleep(milliseconds) {
        sleeps.push(milliseconds);
        now += milliseconds * 1000;
      },
    };
    const source = new GeneratorSource({ seed: 5, hosts: 20, live: true, ...options }, pace);
    const got = { frames: 0, early: 0, late: 0, backwards: 0, last: START };
    const take = (frames: FrameBatch): void => {
      got.frames += frames.count;
      for (let i = 0; i < frames.count; i++) {
        const time = frames.time[i]!;
        if (time >= now) got.early++;
        if (time < now - 0.1 * SECOND) got.late++;
        if (time < got.last) got.backwards++;
        got.last = time;
      }
    };
    /** Step until so many seconds have passed since the start. */
    const until = (seconds: number): void => {
      while (now < START + seconds * SECOND) expect(source.step(take)).toBe(true);
    };
    const leap = (seconds: number): void => {
      now += seconds * SECOND;
    };
    return { source, got, sleeps, until, leap, step: () => source.step(take) };
  }

  test("hands on each frame when its time has come, over several rounds", () => {
    const { source, got, sleeps, until } = liveOf();
    until(200);
    expect(got).toMatchObject({ early: 0, late: 0, backwards: 0 });
    expect(got.last).toBeGreaterThan(START + 199 * SECOND);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(50);
    expect([source.kind, (source as { progress?: number }).progress]).toEqual([
      "generator",
      undefined,
    ]);
  });

  test("has normal traffic from its first second on, and no less of it where a round begins", () => {
    const { got, until } = liveOf();
    const counts: number[] = [];
    for (let second = 1; second <= 95; second++) {
      const before = got.frames;
      until(second);
      counts.push(got.frames - before);
    }
    expect(counts[0]).toBeGreaterThan(20);
    expect(Math.min(...counts.slice(5))).toBeGreaterThan(100);
  });

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "with seed %d begins its first attacks within 16 seconds",
    (seed) => {
      const { source } = liveOf({ seed });
      expect(source.truth.attacks).toHaveLength(KINDS);
      for (const { firstMicros } of source.truth.attacks) {
        expect(firstMicros).toBeGreaterThan(START + 2 * SECOND);
        expect(firstMicros).toBeLessThan(START + 16 * SECOND);
      }
    },
  );

  test("has other attacks in each round, and tells those of the one under way", () => {
    const { source, until } = liveOf();
    const rounds: (readonly Attack[])[] = [];
    for (let round = 0; round < 4; round++) {
      until(30 + round * 60 - 1);
      rounds.push(source.truth.attacks);
      for (const { firstMicros, lastMicros } of source.truth.attacks) {
        expect(firstMicros).toBeGreaterThan(START + Math.max(0, round * 60 - 30) * SECOND);
        expect(lastMicros).toBeLessThan(START + (30 + round * 60) * SECOND);
      }
    }
    const victims = rounds
      .flat()
      .map((attack) => JSON.stringify({ ...attack, firstMicros: 0, lastMicros: 0 }));
    expect(new Set(victims).size).toBe(4 * KINDS);
  });

  test("takes the length of its rounds from the options", () => {
    const { source, until } = liveOf({ seconds: 10 });
    const first = source.truth;
    until(9.9);
    expect(source.truth).toBe(first);
    until(10.1);
    expect(source.truth).not.toBe(first);
  });

  test("catches up in steps of bounded size when it was held up, with nothing left out", () => {
    const { got, until, leap, step } = liveOf();
    until(1);
    leap(100);
    const before = got.frames;
    step();
    expect(got.frames - before).toBeGreaterThan(5000);
    expect(got.frames - before).toBeLessThanOrEqual(40 * 256);
    until(102);
    expect(got.last).toBeGreaterThan(START + 100 * SECOND);
    expect(got.backwards).toBe(0);
  });

  test("needs no more memory after many rounds than after two", () => {
    const { until } = liveOf({ seconds: 20, hosts: 8, scale: 0.2 });
    const heapAfter = (seconds: number): number => {
      until(seconds);
      Bun.gc(true);
      return heapStats().heapSize;
    };
    const early = heapAfter(40);
    // Each round's attacks alone are more than 1 MB of objects, and there are 28 more of them.
    expect(heapAfter(600) - early).toBeLessThan(8_000_000);
  });
});
