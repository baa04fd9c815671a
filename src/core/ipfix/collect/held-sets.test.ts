// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { HeldSets } from "./held-sets.ts";
import { NO_HEAD } from "./message-head.ts";
import { exporterOf } from "./testing/messages.ts";

const head = (address: string, domain = 0) => ({
  ...NO_HEAD,
  exporter: exporterOf(address),
  domain,
});
const A = head("192.0.2.1");
const SET = Uint8Array.of(1, 2, 3);

test("HeldSets gives back copies of what waited for a template, in their order, once", () => {
  const held = new HeldSets();
  const bytes = Uint8Array.of(1);
  held.hold({ ...A, sequence: 5 }, 256, bytes);
  bytes[0] = 9;
  held.hold(A, 256, SET);
  held.hold(A, 257, SET);
  held.hold(head("192.0.2.1", 1), 256, SET);
  const sets = held.release(A, 256);
  expect(sets.map((set) => [...set.bytes])).toEqual([[1], [1, 2, 3]]);
  expect(sets[0]?.sequence).toBe(5);
  expect(held.release(A, 256)).toEqual([]);
  expect([held.size, held.dropped]).toEqual([2, 0]);
});

test("HeldSets holds 64 sets of a template at most, and counts the others", () => {
  const held = new HeldSets();
  for (let i = 0; i < 70; i++) held.hold(A, 256, SET);
  expect([held.size, held.dropped]).toEqual([64, 6]);
});

test("HeldSets lets what has waited longest make room, empty sets as well", () => {
  const held = new HeldSets({ heldBytesMax: 3000 });
  for (let id = 256; id < 1256; id++) held.hold(A, id, new Uint8Array(0));
  expect([held.size, held.dropped]).toEqual([10, 990]);
  expect(held.release(A, 1255)).toHaveLength(1);
  held.hold(A, 256, new Uint8Array(4000));
  expect(held.dropped).toBe(991);
});

test("HeldSets drops and counts what nobody came for", () => {
  const held = new HeldSets();
  held.hold(A, 256, SET);
  held.hold(A, 257, SET);
  held.clear();
  expect([held.size, held.dropped]).toEqual([0, 2]);
});
