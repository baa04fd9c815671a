// SPDX-License-Identifier: BSD-3-Clause
import { openLive, type Pcap, PcapError } from "@bun/ffi-libpcap-bindings";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { FrameBatch, type FrameHandler } from "../../core/packet/frames.ts";
import { filterError, SNAPLEN_MAX } from "./capture-filter.ts";
import { linkTypeOfDlt } from "./link-types.ts";
import { findLink } from "./links.ts";
import { permissionError } from "./packet-socket.ts";
import type { LiveOptions, LiveSource, LiveState, LiveStats } from "./source.ts";

const BUFFER_DEFAULT = 64 << 20;
/** Bytes of frames copied at once; holds four of the largest. */
const BATCH_BYTES = 1 << 20;
/** Batches that stand for one block of the ring, so that `blocksMax` bounds the same amount of work. */
const BATCHES_PER_BLOCK = 8;
const BLOCKS_DEFAULT = 8;
/** Libpcap's blocks are handed over after 60 ms, full or not. */
const RETIRE_WAIT_MS = 100;
const DRAIN_MS = 1_000;

/**
 * Capture through libpcap, for what the ring does not know: other systems, the pseudo-interface `any`,
 * unusual link types. Frames are copied into one buffer, batch by batch.
 */
export class LibpcapSource implements LiveSource {
  readonly name: string;
  readonly backend = "libpcap";
  linkType: number;
  #state: LiveState = "up";
  readonly #options: LiveOptions;
  readonly #bytes = new Uint8Array(new ArrayBuffer(BATCH_BYTES));
  readonly #frames = new FrameBatch();
  #pcap: Pcap;
  #open = true;
  #received = 0;
  /** Of former handles, and of this one at the last look. */
  #droppedBefore = 0;
  #dropped = 0;

  /** @throws {NemeanError} ERR_CAPTURE, ERR_LIBRARY, ERR_USAGE for the filter */
  constructor(options: LiveOptions) {
    this.name = options.interface;
    this.#options = options;
    this.#pcap = openPcap(options);
    this.linkType = linkTypeOfDlt(this.#pcap.linkType);
    this.#frames.use(this.#bytes, this.linkType);
  }

  get state(): LiveState {
    return this.#state;
  }

  poll(timeoutMs: number, onFrames: FrameHandler, blocksMax = BLOCKS_DEFAULT): number {
    if (!this.#open) return 0;
    let frames = this.#read(onFrames);
    if (frames === 0) {
      this.#wait(timeoutMs);
      frames = this.#read(onFrames);
    }
    const batchesMax = blocksMax * BATCHES_PER_BLOCK;
    for (let i = 1; i < batchesMax && this.#frames.count > 0; i++) frames += this.#read(onFrames);
    return frames;
  }

  drain(onFrames: FrameHandler): number {
    if (!this.#open) return 0;
    const before = this.#received;
    // The clock tells whole milliseconds: this one has frames of before the call in it.
    const stop = (Date.now() + 1) * 1000;
    const end = performance.now() + DRAIN_MS;
    // libpcap cannot stop capturing and keep what it has: frames that came after this call end the drain.
    while (performance.now() < end) {
      if (this.poll(RETIRE_WAIT_MS, onFrames, 1) === 0) break;
      if (this.#last > stop) break;
    }
    return this.#received - before;
  }

  stats(): LiveStats {
    if (this.#open) this.#count();
    // How many wait cannot be told: on the loopback interface libpcap counts each frame twice.
    const dropped = this.#droppedBefore + this.#dropped;
    return { received: this.#received, dropped, unread: 0, freezes: 0 };
  }

  reopen(): boolean {
    if (this.name !== "any" && !findLink(this.name)) return false;
    const pcap = openPcap(this.#options);
    this.close();
    this.#droppedBefore += this.#dropped;
    this.#dropped = 0;
    this.#pcap = pcap;
    this.#open = true;
    this.linkType = linkTypeOfDlt(pcap.linkType);
    this.#frames.use(this.#bytes, this.linkType);
    this.#state = "up";
    return true;
  }

  close(): void {
    if (!this.#open) return;
    this.#count();
    this.#open = false;
    this.#pcap.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Capture time of the last frame that was read. */
  #last = 0;

  #read(onFrames: FrameHandler): number {
    const frames = this.#frames;
    frames.count = 0;
    if (this.#state === "gone") return 0;
    try {
      this.#pcap.readBatch(frames);
    } catch (error) {
      if (!(error instanceof PcapError)) throw error;
      this.#state = "gone";
      return 0;
    }
    if (frames.count === 0) return 0;
    this.#last = frames.time[frames.count - 1]!;
    this.#received += frames.count;
    onFrames(frames);
    return frames.count;
  }

  #wait(timeoutMs: number): void {
    if (this.#state === "gone") {
      // A handle of an interface that went away is always ready: without a sleep the driver's loop would spin.
      Bun.sleepSync(timeoutMs);
      return;
    }
    this.#pcap.wait(timeoutMs);
    if (this.name === "any") return;
    const link = findLink(this.name);
    this.#state = link === undefined ? "gone" : link.up ? "up" : "down";
  }

  #count(): void {
    try {
      const { dropped, interfaceDropped } = this.#pcap.stats();
      this.#dropped = dropped + interfaceDropped;
    } catch (error) {
      if (!(error instanceof PcapError)) throw error;
    }
  }
}

function openPcap(options: LiveOptions): Pcap {
  const { interface: name, filter, snaplen = SNAPLEN_MAX, promiscuous = true } = options;
  let pcap: Pcap;
  try {
    const bufferBytes = Math.min(options.ringBytes ?? BUFFER_DEFAULT, 0x7fffffff);
    pcap = openLive(name, { snaplen, promiscuous, bufferBytes });
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    if (error.code === "ERR_PCAP_PERMISSION") throw permissionError(name);
    const code = error.code === "ERR_PCAP_LIBRARY" ? "ERR_LIBRARY" : "ERR_CAPTURE";
    throw new NemeanError(code, EXIT.os, error.message, error);
  }
  if (filter === undefined) return pcap;
  try {
    pcap.setFilter(filter);
    return pcap;
  } catch (error) {
    pcap.close();
    throw filterError(error, filter);
  }
}
