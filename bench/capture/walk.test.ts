// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Frame, walkCapture } from "./walk.ts";

const framesOf = (file: Uint8Array): Frame[] => {
  const frames: Frame[] = [];
  expect(walkCapture(file, (frame) => frames.push({ ...frame }))).toBe(true);
  return frames;
};

/** A file of 32-bit words (numbers), 16-bit halves ([n]) and raw bytes. */
const fileOf = (little: boolean, parts: readonly (number | [number] | Uint8Array)[]) => {
  const view = new DataView(new ArrayBuffer(1024));
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") {
      view.setUint32(at, part, little);
      at += 4;
    } else if (part instanceof Uint8Array) {
      new Uint8Array(view.buffer).set(part, at);
      at += part.length;
    } else {
      view.setUint16(at, part[0], little);
      at += 2;
    }
  }
  return new Uint8Array(view.buffer, 0, at);
};

const FOUR = new Uint8Array([1, 2, 3, 4]);

for (const little of [true, false]) {
  const order = little ? "little" : "big";

  test(`walkCapture reads a ${order}-endian pcap in microseconds and in nanoseconds`, () => {
    for (const [magic, fraction] of [
      [0xa1b2c3d4, 7],
      [0xa1b23c4d, 7999],
    ] as const) {
      const header = [magic, [2], [4], 0, 0, 96, 1] as (number | [number])[];
      const frames = framesOf(fileOf(little, [...header, 5, fraction, 4, 60, FOUR]));
      expect(frames).toEqual([
        { offset: 40, captured: 4, length: 60, time: 5_000_007, linkType: 1 },
      ]);
    }
  });

  test(`walkCapture reads ${order}-endian pcapng packets of each kind and skips other blocks`, () => {
    const section = [0x0a0d0d0a, 28, 0x1a2b3c4d, [1], [0], 0xffffffff, 0xffffffff, 28];
    const source = [1, 20, [1], [0], 3, 20];
    const nanoseconds = [1, 32, [113], [0], 0, [9], [1], new Uint8Array([9, 0, 0, 0]), 0, 32];
    const unknown = [0x0bad, 16, 0, 16];
    const enhanced = [6, 36, 1, 1, 5000, 4, 60, FOUR, 36];
    const packet = [2, 36, [0], [0], 0, 77, 4, 60, FOUR, 36];
    const simple = [3, 20, 60, FOUR, 20];
    const parts = [section, source, nanoseconds, unknown, enhanced, packet, simple].flat();
    const frames = framesOf(fileOf(little, parts as (number | [number] | Uint8Array)[]));
    expect(frames.map(({ captured, time, linkType }) => [captured, time, linkType])).toEqual([
      [4, Math.floor((2 ** 32 + 5000) / 1000), 113],
      [4, 77, 1],
      [3, 77, 1],
    ]);
  });
}

test("walkCapture ends at the last whole frame of a truncated file", () => {
  const file = fileOf(true, [0xa1b2c3d4, [2], [4], 0, 0, 96, 1, 5, 0, 4, 60, FOUR, 6, 0, 4, 60]);
  expect(framesOf(file)).toHaveLength(1);
});

test("walkCapture refuses what is no capture", () => {
  expect(walkCapture(new Uint8Array(64), () => {})).toBe(false);
  expect(walkCapture(new Uint8Array(3), () => {})).toBe(false);
});
