// SPDX-License-Identifier: BSD-3-Clause
import { type Packet, PROTOCOL } from "../packet.ts";
import { type Prefix, PrefixPool } from "../prefix.ts";
import { type DnsMessage, HEADER } from "./message.ts";

/** Bytes of a message that are put together from segments; what is past them is not read. */
const KEPT = 4096;
/** Messages that are put together at the same time; further ones of several segments are not read. */
const OPEN_MAX = 2048;
/** The length in front of a message (RFC 1035 section 4.2.2). */
const PREFIX = 2;

/** Memory for messages of several segments, for all flows of a meter. */
export const messageBuffers = (): PrefixPool => new PrefixPool(KEPT, OPEN_MAX);

/** One direction of a TCP connection, up to the end of its first message. */
class MessageStream {
  /** Whether nothing more is expected. */
  isOver = false;
  readonly #buffers: PrefixPool;
  #prefix: Prefix | undefined;

  constructor(buffers: PrefixPool) {
    this.#buffers = buffers;
  }

  reset(): void {
    this.isOver = false;
    this.#close();
  }

  /**
   * Take a segment. Returns whether `message` now begins with this direction's first message; it is valid until
   * the next packet.
   */
  take(packet: Packet, message: DnsMessage): boolean {
    if (this.isOver) return false;
    if (this.#prefix) return this.#takeNext(this.#prefix, packet, message);
    const { view, payload, size } = packet;
    if (size >= PREFIX) {
      const length = view.getUint16(payload);
      // Whatever this is, it is no message.
      if (length < HEADER) return this.#finish(false);
      if (PREFIX + length <= size)
        return this.#finish(message.begin(packet, payload + PREFIX, payload + PREFIX + length));
    }
    this.#prefix = this.#buffers.take();
    if (!this.#prefix) return this.#finish(false);
    return this.#takeNext(this.#prefix, packet, message);
  }

  #takeNext(prefix: Prefix, packet: Packet, message: DnsMessage): boolean {
    if (!prefix.take(packet) || prefix.length < PREFIX) return false;
    const end = PREFIX + prefix.view.getUint16(0);
    const isWhole = prefix.length >= end;
    if (!isWhole && !prefix.full) return false;
    const isBegun = message.begin(prefix, PREFIX, Math.min(end, prefix.length));
    if (!isWhole) message.isCut = true;
    return this.#finish(isBegun);
  }

  #finish(isBegun: boolean): boolean {
    this.isOver = true;
    this.#close();
    return isBegun;
  }

  /** Give the memory back: nobody else writes to it before the next packet. */
  #close(): void {
    if (this.#prefix) this.#buffers.give(this.#prefix);
    this.#prefix = undefined;
  }
}

/** Both directions of a connection; of UDP nothing is made. */
export class MessageStreams {
  readonly #buffers: PrefixPool;
  #sides: readonly [MessageStream, MessageStream] | undefined;

  constructor(buffers: PrefixPool) {
    this.#buffers = buffers;
  }

  /** Whether nothing more is expected of either direction. */
  get areOver(): boolean {
    return this.#sides?.every(({ isOver }) => isOver) ?? false;
  }

  reset(): void {
    if (this.#sides) for (const side of this.#sides) side.reset();
  }

  /** Take a segment as {@link MessageStream.take}. */
  take(packet: Packet, message: DnsMessage): boolean {
    this.#sides ??= [new MessageStream(this.#buffers), new MessageStream(this.#buffers)];
    return this.#sides[packet.reverse].take(packet, message);
  }
}

/** Whether a packet of a connection without a state yet may begin a message: its length, as far as it is there. */
export const mayBegin = ({ protocol, view, payload, size }: Packet): boolean =>
  protocol !== PROTOCOL.tcp || size < PREFIX || view.getUint16(payload) >= HEADER;
