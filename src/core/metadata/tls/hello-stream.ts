// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "../packet.ts";
import { Prefix } from "../prefix.ts";
import { hasBrokenCertificate } from "./certificate.ts";
import { HANDSHAKE_HEADER, HELLO, type Hello } from "./hello.ts";

/** Bytes of a hello with its record's header. */
const SIZE_MAX = 16_384;
/** Hellos that are put together at the same time; further ones of several segments are not read. */
const OPEN_MAX = 2048;
const RECORD_HEADER = 5;
/** Bytes of a record at most (RFC 5246 section 6.2.3). */
const RECORD_MAX = (1 << 14) + 2048;
const HANDSHAKE = 22;
const MAJOR = 3;

/** Memory for hellos of several segments, for all flows of a meter. */
export class HelloBuffers {
  readonly #free: Prefix[] = [];
  #made = 0;

  take(): Prefix | undefined {
    const known = this.#free.pop();
    if (known) return known;
    if (this.#made === OPEN_MAX) return undefined;
    this.#made++;
    return new Prefix(SIZE_MAX);
  }

  give(prefix: Prefix): void {
    prefix.reset();
    this.#free.push(prefix);
  }
}

/** Whether bytes may be the start of a record with a hello (RFC 8446 section 5.1). */
export function isHello(view: DataView, at: number, end: number): boolean {
  if (end - at <= RECORD_HEADER) return false;
  if (view.getUint8(at) !== HANDSHAKE || view.getUint8(at + 1) !== MAJOR) return false;
  const type = view.getUint8(at + RECORD_HEADER);
  return type === HELLO.client || type === HELLO.server;
}

/** One direction of a connection, up to its hello. */
export class HelloStream {
  /** Whether nothing more is expected: the hello was read, or there is none. */
  isOver = false;
  /** Whether what came breaks the rules of TLS. */
  isBroken = false;
  readonly #buffers: HelloBuffers;
  #prefix: Prefix | undefined;

  constructor(buffers: HelloBuffers) {
    this.#buffers = buffers;
  }

  reset(): void {
    this.isOver = false;
    this.isBroken = false;
    this.#close();
  }

  /** Take a segment. Returns whether `hello` now holds this direction's hello. */
  take(packet: Packet, hello: Hello): boolean {
    const prefix = this.#prefix;
    if (!prefix) return this.#read(packet, packet.payload, packet.end, { packet, hello });
    if (!prefix.take(packet)) return false;
    return this.#read(prefix, 0, prefix.length, { packet, hello });
  }

  #read(
    { bytes, view }: { bytes: Uint8Array; view: DataView },
    at: number,
    end: number,
    { packet, hello }: { packet: Packet; hello: Hello },
  ): boolean {
    if (!isHello(view, at, end)) return this.#finish(false);
    const message = at + RECORD_HEADER;
    if (end - message < HANDSHAKE_HEADER) return this.#wait(packet);
    const size = HANDSHAKE_HEADER + (view.getUint32(message) & 0xffffff);
    // One that is split into several records is not read, nor one past the bound.
    const record = view.getUint16(at + 3);
    this.isBroken = record > RECORD_MAX;
    if (size > record || size > SIZE_MAX - RECORD_HEADER) return this.#finish(false);
    if (end - message < size) return this.#wait(packet);
    const isRead = hello.read(bytes, view, message, message + size);
    this.isBroken ||= !isRead || hasBrokenCertificate(view, message + size, message + record, end);
    return this.#finish(isRead);
  }

  #wait(packet: Packet): boolean {
    if (this.#prefix) return false;
    // What the capture cut off will not come.
    if (packet.payloadLength > packet.size) return this.#finish(false);
    this.#prefix = this.#buffers.take();
    if (!this.#prefix) return this.#finish(false);
    this.#prefix.take(packet);
    return false;
  }

  #finish(isRead: boolean): boolean {
    this.isOver = true;
    this.#close();
    return isRead;
  }

  #close(): void {
    if (this.#prefix) this.#buffers.give(this.#prefix);
    this.#prefix = undefined;
  }
}
