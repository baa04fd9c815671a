// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { HostTraffic, WINDOW, WINDOWS } from "./traffic.ts";

const START = 1_704_067_200 * SECOND;
const LIMITS = { least: 1e6, sure: 20e6, growth: 4 };
const make = (): HostTraffic => new HostTraffic(4, 600, LIMITS, new StateStore(() => {}));
/** Bytes of all windows held. */
const held = (traffic: HostTraffic, row: number, newest: number): number =>
  traffic.beginFlood(row, {
    window: Math.floor(newest / WINDOW) - WINDOWS + 1,
    limit: 0,
    told: 0,
    base: 0,
    weight: 0,
  });

test("HostTraffic keeps every byte of a flow in the windows it covers, however late it is told", () => {
  const time = fc.integer({ min: 0, max: 900 * SECOND });
  const flow = fc.record({ last: time, lasts: time, bytes: fc.integer({ min: 0, max: 1e9 }) });
  const end = START + 900 * SECOND;
  const oldest = (Math.floor(end / WINDOW) - WINDOWS + 1) * WINDOW;
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 20 }), (flows) => {
      const traffic = make();
      traffic.begin(1, end, START);
      let expected = 0;
      for (const { last, lasts, bytes } of flows) {
        const [from, to] = [START + last - lasts, START + last];
        traffic.add(1, from, to, bytes);
        expected += (bytes * Math.max(0, to + 1 - Math.max(from, oldest))) / (lasts + 1);
      }
      expect(Math.abs(held(traffic, 1, end) - expected)).toBeLessThan(1);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("HostTraffic learns what leaves the windows, and what flows bring from before them", () => {
  const traffic = make();
  traffic.begin(0, START, START);
  for (let i = 0; i < 400; i++) {
    traffic.roll(0, START + i * WINDOW, true);
    traffic.add(0, START + i * WINDOW, START + i * WINDOW + 9 * SECOND, 1000);
  }
  expect(traffic.base(0)).toBeCloseTo(1000, 3);
  const late = make();
  late.begin(0, START, START);
  for (let i = 0; i < 4000; i++) {
    late.roll(0, START + i * WINDOW, true);
    late.add(0, START + (i - 60) * WINDOW, START + (i - 50) * WINDOW - 1, 1000);
  }
  expect(late.base(0)).toBeCloseTo(1000, 0);
});

test("HostTraffic learns by windows or at once the same of silence", () => {
  const [slow, fast] = [make(), make()];
  for (const traffic of [slow, fast]) {
    traffic.begin(0, START, START - 3600 * SECOND);
    traffic.add(0, START, START, 5000);
  }
  for (let i = 1; i <= 100; i++) slow.roll(0, START + i * WINDOW, true);
  fast.roll(0, START + 100 * WINDOW, true);
  expect(slow.base(0)).toBeCloseTo(fast.base(0), 6);
  expect(slow.sourcesBase(0)).toBeCloseTo(fast.sourcesBase(0), 6);
  expect(slow.base(0)).toBeGreaterThan(0);
});

/** Windows from the first one on with so many bytes each, as told at once; what is found then. */
function found(bytes: readonly number[], { watched = START } = {}) {
  const traffic = make();
  traffic.begin(0, START, watched);
  for (const [i, each] of bytes.entries()) {
    const time = START + i * WINDOW;
    traffic.roll(0, time, true);
    traffic.add(0, time, time + WINDOW - 1, each);
  }
  const result = traffic.find(0);
  return result && { ...result, window: result.window - START / WINDOW };
}
const windows = (count: number, bytes: number): number[] => new Array<number>(count).fill(bytes);

test("HostTraffic finds where a lasting flood begins, and measures it by what was before", () => {
  const usual = windows(20, 200_000);
  expect(found([...usual, ...windows(12, 900_000)])).toBeUndefined();
  const slow = found([...usual, ...windows(12, 1_100_000)]);
  expect(slow).toMatchObject({ window: 20, limit: 1e6, told: 6e6 });
  expect(slow!.base / slow!.weight).toBeCloseTo(200_000, 3);
  expect(found([...usual, ...windows(11, 1_100_000)])).toBeUndefined();
  // Half a minute below the limit among them.
  const gap = [...windows(6, 1_100_000), ...windows(3, 500_000), ...windows(6, 1_100_000)];
  expect(found([...usual, ...gap])).toBeUndefined();
  expect(found([...windows(20, 300_000), ...windows(12, 1_100_000)])).toBeUndefined();
  expect(found([...windows(20, 300_000), ...windows(12, 1_300_000)])?.limit).toBeCloseTo(1.2e6, 3);
});

test("HostTraffic finds a sure flood after two windows, and without a baseline", () => {
  expect(found(windows(1, 30e6))).toBeUndefined();
  expect(found(windows(2, 30e6))).toMatchObject({ window: 0, limit: 20e6, weight: 0 });
  expect(found([...windows(20, 1e5), 30e6, 30e6])).toMatchObject({
    window: 20,
    limit: 1e6,
    told: 20e6,
  });
  expect(found([...windows(20, 10e6), 30e6, 30e6])).toBeUndefined();
});

test("HostTraffic judges a slow flood only by two minutes that were watched, if in silence", () => {
  const slow = windows(12, 2e6);
  expect(found([...windows(11, 0), ...slow])).toBeUndefined();
  expect(found([...windows(12, 0), ...slow])).toMatchObject({ window: 12, base: 0 });
  const since = (seconds: number) => ({ watched: START - seconds * SECOND });
  expect(found(slow, since(120))).toBeUndefined();
  expect(found(slow, since(130))).toMatchObject({ window: 0, base: 0 });
});

test("HostTraffic takes what many bring for a flood only when they bring it in the same minute", () => {
  const traffic = make();
  traffic.begin(0, START, START);
  const many = (count: number): void => {
    for (let i = 0; i < count; i++) traffic.addSource(0, hashWord(0, i));
  };
  traffic.add(0, START, START, 50e6);
  many(3);
  expect(traffic.isFromMany(0, 15, 40e6)).toBe(false);
  traffic.roll(0, START + 60 * SECOND, true);
  traffic.add(0, START + 60 * SECOND, START + 60 * SECOND, 1e6);
  many(16);
  expect(traffic.isFromMany(0, 15, 40e6)).toBe(false);
  traffic.add(0, START + 60 * SECOND, START + 60 * SECOND, 40e6);
  expect(traffic.isFromMany(0, 15, 40e6)).toBe(true);
  traffic.roll(0, START + 120 * SECOND, true);
  expect(traffic.isFromMany(0, 15, 40e6)).toBe(true);
  traffic.roll(0, START + 180 * SECOND, true);
  expect(traffic.isFromMany(0, 15, 40e6)).toBe(false);
});

test("HostTraffic counts few sources exactly but for collisions, many by an estimate", () => {
  for (const [sources, error] of [
    [5, 0],
    [16, 0.1],
    [100, 0.15],
    [10_000, 0.2],
  ] as const) {
    const traffic = make();
    traffic.begin(0, START, START);
    for (let again = 0; again < 2; again++)
      for (let i = 0; i < sources; i++) traffic.addSource(0, hashWord(0, i));
    expect(Math.abs(traffic.sources(0) / sources - 1)).toBeLessThanOrEqual(error);
  }
});
