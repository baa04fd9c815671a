// SPDX-License-Identifier: BSD-3-Clause

/** Words of a decoded packet in the decoder's rows. */
export const ROW = 16;
/** What each word of a row is. Offsets are into the frame batch's bytes. */
export const WORD = {
  /** Hash of the flow key. */
  hash: 0,
  /** Protocol, bit 8 for IPv6, bit 24 for ARP, and the VLAN key: 0, or 0x1000 + VLAN id, from bit 9. */
  kind: 1,
  /** Port of the lower address in the upper half, of the higher in the lower. */
  ports: 2,
  /** IPv4: the lower address. IPv6: a second hash of both. Addresses as little-endian words. */
  low: 3,
  /** IPv4: the higher address. IPv6: 0. */
  high: 4,
  /** 0 when the source is the lower address, else 1. */
  direction: 5,
  /** Bytes of the IP packet by its own length field. */
  bytes: 6,
  tcpFlags: 7,
  /** Offset of the innermost IP header, or of the ARP packet. */
  ip: 8,
  /** Offset of what follows the IP headers; equal to `end` in later fragments. */
  transport: 9,
  /** Offset behind the captured bytes of the IP packet. */
  end: 10,
  /** Offset of the innermost Ethernet header; -1 without one, -2 - offset where there is only the sender's address. */
  ethernet: 11,
  /** TTL or hop limit in bits 0-7, ToS or traffic class in bits 8-15. */
  ttlTos: 12,
  /** Top MPLS label, traffic class and TTL as on the wire, or 0. */
  mpls: 13,
  /** Index of the frame in its batch. */
  frame: 14,
  /** Left to who reads the rows: the flow table notes a record in it. */
  spare: 15,
} as const;

/** What word `kind` of an ARP packet has set. */
export const KIND_ARP = 1 << 24;
