// SPDX-License-Identifier: BSD-3-Clause
import { FRAMES_MAX, FrameBatch, type FrameHandler } from "../../core/packet/frames.ts";

/** Words (32 bits) of struct tpacket_block_desc, linux/if_packet.h. */
const BLOCK = { status: 2, frames: 3, first: 4 } as const;
/** Words of struct tpacket3_hdr. tp_mac is the low half of its word, tp_vlan_tpid as well. */
const HEADER = {
  next: 0,
  seconds: 1,
  nanoseconds: 2,
  captured: 3,
  length: 4,
  status: 5,
  mac: 6,
  tag: 8,
  tagProtocol: 9,
} as const;

const USER_OWNS = 1;
const VLAN_VALID = 1 << 4;
const TPID_VALID = 1 << 6;
const TPID_CUSTOMER = 0x8100;

/** Bytes of a VLAN tag; the kernel is asked (PACKET_RESERVE) to leave them free in front of each frame. */
export const TAG_SIZE = 4;
/** Bytes of the two MAC addresses, which stand before the tag. */
const ADDRESSES_SIZE = 12;

/**
 * Blocks of frames that the kernel fills and we read in place: TPACKET_V3.
 *
 * ```text
 *  block 0              block 1             block 2
 * ┌────────────────────┬───────────────────┬───────────────────┐
 * │desc│hdr frame│hdr …│ ours: being read  │ the kernel's      │   desc.status says whose the block is
 * └────────────────────┴───────────────────┴───────────────────┘
 * ```
 *
 * The network card or the kernel takes the outer VLAN tag out of the frame and keeps it in the header. It is put
 * back here, by moving the MAC addresses down into the bytes reserved for it: the block is ours.
 */
export class FrameRing {
  readonly #words: Int32Array;
  readonly #blockWords: number;
  readonly #blocks: number;
  readonly #snaplen: number;
  readonly #frames = new FrameBatch();
  #block = 0;

  /** @param snaplen Frames are not handed on longer than this, even with their tag put back. */
  constructor(
    memory: ArrayBuffer,
    { blockSize, linkType, snaplen }: { blockSize: number; linkType: number; snaplen: number },
  ) {
    this.#words = new Int32Array(memory);
    this.#blockWords = blockSize >> 2;
    this.#blocks = Math.floor(memory.byteLength / blockSize);
    this.#snaplen = snaplen;
    this.#frames.use(new Uint8Array(memory), linkType);
  }

  /** Whether the next block is ours to read. */
  get ready(): boolean {
    // Atomic: what the kernel wrote before the status must be seen after it, and the JIT may hoist a plain load.
    const status = Atomics.load(this.#words, this.#block * this.#blockWords + BLOCK.status);
    return (status & USER_OWNS) !== 0;
  }

  /** Hand on the frames of the next block, which must be ready, and give the block back; returns how many. */
  takeBlock(onFrames: FrameHandler): number {
    const words = this.#words;
    const frames = this.#frames;
    const { start, captured, length, time } = frames;
    const block = this.#block * this.#blockWords;
    const total = words[block + BLOCK.frames]!;
    let at = block + (words[block + BLOCK.first]! >> 2);
    let count = 0;
    for (let i = 0; i < total; i++) {
      start[count] = (at << 2) + (words[at + HEADER.mac]! & 0xffff);
      captured[count] = words[at + HEADER.captured]!;
      length[count] = words[at + HEADER.length]!;
      time[count] =
        (words[at + HEADER.seconds]! >>> 0) * 1e6 + ((words[at + HEADER.nanoseconds]! / 1000) | 0);
      if ((words[at + HEADER.status]! & VLAN_VALID) !== 0) this.#putTagBack(at, count);
      count++;
      at += words[at + HEADER.next]! >> 2;
      if (count === FRAMES_MAX) {
        frames.count = count;
        onFrames(frames);
        count = 0;
      }
    }
    frames.count = count;
    if (count > 0) onFrames(frames);
    frames.count = 0;
    Atomics.store(words, block + BLOCK.status, 0);
    this.#block = (this.#block + 1) % this.#blocks;
    return total;
  }

  #putTagBack(at: number, index: number): void {
    const { view, start, captured, length } = this.#frames;
    const size = captured[index]!;
    if (size < ADDRESSES_SIZE) return;
    const from = start[index]!;
    const to = from - TAG_SIZE;
    view.setInt32(to, view.getInt32(from));
    view.setInt32(to + 4, view.getInt32(from + 4));
    view.setInt32(to + 8, view.getInt32(from + 8));
    const words = this.#words;
    const protocol =
      (words[at + HEADER.status]! & TPID_VALID) === 0
        ? TPID_CUSTOMER
        : words[at + HEADER.tagProtocol]! & 0xffff;
    view.setInt32(to + ADDRESSES_SIZE, (protocol << 16) | (words[at + HEADER.tag]! & 0xffff));
    start[index] = to;
    captured[index] = Math.min(size + TAG_SIZE, this.#snaplen);
    length[index] = length[index]! + TAG_SIZE;
  }
}
