// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FrameBatch } from "../../core/packet/frames.ts";
import { FrameRing } from "./frame-ring.ts";

const BLOCK_SIZE = 1 << 16;
const OURS = 1;
const VLAN_VALID = 0x10;
const TPID_VALID = 0x40;

interface Stored {
  readonly bytes: Uint8Array;
  readonly length?: number;
  readonly seconds?: number;
  readonly nanoseconds?: number;
  readonly tag?: number;
  readonly tagProtocol?: number;
}

/** Memory as the kernel fills it: struct tpacket_block_desc, then struct tpacket3_hdr and bytes for each frame. */
class KernelSide {
  readonly memory: ArrayBuffer;
  readonly view: DataView;

  constructor(blocks: number) {
    this.memory = new ArrayBuffer(blocks * BLOCK_SIZE);
    this.view = new DataView(this.memory);
  }

  fill(block: number, frames: readonly Stored[]): void {
    const base = block * BLOCK_SIZE;
    let at = base + 48;
    for (const { bytes, length = bytes.length, seconds = 0, nanoseconds = 0, ...vlan } of frames) {
      const mac = 86;
      const size = (mac + bytes.length + 7) & ~7;
      const words = [size, seconds, nanoseconds, bytes.length, length];
      for (const [i, word] of words.entries()) this.view.setUint32(at + i * 4, word, true);
      let status = OURS;
      if (vlan.tag !== undefined) {
        status |= VLAN_VALID;
        this.view.setUint32(at + 32, vlan.tag, true);
      }
      if (vlan.tagProtocol !== undefined) {
        status |= TPID_VALID;
        this.view.setUint16(at + 36, vlan.tagProtocol, true);
      }
      this.view.setUint32(at + 20, status, true);
      this.view.setUint16(at + 24, mac, true);
      new Uint8Array(this.memory).set(bytes, at + mac);
      at += size;
    }
    this.view.setUint32(base + 12, frames.length, true);
    this.view.setUint32(base + 16, 48, true);
    this.view.setUint32(base + 8, OURS, true);
  }

  isOurs(block: number): boolean {
    return this.view.getUint32(block * BLOCK_SIZE + 8, true) === OURS;
  }

  ring(snaplen = 262_144): FrameRing {
    return new FrameRing(this.memory, { blockSize: BLOCK_SIZE, linkType: 1, snaplen });
  }
}

interface Taken {
  readonly bytes: number[];
  readonly length: number;
  readonly time: number;
}

/** All frames that are ready, copied, and the sizes of the batches they came in. */
function takeAll(ring: FrameRing): { frames: Taken[]; batches: number[] } {
  const frames: Taken[] = [];
  const batches: number[] = [];
  const onFrames = (batch: FrameBatch): void => {
    batches.push(batch.count);
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!;
      frames.push({
        bytes: [...batch.bytes.subarray(start, start + batch.captured[i]!)],
        length: batch.length[i]!,
        time: batch.time[i]!,
      });
    }
  };
  while (ring.ready) ring.takeBlock(onFrames);
  return { frames, batches };
}

const frameOf = (size: number, first = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => first + i);

describe("FrameRing", () => {
  test("FrameRing hands on a frame with its length and its time in whole microseconds", () => {
    const kernel = new KernelSide(1);
    const bytes = frameOf(60);
    kernel.fill(0, [{ bytes, length: 1500, seconds: 4_000_000_000, nanoseconds: 999_999_999 }]);
    expect(takeAll(kernel.ring()).frames).toEqual([
      { bytes: [...bytes], length: 1500, time: 4_000_000_000_999_999 },
    ]);
  });

  test("FrameRing hands on the frames of a block in batches of 256", () => {
    const kernel = new KernelSide(1);
    kernel.fill(
      0,
      Array.from({ length: 600 }, (_, i) => ({ bytes: frameOf(14), seconds: i })),
    );
    const { frames, batches } = takeAll(kernel.ring());
    expect(batches).toEqual([256, 256, 88]);
    expect(frames.map(({ time }) => time / 1e6)).toEqual(Array.from({ length: 600 }, (_, i) => i));
  });

  test("FrameRing gives a block back when its handler has returned, and goes on with the next", () => {
    const kernel = new KernelSide(2);
    const ring = kernel.ring();
    const seen: number[] = [];
    for (let round = 0; round < 5; round++) {
      const block = round % 2;
      expect(ring.ready).toBe(false);
      kernel.fill(block, [{ bytes: frameOf(14, round) }]);
      ring.takeBlock((batch) => {
        expect(kernel.isOurs(block)).toBe(true);
        seen.push(batch.bytes[batch.start[0]!]!);
      });
      expect(kernel.isOurs(block)).toBe(false);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  test.each([
    ["802.1Q when the kernel names no protocol", undefined, [0x81, 0x00]],
    ["the protocol the kernel names", 0x88a8, [0x88, 0xa8]],
  ])("FrameRing puts a VLAN tag back: %s", (_, tagProtocol, expected) => {
    const kernel = new KernelSide(1);
    const bytes = frameOf(60);
    kernel.fill(0, [{ bytes, tag: 0xe005, ...(tagProtocol === undefined ? {} : { tagProtocol }) }]);
    expect(takeAll(kernel.ring()).frames).toEqual([
      {
        bytes: [...bytes.subarray(0, 12), ...expected, 0xe0, 0x05, ...bytes.subarray(12)],
        length: 64,
        time: 0,
      },
    ]);
  });

  test("FrameRing keeps a frame within snaplen when its tag is put back", () => {
    const kernel = new KernelSide(1);
    kernel.fill(0, [{ bytes: frameOf(64), length: 100, tag: 5 }]);
    const { frames } = takeAll(kernel.ring(64));
    expect([frames[0]!.bytes.length, frames[0]!.length]).toEqual([64, 104]);
  });

  test("FrameRing leaves a frame alone that is too short to have had a tag", () => {
    const kernel = new KernelSide(1);
    kernel.fill(0, [{ bytes: frameOf(11), tag: 5 }]);
    expect(takeAll(kernel.ring()).frames[0]!.bytes).toEqual([...frameOf(11)]);
  });

  test("FrameRing loses, doubles and mixes no frame, whatever the blocks hold", () => {
    const stored = fc.record(
      { bytes: fc.uint8Array({ minLength: 12, maxLength: 40 }), tag: fc.nat(0xffff) },
      { requiredKeys: ["bytes"] },
    );
    const blocks = fc.array(fc.array(stored, { maxLength: 300 }), { maxLength: 6 });
    fc.assert(
      fc.property(blocks, (contents) => {
        const kernel = new KernelSide(3);
        const ring = kernel.ring();
        const taken: number[][] = [];
        for (const [i, frames] of contents.entries()) {
          kernel.fill(i % 3, frames);
          taken.push(...takeAll(ring).frames.map(({ bytes }) => bytes));
        }
        const expected = contents.flat().map(({ bytes, tag }) => {
          const wire = [...bytes];
          if (tag !== undefined) wire.splice(12, 0, 0x81, 0x00, tag >> 8, tag & 0xff);
          return wire;
        });
        expect(taken).toEqual(expected);
      }),
      { seed: 1, numRuns: 20 },
    );
  });
});
