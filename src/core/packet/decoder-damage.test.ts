// SPDX-License-Identifier: BSD-3-Clause
// Whatever the bytes are, a frame is a row or counted as ignored, and nothing behind it is read.
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, tuple, uint8Array } from "fast-check";
import { PacketDecoder } from "./decoder.ts";
import { FRAMES_MAX, FrameBatch } from "./frames.ts";
import { ROW, WORD } from "./row.ts";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  fragment6,
  ipv4,
  ipv6,
  tcp,
  u16,
  u32,
  udp,
  vlan,
  zeros,
} from "./test-kit.ts";

const V4 = ipv4(tcp(1000, 80, 2, zeros(8)), { protocol: 6, options: zeros(8) });
const V6 = ipv6([60, 0, ...zeros(6), 51, 0, ...zeros(6), 17, 4, ...zeros(22), ...udp(1, 2)], {
  next: 0,
});
const FRAME = ethernet(ETHERTYPE.vlan, vlan(7, ETHERTYPE.ipv4, V4));
const LABELS = [...u32(16 << 12), ...u32((17 << 12) | 0x100)];
const overIp = (protocol: number, payload: Bytes): Bytes => ipv4(payload, { protocol });
const overUdp = (port: number, payload: Bytes): Bytes => ipv4(udp(port, port, payload));

/** Link type and frame: one of each thing the decoder knows. */
const SAMPLES: readonly (readonly [number, Bytes])[] = [
  [1, FRAME],
  [1, ethernet(ETHERTYPE.qinq, vlan(7, ETHERTYPE.vlan, vlan(8, ETHERTYPE.ipv6, V6)))],
  [1, ethernet(60, [0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...V4])],
  [1, ethernet(0x8847, [...LABELS, ...V4])],
  [1, ethernet(0x8847, [...LABELS, 0, 0, 0, 0, ...FRAME])],
  [1, ethernet(0x8864, [0x11, 0, 0, 1, ...u16(V6.length + 2), 0, 0x57, ...V6])],
  [1, ethernet(0x8926, [0, 0, 0, 0, 8, 0, ...V4])],
  [1, ethernet(0x893f, [0, 0, 0, 0, 0, 0, 8, 0, ...V4])],
  [1, ethernet(0x894f, [0, 6, 1, 3, ...zeros(20), ...FRAME])],
  [101, V4],
  [101, V6],
  [101, ipv4(udp(1, 2, zeros(8)), { id: 5, fragment: 0x2000 })],
  [101, ipv4(zeros(16), { id: 5, fragment: 0x2002 })],
  [101, ipv6([44, 0, ...zeros(6), ...fragment6(17, 5, 0, true), ...udp(1, 2)], { next: 60 })],
  [101, ipv6([44, 0, ...zeros(6), ...fragment6(17, 5, 2, true), ...zeros(8)], { next: 60 })],
  [101, overIp(4, V4)],
  [101, overIp(41, V6)],
  [101, overIp(47, [0xb0, 0, 8, 0, ...zeros(12), ...V4])],
  [101, overIp(47, [0x20, 0, 0x65, 0x58, ...zeros(4), ...FRAME])],
  [101, overIp(47, [0x10, 0, 0x88, 0xbe, ...zeros(12), ...FRAME])],
  [101, overIp(47, [0x10, 0, 0x22, 0xeb, ...zeros(15), 1, ...zeros(8), ...FRAME])],
  [101, overUdp(4789, [8, 0, 0, 0, 0, 0, 1, 0, ...FRAME])],
  [101, overUdp(6081, [2, 0, 0x65, 0x58, ...zeros(4), ...zeros(8), ...FRAME])],
  [101, overUdp(2152, [0x34, 255, ...zeros(6), 0, 0, 0, 0x85, 1, 0, 0, 0, ...V4])],
  [101, overUdp(3544, [0, 1, 2, 3, ...zeros(5), ...zeros(9), ...zeros(8), ...V6])],
  [0, [2, 0, 0, 0, ...V4]],
  [113, [...zeros(14), 8, 0, ...V4]],
  [276, [0x86, 0xdd, ...zeros(18), ...V6]],
  [104, [0x0f, 0, 8, 0, ...V4]],
  [9, [0xff, 3, 0, 0x21, ...V4]],
  [105, [0x88, 0x83, ...zeros(34), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...V4]],
  [127, [0, 0, 9, 0, ...zeros(5), 8, 0, ...zeros(22), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...V4]],
];
const LINK_TYPES = [...new Set(SAMPLES.map(([linkType]) => linkType)), 147];

/** A decoder, and a batch for the one frame it is given. */
class Bench {
  readonly decoder = new PacketDecoder();
  readonly batch = new FrameBatch();
  frames = 0;

  /** Decode `frame` with `before` and `behind` around it; what is said of it: its row, or nothing. */
  look(
    linkType: number,
    frame: ArrayLike<number>,
    before: Bytes = [],
    behind: Bytes = [],
  ): number[] {
    const { batch, decoder } = this;
    const bytes = new Uint8Array(before.length + frame.length + behind.length);
    bytes.set(before);
    bytes.set(frame, before.length);
    bytes.set(behind, before.length + frame.length);
    batch.use(bytes, linkType);
    batch.start[0] = before.length;
    batch.captured[0] = frame.length;
    batch.length[0] = frame.length + 20;
    batch.time[0] = 1e15;
    batch.count = 1;
    decoder.decode(batch);
    this.frames++;
    this.check(before.length, before.length + frame.length);
    const row = decoder.rows.slice(0, decoder.count * ROW);
    // Offsets as seen from the frame's beginning.
    for (const word of decoder.count === 0 ? [] : [WORD.ip, WORD.transport, WORD.end])
      row[word]! -= before.length;
    if (decoder.count > 0 && row[WORD.ethernet]! >= 0) row[WORD.ethernet]! -= before.length;
    return [...row];
  }

  /** Each frame so far is a row or counted, and the row lies inside the frame. */
  check(start: number, end: number): void {
    const { count, nonIp, malformed, unknownLink, rows } = this.decoder;
    this.rows += count;
    if (this.rows + nonIp + malformed + unknownLink !== this.frames)
      throw new Error("a frame is neither a row nor counted");
    if (count === 0) return;
    const headers = (rows[WORD.kind]! & 256) === 0 ? 20 : 40;
    if (
      rows[WORD.ip]! < start ||
      rows[WORD.ip]! + headers > end ||
      rows[WORD.end]! > end ||
      rows[WORD.ethernet]! + 14 > end ||
      rows[WORD.bytes]! < headers
    )
      throw new Error("a row points outside of its frame");
  }
  rows = 0;
}

describe("PacketDecoder, damage:", () => {
  const bench = new Bench();

  test("PacketDecoder finds an IP packet in every sample", () => {
    for (const [linkType, frame] of SAMPLES) expect(bench.look(linkType, frame).length).toBe(ROW);
  });

  test("PacketDecoder reads nothing behind a frame, wherever it is cut", () => {
    for (const [linkType, frame] of SAMPLES)
      for (let size = 0; size <= frame.length; size++) {
        const cut = frame.slice(0, size);
        // At the very end of the buffer a read too far throws; before other bytes it would tell another story.
        const alone = bench.look(linkType, cut);
        for (const poison of [0x00, 0x45, 0x60, 0xff]) {
          const around = new Array<number>(80).fill(poison);
          expect(bench.look(linkType, cut, around, around)).toEqual(alone);
        }
        expect(bench.look(linkType, cut, frame, frame)).toEqual(alone);
        expect(bench.look(linkType, cut, [], frame.slice(size))).toEqual(alone);
      }
  });

  test("PacketDecoder takes any frame with bytes changed, and any cut of it", () => {
    const changes = array(tuple(integer({ min: 0, max: 159 }), integer({ min: 0, max: 255 })), {
      maxLength: 4,
    });
    const cut = integer({ min: 0, max: 160 });
    assert(
      property(constantFrom(...SAMPLES), changes, cut, ([linkType, frame], edits, size) => {
        const changed = [...frame];
        for (const [at, value] of edits) changed[at % frame.length] = value;
        const kept = changed.slice(0, size);
        const alone = bench.look(linkType, kept);
        expect(bench.look(linkType, kept, [1, 2, 3], [...frame])).toEqual(alone);
      }),
      { seed: 5, numRuns: 3000 },
    );
  });

  test("PacketDecoder takes random bytes for any link type", () => {
    const linkType = constantFrom(...LINK_TYPES);
    assert(
      property(linkType, uint8Array({ maxLength: 200 }), (type, bytes) => {
        bench.look(type, bytes, [], [0x45, 0x60]);
      }),
      { seed: 6, numRuns: 3000 },
    );
  });
});

describe("PacketDecoder, load:", () => {
  test("PacketDecoder accounts 200,000 frames of samples overwritten at random", () => {
    const decoder = new PacketDecoder();
    const batch = new FrameBatch();
    const bytes = new Uint8Array(new ArrayBuffer(FRAMES_MAX * 200));
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return (state >>> 8) % below;
    };
    const samples = SAMPLES.map(([linkType, frame]) => ({
      linkType,
      frame: Uint8Array.from(frame),
    }));
    let frames = 0;
    let rows = 0;
    while (frames < 200_000) {
      const { linkType } = samples[random(samples.length)]!;
      batch.use(bytes, linkType);
      let at = 0;
      for (let i = 0; i < FRAMES_MAX; i++) {
        const { frame } = samples[random(samples.length)]!;
        bytes.set(frame, at);
        for (let edits = random(6); edits > 0; edits--)
          bytes[at + random(frame.length)] = random(256);
        batch.start[i] = at;
        batch.captured[i] = random(8) === 0 ? random(frame.length + 1) : frame.length;
        batch.length[i] = frame.length;
        batch.time[i] = 1e15 + frames + i;
        at += batch.captured[i]!;
      }
      batch.count = FRAMES_MAX;
      decoder.decode(batch);
      frames += FRAMES_MAX;
      rows += decoder.count;
    }
    const { nonIp, malformed, unknownLink } = decoder;
    expect(rows + nonIp + malformed + unknownLink).toBe(frames);
    expect(Math.min(rows, nonIp, malformed)).toBeGreaterThan(frames / 100);
  });
});
