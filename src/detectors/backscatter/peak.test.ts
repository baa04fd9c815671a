// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Peak } from "./peak.ts";

describe("Peak", () => {
  const peakOf = (flows: readonly (readonly [packets: number, first: number, last: number])[]) => {
    const peak = new Peak("peak", 2, new StateStore(() => {}));
    peak.clear(1);
    for (const [packets, first, last] of flows) peak.add(1, packets, first * SECOND, last * SECOND);
    return peak.most(1);
  };

  test("Peak finds the busiest minute, however slow the rest is", () => {
    const slow = Array.from({ length: 100 }, (_, i) => [1, i * 10, i * 10] as const);
    expect(peakOf(slow)).toBe(6);
    expect(peakOf([...slow, [50, 1000, 1000], [50, 1055, 1055], [1, 1200, 1200]])).toBe(100);
  });

  test("Peak spreads a long flow over its time", () => {
    expect(peakOf([[600, 0, 600]])).toBe(60);
    expect(peakOf([[600, 0, 60]])).toBe(600);
  });

  test("Peak takes flows that come late, within the minute", () => {
    expect(
      peakOf([
        [1, 100, 100],
        [5, 60, 60],
        [7, 30, 30],
      ]),
    ).toBe(6);
  });
});
