// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "./packet.ts";

/**
 * One direction of a TCP connection, segment by segment, for protocols that are read to their end: repeats are passed
 * over, and what is missing is counted. Keeps no bytes: what comes late is taken for a repeat.
 */
export class Segments {
  /** Sequence number behind the last byte seen; -1 before the first segment. */
  #next = -1;
  /** Bytes missing before those of the last segment: lost, late, or not captured. */
  missed = 0;

  reset(): void {
    this.#next = -1;
    this.missed = 0;
  }

  /** Offset of the packet's first byte that was not seen before; the packet's end when it repeats all. */
  take(packet: Packet): number {
    const { payload, end } = packet;
    const start = packet.view.getUint32(packet.transport + 4);
    // Distance modulo 2^32: negative for bytes seen before.
    const ahead = this.#next < 0 ? 0 : (start - this.#next) | 0;
    this.missed = Math.max(0, ahead);
    const known = Math.max(0, -ahead);
    if (known >= end - payload) return end;
    this.#next = (start + end - payload) >>> 0;
    return payload + known;
  }
}
