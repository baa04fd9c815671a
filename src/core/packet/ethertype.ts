// SPDX-License-Identifier: BSD-3-Clause

/** What header comes next: ethertypes, and three values beyond them. */
export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  ipv6: 0x86dd,
  vlan: 0x8100,
  qinq: 0x88a8,
  qinqOld: 0x9100,
  qinqOlder: 0x9200,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoe: 0x8864,
  vntag: 0x8926,
  etag: 0x893f,
  nsh: 0x894f,
  bridge: 0x6558,
  erspan: 0x88be,
  erspan3: 0x22eb,
  /** Not an ethertype: the bytes are IP, the version says which. */
  anyIp: 0x10000,
  /** Not an ethertype: nothing below is decoded. */
  none: 0x10001,
  /** Not an ethertype: an Ethernet header follows. */
  ethernet: 0x10002,
} as const;

/** The ethertype of what a PPP protocol number says (RFC 1661 section 2). */
export const typeOfPpp = (protocol: number): number => {
  if (protocol === 0x0021) return ETHERTYPE.ipv4;
  if (protocol === 0x0057) return ETHERTYPE.ipv6;
  return protocol === 0x0281 ? ETHERTYPE.mpls : ETHERTYPE.none;
};
