// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Newcomers } from "./newcomers.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600;
/** Pairs of the same two cells. */
const [PAIR, SECOND_PAIR, THIRD_PAIR] = [0x12345678, 0x12345679, 0x1234567a];
const newcomers = (trackedAt = 3): Newcomers => new Newcomers(trackedAt, new StateStore(() => {}));
/** What each contact of a pair is told, so many seconds after the start. */
const told = (them: Newcomers, pair: number, ...seconds: number[]): boolean[] =>
  seconds.map((second) => them.admits(pair, START + second * SECOND));

test("beacon tracks a pair at its third contact, and from then on", () => {
  expect(told(newcomers(), PAIR, 0, 60, 120, 121, 9000)).toEqual([false, false, true, true, true]);
  expect(told(newcomers(1), PAIR, 0)).toEqual([true]);
  expect(told(newcomers(), PAIR, 0, 5 * HOUR, 10 * HOUR).at(-1)).toBe(true);
});

test("beacon takes contacts within ten seconds for one, of a tracked pair those within one", () => {
  expect(told(newcomers(), PAIR, 0, 1, 2, 3, 9)).not.toContain(true);
  expect(told(newcomers(), PAIR, 0, 60, 120, 120.2, 121, 121)).toEqual([
    ...[false, false, true],
    ...[false, true, false],
  ]);
});

test("beacon forgets a pair that is tracked no more", () => {
  const them = newcomers();
  told(them, PAIR, 0, 60, 120);
  them.forget(PAIR);
  them.forget(SECOND_PAIR);
  expect(told(them, PAIR, 40 * HOUR)).toEqual([false]);
});

test("beacon keeps apart pairs that share cells, and passes over a third one for ten minutes", () => {
  const them = newcomers();
  told(them, PAIR, 0, 60);
  told(them, SECOND_PAIR, 61);
  expect(told(them, THIRD_PAIR, 62, 120, 180, 240)).not.toContain(true);
  expect(them.passed).toBe(4);
  expect(told(them, PAIR, 120)).toEqual([true]);
  // The second one has not come again: the third one takes its cell.
  expect(told(them, THIRD_PAIR, 800, 860, 920)).toEqual([false, false, true]);
  // The other cell's pair is tracked, and keeps it.
  expect(told(them, SECOND_PAIR, 9000, 9100, 9200, 9300)).not.toContain(true);
  expect(told(them, PAIR, 9400)).toEqual([true]);
});
