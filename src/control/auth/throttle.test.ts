// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { LOCK_MAX_MS } from "./buckets.ts";
import { addressKey, Throttle } from "./throttle.ts";

/** A throttle whose time the test moves. */
function throttleOf(max?: number) {
  const time = { now: 1e6 };
  const clock = () => time.now;
  const throttle = new Throttle(max === undefined ? { clock } : { clock, max });
  return { throttle, time };
}

/** Wrong passwords one after the other, each as soon as it is allowed; the waits in seconds. */
function guess(
  { throttle, time }: ReturnType<typeof throttleOf>,
  name: string,
  address: string,
  attempts: number,
): number[] {
  const waits: number[] = [];
  for (let i = 0; i < attempts; i++) {
    const wait = throttle.attempt(name, address);
    waits.push(wait / 1000);
    time.now += wait;
  }
  return waits;
}

test("Throttle takes five attempts of an address, then locks it for twice as long each time", () => {
  const waits = guess(throttleOf(), "ann", "192.0.2.1", 5 + 2 * 12);
  expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  const locks = waits.slice(5).filter((_, i) => i % 2 === 0);
  expect(locks).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  // After each lock one attempt is free.
  expect(waits.slice(5).filter((_, i) => i % 2 === 1)).toEqual(new Array(12).fill(0));
});

test("Throttle does not lengthen a lock for those who ask again meanwhile", () => {
  const { throttle, time } = throttleOf();
  for (let i = 0; i < 5; i++) throttle.attempt("ann", "192.0.2.1");
  expect(throttle.attempt("ann", "192.0.2.1")).toBe(2000);
  time.now += 500;
  for (let i = 0; i < 100; i++) expect(throttle.attempt("bob", "192.0.2.1")).toBe(1500);
  time.now += 1500;
  expect(throttle.attempt("ann", "192.0.2.1")).toBe(0);
});

test("Throttle lets one address try ten passwords of a thousand at once, and its victim in from elsewhere", () => {
  const { throttle } = throttleOf();
  let tried = 0;
  for (let i = 0; i < 1000; i++) if (throttle.attempt("ann", "192.0.2.1") === 0) tried++;
  expect(tried).toBe(5);
  expect(throttle.attempt("ann", "192.0.2.2")).toBe(0);
});

test("Throttle never lets one patient address lock a name for others", () => {
  const both = throttleOf();
  for (let i = 0; i < 200; i++) {
    guess(both, "ann", "192.0.2.1", 1);
    expect(both.throttle.attempt("ann", "198.51.100.1")).toBe(0);
    both.throttle.giveBack("ann", "198.51.100.1");
  }
});

test("Throttle locks a name that is guessed from everywhere, but not for an address it knows", () => {
  const { throttle } = throttleOf();
  expect(throttle.attempt("ann", "203.0.113.5")).toBe(0);
  throttle.succeeded("ann", "203.0.113.5");
  let tried = 0;
  for (let i = 0; i < 1000; i++)
    if (throttle.attempt("ann", `198.51.100.${i % 100}`) === 0) tried++;
  expect(tried).toBe(10);
  expect(throttle.attempt("ann", "203.0.113.6")).toBeGreaterThan(0);
  expect(throttle.attempt("ann", "203.0.113.5")).toBe(0);
  // The address knows this name only, and has its own bound as well.
  expect(throttle.attempt("bob", "203.0.113.6")).toBe(0);
  const more = Array.from({ length: 9 }, () => throttle.attempt("ann", "203.0.113.5"));
  expect(more.filter((wait) => wait === 0)).toHaveLength(4);
});

test("Throttle does not count attempts that were right", () => {
  const { throttle, time } = throttleOf();
  for (let i = 0; i < 50; i++) {
    expect(throttle.attempt("ann", "192.0.2.1")).toBe(0);
    throttle.succeeded("ann", "192.0.2.1");
  }
  // What comes back late does not make the bucket larger.
  expect(throttle.attempt("ann", "192.0.2.1")).toBe(0);
  time.now += 60 * 60_000;
  throttle.succeeded("ann", "192.0.2.1");
  // Who has an account of their own gains no further guesses by it.
  let tried = 0;
  for (let i = 0; i < 50; i++) {
    if (throttle.attempt("bob", "192.0.2.1") === 0) tried++;
    if (throttle.attempt("ann", "192.0.2.1") === 0) throttle.succeeded("ann", "192.0.2.1");
  }
  expect(tried).toBe(5);
});

test("Throttle gives attempts back with time, and forgets locks after an hour without one", () => {
  const both = throttleOf();
  guess(both, "ann", "192.0.2.1", 5);
  both.time.now += 60_000;
  expect(guess(both, "ann", "192.0.2.1", 2)).toEqual([0, 2]);
  both.time.now += 30 * 60_000;
  expect(guess(both, "ann", "192.0.2.1", 6).at(-1)).toBe(4);
  both.time.now += 61 * 60_000;
  expect(guess(both, "ann", "192.0.2.1", 6)).toEqual([0, 0, 0, 0, 0, 2]);
});

test("Throttle keeps so many addresses and names, and drops those used longest ago", () => {
  const { throttle } = throttleOf(100);
  for (let i = 0; i < 6; i++) throttle.attempt("ann", "192.0.2.1");
  for (let i = 0; i < 1000; i++) {
    const address = `10.0.${i >> 8}.${i & 255}`;
    throttle.attempt(`user${i}`, address);
    throttle.succeeded(`user${i}`, address);
    // In use all the time, the lock stays.
    expect(throttle.attempt("ann", "192.0.2.1")).toBeGreaterThan(0);
  }
  expect(throttle.sizes).toEqual([100, 100, 100]);
});

test("Throttle never waits longer than 15 minutes, nor lets more through than its buckets hold", () => {
  const step = record({ name: constantFrom("ann", "bob"), last: integer({ min: 0, max: 3 }) });
  const steps = array(record({ step, pause: integer({ min: 0, max: 120_000 }) }), {
    maxLength: 300,
  });
  assert(
    property(steps, (all) => {
      const { throttle, time } = throttleOf();
      const start = time.now;
      const through = new Map<number, number>();
      for (const { step, pause } of all) {
        const wait = throttle.attempt(step.name, `192.0.2.${step.last}`);
        expect(wait).toBeWithin(0, LOCK_MAX_MS + 1);
        if (wait === 0) through.set(step.last, (through.get(step.last) ?? 0) + 1);
        time.now += pause;
      }
      const passed = (time.now - start) / 60_000;
      // One token a minute, and one for each of the locks, which are never closer than they are long.
      for (const count of through.values()) expect(count).toBeLessThanOrEqual(5 + passed + 12);
    }),
    { seed: 4, numRuns: 100 },
  );
});

test("addressKey takes a /64 as one, an IPv4 address as itself in both spellings, and any text", () => {
  expect(addressKey("2001:db8:1:2::1")).toBe(addressKey("2001:db8:1:2:ffff::9"));
  expect(addressKey("2001:db8:1:2::1")).not.toBe(addressKey("2001:db8:1:3::1"));
  expect(addressKey("::ffff:192.0.2.1")).toBe(addressKey("192.0.2.1"));
  expect(addressKey("192.0.2.1")).not.toBe(addressKey("192.0.2.2"));
  for (const text of ["", "x", "unix", "1.2.3", "é".repeat(9999)])
    expect(addressKey(text)).toBe("other");
});
