// SPDX-License-Identifier: BSD-3-Clause
import type { Rule } from "../../core/alert.ts";
import type { Flow, Setup } from "./params.ts";

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMP6 = 58;

const SYN = 0x02;
const RST = 0x04;
/** SYN with one of these is of somebody who goes on with the connection; ECE and CWR (RFC 3168 6.1.1) say nothing of it. */
const GOES_ON = 0x3f & ~RST;
/** Datagrams for each that comes back, from which on they are as good as unanswered: downloads have up to 20 or so. */
const UNANSWERED = 32;
/** Of QUIC's answers: their port, and what a packet of a download has at least. */
const QUIC = 443;
const EPHEMERAL = 1024;
const DOWNLOAD_BYTES = 1000;

export const KIND = { syn: 0, udp: 1, icmp: 2 } as const;
export const NONE = -1;

/** By the kind's number. */
export const SPEC = [
  { rule: "syn", packets: "SYNs without a connection", protocol: TCP },
  { rule: "udp", packets: "unanswered UDP packets", protocol: UDP },
  { rule: "icmp", packets: "ICMP packets", protocol: ICMP },
] as const;

const rule = (number: number, title: string): Rule => ({
  id: 9_000_230 + number,
  title,
  category: "Availability.DoS",
  severity: 6,
  confidence: 0.8,
  techniques: ["T1498.001"],
});

export const rules = {
  syn: { ...rule(0, "SYN flood"), techniques: ["T1499.001", "T1498.001"] },
  udp: rule(1, "UDP flood"),
  icmp: rule(2, "ICMP flood"),
};

/** Least packets a second of each kind. */
export const leastOf = ({ synMin, udpMin, icmpMin }: Setup["params"]): readonly number[] => [
  synMin,
  udpMin,
  icmpMin,
];

/** What kind of flood a flow may be part of; {@link NONE} of nearly all. */
export function kindOf(flow: Flow): number {
  const protocol = flow.PROTOCOL;
  if (protocol === TCP) return (flow.TCP_FLAGS & GOES_ON) === SYN ? KIND.syn : NONE;
  if (protocol === UDP)
    return flow.PACKETS_REV * UNANSWERED > flow.PACKETS || isDownload(flow) ? NONE : KIND.udp;
  return protocol === ICMP || protocol === ICMP6 ? KIND.icmp : NONE;
}

/** Whether it looks as what QUIC answers, which has nothing in return where flows have one direction each. */
const isDownload = (flow: Flow): boolean =>
  flow.SRC_PORT === QUIC &&
  flow.DST_PORT >= EPHEMERAL &&
  flow.BYTES >= DOWNLOAD_BYTES * flow.PACKETS;
