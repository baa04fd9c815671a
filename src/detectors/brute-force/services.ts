// SPDX-License-Identifier: BSD-3-Clause
/**
 * What a failed login looks like from outside: as many packets and bytes as one takes, in a connection that was
 * opened and had something to say. The limits are facts of NEMEA's brute_force_detector.
 * @module
 */

/** SYN, PSH and ACK: a connection in which data went. */
const TALKED = 0x1a;
/** The same, reset. */
const TALKED_RESET = 0x1e;
/** The same, closed. */
export const TALKED_CLOSED = 0x1b;

/** Inclusive bounds of one direction of a connection; all of the flags have to be there. */
export interface Bounds {
  flags: number;
  packetsMin: number;
  packetsMax: number;
  bytesMin: number;
  bytesMax: number;
}

export interface Service {
  readonly name: "SSH" | "RDP" | "TELNET";
  readonly port: number;
  /** From client to server; the first ones are the operator's. */
  readonly incoming: readonly Bounds[];
  /** From server to client; none for TELNET, where each server has its own. */
  readonly outgoing: readonly Bounds[];
}

type Range = readonly [min: number, max: number];
const bounds = (flags: number, packets: Range, bytes: Range): Bounds => ({
  flags,
  packetsMin: packets[0],
  packetsMax: packets[1],
  bytesMin: bytes[0],
  bytesMax: bytes[1],
});

/** By their numbers: SSH 0, RDP 1, TELNET 2. */
export const services = (): readonly [Service, Service, Service] => [
  {
    name: "SSH",
    port: 22,
    incoming: [bounds(TALKED, [11, 30], [1000, 5000])],
    outgoing: [bounds(TALKED, [11, 50], [1000, 11_000])],
  },
  {
    name: "RDP",
    port: 3389,
    incoming: [
      bounds(TALKED, [20, 100], [2200, 8001]),
      bounds(TALKED_RESET, [7, 11], [1500, 2000]),
      bounds(TALKED, [3, 3], [100, 200]),
    ],
    outgoing: [
      bounds(TALKED, [30, 190], [3000, 180_000]),
      bounds(TALKED_RESET, [7, 7], [1700, 2200]),
      bounds(TALKED, [2, 2], [81, 119]),
    ],
  },
  { name: "TELNET", port: 23, incoming: [bounds(TALKED, [9, 50], [450, 3000])], outgoing: [] },
];
export const SERVICE = { ssh: 0, rdp: 1, telnet: 2 } as const;

/** The service of a port; -1 when it is none of them. */
export const serviceOfPort = (port: number): number =>
  port === 22 ? SERVICE.ssh : port === 3389 ? SERVICE.rdp : port === 23 ? SERVICE.telnet : -1;

/** Which of the services to watch: those that are named, or all. */
export const watched = (params: { ssh: boolean; rdp: boolean; telnet: boolean }) => {
  const named = [params.ssh, params.rdp, params.telnet];
  return named.includes(true) ? named : [true, true, true];
};

/** One direction of a connection. */
export interface Side {
  packets: number;
  bytes: number;
  flags: number;
}

/** Whether a direction lies within one of the bounds. */
export function isWithin(all: readonly Bounds[], { packets, bytes, flags }: Side): boolean {
  for (let i = 0; i < all.length; i++) {
    const one = all[i]!;
    if (
      packets >= one.packetsMin &&
      packets <= one.packetsMax &&
      bytes >= one.bytesMin &&
      bytes <= one.bytesMax &&
      (flags & one.flags) === one.flags
    )
      return true;
  }
  return false;
}

const SYN = 0x02;
const SYN_RST = 0x06;
const ACK = 0x10;
const SYN_ACK = 0x12;
const RST_ACK = 0x14;

/** Whether a direction is that of a port scan: a connection that never was. */
export function isScan(service: number, { packets, flags }: Side): boolean {
  if (packets > 4) return false;
  if (flags === SYN) return packets <= (service === SERVICE.ssh ? 4 : 3);
  if (flags === SYN_RST) return packets === 2;
  if (packets !== 1) return false;
  return flags === SYN_ACK || flags === RST_ACK || (flags === ACK && service === SERVICE.ssh);
}
