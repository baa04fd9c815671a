// SPDX-License-Identifier: BSD-3-Clause
/** Headers of text messages, which HTTP, RTSP, SIP and SSDP share (RFC 9112 section 2, RFC 3261 section 7). @module */
import type { Packet } from "./packet.ts";
import { Prefix } from "./prefix.ts";

/** Bytes of a header that are kept when it comes in several TCP segments; what is behind them is not seen. */
const HEADER_MAX = 4096;
const METHOD_MAX = 20;
const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const DELETE = 127;

const EMPTY = new Uint8Array(0);
/** A quarter of the time that TextDecoder takes for a view of the bytes. */
const { latin1Slice } = Buffer.prototype;

/** Bytes as a string, a character each; at most `max` of them. */
export const textOf = (bytes: Uint8Array, from: number, to: number, max: number): string =>
  from >= to ? "" : latin1Slice.call(bytes, from, Math.min(to, from + max));

/** Offset of a byte from `from` on, -1 when it is not before `end`. What lies behind is another packet's. */
function find(bytes: Uint8Array, byte: number, from: number, end: number): number {
  for (let at = from; at < end; at++) if (bytes[at] === byte) return at;
  return -1;
}

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

/** What the first line of a message is. */
export const START = { no: 0, request: 1, response: 2, unsure: 3 } as const;

/** Whether the bytes at `at` are those of `word`, which is ASCII; `end` may cut it short: then -1. */
function compare(bytes: Uint8Array, at: number, end: number, word: string): 1 | 0 | -1 {
  const size = Math.min(word.length, end - at);
  for (let i = 0; i < size; i++) if (bytes[at + i] !== word.charCodeAt(i)) return 0;
  return size === word.length ? 1 : -1;
}

const isMethod = (byte: number): boolean =>
  (byte >= 65 && byte <= 90) || byte === 45 || byte === 95 || byte === 36;

/**
 * What the bytes from `from` begin with, by the protocol's name at its place (`HTTP/`): a request
 * (`METHOD target HTTP/…`), a response (`HTTP/…`), neither, or too few bytes to tell.
 */
export function startOf(bytes: Uint8Array, from: number, end: number, protocol: string): number {
  const isResponse = compare(bytes, from, end, protocol);
  if (isResponse === 1) return START.response;
  if (isResponse === -1) return end > from ? START.unsure : START.no;
  let at = from;
  while (at < end && isMethod(bytes[at]!)) if (++at - from > METHOD_MAX) return START.no;
  if (at === end) return START.unsure;
  if (at === from || bytes[at] !== SPACE) return START.no;
  const target = ++at;
  while (at < end && bytes[at]! > SPACE && bytes[at] !== DELETE) at++;
  if (at === end) return START.unsure;
  if (at === target || bytes[at] !== SPACE) return START.no;
  const isRequest = compare(bytes, at + 1, end, protocol);
  if (isRequest === 1) return START.request;
  return isRequest === 0 ? START.no : START.unsure;
}

/** Offset behind the blank line that ends a header, looked for from `from`; -1 when it is not there. */
export function headerEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    at = find(bytes, LF, at, end);
    if (at < 0) return -1;
    at++;
    const next = at < end && bytes[at] === CR ? at + 1 : at;
    if (next < end && bytes[next] === LF) return next + 1;
  }
}

/**
 * A cursor over the lines of a header: the first one, then `name: value` fields until the blank line. Lines that
 * are no fields are passed over; a line without its end is not looked at, or its value would be a part of the true one.
 */
export class HeaderCursor {
  bytes: Uint8Array = EMPTY;
  /** The line without its end; of a field, where its value begins. */
  from = 0;
  to = 0;
  #name = 0;
  #nameEnd = 0;
  #next = 0;
  #end = 0;

  /** Begin with the header's first line: its words are had with {@link word}. Returns whether it is whole. */
  begin(bytes: Uint8Array, from: number, end: number): boolean {
    this.bytes = bytes;
    this.#next = from;
    this.#end = end;
    return this.#line();
  }

  #line(): boolean {
    const from = this.#next;
    const lf = find(this.bytes, LF, from, this.#end);
    if (lf < 0) return false;
    this.from = from;
    this.to = lf > from && this.bytes[lf - 1] === CR ? lf - 1 : lf;
    this.#next = lf + 1;
    return true;
  }

  /** A word of the first line, counted from 0, of at most `max` bytes; empty when there are not so many. */
  word(index: number, max: number): string {
    const { bytes } = this;
    let from = this.from;
    for (let i = 0; ; i++) {
      let to = from;
      while (to < this.to && bytes[to] !== SPACE) to++;
      if (i === index) return textOf(bytes, from, to, max);
      if (to >= this.to) return "";
      from = to + 1;
    }
  }

  /** Step to the next field. False behind the last one, and at a line that is not whole. */
  next(): boolean {
    while (this.#line()) {
      if (this.from === this.to) return false;
      const colon = find(this.bytes, COLON, this.from, this.to);
      if (colon < 0) continue;
      this.#name = this.from;
      this.#nameEnd = colon;
      this.from = colon + 1;
      this.#trim();
      return true;
    }
    return false;
  }

  #trim(): void {
    const { bytes } = this;
    while (this.from < this.to && isBlank(bytes[this.from])) this.from++;
    while (this.to > this.from && isBlank(bytes[this.to - 1])) this.to--;
  }

  /** Whether the field is called so. `name` is in lower case, the field's name in any. */
  is(name: string): boolean {
    const from = this.#name;
    if (this.#nameEnd - from !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const byte = this.bytes[from + i]!;
      if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== name.charCodeAt(i)) return false;
    }
    return true;
  }

  /** The field's value, of at most `max` bytes. */
  value(max: number): string {
    return textOf(this.bytes, this.from, this.to, max);
  }
}

const STATUS = /^[1-9]\d\d$/;

/** A status code from its three digits; 0 when it is none. */
export const statusOf = (word: string): number => (STATUS.test(word) ? Number(word) : 0);

/**
 * The header that one direction of a flow begins with, in one packet or over several TCP segments: then the first
 * {@link HEADER_MAX} bytes are kept until it is whole.
 */
export class HeaderInOrder {
  /** Where the header is, valid until the packet goes. */
  bytes: Uint8Array = EMPTY;
  from = 0;
  end = 0;
  #prefix: Prefix | undefined;
  /** Bytes of the prefix in which its end was looked for. */
  #seen = 0;

  /** Whether a part of a header waits for the rest. */
  get pending(): boolean {
    return (this.#prefix?.length ?? 0) > 0;
  }

  reset(): void {
    this.bytes = EMPTY;
    this.#prefix?.reset();
    this.#seen = 0;
  }

  /** Take the payload of a packet. Returns whether the header is whole, or as much of it as will be kept. */
  take(packet: Packet, isStream: boolean): boolean {
    if (!this.pending) {
      this.bytes = packet.bytes;
      this.from = packet.payload;
      this.end = packet.end;
      if (!isStream || headerEnd(packet.bytes, packet.payload, packet.end) >= 0) return true;
    }
    this.#prefix ??= new Prefix(HEADER_MAX);
    const prefix = this.#prefix;
    prefix.take(packet);
    this.#use(prefix);
    // Three bytes back: the blank line may be split as well.
    const isWhole = headerEnd(prefix.bytes, Math.max(0, this.#seen - 3), prefix.length) >= 0;
    this.#seen = prefix.length;
    return isWhole || prefix.full;
  }

  /** Point at what waits, for a flow that ends before its header does. */
  rest(): boolean {
    if (this.pending) this.#use(this.#prefix!);
    return this.pending;
  }

  #use(prefix: Prefix): void {
    this.bytes = prefix.bytes;
    this.from = 0;
    this.end = prefix.length;
  }
}
