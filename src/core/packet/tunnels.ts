// SPDX-License-Identifier: BSD-3-Clause
/** Which tunnel begins behind an IP header, and what is inside. @module */
import { ETHERTYPE } from "./ethertype.ts";

const UDP_PORT = { gtpu: 2152, teredo: 3544, vxlan: 4789, geneve: 6081 } as const;

/** Whether a whole IP header stands at `at`. */
export function isIp(view: DataView, at: number, end: number): boolean {
  if (at + 20 > end) return false;
  const first = view.getUint8(at);
  return first >>> 4 === 4 ? (first & 15) >= 5 : first >>> 4 === 6 && at + 40 <= end;
}

/** GRE (RFC 2784, 2890): type << 8 | header bytes, or 0 when what is inside is not decoded. */
export function gre(view: DataView, at: number, end: number): number {
  if (at + 4 > end) return 0;
  const flags = view.getUint16(at);
  let type = view.getUint16(at + 2);
  // Version 1 is PPTP: PPP inside, not decoded. Routing (bit 14) is obsolete.
  if ((flags & 0x4007) !== 0) return 0;
  let size = 4;
  if ((flags & 0x8000) !== 0) size += 4;
  if ((flags & 0x2000) !== 0) size += 4;
  if ((flags & 0x1000) !== 0) size += 4;
  if (type === ETHERTYPE.erspan) {
    // Type I has no sequence number and no header of its own, type II one of eight bytes.
    if ((flags & 0x1000) !== 0) size += 8;
    type = ETHERTYPE.ethernet;
  } else if (type === ETHERTYPE.erspan3) {
    if (at + size + 12 > end) return 0;
    size += 12 + ((view.getUint8(at + size + 11) & 1) << 3);
    type = ETHERTYPE.ethernet;
  } else if (type === ETHERTYPE.bridge) type = ETHERTYPE.ethernet;
  else if (type !== ETHERTYPE.ipv4 && type !== ETHERTYPE.ipv6 && type !== ETHERTYPE.mpls) return 0;
  return (type << 8) | size;
}

/** A tunnel over UDP by its port: type << 10 | bytes from the UDP header to what is inside, or 0. */
export function udpTunnel(view: DataView, udp: number, end: number): number {
  const port = view.getUint16(udp + 2);
  const at = udp + 8;
  if (port === UDP_PORT.vxlan) {
    // RFC 7348: the I flag set; GPE and GBP set others, which do not move the frame.
    return (view.getUint8(at) & 0x08) !== 0 ? (ETHERTYPE.ethernet << 10) | 16 : 0;
  }
  if (port === UDP_PORT.geneve) {
    // RFC 8926: version 0, options in words of four bytes.
    if (view.getUint8(at) >>> 6 !== 0) return 0;
    const size = 16 + ((view.getUint8(at) & 0x3f) << 2);
    const type = view.getUint16(at + 2);
    if (type === ETHERTYPE.bridge) return (ETHERTYPE.ethernet << 10) | size;
    return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6 ? (ETHERTYPE.anyIp << 10) | size : 0;
  }
  if (port === UDP_PORT.gtpu) return gtpu(view, at, end);
  if (port === UDP_PORT.teredo || view.getUint16(udp) === UDP_PORT.teredo)
    return teredo(view, at, end);
  return 0;
}

/** GTP-U (3GPP TS 29.281): a G-PDU of version 1, extension headers skipped. */
function gtpu(view: DataView, start: number, end: number): number {
  const flags = view.getUint8(start);
  if (flags >>> 4 !== 3 || view.getUint8(start + 1) !== 255) return 0;
  let at = start + 8;
  if ((flags & 7) !== 0) {
    at += 4;
    if (at > end) return 0;
    let next = (flags & 4) !== 0 ? view.getUint8(at - 1) : 0;
    for (let extensions = 0; next !== 0 && extensions < 4; extensions++) {
      if (at + 4 > end) return 0;
      const size = view.getUint8(at) << 2;
      if (size === 0 || at + size > end) return 0;
      next = view.getUint8(at + size - 1);
      at += size;
    }
    if (next !== 0) return 0;
  }
  return at - start + 8 < 1024 ? (ETHERTYPE.anyIp << 10) | (at - start + 8) : 0;
}

/** Teredo (RFC 4380): IPv6, behind an authentication or an origin indication or both. */
function teredo(view: DataView, start: number, end: number): number {
  let at = start;
  if (at + 13 <= end && view.getUint16(at) === 0x0001)
    at += 13 + view.getUint8(at + 2) + view.getUint8(at + 3);
  if (at + 8 <= end && view.getUint16(at) === 0x0000) at += 8;
  if (at + 40 > end || view.getUint8(at) >>> 4 !== 6) return 0;
  return (ETHERTYPE.anyIp << 10) | (at - start + 8);
}
