// SPDX-License-Identifier: BSD-3-Clause
import type { FrameHandler } from "../../core/packet/frames.ts";

export interface LiveOptions {
  readonly interface: string;
  /** pcap-filter(7) expression; the kernel drops what does not match before it is copied or counted. */
  readonly filter?: string;
  /** Memory for frames that wait to be read: whole blocks of 1 MiB, from 1 MiB to 2 GiB. Default 64 MiB. */
  readonly ringBytes?: number;
  /** Most bytes captured of a frame. Default 262,144, more than any frame has. */
  readonly snaplen?: number;
  /** See frames for other hosts too. Default true. */
  readonly promiscuous?: boolean;
  /** Share the traffic with other sources: see {@link Fanout}. */
  readonly fanout?: Fanout;
  /** `ring` is the kernel's TPACKET_V3, `libpcap` goes through that library; `auto` takes the ring where it can. */
  readonly backend?: Backend;
}

export type Backend = "auto" | "ring" | "libpcap";

/**
 * Sources with the same group number divide an interface's frames among them: all frames between two
 * addresses, both ways, go to the same source.
 */
export interface Fanout {
  /** From 0 to 65,535, the same for all; others on the machine may not use it, so take the process id. */
  readonly group: number;
  readonly workers: number;
}

/** `down`: nothing arrives until the interface is up again. `gone`: nothing will arrive, see `reopen()`. */
export type LiveState = "up" | "down" | "gone";

/**
 * What was counted since the source was opened, each frame once: the sum of received, dropped and unread is
 * all frames that passed the filter.
 */
export interface LiveStats {
  /** Frames handed to a handler. */
  readonly received: number;
  /** Frames the kernel had to drop since there was no room. */
  readonly dropped: number;
  /** Frames that wait to be read; after `close()`, those that were never read. */
  readonly unread: number;
  /** Times the ring was found full. */
  readonly freezes: number;
}

/**
 * Frames of a network interface, driven by one thread.
 *
 * @example
 * using source = openLive({ interface: "eth0" });
 * while (running) source.poll(100, onFrames);
 * source.drain(onFrames);
 */
export interface LiveSource extends Disposable {
  readonly name: string;
  readonly backend: Exclude<Backend, "auto">;
  /** LINKTYPE_ value of the frames. */
  readonly linkType: number;
  readonly state: LiveState;
  /**
   * Hand on the frames that are there, in batches; wait for some at most `timeoutMs` when there are none.
   * Blocks the thread meanwhile. Bounded work: at most `blocksMax` blocks of the ring (1 MiB each), default 8.
   * Never throws for what the interface does: it may go down and up again, or away.
   * @returns frames handed on
   */
  poll(timeoutMs: number, onFrames: FrameHandler, blocksMax?: number): number;
  /**
   * Stop capturing and hand on all frames captured before; takes some 0.1 s, under any load. Call before `close()`.
   * @returns frames handed on
   */
  drain(onFrames: FrameHandler): number;
  stats(): LiveStats;
  /**
   * Open anew the interface of this name, after it was `gone`; counters go on.
   * @returns false while there is no such interface
   * @throws {NemeanError} ERR_CAPTURE when there is one that cannot be captured on
   */
  reopen(): boolean;
  /** Give the memory back. Statistics stay. A second close does nothing. */
  close(): void;
}
