// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { MemorySource } from "./test-kit.ts";
import { type Packing, packingOf, UnpackedSource } from "./unpack.ts";

const pack = { gzip: gzipSync, zstd: zstdCompressSync } as const;
const NOTHING = new Uint8Array(0);

/** Content that packs to several blocks, and neither to nothing nor to its own size. */
function content(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 1;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = (state >>> 16) & 0x0f;
  }
  return bytes;
}

/** Unpack to the end by reads of `size`. */
function unpack(packing: Packing, source: MemorySource, size = 10_000): [Uint8Array, string] {
  const unpacked = new UnpackedSource(source, packing, NOTHING);
  const parts: Uint8Array[] = [];
  const target = new Uint8Array(size + 2);
  for (;;) {
    const read = unpacked.read(target, 1, size);
    if (read === 0) break;
    parts.push(target.slice(1, 1 + read));
  }
  unpacked.close();
  // Neither side of the room that was given may be touched.
  expect([target[0], target[size + 1]]).toEqual([0, 0]);
  return [new Uint8Array(Buffer.concat(parts)), unpacked.damage];
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

for (const packing of ["gzip", "zstd"] as const) {
  describe(`UnpackedSource, ${packing}`, () => {
    const plain = content(300_000);
    const packed = pack[packing](plain);

    test("UnpackedSource gives what was packed, whatever the pieces and the room", () => {
      for (const [piece, size] of [
        [1, 100_000],
        [7, 1000],
        [5000, 13],
        [packed.length, 1_000_000],
      ] as const) {
        const [bytes, damage] = unpack(packing, new MemorySource(packed, piece), size);
        expect(same(bytes, plain)).toBe(true);
        expect(damage).toBe("");
      }
    });

    test("UnpackedSource joins what was packed in several parts", () => {
      const part = pack[packing](plain.subarray(0, 5000));
      const joined = Buffer.concat([part, pack[packing](NOTHING), part, part]);
      for (const piece of [1, part.length, joined.length]) {
        const [bytes, damage] = unpack(packing, new MemorySource(joined, piece));
        expect(bytes.length).toBe(15_000);
        expect(damage).toBe("");
      }
    });

    test("UnpackedSource tells of data that is cut, and gives what came before", () => {
      for (const cut of [1, 4, 8, 1000, packed.length >> 1]) {
        const source = new MemorySource(packed.subarray(0, packed.length - cut));
        const [bytes, damage] = unpack(packing, source);
        expect(damage).toBe(`${packing}: the packed data is truncated`);
        expect(same(bytes, plain.subarray(0, bytes.length))).toBe(true);
        if (packing === "gzip") expect(bytes.length).toBeGreaterThan(plain.length - cut * 4 - 1000);
      }
    });

    test("UnpackedSource tells of data that is damaged, and gives what came before", () => {
      const bad = Uint8Array.from(packed);
      for (let at = packed.length >> 1; at < packed.length; at += 5) bad[at]! ^= 0x5a;
      const [bytes, damage] = unpack(packing, new MemorySource(bad));
      expect(damage).toStartWith(`${packing}: `);
      expect(bytes.length).toBeLessThan(plain.length);
    });

    test("UnpackedSource passes on why its own source ended", () => {
      const source = new MemorySource(packed.subarray(0, 500), 500, "the disk has failed");
      expect(unpack(packing, source)[1]).toBe(`${packing}: the disk has failed`);
    });

    test("UnpackedSource closes its source once, and ends when it is closed", () => {
      const source = new MemorySource(packed);
      const unpacked = new UnpackedSource(source, packing, NOTHING);
      unpacked.close();
      unpacked.close();
      expect(source.closed).toBe(1);
      expect(unpacked.read(new Uint8Array(10), 0, 10)).toBe(0);
    });

    test("UnpackedSource unpacks a bomb into no more memory than it is given", () => {
      const bomb = pack[packing](new Uint8Array(64 * 1024 * 1024));
      const source = new UnpackedSource(new MemorySource(bomb), packing, NOTHING);
      const target = new Uint8Array(4096);
      const before = process.memoryUsage().rss;
      let total = 0;
      for (let read = 1; read > 0; total += read) read = source.read(target, 0, target.length);
      source.close();
      expect(total).toBe(64 * 1024 * 1024);
      expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
    });
  });
}

test("UnpackedSource ignores zeros behind the last gzip member", () => {
  const padded = Buffer.concat([gzipSync("abc"), new Uint8Array(5000)]);
  const [bytes, damage] = unpack("gzip", new MemorySource(padded));
  expect([Buffer.from(bytes).toString(), damage]).toEqual(["abc", ""]);
});

test("packingOf knows gzip, zstd and its skippable frames, and nothing else", () => {
  const of = (...bytes: number[]): string | undefined =>
    packingOf(new DataView(Uint8Array.from(bytes).buffer));
  expect(of(0x1f, 0x8b, 8, 0)).toBe("gzip");
  expect(of(0x28, 0xb5, 0x2f, 0xfd)).toBe("zstd");
  expect(of(0x5f, 0x2a, 0x4d, 0x18)).toBe("zstd");
  expect(of(0x60, 0x2a, 0x4d, 0x18)).toBeUndefined();
  expect(of(0xd4, 0xc3, 0xb2, 0xa1)).toBeUndefined();
});
