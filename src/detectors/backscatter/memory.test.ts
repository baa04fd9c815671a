// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Memory } from "./memory.ts";

describe("Memory", () => {
  const hash = (i: number): number => hashWord(7, i);

  test("Memory has what was put in for one to two periods, and no longer", () => {
    const memory = new Memory(
      "m",
      { blocks: 1 << 10, period: 60 * SECOND },
      new StateStore(() => {}),
    );
    memory.turn(30 * SECOND);
    memory.add(hash(1));
    for (const [seconds, there] of [
      [31, true],
      [60, true],
      [119, true],
      [90, true], // time goes back
      [120, false],
    ] as const) {
      memory.turn(seconds * SECOND);
      expect([seconds, memory.has(hash(1))]).toEqual([seconds, there]);
    }
    memory.add(hash(2));
    memory.turn(1000 * SECOND);
    expect(memory.has(hash(2))).toBe(false);
  });

  test("Memory takes few others for what was put in", () => {
    const memory = new Memory("m", { blocks: 1 << 12, period: SECOND }, new StateStore(() => {}));
    memory.turn(0);
    const put = 125_000; // as 2 million in 2^16 blocks
    for (let i = 0; i < put; i++) memory.add(hash(i));
    for (let i = 0; i < put; i++) expect(memory.has(hash(i))).toBe(true);
    let wrong = 0;
    for (let i = put; i < 3 * put; i++) if (memory.has(hash(i))) wrong++;
    expect(wrong / (2 * put)).toBeLessThan(0.01);
  });
});
