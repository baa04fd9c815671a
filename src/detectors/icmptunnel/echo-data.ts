// SPDX-License-Identifier: BSD-3-Clause
/** What the first bytes of echo messages show. They begin with the ICMP header. @module */

/** Of the ICMP header: type, code, checksum, identifier, sequence number. */
const HEADER = 8;
/** Bytes of the message that the meter keeps at most; a shorter one is whole. */
const KEPT_MAX = 100;
/** Programs write the time into the first bytes of the data: what lies behind them is the same in all their messages. */
const TIMES = 32;
/** Least bytes behind the times that are compared. */
const COMPARED_MIN = 8;
/** Where a packet may begin in the data: tunnels put a header of their own in front. */
const PACKET_FROM_MAX = 32;
const V4_HEADER = 20;
const V6_HEADER = 40;
/** Of IP: ICMP, IGMP, IPv4, TCP, UDP, IPv6, GRE, ESP, AH, ICMPv6, OSPF, SCTP. */
const PROTOCOLS = new Set([1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 89, 132]);
/** What ptunnel begins with. */
const PTUNNEL = 0xd5200880;

/** Where a message lies in a view; its length is 0 when there is none. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** Whether the data is a tunnel's: a packet lies in it, or the mark of a known one. */
export function carriesPacket(view: DataView, message: Span): boolean {
  const { at, length } = message;
  if (length < HEADER + V4_HEADER) return false;
  if (view.getUint32(at + HEADER) === PTUNNEL || findV4(view, message) >= 0) return true;
  return isV6(view, at + HEADER, at + length, length < KEPT_MAX);
}

/** Where in the bytes an IPv4 header stands, whose checksum is right; -1 for nowhere. */
export function findV4(view: DataView, { at, length }: Span): number {
  const end = at + length;
  const stop = Math.min(at + HEADER + PACKET_FROM_MAX, end - V4_HEADER);
  for (let from = at + HEADER; from <= stop; from++)
    if (view.getUint8(from) >>> 4 === 4 && isV4(view, from, end, length < KEPT_MAX)) return from;
  return -1;
}

function isV4(view: DataView, from: number, end: number, isWhole: boolean): boolean {
  const header = (view.getUint8(from) & 15) * 4;
  const total = view.getUint16(from + 2);
  if (header < V4_HEADER || from + header > end || total < header) return false;
  if (isWhole ? from + total > end : from + total < end) return false;
  if (!PROTOCOLS.has(view.getUint8(from + 9))) return false;
  let sum = 0;
  for (let i = 0; i < header; i += 2) sum += view.getUint16(from + i);
  return (sum & 0xffff) + (sum >>> 16) === 0xffff;
}

/** IPv6 has no checksum: its length has to be right, and both its addresses of a kind that is in use. */
function isV6(view: DataView, from: number, end: number, isWhole: boolean): boolean {
  if (from + V6_HEADER > end || view.getUint8(from) >>> 4 !== 6) return false;
  const next = from + V6_HEADER + view.getUint16(from + 4);
  return (
    (isWhole ? next === end : next >= end) &&
    PROTOCOLS.has(view.getUint8(from + 6)) &&
    isUsed(view.getUint8(from + 8)) &&
    isUsed(view.getUint8(from + 24))
  );
}

/** First byte of global, unique local, link-local and multicast addresses. */
const isUsed = (first: number): boolean => (first & 0xe0) === 0x20 || first >= 0xfc;

/**
 * Whether the answer to a request has other data. RFC 792 and RFC 4443 section 4.2: what was sent is sent back. Some
 * hosts cut it, and some send back zeros, neither of which says anything.
 */
export function isAltered(view: DataView, sent: Span, back: Span): boolean {
  const length = Math.min(sent.length, back.length);
  const request = sent.at;
  const answer = back.at;
  if (length < HEADER + TIMES + COMPARED_MIN) return false;
  // Identifier and sequence number: the first answer may be one to an earlier request.
  if (view.getUint32(request + 4) !== view.getUint32(answer + 4)) return false;
  const first = view.getUint8(answer + HEADER + TIMES);
  let isEqual = true;
  let isFilled = true;
  for (let i = HEADER + TIMES; i < length; i++) {
    const byte = view.getUint8(answer + i);
    if (byte !== view.getUint8(request + i)) isEqual = false;
    if (byte !== first) isFilled = false;
  }
  return !isEqual && !isFilled;
}

/** A hash of what programs do not change from one message to the next, never 0; 0 when there is too little. */
export function fillingHash(view: DataView, { at, length }: Span): number {
  if (length < HEADER + TIMES + COMPARED_MIN) return 0;
  let hash = 0x811c9dc5;
  for (let i = HEADER + TIMES; i < length; i++)
    hash = Math.imul(hash ^ view.getUint8(at + i), 0x01000193);
  return hash || 1;
}
