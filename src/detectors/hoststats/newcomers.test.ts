// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Newcomers } from "./newcomers.ts";

const newcomersOf = (flowsMin: number): Newcomers =>
  new Newcomers("newcomers", { flowsMin, window: 60 }, new StateStore(() => {}));
const AN_ID = 0x1234_5678;

test("Newcomers lets a host in at the flow that is enough, sent and received apart", () => {
  const newcomers = newcomersOf(3);
  const stays = (direction: number): boolean => newcomers.stays(AN_ID, direction, 0);
  expect([stays(0), stays(0), stays(1), stays(0), stays(0)]).toEqual([
    ...[false, false, false, true, true],
  ]);
});

test("Newcomers counts anew in each window, and not when time goes back", () => {
  const newcomers = newcomersOf(2);
  expect(newcomers.stays(AN_ID, 0, 10 * SECOND)).toBe(false);
  expect(newcomers.stays(AN_ID, 0, 70 * SECOND)).toBe(false);
  expect(newcomers.stays(AN_ID, 0, 50 * SECOND)).toBe(true);
});

test("Newcomers lets in everybody where one flow is enough", () => {
  expect(newcomersOf(1).stays(AN_ID, 0, 0)).toBe(true);
});
