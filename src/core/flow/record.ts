// SPDX-License-Identifier: BSD-3-Clause
/**
 * The flow record in memory: what every packet touches lies in one cache line, the rest beside it.
 *
 * ```text
 *  hot, 64 bytes                                      cold, 32 bytes
 *  word  0  hash of the key                           word 0-1  MAC of the initiator, 6 bytes
 *        1  kind: protocol, IPv6 bit, VLAN key                1  (bytes 6-7: top MPLS label, upper half)
 *        2  ports, lower address first                      2-3  MAC of the responder, 6 bytes
 *        3  lower address, or second hash                        (bytes 14-15: top MPLS label, lower half)
 *        4  higher address, or row of the IPv6 pool           4  TTL and ToS of the initiator's first packet
 *        5  state: TCP flags forward | reverse << 8,          5  TTL and ToS of the responder's first packet
 *           direction of the initiator << 16, free bit 31     6-7  reserved for what a plugin learns of the flow
 *        6  microseconds from first to last packet
 *        7  handle of a side record, 0 = none
 *      8-9  time of the first packet, double
 *       10  packets forward        11  packets reverse
 *    12-13  bytes forward, double  14-15  bytes reverse, double
 * ```
 * @module
 */
import { SECOND } from "../unirec/time.ts";

/** Words of a hot record, and its shift. */
export const HOT_SHIFT = 4;
/** Words of a cold record, as a shift: 8 words, 32 bytes. */
export const COLD_SHIFT = 3;

export const HOT = {
  hash: 0,
  kind: 1,
  ports: 2,
  low: 3,
  high: 4,
  state: 5,
  lasted: 6,
  side: 7,
  packets: 10,
  packetsReverse: 11,
} as const;

/** Doubles of a hot record: 8 of them share its 16 words. */
export const HOT_DOUBLE = { first: 4, bytes: 6, bytesReverse: 7 } as const;

/** Bits of the state word above the two bytes of TCP flags. */
export const STATE = {
  /** The initiator is the higher address. */
  direction: 1 << 16,
  /** The record is in use. */
  used: 1 << 17,
} as const;

export const TCP = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

/** flowEndReason, IPFIX element 136. */
export const END_REASON = { idle: 1, active: 2, end: 3, forced: 4, resources: 5 } as const;

/** Whether TCP flags of both directions say that the connection is over: RST, or FIN from both sides. */
export const ended = (state: number): boolean =>
  (state & ((TCP.rst << 8) | TCP.rst)) !== 0 ||
  (state & ((TCP.fin << 8) | TCP.fin)) === ((TCP.fin << 8) | TCP.fin);

/** SYN is the one flag of these; what ECN sets does not count. */
const HANDSHAKE = TCP.fin | TCP.syn | TCP.rst | TCP.psh | TCP.ack;

/** Whether a record is a flow of one packet, or of TCP SYNs that nobody answered. */
export function isBrief(hot: Int32Array, w: number): boolean {
  const reverse = hot[w + HOT.packetsReverse]!;
  if (hot[w + HOT.packets]! + reverse === 1) return true;
  const isTcp = (hot[w + HOT.kind]! & 255) === 6;
  return isTcp && reverse === 0 && (hot[w + HOT.state]! & HANDSHAKE) === TCP.syn;
}

/** Longest active timeout: `lasted` is 31 bits of microseconds. */
export const ACTIVE_MAX = 2000 * SECOND;
