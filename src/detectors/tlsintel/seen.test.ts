// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { StateStore } from "../../core/state/state-store.ts";
import { SEEN, Seen } from "./seen.ts";

const SPAN = 1000;
const seen = (words = 1 << 12): Seen =>
  new Seen("seen", { words, span: SPAN }, new StateStore(() => {}));
const hash = (i: number): number => Math.imul(i + 1, 0x85ebca6b) ^ (i << 7);

describe("tlsintel's memory of things seen", () => {
  test("tlsintel's memory knows what it saw, and forgets it after two spans", () => {
    const memory = seen();
    expect(memory.has(7)).toBe(false);
    expect(memory.add(7, 1)).toBe(SEEN.never);
    expect(memory.has(7)).toBe(true);
    expect(memory.add(7, SPAN)).toBe(SEEN.now);
    expect(memory.add(8, SPAN + 1)).toBe(SEEN.never);
    expect(memory.has(7)).toBe(false);
    expect(memory.add(7, SPAN + 2)).toBe(SEEN.before);
    expect(memory.add(8, 3 * SPAN + 5)).toBe(SEEN.never);
    expect(memory.add(7, 3 * SPAN + 6)).toBe(SEEN.never);
  });

  test("tlsintel's memory keeps what is used in each span", () => {
    const memory = seen();
    memory.add(7, 1);
    for (let time = 1; time < 20 * SPAN; time += SPAN / 2)
      expect(memory.add(7, time)).not.toBe(SEEN.never);
  });

  test("tlsintel's memory takes few new things for known ones, and nothing for new when it is full", () => {
    const memory = seen();
    let known = 0;
    let things = 0;
    for (; !memory.isFull; things++) if (memory.add(hash(things), 1) !== SEEN.never) known++;
    expect(things).toBeGreaterThan(3 * 4000);
    expect(known / things).toBeLessThan(0.01);
    expect(memory.add(hash(1e6), 1)).not.toBe(SEEN.never);
    expect(memory.add(hash(1e6), SPAN + 1)).toBe(SEEN.never);
  });

  test("tlsintel's memory looks at the time now and then, though all is known", () => {
    const memory = seen();
    memory.add(7, 1);
    const asked = Array.from({ length: 2048 }, () => memory.has(7));
    expect(asked.filter((isKnown) => !isKnown)).toHaveLength(2);
  });
});
