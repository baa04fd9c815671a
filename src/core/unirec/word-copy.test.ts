// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, record } from "fast-check";
import { type Run, UNROLLED_MAX, wordCopy } from "./word-copy.ts";

const SIZE = 600;
const random = Uint8Array.from({ length: SIZE }, (_, i) => Math.imul(i + 1, 0x9e37_79b1) >>> 24);
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);

/** What the runs make of a part that was full of sevens. */
function copied(runs: readonly Run[], at: number): Uint8Array {
  const target = new Uint8Array(new ArrayBuffer(SIZE)).fill(7);
  wordCopy(runs)(viewOf(random), at, viewOf(target), 0);
  return target;
}

function expected(runs: readonly Run[], at: number): Uint8Array {
  const target = new Uint8Array(SIZE).fill(7);
  for (const { from, to, size } of runs)
    target.set(random.subarray(at + from, at + from + size), to);
  return target;
}

const anyRuns = (sizeMax: number, runsMax: number) =>
  array(
    record({
      from: integer({ min: 0, max: 99 }),
      to: integer({ min: 0, max: 99 }),
      size: integer({ min: 0, max: sizeMax }),
    }),
    { maxLength: runsMax },
  );

describe("wordCopy", () => {
  test.each([
    ["short runs", 40, 4],
    ["runs that are too long for code without a loop", 400, 3],
  ])("copies %s and nothing else", (_, sizeMax, runsMax) => {
    assert(
      property(anyRuns(sizeMax, runsMax), integer({ min: 0, max: 99 }), (runs, at) => {
        expect(copied(runs, at)).toEqual(expected(runs, at));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test.each([UNROLLED_MAX - 1, UNROLLED_MAX, UNROLLED_MAX + 1])(
    "copies a run of %d bytes",
    (size) => {
      const run = { from: 3, to: 5, size };
      expect(copied([run], 2)).toEqual(expected([run], 2));
    },
  );

  test("shares the function of runs that lie alike, and forgets the oldest of many", () => {
    const first = wordCopy([{ from: 0, to: 1, size: 3 }]);
    expect(wordCopy([{ from: 0, to: 1, size: 3 }])).toBe(first);
    for (let i = 0; i < 1024; i++) wordCopy([{ from: 1000 + i, to: 0, size: 1 }]);
    expect(wordCopy([{ from: 0, to: 1, size: 3 }])).not.toBe(first);
  });
});
