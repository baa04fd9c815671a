// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { SEEN, Seen } from "./seen.ts";
import { StateStore } from "./state-store.ts";

const SPAN = 1000;
const seen = (words = 1 << 12): Seen =>
  new Seen("seen", { words, span: SPAN }, new StateStore(() => {}));
const hash = (i: number): number => Math.imul(i + 1, 0x85ebca6b) ^ (i << 7);

describe("Seen", () => {
  test("Seen knows what it saw, and forgets it after two spans", () => {
    const memory = seen();
    memory.turn(1);
    expect(memory.has(7)).toBe(false);
    expect(memory.add(7)).toBe(SEEN.never);
    expect(memory.has(7)).toBe(true);
    memory.turn(SPAN);
    expect(memory.add(7)).toBe(SEEN.now);
    memory.turn(SPAN + 1);
    expect([memory.has(7), memory.things]).toEqual([false, 0]);
    expect(memory.add(8)).toBe(SEEN.never);
    expect(memory.add(7)).toBe(SEEN.before);
    memory.turn(3 * SPAN + 5);
    expect([memory.add(7), memory.add(8)]).toEqual([SEEN.never, SEEN.never]);
  });

  test("Seen keeps what is used in each span", () => {
    const memory = seen();
    memory.add(7);
    for (let time = 1; time < 20 * SPAN; time += SPAN / 2) {
      memory.turn(time);
      expect(memory.add(7)).not.toBe(SEEN.never);
    }
  });

  test("Seen takes few new things for known ones, and none for new when it is full", () => {
    const memory = seen();
    memory.turn(1);
    let things = 0;
    let known = 0;
    for (; !memory.isFull; things++) if (memory.add(hash(things)) !== SEEN.never) known++;
    expect(known / things).toBeLessThan(0.005);
    expect(things).toBeGreaterThan(2 * 4000);
    expect(memory.has(hash(2e6))).toBe(true);
    expect(memory.add(hash(2e6))).toBe(SEEN.now);
    memory.turn(SPAN + 1);
    expect(memory.add(hash(2e6))).toBe(SEEN.never);
  });
});
