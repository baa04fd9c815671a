// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "./packet.ts";

const SYN = 2;
/** Segments that came ahead of their turn and wait. */
const AHEAD_MAX = 4;

interface Ahead {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/**
 * The first bytes of one direction of a TCP connection, put in order: repeats are passed over, a few segments that
 * came early wait for those before them. Bounded; what is past the bound is not kept.
 */
export class Prefix {
  /** The bytes; those up to {@link length} are there. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  length = 0;
  /** TCP sequence number of the first byte; -1 before the first segment. */
  #base = -1;
  #ahead: Ahead[] = [];

  /** @param max bytes kept */
  constructor(max: number) {
    const buffer = new ArrayBuffer(max);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Whether nothing more can be kept. */
  get full(): boolean {
    return this.length === this.bytes.length;
  }

  reset(): void {
    this.length = 0;
    this.#base = -1;
    this.#ahead = [];
  }

  /** Take the payload of a TCP packet of this direction. Returns whether there are more bytes in order now. */
  take(packet: Packet): boolean {
    const before = this.length;
    const sequence = packet.view.getUint32(packet.transport + 4);
    const start = (packet.tcpFlags & SYN) === 0 ? sequence : sequence + 1;
    if (this.#base < 0) this.#base = start >>> 0;
    // Distance modulo 2^32: negative for a repeat from before the first segment seen.
    const from = (start - this.#base) | 0;
    this.#put(packet.bytes, { from, at: packet.payload, end: packet.end });
    if (this.#ahead.length > 0) this.#catchUp();
    return this.length > before;
  }

  #put(bytes: Uint8Array, { from, at, end }: { from: number; at: number; end: number }): void {
    if (from > this.length) {
      if (from < this.bytes.length && this.#ahead.length < AHEAD_MAX && end > at)
        this.#ahead.push({
          from,
          bytes: bytes.slice(at, Math.min(end, at + this.bytes.length - from)),
        });
      return;
    }
    const known = this.length - from;
    const size = Math.min(end - at - known, this.bytes.length - this.length);
    if (size <= 0) return;
    this.bytes.set(bytes.subarray(at + known, at + known + size), this.length);
    this.length += size;
  }

  #catchUp(): void {
    for (let i = 0; i < this.#ahead.length; i++) {
      const { from, bytes } = this.#ahead[i]!;
      if (from > this.length) continue;
      this.#ahead.splice(i, 1);
      this.#put(bytes, { from, at: 0, end: bytes.length });
      // One that waited may be what another waits for.
      i = -1;
    }
  }
}

/** Prefixes that are used again, for all flows of a meter, up to a number of them at the same time. */
export class PrefixPool {
  readonly #bytes: number;
  readonly #most: number;
  readonly #free: Prefix[] = [];
  #made = 0;

  /** @param bytes kept by each @param most that are open at the same time */
  constructor(bytes: number, most: number) {
    this.#bytes = bytes;
    this.#most = most;
  }

  /** An empty one; undefined when all are in use. */
  take(): Prefix | undefined {
    const known = this.#free.pop();
    if (known) return known;
    if (this.#made === this.#most) return undefined;
    this.#made++;
    return new Prefix(this.#bytes);
  }

  give(prefix: Prefix): void {
    prefix.reset();
    this.#free.push(prefix);
  }
}
