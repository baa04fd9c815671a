// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../../core/errors.ts";
import type { FrameHandler } from "../../core/packet/frames.ts";
import { captureFilter, SNAPLEN_MAX } from "./capture-filter.ts";
import { FrameRing } from "./frame-ring.ts";
import { linkTypeOf } from "./link-types.ts";
import { findLink, type Link } from "./links.ts";
import { PacketSocket, RETIRE_MS } from "./packet-socket.ts";
import type { LiveOptions, LiveSource, LiveState, LiveStats } from "./source.ts";

const MIB = 1 << 20;
const RING_DEFAULT = 64 * MIB;
const BLOCK_LARGE = MIB;
/** Holds the largest frame there is, 64 KiB and its headers: rings too small for large blocks are made of these. */
const BLOCK_SMALL = MIB / 8;
/** Blocks of one poll: at 300 ns a frame some 15 ms of work, so that a stop flag is seen in time. */
const BLOCKS_DEFAULT = 8;
/** Longest time a drain takes: by then each block, full or not, was handed over many times. */
const DRAIN_MS = 1_000;

/** Capture by the kernel's ring of blocks, without a copy: see {@link FrameRing} and {@link PacketSocket}. */
export class RingSource implements LiveSource {
  readonly name: string;
  readonly backend = "ring";
  linkType: number;
  #state: LiveState;
  readonly #options: LiveOptions;
  #socket: PacketSocket;
  #ring: FrameRing;
  #open = true;
  #stopped = false;
  #received = 0;
  /** Frames that came, those dropped among them, and freezes, of former sockets too. */
  #seen = 0;
  #dropped = 0;
  #freezes = 0;

  /** @throws {NemeanError} ERR_CAPTURE, ERR_USAGE for the filter */
  constructor(options: LiveOptions, link: Link) {
    this.name = options.interface;
    this.#options = options;
    const opened = openRing(options, link);
    this.#socket = opened.socket;
    this.#ring = opened.ring;
    this.linkType = opened.linkType;
    this.#state = this.#socket.state();
  }

  get state(): LiveState {
    return this.#state;
  }

  poll(timeoutMs: number, onFrames: FrameHandler, blocksMax = BLOCKS_DEFAULT): number {
    if (!this.#open) return 0;
    if (!this.#ring.ready) {
      const healthy = this.#socket.wait(timeoutMs);
      // An interface says so when it goes down, but not when it comes up again.
      if (!healthy || this.#state !== "up") this.#state = this.#socket.state();
    }
    let frames = 0;
    for (let i = 0; i < blocksMax && this.#ring.ready; i++)
      frames += this.#ring.takeBlock(onFrames);
    this.#received += frames;
    return frames;
  }

  drain(onFrames: FrameHandler): number {
    if (!this.#open) return 0;
    if (!this.#stopped) this.#socket.stop();
    this.#stopped = true;
    const before = this.#received;
    const end = performance.now() + DRAIN_MS;
    // The block that is being filled is handed over when its time is up; the counters tell whether it holds frames.
    while (this.stats().unread > 0 && performance.now() < end) this.poll(RETIRE_MS, onFrames);
    return this.#received - before;
  }

  stats(): LiveStats {
    if (this.#open) this.#count();
    return {
      received: this.#received,
      dropped: this.#dropped,
      unread: this.#seen - this.#dropped - this.#received,
      freezes: this.#freezes,
    };
  }

  reopen(): boolean {
    const link = findLink(this.name);
    if (!link) return false;
    const opened = openRing(this.#options, link);
    this.close();
    this.#socket = opened.socket;
    this.#ring = opened.ring;
    this.linkType = opened.linkType;
    this.#open = true;
    this.#stopped = false;
    this.#state = this.#socket.state();
    return true;
  }

  close(): void {
    if (!this.#open) return;
    this.#count();
    this.#open = false;
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #count(): void {
    const counters = this.#socket.takeCounters();
    this.#seen += counters[0]!;
    this.#dropped += counters[1]!;
    this.#freezes += counters[2]!;
  }
}

function openRing(options: LiveOptions, link: Link) {
  const layer = linkTypeOf(link.hardware);
  if (!layer)
    throw new NemeanError(
      "ERR_CAPTURE",
      EXIT.os,
      `${link.name}: the ring does not know this kind of interface (ARPHRD ${link.hardware}); use --backend libpcap`,
    );
  const { filter, snaplen = SNAPLEN_MAX, promiscuous = true, fanout } = options;
  const wanted = options.ringBytes ?? RING_DEFAULT;
  const blockSize = wanted < 8 * BLOCK_LARGE ? BLOCK_SMALL : BLOCK_LARGE;
  const socket = new PacketSocket({
    link,
    ringBytes: Math.floor(wanted / blockSize) * blockSize,
    blockSize,
    promiscuous,
    filter: captureFilter(link.name, layer.dlt, filter, snaplen),
    fanout,
    linkHeader: layer.header,
  });
  const { linkType } = layer;
  return { socket, ring: new FrameRing(socket.memory, { blockSize, linkType, snaplen }), linkType };
}
