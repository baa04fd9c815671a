// SPDX-License-Identifier: BSD-3-Clause
// Hot path of bench meter. One class, typed arrays, no object a packet.

import { arpRow } from "./arp.ts";
import { ETHERTYPE, typeOfPpp } from "./ethertype.ts";
import { FragmentPorts } from "./fragments.ts";
import { FRAMES_MAX, type FrameBatch, restOfFrame } from "./frames.ts";
import { LINK, linkLayer, senderAt } from "./link.ts";
import { ROW } from "./row.ts";
import { gre, isIp, udpTunnel } from "./tunnels.ts";

/** Headers nested deeper than this are taken for an attack on the decoder. */
const LAYERS_MAX = 12;

const PROTOCOL = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  ah: 51,
  sctp: 132,
  udplite: 136,
} as const;
/** IPv6 next header of a packet that ends there (RFC 8200 4.7). */
const NO_NEXT_HEADER = 59;

export interface DecoderOptions {
  /** Whether the outer VLAN id is part of the flow key. */
  readonly vlanInKey?: boolean;
  /** Whether tunnels are opened; else the outer header is the key. */
  readonly tunnels?: boolean;
  /** Whether ARP packets are rows too. */
  readonly arp?: boolean;
}

/**
 * Decodes a batch of frames into rows of words: where the headers are and what the flow key is.
 *
 * Ethernet, VLAN and QinQ, MPLS, PPPoE, IPv4, IPv6 with its extension headers, fragments, TCP, UDP, ICMP,
 * SCTP; inside GRE (ERSPAN too), IP-in-IP, VXLAN, Geneve, GTP-U and Teredo the inner header is the key.
 * Each frame is either a row or counted as ignored, with the reason.
 */
export class PacketDecoder {
  /** {@link ROW} words a packet: see {@link WORD}. */
  readonly rows = new Int32Array(FRAMES_MAX * ROW);
  /** Capture time of each row, microseconds since 1970. */
  readonly time = new Float64Array(FRAMES_MAX);
  /** Rows of the last batch. */
  count = 0;
  /** Frames that carry no IP packet (ARP, LLDP, encrypted Wi-Fi, …). */
  nonIp = 0;
  /** Frames whose headers are cut short or contradict themselves. */
  malformed = 0;
  /** Frames of a link type that is not decoded. */
  unknownLink = 0;
  readonly fragments: FragmentPorts;
  readonly #seed = (Math.random() * 2 ** 32) | 0;
  readonly #vlanMask: number;
  readonly #tunnels: boolean;
  readonly #arp: boolean;
  /** The row's word for a frame without Ethernet header. */
  #noEthernet = -1;

  constructor({ vlanInKey = true, tunnels = true, arp = false }: DecoderOptions = {}) {
    this.#vlanMask = vlanInKey ? -1 : 0;
    this.#tunnels = tunnels;
    this.#arp = arp;
    this.fragments = new FragmentPorts();
  }

  decode(frames: FrameBatch): void {
    this.count = 0;
    const link = linkLayer(frames.linkType);
    if (link === LINK.unknown) {
      this.unknownLink += frames.count;
      return;
    }
    if (link === LINK.ethernet) {
      for (let i = 0; i < frames.count; i++) {
        const start = frames.start[i]!;
        this.#layers(frames, i, start, ETHERTYPE.ethernet);
      }
      return;
    }
    for (let i = 0; i < frames.count; i++) this.#otherLink(frames, i, link);
    this.#noEthernet = -1;
  }

  /** Find the network layer of a frame that is not Ethernet. */
  #otherLink(frames: FrameBatch, i: number, link: number): void {
    const { view } = frames;
    const start = frames.start[i]!;
    const limit = start + frames.captured[i]!;
    const header = LINK.headerBytes[link]!;
    if (start + header > limit) {
      this.malformed++;
      return;
    }
    switch (link) {
      case LINK.raw:
        this.#layers(frames, i, start, ETHERTYPE.anyIp);
        return;
      case LINK.loopback: {
        // The address family in the byte order of the capturing host; LOOP has network order.
        const family = view.getUint8(start) | view.getUint8(start + 3);
        const ip = family === 2 || family === 24 || family === 28 || family === 30 || family === 10;
        this.#layers(frames, i, start + 4, ip ? ETHERTYPE.anyIp : ETHERTYPE.none);
        return;
      }
      case LINK.sll:
        this.#noEthernet = senderAt(view.getUint16(start + 4), start + 6);
        this.#layers(frames, i, start + 16, view.getUint16(start + 14));
        return;
      case LINK.sll2:
        this.#noEthernet = senderAt(view.getUint8(start + 11), start + 12);
        this.#layers(frames, i, start + 20, view.getUint16(start));
        return;
      case LINK.hdlc:
        this.#layers(frames, i, start + 4, view.getUint16(start + 2));
        return;
      case LINK.ppp:
        this.#ppp(frames, i, start, limit);
        return;
      case LINK.radiotap: {
        const size = view.getUint16(start + 2, true);
        if (size < header) this.malformed++;
        else this.#wifi(frames, i, start + size, limit);
        return;
      }
      default:
        this.#wifi(frames, i, start, limit);
    }
  }

  /** PPP, with or without the HDLC-like address and control bytes (RFC 1662). */
  #ppp(frames: FrameBatch, i: number, start: number, limit: number): void {
    const { view } = frames;
    let at = start;
    if (view.getUint16(at) === 0xff03 || view.getUint16(at) === 0x0f00) at += 2;
    if (at + 2 > limit) this.malformed++;
    else if (view.getUint16(start) === 0x0f00) this.#layers(frames, i, at + 2, view.getUint16(at));
    else this.#layers(frames, i, at + 2, typeOfPpp(view.getUint16(at)));
  }

  /** An 802.11 data frame in the clear: MAC header, then LLC/SNAP. */
  #wifi(frames: FrameBatch, i: number, start: number, limit: number): void {
    const { view } = frames;
    if (start + 24 > limit) {
      this.malformed++;
      return;
    }
    const control = view.getUint8(start);
    const flags = view.getUint8(start + 1);
    // Type 2 is data; subtype bit 2 means it carries none; 0x40 is encrypted.
    if ((control & 0x0c) !== 0x08 || (control & 0x40) !== 0 || (flags & 0x40) !== 0) {
      this.nonIp++;
      return;
    }
    let at = start + 24;
    if ((flags & 3) === 3) at += 6;
    if ((control & 0x80) !== 0) at += (flags & 0x80) !== 0 ? 6 : 2;
    if (at + 8 > limit) this.malformed++;
    else if (view.getUint16(at) === 0xaaaa) this.#layers(frames, i, at + 8, view.getUint16(at + 6));
    else this.nonIp++;
  }

  /** Walk the headers from `from`, where a header of `first` begins, to the innermost IP packet. */
  #layers(frames: FrameBatch, i: number, from: number, first: number): void {
    const { view } = frames;
    let limit = frames.start[i]! + frames.captured[i]!;
    let at = from;
    let type = first;
    // What was seen on the way; it belongs to the packet only once an IP header follows, see below.
    let ethernetSeen = this.#noEthernet;
    let vlanSeen = 0;
    let mplsSeen = 0;
    let ethernet = ethernetSeen;
    let vlan = 0;
    let mpls = 0;
    let ip = -1;
    let end = limit;
    let transport = 0;
    let protocol = 0;
    let bytes = 0;
    let fragment = false;
    let later = false;
    let ttlTos = 0;
    let v6 = false;

    walk: for (let depth = 0; ; depth++) {
      if (depth === LAYERS_MAX) {
        this.malformed++;
        return;
      }
      if (type === ETHERTYPE.ethernet) {
        if (at + 14 > limit) break;
        ethernetSeen = at;
        type = view.getUint16(at + 12);
        at += 14;
        if (type < 0x600) {
          // 802.3 length: LLC/SNAP may still carry an ethertype.
          if (at + 8 > limit || view.getUint16(at) !== 0xaaaa) {
            type = ETHERTYPE.none;
          } else {
            type = view.getUint16(at + 6);
            at += 8;
          }
        }
      }
      while (
        type === ETHERTYPE.vlan ||
        type === ETHERTYPE.qinq ||
        type === ETHERTYPE.qinqOld ||
        type === ETHERTYPE.qinqOlder
      ) {
        if (at + 4 > limit) break walk;
        // Id 0 gives a frame a priority and no VLAN (IEEE 802.1Q 9.6).
        const id = view.getUint16(at) & 0xfff;
        if (vlanSeen === 0 && id !== 0) vlanSeen = 0x1000 | id;
        type = view.getUint16(at + 2);
        at += 4;
      }
      if (type !== ETHERTYPE.ipv4 && type !== ETHERTYPE.ipv6) {
        switch (type) {
          case ETHERTYPE.mpls:
          case ETHERTYPE.mplsMulticast: {
            let bottom = 0;
            do {
              if (at + 4 > limit) break walk;
              if (mplsSeen === 0) mplsSeen = view.getInt32(at);
              bottom = view.getUint8(at + 2) & 1;
              at += 4;
            } while (bottom === 0);
            if (at + 1 > limit) break walk;
            const nibble = view.getUint8(at) >>> 4;
            if (nibble === 4 || nibble === 6) type = ETHERTYPE.anyIp;
            else if (nibble === 0 && at + 18 <= limit) {
              // An Ethernet pseudowire with control word (RFC 4448).
              at += 4;
              type = ETHERTYPE.ethernet;
            } else type = ETHERTYPE.none;
            break;
          }
          case ETHERTYPE.pppoe:
            if (at + 8 > limit) break walk;
            type = typeOfPpp(view.getUint16(at + 6));
            at += 8;
            break;
          case ETHERTYPE.vntag:
            if (at + 6 > limit) break walk;
            type = view.getUint16(at + 4);
            at += 6;
            break;
          case ETHERTYPE.etag:
            if (at + 8 > limit) break walk;
            type = view.getUint16(at + 6);
            at += 8;
            break;
          case ETHERTYPE.nsh: {
            // RFC 8300: length in words of four bytes, next protocol 1 IPv4, 2 IPv6, 3 Ethernet.
            if (at + 8 > limit) break walk;
            const next = view.getUint8(at + 3);
            const size = (view.getUint8(at + 1) & 0x3f) << 2;
            if (size < 8) break walk;
            at += size;
            type =
              next === 1 || next === 2
                ? ETHERTYPE.anyIp
                : next === 3
                  ? ETHERTYPE.ethernet
                  : ETHERTYPE.none;
            break;
          }
          case ETHERTYPE.anyIp: {
            if (at + 1 > limit) break walk;
            const version = view.getUint8(at) >>> 4;
            if (version !== 4 && version !== 6) break walk;
            type = version === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
            break;
          }
          default:
            // Inside a tunnel something that is not IP: the packet is counted by the tunnel's own header.
            if (ip >= 0) break walk;
            if (type === ETHERTYPE.arp && this.#arp) {
              const place = { frame: i, at, limit, ethernet: ethernetSeen, seed: this.#seed };
              if (arpRow(frames, place, this.rows, this.count * ROW)) {
                this.time[this.count++] = frames.time[i]!;
                return;
              }
            }
            this.nonIp++;
            return;
        }
        continue;
      }

      if (type === ETHERTYPE.ipv4) {
        if (at + 20 > limit) break;
        const header = (view.getUint8(at) & 15) << 2;
        const total = view.getUint16(at + 2);
        if (view.getUint8(at) >>> 4 !== 4 || header < 20) break;
        if (total < header && total !== 0) break;
        v6 = false;
        ip = at;
        // A length of 0 is what segmentation offload leaves: then the frame says how long the packet is.
        bytes = total === 0 ? restOfFrame(frames, i, at) : total;
        end = Math.min(at + bytes, limit);
        protocol = view.getUint8(at + 9);
        ttlTos = view.getUint8(at + 8) | (view.getUint8(at + 1) << 8);
        const offset = view.getUint16(at + 6);
        fragment = (offset & 0x3fff) !== 0;
        later = (offset & 0x1fff) !== 0;
        transport = later ? end : at + header;
      } else {
        if (at + 40 > limit || view.getUint8(at) >>> 4 !== 6) break;
        v6 = true;
        ip = at;
        const payload = view.getUint16(at + 4);
        protocol = view.getUint8(at + 6);
        // Offload and jumbograms (RFC 2675) leave 0 too; with no next header it means just that.
        bytes =
          payload === 0 && protocol !== NO_NEXT_HEADER ? restOfFrame(frames, i, at) : payload + 40;
        end = Math.min(at + bytes, limit);
        ttlTos = view.getUint8(at + 7) | ((view.getUint16(at) & 0x0ff0) << 4);
        transport = at + 40;
        fragment = false;
        later = false;
        // Hop-by-hop, routing, fragment, AH, destination options, mobility, HIP, shim6 (RFC 8200, 7045).
        while (
          protocol === 0 ||
          protocol === 43 ||
          protocol === 44 ||
          protocol === 51 ||
          protocol === 60 ||
          protocol === 135 ||
          protocol === 139 ||
          protocol === 140
        ) {
          if (transport + 8 > end) {
            transport = end;
            break;
          }
          const next = view.getUint8(transport);
          if (protocol === 44) {
            const offset = view.getUint16(transport + 2);
            fragment = (offset & 0xfff9) !== 0;
            later = (offset & 0xfff8) !== 0;
            transport += 8;
          } else if (protocol === PROTOCOL.ah) transport += (view.getUint8(transport + 1) + 2) << 2;
          else transport += (view.getUint8(transport + 1) + 1) << 3;
          protocol = next;
          if (later) {
            transport = end;
            break;
          }
        }
        if (transport > end) transport = end;
      }

      ethernet = ethernetSeen;
      vlan = vlanSeen;
      mpls = mplsSeen;
      if (!this.#tunnels || later) break;
      // Which tunnel, if any, begins here: `type` and `at` of what is inside, or leave the loop.
      if (protocol === PROTOCOL.ipip || protocol === PROTOCOL.ipv6) {
        at = transport;
        type = ETHERTYPE.anyIp;
        if (!isIp(view, at, end)) break;
      } else if (protocol === PROTOCOL.gre) {
        const inner = gre(view, transport, end);
        if (inner === 0) break;
        at = transport + (inner & 0xff);
        type = inner >>> 8;
        if (type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6) {
          if (!isIp(view, at, end)) break;
        } else if (at + 14 > end) break;
      } else if (protocol === PROTOCOL.udp && transport + 16 <= end) {
        const inner = udpTunnel(view, transport, end);
        if (inner === 0) break;
        at = transport + (inner & 0x3ff);
        type = inner >>> 10;
        if (type === ETHERTYPE.anyIp ? !isIp(view, at, end) : at + 14 > end) break;
      } else break;
      // What is inside ends where the tunnel's packet does, padding of the frame is not part of it.
      limit = end;
    }

    if (ip < 0) {
      this.malformed++;
      return;
    }

    const z = this.count * ROW;
    let source = 0;
    let destination = 0;
    let tcpFlags = 0;
    if (fragment) {
      const ports = this.fragments.ports(
        view,
        ip,
        transport,
        later ? -1 : end,
        protocol,
        frames.time[i]!,
        v6,
      );
      protocol = this.fragments.protocol;
      source = ports >>> 16;
      destination = ports & 0xffff;
      if (!later && protocol === PROTOCOL.tcp && transport + 14 <= end)
        tcpFlags = view.getUint8(transport + 13);
    } else if (protocol === PROTOCOL.tcp) {
      if (transport + 4 <= end) {
        source = view.getUint16(transport);
        destination = view.getUint16(transport + 2);
        if (transport + 14 <= end) tcpFlags = view.getUint8(transport + 13);
      }
    } else if (
      protocol === PROTOCOL.udp ||
      protocol === PROTOCOL.sctp ||
      protocol === PROTOCOL.udplite ||
      protocol === PROTOCOL.dccp
    ) {
      if (transport + 4 <= end) {
        source = view.getUint16(transport);
        destination = view.getUint16(transport + 2);
      }
    }

    const { rows } = this;
    let low = 0;
    let high = 0;
    let direction = 0;
    if (v6) {
      // The sides are ordered by their words, the first that differ.
      let word = 0;
      while (
        word < 12 &&
        view.getInt32(ip + 8 + word, true) === view.getInt32(ip + 24 + word, true)
      )
        word += 4;
      const a = view.getInt32(ip + 8 + word, true);
      const b = view.getInt32(ip + 24 + word, true);
      direction = a > b || (a === b && source > destination) ? 1 : 0;
      const first = direction === 0 ? ip + 8 : ip + 24;
      const second = direction === 0 ? ip + 24 : ip + 8;
      low = mix(
        mix(view.getInt32(first, true), view.getInt32(first + 4, true)),
        mix(view.getInt32(first + 8, true), view.getInt32(first + 12, true)),
      );
      low = mix(
        low,
        mix(
          mix(view.getInt32(second, true), view.getInt32(second + 4, true)),
          mix(view.getInt32(second + 8, true), view.getInt32(second + 12, true)),
        ),
      );
    } else {
      low = view.getInt32(ip + 12, true);
      high = view.getInt32(ip + 16, true);
      if (low > high || (low === high && source > destination)) {
        direction = 1;
        const swap = low;
        low = high;
        high = swap;
      }
    }
    const ports = direction === 0 ? (source << 16) | destination : (destination << 16) | source;
    const kind = protocol | (v6 ? 256 : 0) | ((vlan & this.#vlanMask) << 9);
    let hash = Math.imul(low ^ this.#seed, 0x9e3779b1) ^ high;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ ports;
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) ^ kind;
    hash = Math.imul(hash ^ (hash >>> 16), 0x27d4eb2f);
    rows[z] = hash ^ (hash >>> 15);
    rows[z + 1] = kind;
    rows[z + 2] = ports;
    rows[z + 3] = low;
    rows[z + 4] = high;
    rows[z + 5] = direction;
    rows[z + 6] = bytes;
    rows[z + 7] = tcpFlags;
    rows[z + 8] = ip;
    rows[z + 9] = transport;
    rows[z + 10] = end;
    rows[z + 11] = ethernet;
    rows[z + 12] = ttlTos;
    rows[z + 13] = mpls;
    rows[z + 14] = i;
    this.time[this.count++] = frames.time[i]!;
  }
}

const mix = (a: number, b: number): number => {
  const h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  return h ^ (h >>> 15);
};
