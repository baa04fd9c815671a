// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../packet/test-kit.ts";
import { CryptoStream } from "./crypto-stream.ts";
import { readFrames } from "./frames.ts";
import { crypto, hex } from "./test-kit.ts";

/** Whether frames may be there, and what their CRYPTO frames carry from the beginning. */
function read(...frames: Bytes[]): [boolean, string] {
  const stream = new CryptoStream();
  const isFine = readFrames(Uint8Array.from(frames.flat()), stream);
  return [isFine, Buffer.from(stream.bytes.subarray(0, stream.length)).toString("hex")];
}

test("readFrames passes over padding, pings, ACKs and CONNECTION_CLOSE", () => {
  const ack = hex("0205400a020301020304");
  const ackEcn = hex("030500000180000001c000000000000002" + "03");
  const close = hex("1c4100" + "06" + "03" + "aabbcc");
  expect(read([0, 1], ack, crypto(0, [1, 2]), ackEcn, close, crypto(2, [3]))).toEqual([
    true,
    "010203",
  ]);
});

test("readFrames refuses frames that no Initial packet has", () => {
  for (const type of [4, 7, 8, 0x1d, 0x40, 255]) expect(read([type, 0, 0, 0])[0]).toBe(false);
});

test("readFrames refuses frames that end behind the packet", () => {
  expect(read([6, 0, 5, 1, 2, 3, 4])).toEqual([false, ""]);
  expect(read([6, 0x40])).toEqual([false, ""]);
  expect(read(hex("02050080ffffff00"))[0]).toBe(false);
  expect(read(hex("1c0000ff"))[0]).toBe(false);
});

test("readFrames takes any bytes, and stops", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      readFrames(bytes, new CryptoStream());
    }),
    { numRuns: 500, seed: 19 },
  );
});
