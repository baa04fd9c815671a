// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, boolean, integer, property } from "fast-check";
import { Sequences } from "./sequences.ts";

const said = ({ lost, late, restarts }: Sequences) => ({ lost, late, restarts });

test("Sequences counts what lies between messages as lost, across the end of 32 bits too", () => {
  const sequences = new Sequences();
  sequences.follow("a", 4_294_967_290, 4);
  sequences.follow("a", 4_294_967_294, 4);
  sequences.follow("a", 2, 4);
  sequences.follow("a", 16, 4);
  expect(said(sequences)).toEqual({ lost: 10, late: 0, restarts: 0 });
});

test("Sequences takes back what it counted as lost when that comes late", () => {
  const sequences = new Sequences();
  sequences.follow("a", 100, 10);
  sequences.follow("a", 120, 10);
  sequences.follow("a", 110, 10);
  sequences.follow("a", 130, 10);
  expect(said(sequences)).toEqual({ lost: 0, late: 1, restarts: 0 });
});

test("Sequences counts an exporter that begins anew, and loses nothing by it", () => {
  const sequences = new Sequences();
  sequences.follow("a", 3_000_000, 10);
  sequences.follow("a", 0, 10);
  sequences.follow("a", 10, 10);
  expect(said(sequences)).toEqual({ lost: 0, late: 0, restarts: 1 });
});

test("Sequences counts nothing after a message of which nobody knows how many records it has", () => {
  const sequences = new Sequences();
  sequences.follow("a", 0, Number.NaN);
  sequences.follow("a", 77, 10);
  sequences.follow("a", 90, 10);
  expect(sequences.lost).toBe(3);
});

test("Sequences follows each stream for itself", () => {
  const sequences = new Sequences();
  for (let i = 0; i < 5; i++) {
    sequences.follow("a", i, 1);
    sequences.follow("b", 1000 + i * 2, 1);
  }
  expect(sequences.lost).toBe(4);
});

test("Sequences: lost and came are what was sent, whatever is lost", () => {
  assert(
    property(integer({ min: 0, max: 2 ** 32 - 1 }), array(boolean()), (start, come) => {
      const sequences = new Sequences();
      let came = 1;
      sequences.follow("a", start, 1);
      for (const [i, comes] of [...come, true].entries()) {
        if (!comes) continue;
        came++;
        sequences.follow("a", (start + 1 + i) >>> 0, 1);
      }
      expect(came + sequences.lost).toBe(come.length + 2);
    }),
  );
});
