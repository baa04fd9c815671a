// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { StateStore } from "../../core/state/state-store.ts";
import { SlidingCounts } from "./sliding-counts.ts";

const WINDOW = 3000;
const PARTS = 30;

test("SlidingCounts counts what a list of all that happened has within the window", () => {
  const steps = fc.array(fc.tuple(fc.nat(1), fc.nat(1), fc.integer({ min: -400, max: 1500 })), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const counts = new SlidingCounts("counts", new StateStore(() => {}), {
        rows: 2,
        kinds: 2,
        window: WINDOW,
      });
      const happened: { row: number; kind: number; part: number }[] = [];
      const latest = [0, 0];
      let time = 1_000_000;
      for (const [row, kind, step] of all) {
        time += step;
        const part = Math.floor(time / (WINDOW / PARTS));
        if (part > latest[row]! - PARTS) happened.push({ row, kind, part });
        latest[row] = Math.max(latest[row]!, part);
        counts.add(row, kind, time);
        const within = happened.filter(
          (item) => item.row === row && item.kind === kind && item.part > latest[row]! - PARTS,
        );
        expect(counts.count(row, kind)).toBe(within.length);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("SlidingCounts forgets a row that is cleared, and no other", () => {
  const counts = new SlidingCounts("counts", new StateStore(() => {}), {
    rows: 2,
    kinds: 1,
    window: WINDOW,
  });
  for (const row of [0, 1]) counts.add(row, 0, 5000);
  counts.clear(0);
  expect([counts.count(0, 0), counts.count(1, 0)]).toEqual([0, 1]);
  counts.add(0, 0, 100);
  expect(counts.count(0, 0)).toBe(1);
});
