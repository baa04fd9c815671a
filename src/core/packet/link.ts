// SPDX-License-Identifier: BSD-3-Clause

/** Link layers the decoder knows, and the bytes of each one's fixed header. */
export const LINK = {
  unknown: 0,
  ethernet: 1,
  raw: 2,
  loopback: 3,
  sll: 4,
  sll2: 5,
  hdlc: 6,
  ppp: 7,
  wifi: 8,
  radiotap: 9,
  headerBytes: [0, 14, 1, 4, 16, 20, 4, 2, 24, 8],
} as const;

/** LINKTYPE_ values of capture files, see tcpdump.org/linktypes.html. */
const LINK_OF_TYPE = new Map<number, number>([
  [0, LINK.loopback], // NULL
  [1, LINK.ethernet],
  [9, LINK.ppp],
  [12, LINK.raw], // DLT_RAW of most systems
  [14, LINK.raw], // DLT_RAW of OpenBSD
  [50, LINK.ppp], // PPP_HDLC
  [101, LINK.raw],
  [104, LINK.hdlc],
  [105, LINK.wifi],
  [108, LINK.loopback], // LOOP
  [113, LINK.sll],
  [127, LINK.radiotap],
  [228, LINK.raw], // IPV4
  [229, LINK.raw], // IPV6
  [276, LINK.sll2],
]);

/** The link layer of a LINKTYPE_ value; {@link LINK.unknown} when its frames are not decoded. */
export const linkLayer = (linkType: number): number => LINK_OF_TYPE.get(linkType) ?? LINK.unknown;

/**
 * A row's word for the address at `at` of a cooked capture, which has the sender's only: -2 - offset; -1 when it is
 * not one of Ethernet.
 */
export const senderAt = (size: number, at: number): number => (size === 6 ? -2 - at : -1);
