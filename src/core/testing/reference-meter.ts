// SPDX-License-Identifier: BSD-3-Clause
/** For tests: the meter as one would write it without caring for speed, a map of objects. @module */

import { END_REASON } from "../flow/record.ts";
import { SECOND } from "../unirec/time.ts";

/** A packet by what the meter looks at. */
export interface Packet {
  /** The same for both directions of a flow. */
  readonly key: string;
  /** Whether it goes the other way than the key is written. */
  readonly turned: boolean;
  readonly micros: number;
  readonly bytes: number;
  /** TCP flags; 0 of other protocols. */
  readonly flags: number;
}

/** A flow as the meter should send it; forward is its first packet's direction. */
export interface ReferenceFlow {
  readonly key: string;
  readonly turned: boolean;
  first: number;
  last: number;
  packets: number;
  packetsReverse: number;
  bytes: number;
  bytesReverse: number;
  flags: number;
  flagsReverse: number;
  reason: number;
}

export interface ReferenceOptions {
  /** Seconds, as {@link MeterOptions} has them. */
  readonly active: number;
  readonly idle: number;
  readonly linger?: number;
  readonly brief?: number;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
/** How much older than its flow's first packet one may be. */
const REORDER_MAX = 60 * SECOND;

const isOver = ({ flags, flagsReverse }: ReferenceFlow): boolean =>
  ((flags | flagsReverse) & RST) !== 0 || (flags & flagsReverse & FIN) !== 0;

/** One packet, or TCP from one side of which all have SYN and nothing else of the handshake. */
const isBrief = ({ key, packets, packetsReverse, flags }: ReferenceFlow): boolean =>
  packets + packetsReverse === 1 ||
  (key.startsWith("6 ") && packetsReverse === 0 && (flags & 0x1f) === SYN);

export class ReferenceMeter {
  readonly sent: ReferenceFlow[] = [];
  readonly #live = new Map<string, ReferenceFlow>();
  readonly #active: number;
  readonly #idle: number;
  readonly #linger: number;
  readonly #brief: number;
  #boundary = 0;

  constructor({ active, idle, linger = idle, brief = idle + active }: ReferenceOptions) {
    this.#active = active * SECOND;
    this.#idle = idle * SECOND;
    this.#linger = linger * SECOND;
    this.#brief = brief * SECOND;
  }

  packet(packet: Packet): void {
    this.#sweep(packet.micros);
    let flow = this.#live.get(packet.key);
    if (flow !== undefined) {
      const reason = this.#endBefore(flow, packet);
      if (reason !== 0) {
        this.#send(flow, isOver(flow) ? END_REASON.end : reason);
        flow = undefined;
      }
    }
    flow ??= this.#begin(packet);
    flow.first = Math.min(flow.first, packet.micros);
    flow.last = Math.max(flow.last, packet.micros);
    if (packet.turned === flow.turned) {
      flow.packets++;
      flow.bytes += packet.bytes;
      flow.flags |= packet.flags;
    } else {
      flow.packetsReverse++;
      flow.bytesReverse += packet.bytes;
      flow.flagsReverse |= packet.flags;
    }
  }

  end(): void {
    for (const flow of [...this.#live.values()])
      this.#send(flow, isOver(flow) ? END_REASON.end : END_REASON.forced);
  }

  /** Why the flow ends before this packet; 0 when the packet belongs to it. */
  #endBefore(flow: ReferenceFlow, { micros, flags }: Packet): number {
    if (micros - flow.last >= this.#idle) return END_REASON.idle;
    if (micros - flow.first >= this.#active) return END_REASON.active;
    if (micros - flow.first >= this.#brief && isBrief(flow)) return END_REASON.idle;
    if ((flags & SYN) !== 0 && isOver(flow)) return END_REASON.end;
    return flow.first - micros > REORDER_MAX ? END_REASON.forced : 0;
  }

  #begin({ key, turned, micros }: Packet): ReferenceFlow {
    const zero = { packets: 0, packetsReverse: 0, bytes: 0, bytesReverse: 0 };
    const flags = { flags: 0, flagsReverse: 0, reason: 0 };
    const flow = { key, turned, first: micros, last: micros, ...zero, ...flags };
    this.#live.set(key, flow);
    return flow;
  }

  /** At each whole second: all flows that are due. When time has gone far back: all flows. */
  #sweep(micros: number): void {
    const second = Math.floor(micros / SECOND) * SECOND;
    if (this.#boundary > 0 && micros < this.#boundary - SECOND - this.#active) {
      this.end();
      this.#boundary = 0;
    }
    if (this.#boundary === 0) this.#boundary = second + SECOND;
    for (; this.#boundary <= second; this.#boundary += SECOND)
      for (const flow of [...this.#live.values()]) {
        const silent = flow.last + (isOver(flow) ? this.#linger : this.#idle);
        const active = flow.first + this.#active <= this.#boundary;
        const brief = isBrief(flow) && flow.first + this.#brief <= this.#boundary;
        if (silent > this.#boundary && !active && !brief) continue;
        const timeout = active ? END_REASON.active : END_REASON.idle;
        this.#send(flow, isOver(flow) ? END_REASON.end : timeout);
      }
  }

  #send(flow: ReferenceFlow, reason: number): void {
    flow.reason = reason;
    this.#live.delete(flow.key);
    this.sent.push(flow);
  }
}
