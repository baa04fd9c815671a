// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, bigInt, integer, property } from "fast-check";
import { TIME_MAX, TimeScale } from "./time-scale.ts";

/** What the draft says, in whole numbers without a bound. */
function micros(resolution: number, offset: number, units: bigint): number {
  const perSecond =
    resolution >= 0x80 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
  const time = (units * 1_000_000n) / perSecond + BigInt(offset) * 1_000_000n;
  const bounded = time < 0n ? 0n : time > BigInt(TIME_MAX) ? BigInt(TIME_MAX) : time;
  return Number(bounded);
}

const halves = (units: bigint): [number, number] => [
  Number(units >> 32n),
  Number(units & 0xffff_ffffn),
];

for (const base of [0, 0x80]) {
  test(`TimeScale is exact for any time in units of ${base === 0 ? "10" : "2"}^-n s`, () => {
    assert(
      property(
        integer({ min: 0, max: base === 0 ? 25 : 127 }),
        bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        integer({ min: -1000, max: 2_000_000_000 }),
        (power, units, offset) => {
          const scale = new TimeScale(base + power, offset);
          expect(scale.micros(...halves(units))).toBe(micros(base + power, offset, units));
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });
}

test("TimeScale is exact for the times of this century in common units", () => {
  assert(
    property(
      integer({ min: 0, max: 12 }),
      bigInt({ min: 1_500_000_000_000_000n, max: 4_200_000_000_000_000n }),
      (power, time) => {
        const units = (time * 10n ** BigInt(power)) / 1_000_000n;
        if (units >> 64n > 0n) return;
        expect(new TimeScale(power).micros(...halves(units))).toBe(micros(power, 0, units));
      },
    ),
    { seed: 2, numRuns: 500 },
  );
});

test("TimeScale takes microseconds when nothing else is said", () => {
  expect(new TimeScale().micros(1, 2)).toBe(4_294_967_298);
});

test("TimeScale keeps every time within what 32-bit seconds can hold", () => {
  expect(new TimeScale(6, -10).micros(0, 5)).toBe(0);
  expect(new TimeScale(0).micros(0xffff_ffff, 0xffff_ffff)).toBe(TIME_MAX);
});
