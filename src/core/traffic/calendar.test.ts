// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Actor, Calendar, DONE } from "./calendar.ts";

/** Acts at each of its rising times and notes them. */
class Diary implements Actor {
  readonly #times: number[];
  readonly #notes: number[];

  constructor(times: number[], notes: number[]) {
    this.#times = times;
    this.#notes = notes;
  }

  act(now: number): number {
    this.#notes.push(now);
    return this.#times.shift() ?? DONE;
  }
}

test("Calendar lets all act in the order of time, each as often as it asks for", () => {
  const times = fc.array(fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 }), { maxLength: 40 });
  const property = fc.property(times, (diaries) => {
    const calendar = new Calendar();
    const notes: number[] = [];
    for (const diary of diaries) {
      const [first, ...rest] = [...diary].sort((a, b) => a - b);
      calendar.enter(first!, new Diary(rest, notes));
    }
    while (calendar.size > 0) calendar.advance();
    expect(notes).toEqual(diaries.flat().sort((a, b) => a - b));
  });
  fc.assert(property, { seed: 2, numRuns: 100 });
});

test("Calendar takes actors that another one enters, for the same time too", () => {
  const calendar = new Calendar();
  const notes: number[] = [];
  const parent: Actor = {
    act(now) {
      calendar.enter(now, new Diary([], notes));
      calendar.enter(now + 5, new Diary([], notes));
      return now < 20 ? now + 10 : DONE;
    },
  };
  calendar.enter(10, parent);
  while (calendar.size > 0) calendar.advance();
  expect(notes).toEqual([10, 15, 20, 25]);
});

test("Calendar refuses an event of the past", () => {
  const calendar = new Calendar();
  calendar.enter(10, {
    act(now) {
      calendar.enter(now - 1, new Diary([], []));
      return DONE;
    },
  });
  expect(() => calendar.advance()).toThrow("event of the past");
});

test("Calendar without actors has its next act at infinity", () => {
  expect(new Calendar().next).toBe(Number.POSITIVE_INFINITY);
});
