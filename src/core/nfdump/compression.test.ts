// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, tuple, uint8Array } from "fast-check";
import { loadBzip2 } from "./bzip2.ts";
import { COMPRESSIONS, pack, packedBound, unpack } from "./compression.ts";

const room = (length: number): Uint8Array => new Uint8Array(new ArrayBuffer(length));

/** Bytes with repetitions near and far, as records have. */
const anyBytes = array(
  tuple(uint8Array({ maxLength: 40 }), integer({ min: 1, max: 30 }), integer({ min: 0, max: 3 })),
  { maxLength: 40 },
).map((parts) => {
  const bytes: number[] = [];
  for (const [piece, times, kind] of parts) {
    for (let i = 0; i < times; i++) bytes.push(...piece);
    if (kind === 1) bytes.push(...bytes.slice(0, 300));
    if (kind === 2) bytes.push(...new Array<number>(700 * times).fill(times));
  }
  return Uint8Array.from(bytes.slice(0, 120_000));
});

function packed(method: (typeof COMPRESSIONS)[number], bytes: Uint8Array): Uint8Array {
  const own = room(bytes.length);
  own.set(bytes);
  const into = room(packedBound(bytes.length));
  return into.slice(0, pack(method, own, into));
}

describe.each(COMPRESSIONS)("%s", (method) => {
  test("gives back what was packed, into as much room as it takes and no byte less", () => {
    assert(
      property(anyBytes, (bytes) => {
        const block = packed(method, bytes);
        const into = room(bytes.length);
        expect(unpack(method, block, into)).toBe(bytes.length);
        expect(Buffer.compare(into, bytes)).toBe(0);
        if (bytes.length > 0) expect(unpack(method, block, room(bytes.length - 1))).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });

  test("packs far repetitions", () => {
    const bytes = new Uint8Array(300_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7919) >>> ((i % 40_000) % 11);
    for (const distance of [2048, 2049, 16_384, 16_385, 49_151, 49_152, 65_535, 65_536])
      bytes.copyWithin(200_000, 200_000 - distance, 200_000 - distance + 90);
    const into = room(bytes.length);
    expect(unpack(method, packed(method, bytes), into)).toBe(bytes.length);
    expect(Buffer.compare(into, bytes)).toBe(0);
  });

  test("never reads or writes outside of its arrays, whatever it is given", () => {
    const room1000 = room(1000);
    assert(
      property(uint8Array({ maxLength: 400 }), (bytes) => {
        const own = room(bytes.length);
        own.set(bytes);
        expect(unpack(method, own, room1000)).toBeWithin(-1, 1001);
      }),
      { numRuns: 2000 },
    );
    assert(
      property(anyBytes, integer({ min: 0 }), constantFrom(1, 4, 128), (bytes, where, bit) => {
        const block = packed(method, bytes);
        if (block.length === 0) return;
        block[where % block.length]! ^= bit;
        const into = room(bytes.length);
        expect(unpack(method, block, into)).toBeWithin(-1, bytes.length + 1);
      }),
      { numRuns: 300 },
    );
  });
});

test("bzip2 says which library it needs where that is not there", () => {
  expect(() => loadBzip2(["libnone.so.9"])).toThrow(
    "libbz2, which files packed by bzip2 need, cannot be loaded",
  );
});
