// SPDX-License-Identifier: BSD-3-Clause

import { EXIT, NemeanError } from "../../core/errors.ts";
import { errno, errnoText, libc } from "../../core/net/libc.ts";

/** A network interface as rtnetlink describes it, in this thread's network namespace. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_ value: 1 is Ethernet, 772 loopback, 65534 none (tun). */
  readonly hardware: number;
  readonly up: boolean;
  readonly loopback: boolean;
  /** There is a signal on the line. */
  readonly carrier: boolean;
  /** How many ask for promiscuous mode, captures included; ip(8) shows the same as promiscuity. */
  readonly promiscuity: number;
  /** Bytes of the largest packet, link-layer header not included. */
  readonly mtu: number;
  /** Counters of the device, named as in /sys/class/net/NAME/statistics. */
  readonly statistics: Readonly<Record<string, number>>;
}

/** struct rtnl_link_stats64, linux/if_link.h: 64-bit counters in this order. */
const COUNTERS = [
  "rx_packets",
  "tx_packets",
  "rx_bytes",
  "tx_bytes",
  "rx_errors",
  "tx_errors",
  "rx_dropped",
  "tx_dropped",
  "multicast",
  "collisions",
  "rx_length_errors",
  "rx_over_errors",
  "rx_crc_errors",
  "rx_frame_errors",
  "rx_fifo_errors",
  "rx_missed_errors",
  "tx_aborted_errors",
  "tx_carrier_errors",
  "tx_fifo_errors",
  "tx_heartbeat_errors",
  "tx_window_errors",
  "rx_compressed",
  "tx_compressed",
  "rx_nohandler",
] as const;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const REQUEST_DUMP = 0x301;
const IFLA = { name: 3, mtu: 4, statistics: 23, promiscuity: 30 } as const;
const IFF = { up: 1, loopback: 8, lowerUp: 0x10000 } as const;

/** struct nlmsghdr, then struct ifinfomsg; attributes follow. */
const HEADER = 16;
const ATTRIBUTES = 32;
/** The kernel sends no netlink dump in larger pieces. */
const PIECE = 32_768;

/**
 * The interfaces of this thread's network namespace. (/sys shows those of the namespace it was mounted in.)
 * @throws {NemeanError} ERR_CAPTURE when the kernel lets us ask nothing
 */
export function listLinks(): Link[] {
  const c = libc();
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failure("socket");
  try {
    const request = new DataView(new ArrayBuffer(ATTRIBUTES));
    request.setUint32(0, ATTRIBUTES, true);
    request.setUint16(4, RTM_GETLINK, true);
    request.setUint16(6, REQUEST_DUMP, true);
    if (c.send(fd, new Uint8Array(request.buffer), ATTRIBUTES, 0) < 0) throw failure("send");
    const links: Link[] = [];
    const piece = new Uint8Array(new ArrayBuffer(PIECE));
    for (;;) {
      const size = Number(c.recv(fd, piece, PIECE, 0));
      if (size <= 0) throw failure("recv");
      if (!parsePiece(new DataView(piece.buffer, 0, size), links)) return links;
    }
  } finally {
    c.close(fd);
  }
}

/** The interface of this name; undefined when there is none. */
export const findLink = (name: string): Link | undefined =>
  listLinks().find((link) => link.name === name);

const failure = (call: string): NemeanError =>
  new NemeanError(
    "ERR_CAPTURE",
    EXIT.os,
    `cannot list the network interfaces: netlink ${call}: ${errnoText(errno())}`,
  );

/** Returns whether more pieces follow. */
function parsePiece(view: DataView, links: Link[]): boolean {
  let at = 0;
  while (at + HEADER <= view.byteLength) {
    const size = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE || type === NLMSG_ERROR || size < HEADER) return false;
    if (type === RTM_NEWLINK) links.push(parseLink(view, at, at + size));
    at += (size + 3) & ~3;
  }
  return true;
}

function parseLink(view: DataView, start: number, end: number): Link {
  const flags = view.getUint32(start + HEADER + 8, true);
  const link = {
    index: view.getInt32(start + HEADER + 4, true),
    name: "",
    hardware: view.getUint16(start + HEADER + 2, true),
    up: (flags & IFF.up) !== 0,
    loopback: (flags & IFF.loopback) !== 0,
    carrier: (flags & IFF.lowerUp) !== 0,
    promiscuity: 0,
    mtu: 0,
    statistics: {},
  };
  let at = start + ATTRIBUTES;
  while (at + 4 <= end) {
    const size = view.getUint16(at, true);
    if (size < 4) break;
    const type = view.getUint16(at + 2, true);
    if (type === IFLA.name) link.name = textAt(view, at + 4, size - 4);
    else if (type === IFLA.mtu) link.mtu = view.getUint32(at + 4, true);
    else if (type === IFLA.promiscuity) link.promiscuity = view.getUint32(at + 4, true);
    else if (type === IFLA.statistics) link.statistics = countersAt(view, at + 4, size - 4);
    at += (size + 3) & ~3;
  }
  return link;
}

function countersAt(view: DataView, at: number, size: number): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const [i, name] of COUNTERS.entries()) {
    if (i * 8 + 8 <= size) counters[name] = Number(view.getBigUint64(at + i * 8, true));
  }
  return counters;
}

/** A text with a NUL at its end. */
const textAt = (view: DataView, at: number, size: number): string =>
  new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, size - 1));
