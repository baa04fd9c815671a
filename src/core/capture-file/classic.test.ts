// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { MAGIC_MICROS, MAGIC_NANOS, MAGIC_PATCHED } from "./classic.ts";
import { collect } from "./test-kit.ts";

const PACKET = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0x55);
const SECONDS = 0xf000_0000;

interface Shape {
  readonly magic?: number;
  readonly little?: boolean;
  readonly major?: number;
  readonly minor?: number;
  readonly linkType?: number;
  readonly fraction?: number;
  /** The two lengths of the record, in the order of the file. */
  readonly lengths?: readonly [number, number];
  readonly packet?: Uint8Array;
}

/** A capture of one packet, by hand: the writer must not be what the reader is measured with. */
function capture(shape: Shape): Uint8Array {
  const { magic = MAGIC_MICROS, little = true, packet = PACKET } = shape;
  const headerSize = magic === MAGIC_PATCHED ? 24 : 16;
  const bytes = new Uint8Array(24 + headerSize + packet.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, little);
  view.setUint16(4, shape.major ?? 2, little);
  view.setUint16(6, shape.minor ?? 4, little);
  view.setUint32(16, 65_535, little);
  view.setUint32(20, shape.linkType ?? 1, little);
  view.setUint32(24, SECONDS, little);
  view.setUint32(28, shape.fraction ?? 999_999, little);
  const [first, second] = shape.lengths ?? [packet.length, 1500];
  view.setUint32(32, first, little);
  view.setUint32(36, second, little);
  bytes.set(packet, 24 + headerSize);
  return bytes;
}

const expected = { linkType: 1, time: SECONDS * 1e6 + 999_999, length: 1500, hex: "deadbeef55" };

for (const little of [true, false]) {
  describe(`ClassicParser, ${little ? "little" : "big"}-endian`, () => {
    test("ClassicParser reads microseconds", () => {
      expect(collect(capture({ little })).frames).toEqual([expected]);
    });
    test("ClassicParser rounds nanoseconds down to whole microseconds", () => {
      const bytes = capture({ little, magic: MAGIC_NANOS, fraction: 999_999_999 });
      expect(collect(bytes).frames).toEqual([expected]);
    });
    test("ClassicParser reads the longer record header of patched captures", () => {
      expect(collect(capture({ little, magic: MAGIC_PATCHED })).frames).toEqual([expected]);
    });
    test("ClassicParser takes the link type without what stands above it", () => {
      const bytes = capture({ little, linkType: 0x5400_0000 + 113 });
      expect(collect(bytes).frames[0]?.linkType).toBe(113);
    });
  });
}

test("ClassicParser exchanges the lengths of versions before 2.3 and of DG/UX", () => {
  const lengths = [1500, 5] as const;
  expect(collect(capture({ minor: 2, lengths })).frames).toEqual([expected]);
  expect(collect(capture({ major: 543, minor: 0, lengths })).frames).toEqual([expected]);
});

test("ClassicParser takes the smaller length of version 2.3 for the captured one", () => {
  expect(collect(capture({ minor: 3, lengths: [1500, 5] })).frames).toEqual([expected]);
  expect(collect(capture({ minor: 3, lengths: [5, 1500] })).frames).toEqual([expected]);
});

test("ClassicParser keeps a length that is less than what was captured", () => {
  expect(collect(capture({ lengths: [5, 4] })).frames).toEqual([{ ...expected, length: 4 }]);
});

test("ClassicParser reads a packet without bytes", () => {
  const { frames } = collect(capture({ packet: new Uint8Array(0) }));
  expect(frames).toEqual([{ ...expected, hex: "" }]);
});

test("ClassicParser refuses versions it does not know", () => {
  for (const [major, minor] of [
    [1, 2],
    [2, 5],
    [3, 0],
  ]) {
    const bytes = capture({ major: major!, minor: minor! });
    expect(() => collect(bytes)).toThrow(`(pcap version ${major}.${minor} is not supported)`);
  }
});

for (const captured of [262_145, 0x8000_0000, 0xffff_ffff]) {
  test(`ClassicParser ends at a packet of ${captured} bytes and keeps the ones before`, () => {
    const good = capture({});
    const bad = capture({ lengths: [captured, 60] }).subarray(24);
    const { frames, warnings, summary } = collect(Buffer.concat([good, bad, good.subarray(24)]));
    expect(frames).toEqual([expected]);
    expect(warnings).toEqual([
      `test.pcap: damaged at byte 45: a packet of ${captured} bytes, and none may exceed 262144; packets kept: 1`,
    ]);
    expect(summary.offset).toBe(45);
  });
}

test("ClassicParser reads the largest packet there may be", () => {
  const packet = new Uint8Array(262_144).fill(0xab);
  const { frames, warnings } = collect(capture({ packet, lengths: [packet.length, 70_000] }));
  expect(frames[0]?.hex.length).toBe(2 * packet.length);
  expect(warnings).toEqual([]);
});
