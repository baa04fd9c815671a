// SPDX-License-Identifier: BSD-3-Clause
/**
 * Long headers, which QUIC has until a connection is up.
 *
 * ```text
 *   flags 1 │ version 4 │ DCID 1+n │ SCID 1+n │ Initial: token v+n │ length v │ number and payload
 *                                             │ 0-RTT, Handshake:    length v │ number and payload
 *                                             │ Retry: token │ tag 16
 *           │ 0       4 │                     │ Version Negotiation: versions, 4 each
 * ```
 *
 * RFC 9000 section 17.2; `v` is a variable-length integer.
 * @module
 */
import { VarintCursor } from "./varint.ts";
import { type Version, versionOf } from "./versions.ts";

/** What a packet is, as a bit of QUIC_PACKETS. */
export const KIND = {
  initial: 1,
  zeroRtt: 2,
  handshake: 4,
  retry: 8,
  negotiation: 16,
} as const;

/** First byte: a long header, the fixed bit, the type. */
export const FLAG = { long: 0x80, fixed: 0x40, type: 0x30 } as const;
/** In the order of their numbers, in version 1. */
const KINDS = [KIND.initial, KIND.zeroRtt, KIND.handshake, KIND.retry] as const;
/** RFC 9369 section 3.2. */
const KINDS_2 = [KIND.retry, KIND.initial, KIND.zeroRtt, KIND.handshake] as const;

/** Flags, version, and the lengths of two empty connection ids. */
const HEADER_MIN = 7;
const ID_MAX = 20;
const TAG = 16;
/** Versions of a list that are looked at. */
const LIST_MAX = 64;
const cursor = new VarintCursor();

/** Reads long headers, one at a time; offsets are those of the memory it read. */
export class LongHeader {
  /** A {@link KIND}. */
  kind = 0;
  /** 0 in a Version Negotiation packet. */
  number = 0;
  /** Undefined when it is unknown, or what was read has no long header. */
  version: Version | undefined;
  from = 0;
  /** Destination connection id. */
  target = 0;
  targetLength = 0;
  /** Source connection id. */
  source = 0;
  sourceLength = 0;
  /** Bytes of the token in an Initial or Retry packet. */
  tokenLength = 0;
  /** Where the packet number is, which is protected. */
  packetNumber = 0;
  /** Offset behind the packet, another of which may follow in the datagram. */
  end = 0;

  /**
   * Read the header at an offset, of a datagram that ends at another. Returns whether there is one of a known
   * version, all lengths of which fit.
   *
   * @param captured offset behind the bytes that may be read, which is no more than `end`
   */
  read(
    view: DataView,
    from: number,
    { captured, end }: { captured: number; end: number },
  ): boolean {
    this.version = undefined;
    if (from + HEADER_MIN > captured) return false;
    const first = view.getUint8(from);
    if ((first & FLAG.long) === 0) return false;
    this.from = from;
    this.number = view.getUint32(from + 1);
    this.version = versionOf(this.number);
    this.tokenLength = 0;
    this.targetLength = view.getUint8(from + 5);
    this.target = from + 6;
    let at = this.target + this.targetLength;
    if (this.targetLength > ID_MAX || at >= captured) return false;
    this.sourceLength = view.getUint8(at);
    this.source = at + 1;
    at += 1 + this.sourceLength;
    if (this.sourceLength > ID_MAX || at > captured) return false;
    this.packetNumber = at;
    this.end = end;
    if (this.number === 0) return this.#negotiation(view, captured);
    if (!this.version) return false;
    this.kind = (this.version.isSecond ? KINDS_2 : KINDS)[(first & FLAG.type) >>> 4]!;
    if (this.kind === KIND.retry) return this.#retry();
    return this.#lengths(cursor.set(view, at, captured), end);
  }

  /** RFC 9000 section 17.2.1: some version of the list has to be one of QUIC's. */
  #negotiation(view: DataView, captured: number): boolean {
    this.kind = KIND.negotiation;
    const from = this.packetNumber;
    if ((this.end - from) % 4 !== 0) return false;
    const end = Math.min(captured - 3, from + 4 * LIST_MAX);
    for (let at = from; at < end; at += 4) {
      const version = versionOf(view.getUint32(at));
      if (version && !version.isGuess) return true;
    }
    return false;
  }

  #retry(): boolean {
    this.tokenLength = this.end - this.packetNumber - TAG;
    return this.tokenLength > 0;
  }

  #lengths(cursor: VarintCursor, end: number): boolean {
    if (this.kind === KIND.initial) {
      this.tokenLength = cursor.next();
      cursor.skip(this.tokenLength);
    }
    const length = cursor.next();
    if (cursor.failed || length === 0 || length > end - cursor.at) return false;
    this.packetNumber = cursor.at;
    this.end = cursor.at + length;
    return true;
  }
}
