// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Poller, type Task } from "./poller.ts";

/** A task without a descriptor, which notes its name when it runs. */
function timer(name: string, ran: string[], more: Partial<Task> = {}): Task {
  return {
    fd: -1,
    events: 0,
    due: 0,
    stage: "intake",
    run() {
      this.due = Number.POSITIVE_INFINITY;
      ran.push(name);
    },
    ...more,
  };
}

test("Poller runs what is due, in the order it was added, and waits no longer than for the next", () => {
  const ran: string[] = [];
  const poller = new Poller();
  poller.add(timer("first", ran));
  poller.add(timer("later", ran, { due: performance.now() + 30 }));
  poller.add(timer("second", ran));
  expect(poller.turn(0)).toBe(2);
  expect(ran).toEqual(["first", "second"]);
  const before = performance.now();
  while (ran.length < 3) poller.turn(10_000);
  expect(performance.now() - before).toBeGreaterThan(15);
});

test("Poller runs no intake while only outlets may run, also from within a task", () => {
  const ran: string[] = [];
  const poller = new Poller();
  poller.add(timer("intake", ran));
  poller.add(
    timer("outer", ran, {
      run() {
        this.due = Number.POSITIVE_INFINITY;
        poller.turn(0, "outlet");
        ran.push("outer");
      },
    }),
  );
  poller.add(timer("outlet", ran, { stage: "outlet" }));
  poller.turn(0, "outlet");
  expect(ran).toEqual(["outlet"]);
  poller.add(timer("another outlet", ran, { stage: "outlet" }));
  poller.turn(0);
  expect(ran).toEqual(["outlet", "intake", "another outlet", "outer"]);
});

test("Poller runs nothing that was removed, by another task of the same turn as well", () => {
  const ran: string[] = [];
  const poller = new Poller();
  const victim = timer("victim", ran);
  poller.add(timer("remover", ran, { run: () => poller.remove(victim) }));
  poller.add(victim);
  poller.turn(0);
  expect(ran).toEqual([]);
});

test("Poller sees which of many descriptors are ready", () => {
  const ran: string[] = [];
  const poller = new Poller();
  // Standard error can be written to; a task that waits for nothing on it is not run.
  for (let i = 0; i < 100; i++)
    poller.add(
      timer(`${i}`, ran, { fd: 2, events: i % 10 === 0 ? 4 : 0, due: Number.POSITIVE_INFINITY }),
    );
  poller.turn(0);
  expect(ran).toEqual(Array.from({ length: 10 }, (_, i) => `${i * 10}`));
});
