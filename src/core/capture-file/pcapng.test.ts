// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { BLOCK_INTERFACE, BLOCK_PACKET, BLOCK_SIZE_MAX } from "./pcapng.ts";
import { collect } from "./test-kit.ts";
import { offset, PcapngBlocks, resolution } from "./testing/pcapng-blocks.ts";

const A = Uint8Array.of(1, 2, 3);
const B = Uint8Array.of(4, 5, 6, 7);
const TIME = 1_700_000_000_123_456n;
const one = { linkType: 1, time: Number(TIME), length: 3, hex: "010203" };

const blocks = (little = true): PcapngBlocks => new PcapngBlocks().section({ little });

for (const little of [true, false]) {
  describe(`PcapngParser, ${little ? "little" : "big"}-endian`, () => {
    test("PcapngParser reads enhanced and obsolete packet blocks", () => {
      const capture = blocks(little)
        .interface()
        .packet({ bytes: A, time: TIME })
        .obsoletePacket({ bytes: B, time: TIME + 1n, length: 1500 });
      expect(collect(capture.bytes()).frames).toEqual([
        one,
        { linkType: 1, time: Number(TIME) + 1, length: 1500, hex: "04050607" },
      ]);
    });
    test("PcapngParser takes resolution and offset from the options of the interface", () => {
      const capture = blocks(little)
        .interface({ options: [[2, Uint8Array.from(Buffer.from("eth0"))], resolution(9)] })
        .interface({ options: [resolution(0x80 + 10), offset(-100n, little)] })
        .packet({ bytes: A, time: TIME * 1000n + 999n })
        .packet({ bytes: A, time: (1_700_000_000n << 10n) + 512n, interface: 1 });
      const times = collect(capture.bytes()).frames.map((frame) => frame.time);
      expect(times).toEqual([Number(TIME), 1_699_999_900_500_000]);
    });
  });
}

test("PcapngParser gives a simple packet the time of the packet before it", () => {
  const capture = blocks()
    .interface()
    .simplePacket(B)
    .packet({ bytes: A, time: TIME })
    .simplePacket(B);
  const times = collect(capture.bytes()).frames.map((frame) => frame.time);
  expect(times).toEqual([0, Number(TIME), Number(TIME)]);
});

test("PcapngParser cuts a simple packet at the snap length of the first interface", () => {
  const capture = blocks().interface({ snapLength: 2 }).simplePacket(B, 1500);
  expect(collect(capture.bytes()).frames[0]).toMatchObject({ hex: "0405", length: 1500 });
});

test("PcapngParser splits batches where the link type changes", () => {
  const capture = blocks().interface().interface({ linkType: 101 });
  for (const id of [0, 0, 1, 0]) capture.packet({ bytes: A, interface: id });
  const { frames, batches } = collect(capture.bytes());
  expect(batches).toEqual([2, 1, 1]);
  expect(frames.map((frame) => frame.linkType)).toEqual([1, 1, 101, 1]);
});

test("PcapngParser splits batches where they are full", () => {
  const capture = blocks().interface();
  for (let index = 0; index < 600; index++) capture.packet({ bytes: A });
  expect(collect(capture.bytes()).batches).toEqual([256, 256, 88]);
});

test("PcapngParser begins each section with its own byte order and interfaces", () => {
  const capture = blocks()
    .interface({ linkType: 113 })
    .packet({ bytes: A, time: TIME })
    .section({ little: false })
    .interface()
    .packet({ bytes: A, time: TIME })
    .section({ minor: 2 })
    .packet({ bytes: A, time: TIME });
  const { frames, warnings } = collect(capture.bytes());
  expect(frames).toEqual([{ ...one, linkType: 113 }, one]);
  expect(warnings).toEqual([
    "test.pcap: packets dropped: 1, the first at byte 196: interface 0 is not described",
  ]);
});

test("PcapngParser skips and counts blocks that carry no packet", () => {
  const body = new DataView(new ArrayBuffer(8));
  const capture = blocks().interface();
  for (const type of [4, 5, 10, 0xbad, 0x4000_0bad, 0x8000_0001]) capture.block(type, body);
  const { frames, summary, warnings } = collect(capture.packet({ bytes: A, time: TIME }).bytes());
  expect(frames).toEqual([one]);
  expect(summary.blocksSkipped).toBe(6);
  expect(warnings).toEqual([]);
});

test("PcapngParser walks over a section of a version it does not know", () => {
  const capture = blocks()
    .interface()
    .packet({ bytes: A, time: TIME })
    .section({ major: 2 })
    .interface()
    .packet({ bytes: B })
    .simplePacket(B)
    .section()
    .interface()
    .packet({ bytes: A, time: TIME });
  const { frames, summary, warnings } = collect(capture.bytes());
  expect(frames).toEqual([one, one]);
  expect(summary.packetsDropped).toBe(2);
  expect(warnings[0]).toContain("packets dropped: 2, the first at byte 132: pcapng 2.0");
});

test("PcapngParser drops packets that contradict their block, and reads on", () => {
  const capture = blocks()
    .interface()
    .packet({ bytes: A, captured: 5 })
    .packet({ bytes: A, captured: 0xffff_ffff })
    .packet({ bytes: A, interface: 1 })
    .block(BLOCK_PACKET, new DataView(new ArrayBuffer(8)))
    .simplePacket(A, 5)
    .packet({ bytes: A, time: TIME });
  const { frames, summary, warnings } = collect(capture.bytes());
  expect(frames).toEqual([one]);
  expect(summary.packetsDropped).toBe(5);
  expect(warnings).toEqual([
    "test.pcap: packets dropped: 5, the first at byte 48: a packet of 5 bytes in a block of 36",
  ]);
});

test("PcapngParser reads an interface whose options overrun its block", () => {
  const body = new DataView(new ArrayBuffer(12));
  body.setUint16(0, 113, true);
  body.setUint16(8, 9, true);
  body.setUint16(10, 1000, true);
  const capture = blocks().block(BLOCK_INTERFACE, body).packet({ bytes: A, time: TIME });
  expect(collect(capture.bytes()).frames).toEqual([{ ...one, linkType: 113 }]);
});

/** Overwrite the size at the front, or at the end, of the last block of `bytes`. */
function resized(bytes: Uint8Array, at: number, size: number): Uint8Array {
  new DataView(bytes.buffer).setUint32(at < 0 ? bytes.length + at : at, size, true);
  return bytes;
}

for (const [size, why] of [
  [8, "a block of 8 bytes"],
  [33, "a block of 33 bytes"],
  [BLOCK_SIZE_MAX + 4, `a block of ${BLOCK_SIZE_MAX + 4} bytes`],
] as const) {
  test(`PcapngParser ends at a block of ${size} bytes`, () => {
    const bytes = blocks()
      .interface()
      .packet({ bytes: A, time: TIME })
      .packet({ bytes: A })
      .bytes();
    const { frames, warnings } = collect(resized(bytes, -32, size));
    expect(frames).toEqual([one]);
    expect(warnings).toEqual([`test.pcap: damaged at byte 84: ${why}; packets kept: 1`]);
  });
}

test("PcapngParser ends at a block whose two sizes differ", () => {
  const bytes = blocks().interface().packet({ bytes: A, time: TIME }).bytes();
  expect(collect(resized(bytes, -4, 40)).warnings).toEqual([
    "test.pcap: damaged at byte 48: a block of 36 bytes that ends as one of 40; packets kept: 0",
  ]);
});

test("PcapngParser reads a block larger than the buffer", () => {
  const large = new DataView(new ArrayBuffer(3_000_000));
  const capture = blocks()
    .interface()
    .packet({ bytes: A, time: TIME })
    .block(0xbad, large)
    .packet({ bytes: A, time: TIME });
  expect(collect(capture.bytes()).frames).toEqual([one, one]);
});

test("PcapngParser refuses a capture whose first section it cannot read", () => {
  const other = blocks().bytes();
  expect(() => collect(resized(other, 8, 0))).toThrow("does not tell its byte order");
  const future = new PcapngBlocks().section({ major: 7 }).bytes();
  expect(() => collect(future)).toThrow("(pcapng 7.0 is not supported)");
});
