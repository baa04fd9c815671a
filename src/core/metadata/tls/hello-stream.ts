// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "../packet.ts";
import { type Prefix, PrefixPool } from "../prefix.ts";
import { hasBrokenCertificate } from "./certificate.ts";
import { HANDSHAKE_HEADER, HELLO, HELLO_MAX, type Hello } from "./hello.ts";
import {
  isHandshake,
  RECORD_HEADER,
  RECORD_MAX,
  RecordChain,
  type Source,
  type Span,
} from "./records.ts";

/** Bytes of a hello with its records' headers. */
const SIZE_MAX = 16_384;
/** Hellos that are put together at the same time; further ones of several segments are not read. */
const OPEN_MAX = 2048;

/** What is known of a direction's hello. */
const FOUND = { nothing: 0, part: 1, hello: 2, broken: 3 } as const;
type Found = (typeof FOUND)[keyof typeof FOUND];

/** Memory for hellos of several segments, for all flows of a meter. */
export const helloBuffers = (): PrefixPool => new PrefixPool(SIZE_MAX, OPEN_MAX);

/** Whether bytes may be the start of a record with a hello (RFC 8446 section 5.1). */
export function isHello(view: DataView, at: number, end: number): boolean {
  if (end - at <= RECORD_HEADER || !isHandshake(view, at)) return false;
  const type = view.getUint8(at + RECORD_HEADER);
  return type === HELLO.client || type === HELLO.server;
}

/** Bytes of a handshake message with its header. */
const sizeAt = (view: DataView, at: number): number =>
  HANDSHAKE_HEADER + (view.getUint32(at) & 0xffffff);

/** What a message of this size can become: one that no hello can fill breaks the rules, one past the bound is left. */
function sizeVerdict(size: number): Found {
  if (size > HELLO_MAX) return FOUND.broken;
  return size > SIZE_MAX - RECORD_HEADER ? FOUND.nothing : FOUND.part;
}

/** One direction of a connection, up to its hello. */
export class HelloStream {
  /** Whether nothing more is expected: the hello was read, or there is none. */
  isOver = false;
  /** Whether what came breaks the rules of TLS. */
  isBroken = false;
  readonly #buffers: PrefixPool;
  readonly #chain = new RecordChain();
  #prefix: Prefix | undefined;

  constructor(buffers: PrefixPool) {
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
    if (prefix && !prefix.take(packet)) return false;
    const found = prefix
      ? this.#read(prefix, { at: 0, end: prefix.length }, hello)
      : this.#read(packet, { at: packet.payload, end: packet.end }, hello);
    if (found === FOUND.part && this.#waits(packet)) return false;
    this.isBroken ||= found === FOUND.broken;
    this.isOver = true;
    this.#close();
    return found === FOUND.hello;
  }

  #read(source: Source, span: Span, hello: Hello): Found {
    const { bytes, view } = source;
    const { at, end } = span;
    if (!isHello(view, at, end)) return FOUND.nothing;
    const record = view.getUint16(at + 3);
    if (record > RECORD_MAX) return FOUND.broken;
    if (record < HANDSHAKE_HEADER) return this.#readChain(source, span, hello);
    const message = at + RECORD_HEADER;
    if (end - message < HANDSHAKE_HEADER) return FOUND.part;
    const size = sizeAt(view, message);
    const verdict = sizeVerdict(size);
    if (verdict !== FOUND.part) return verdict;
    if (size > record) return this.#readChain(source, span, hello);
    if (end - message < size) return FOUND.part;
    if (!hello.read(bytes, view, message, message + size)) return FOUND.broken;
    this.isBroken =
      !hello.isSound || hasBrokenCertificate(view, message + size, message + record, end);
    return FOUND.hello;
  }

  /** Read a hello that goes on in the next record, once all of them are there. */
  #readChain(source: Source, span: Span, hello: Hello): Found {
    const chain = this.#chain;
    const carries = (size: number): boolean => chain.reaches(size, source, span);
    if (!carries(HANDSHAKE_HEADER)) return chain.isBroken ? FOUND.broken : FOUND.part;
    const header = RecordChain.join(HANDSHAKE_HEADER, source, span.at);
    const size = sizeAt(new DataView(header.buffer), 0);
    const verdict = sizeVerdict(size);
    if (verdict !== FOUND.part) return verdict;
    if (!carries(size)) return chain.isBroken ? FOUND.broken : FOUND.part;
    const message = RecordChain.join(size, source, span.at);
    if (!hello.read(message, new DataView(message.buffer), 0, size)) return FOUND.broken;
    this.isBroken = !hello.isSound;
    return FOUND.hello;
  }

  /** Wait for the next segment. Returns false when it cannot complete the hello. */
  #waits(packet: Packet): boolean {
    if (this.#prefix) return !this.#prefix.full;
    // What the capture cut off will not come.
    if (packet.payloadLength > packet.size) return false;
    this.#prefix = this.#buffers.take();
    this.#prefix?.take(packet);
    return this.#prefix !== undefined;
  }

  #close(): void {
    if (this.#prefix) this.#buffers.give(this.#prefix);
    this.#prefix = undefined;
    this.#chain.reset();
  }
}
