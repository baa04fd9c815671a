// SPDX-License-Identifier: BSD-3-Clause

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const TAGS = new Set([0x8100, 0x88a8, 0x9100]);
const MPLS = new Set([0x8847, 0x8848]);

/**
 * Finds the outermost IP header of an Ethernet frame behind VLAN tags and MPLS labels.
 *
 * @returns its offset in `frames`, or -1 for ARP, truncated frames and all else
 */
export const findIp = (frames: DataView, start: number, end: number): number => {
  let at = start + 12;
  while (at + 2 <= end && TAGS.has(frames.getUint16(at))) at += 4;
  if (at + 2 > end) return -1;
  const etherType = frames.getUint16(at);
  at += 2;
  if (MPLS.has(etherType)) {
    // The lowest bit of a label's third byte marks the bottom of the stack (RFC 3032 §2.1).
    while (at + 4 <= end && (frames.getUint8(at + 2) & 1) === 0) at += 4;
    at += 4;
  } else if (etherType !== IPV4 && etherType !== IPV6) {
    return -1;
  }
  if (at >= end) return -1;
  const version = frames.getUint8(at) >>> 4;
  if (version === 4) return at + 20 <= end ? at : -1;
  if (version === 6) return at + 40 <= end ? at : -1;
  return -1;
};

/**
 * Moves both addresses of the IP header at `ip` to another network by XOR with `key`: equal
 * addresses stay equal, so a copy has the flows of its original and none of another copy.
 * An IPv4 address keeps its first octet and an IPv6 address its first 32 bits, so multicast stays
 * multicast and private stays private. Checksums are left as they are.
 */
export const readdress = (frames: DataView, ip: number, key: number): void => {
  if (frames.getUint8(ip) >>> 4 === 4) {
    const low = key & 0xffffff;
    frames.setUint32(ip + 12, frames.getUint32(ip + 12) ^ low);
    frames.setUint32(ip + 16, frames.getUint32(ip + 16) ^ low);
    return;
  }
  frames.setUint32(ip + 12, frames.getUint32(ip + 12) ^ key);
  frames.setUint32(ip + 28, frames.getUint32(ip + 28) ^ key);
};
