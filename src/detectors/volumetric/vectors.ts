// SPDX-License-Identifier: BSD-3-Clause
import type { Rule } from "../../core/alert.ts";
import type { Flow, Setup } from "./params.ts";

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMP6 = 58;

const SYN = 0x02;
const RST = 0x04;
/** ECE and CWR (RFC 3168 6.1.1) say nothing of a connection. */
const FLAGS = 0x3f;
/** SYN with one of these is of somebody who goes on with the connection. */
const GOES_ON = FLAGS & ~RST;
/** Most segments of a flow of no connection: forged sources rarely come twice. */
const SEGMENTS_MAX = 3;
/** Datagrams for each that comes back, from which on they are as good as unanswered: downloads have up to 20 or so. */
const UNANSWERED = 32;

/** What a flow may be part of: each is counted by itself. */
export const VECTOR = { syn: 0, tcp: 1, udp: 2, icmp: 3, other: 4 } as const;
export const NONE = -1;
/** Added to the vector where it goes to a network, not to a host. */
export const NETWORK = 8;

/** By the vector's number: what its packets are called, and the protocol that alerts have, 0 of several. */
export const SPEC = [
  { rule: "syn", packets: "SYNs without a connection", protocol: TCP },
  { rule: "tcp", packets: "TCP segments of no connection", protocol: TCP },
  { rule: "udp", packets: "unanswered UDP packets", protocol: UDP },
  { rule: "icmp", packets: "ICMP packets", protocol: ICMP },
  { rule: "other", packets: "packets of other protocols", protocol: 0 },
] as const;

const rule = (number: number, title: string): Rule => ({
  id: 9_000_220 + number,
  title,
  category: "Availability.DDoS",
  severity: 8,
  confidence: 0.9,
  techniques: ["T1498.001"],
});

export const rules = {
  syn: { ...rule(0, "SYN flood from many sources"), techniques: ["T1499.001", "T1498.001"] },
  tcp: rule(1, "TCP flood from many sources"),
  udp: rule(2, "UDP flood from many sources"),
  icmp: rule(3, "ICMP flood from many sources"),
  other: rule(4, "Flood of another protocol from many sources"),
  network: rule(5, "Flood spread over the hosts of a network"),
};

/** Least packets a second of each vector. */
export const leastOf = (params: Setup["params"]): readonly number[] => [
  params.synMin,
  params.tcpMin,
  params.udpMin,
  params.icmpMin,
  params.otherMin,
];

/** What kind of flood a flow may be part of; {@link NONE} of a conversation, as nearly all are. */
export function vectorOf(flow: Flow): number {
  const protocol = flow.PROTOCOL;
  if (protocol === TCP) return segments(flow, flow.TCP_FLAGS & FLAGS);
  if (protocol === UDP) return flow.PACKETS_REV * UNANSWERED > flow.PACKETS ? NONE : VECTOR.udp;
  if (protocol === ICMP || protocol === ICMP6) return VECTOR.icmp;
  return flow.PACKETS_REV === 0 ? VECTOR.other : NONE;
}

function segments(flow: Flow, flags: number): number {
  if ((flags & GOES_ON) === SYN) return VECTOR.syn;
  return flow.PACKETS_REV === 0 && flow.PACKETS <= SEGMENTS_MAX ? VECTOR.tcp : NONE;
}
