// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { CryptoStream, CryptoStreams } from "./crypto-stream.ts";

/** A handshake message of a number of bytes, all of which tell their place. */
function messageOf(size: number): Uint8Array {
  const message = Uint8Array.from({ length: size }, (_, i) => i & 255);
  new DataView(message.buffer).setUint32(0, (1 << 24) | (size - 4));
  return message;
}

test("CryptoStream puts pieces that overlap together, in whichever order they come", () => {
  const message = messageOf(700);
  const piece = fc.tuple(fc.nat(699), fc.nat(120));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const stream = new CryptoStream();
      const known = new Set<number>();
      for (const [from, size] of pieces) {
        stream.put(message.subarray(from, from + size), from);
        for (let i = from; i < Math.min(700, from + size); i++) known.add(i);
      }
      let length = 0;
      while (known.has(length)) length++;
      expect(stream.length).toBe(length);
      // The rest fills the gaps.
      stream.put(message, 0);
      expect(stream.isComplete).toBe(true);
      expect(stream.needed).toBe(700);
      expect(stream.bytes.subarray(0, 700)).toEqual(message);
    }),
    { numRuns: 200, seed: 9000 },
  );
});

test("CryptoStream keeps what came first where pieces differ", () => {
  const stream = new CryptoStream();
  stream.put(Uint8Array.of(2, 2, 2), 3);
  stream.put(new Uint8Array(9).fill(1), 0);
  expect([...stream.bytes.subarray(0, 9)]).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 1]);
});

test("CryptoStream keeps 64 pieces apart and no more, and fills gaps all the same", () => {
  const stream = new CryptoStream();
  for (let i = 0; i < 70; i++) stream.put(Uint8Array.of(7), 10 + 2 * i);
  stream.put(new Uint8Array(10 + 2 * 64), 0);
  // The piece at the 64th place ends the row, the one behind it was not kept.
  expect(stream.length).toBe(10 + 2 * 64);
  expect(stream.bytes[10 + 2 * 63]).toBe(7);
  stream.reset();
  expect(stream.length).toBe(0);
});

test("CryptoStream keeps nothing past its bound, and says when a message is longer", () => {
  const stream = new CryptoStream();
  stream.put(messageOf(16_384).subarray(0, 16_000), 0);
  stream.put(new Uint8Array(1000), 16_000);
  stream.put(new Uint8Array(10), 2 ** 60);
  expect([stream.length, stream.isTooLong, stream.isComplete]).toEqual([16_384, false, true]);
  stream.reset();
  stream.put(messageOf(16_385).subarray(0, 8), 0);
  expect([stream.isTooLong, stream.isComplete]).toEqual([true, false]);
});

test("CryptoStreams gives as many at once as it may, and those given back as new", () => {
  const streams = new CryptoStreams(2);
  const first = streams.take()!;
  expect(streams.take()).toBeDefined();
  expect(streams.take()).toBeUndefined();
  first.put(Uint8Array.of(1), 0);
  streams.give(first);
  expect(streams.take()).toBe(first);
  expect(first.length).toBe(0);
});
