// SPDX-License-Identifier: BSD-3-Clause
import type { FLOWS } from "../flow/flows.ts";
import { parseIp, parseMac } from "../unirec/ip.ts";
import type { RecordWriter, Setters } from "../unirec/writer.ts";
import { counterOf, numberOf } from "./values.ts";

/** IPFIX flowEndReason. */
export const END = { idle: 1, active: 2, detected: 3, forced: 4, resources: 5 } as const;
export const TCP = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
const ICMP = 1;
const ICMP6 = 58;
const UINT32_MAX = 0xffff_ffff;
const UINT64_MAX = 2 ** 53;

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: ICMP,
  igmp: 2,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: ICMP6,
  icmpv6: ICMP6,
  "ipv6-icmp": ICMP6,
  ospf: 89,
  pim: 103,
  sctp: 132,
};

/** What a line says of a flow: values as the log has them, of whatever type, and what the source has made of others. */
export interface LoggedFlow {
  readonly source: unknown;
  readonly target: unknown;
  /** Of ICMP: nothing, and the two below. */
  readonly sourcePort?: unknown;
  readonly targetPort?: unknown;
  readonly icmpType?: unknown;
  readonly icmpCode?: unknown;
  /** Name or number. */
  readonly protocol: unknown;
  readonly packets?: unknown;
  readonly packetsReverse?: unknown;
  readonly bytes?: unknown;
  readonly bytesReverse?: unknown;
  readonly sourceMac?: unknown;
  readonly targetMac?: unknown;
  /** Microseconds since 1970. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly flags: number;
  readonly flagsReverse: number;
  readonly endReason: number;
}

/** Fill in a record; returns what is wrong where the line says no flow. What it does not say is zero. */
export function compose(
  record: RecordWriter & Setters<typeof FLOWS>,
  flow: LoggedFlow,
  link: bigint,
): string | undefined {
  const source = addressOf(flow.source);
  const target = addressOf(flow.target);
  if (!source) return `source is no address: ${quoted(flow.source)}`;
  if (!target) return `destination is no address: ${quoted(flow.target)}`;
  if (flow.first === undefined || flow.last === undefined) return "no time, or one that is none";
  const protocol = protocolOf(flow.protocol, String(flow.source).includes(":"));
  if (protocol === undefined) return `protocol: ${quoted(flow.protocol)}`;
  const isIcmp = protocol === ICMP || protocol === ICMP6;
  const sourcePort = isIcmp ? 0 : numberOf(flow.sourcePort ?? 0, 0xffff);
  const targetPort = isIcmp
    ? (numberOf(flow.icmpType, 255) ?? 0) * 256 + (numberOf(flow.icmpCode, 255) ?? 0)
    : numberOf(flow.targetPort ?? 0, 0xffff);
  if (sourcePort === undefined || targetPort === undefined)
    return `ports: ${quoted(flow.sourcePort)} and ${quoted(flow.targetPort)}`;
  record.begin();
  record.SRC_IP = source;
  record.DST_IP = target;
  record.SRC_PORT = sourcePort;
  record.DST_PORT = targetPort;
  record.PROTOCOL = protocol;
  record.PACKETS = counterOf(flow.packets, UINT32_MAX) ?? 0;
  record.PACKETS_REV = counterOf(flow.packetsReverse, UINT32_MAX) ?? 0;
  record.BYTES = counterOf(flow.bytes, UINT64_MAX) ?? 0;
  record.BYTES_REV = counterOf(flow.bytesReverse, UINT64_MAX) ?? 0;
  record.TIME_FIRST = flow.first;
  record.TIME_LAST = Math.max(flow.first, flow.last);
  record.TCP_FLAGS = flow.flags;
  record.TCP_FLAGS_REV = flow.flagsReverse;
  record.SRC_MAC = macOf(flow.sourceMac);
  record.DST_MAC = macOf(flow.targetMac);
  record.LINK_BIT_FIELD = link;
  record.FLOW_END_REASON = flow.endReason;
  return undefined;
}

const addressOf = (value: unknown) => (typeof value === "string" ? parseIp(value) : undefined);
const macOf = (value: unknown): number => (typeof value === "string" ? (parseMac(value) ?? 0) : 0);

function protocolOf(value: unknown, isV6: boolean): number | undefined {
  const name = typeof value === "string" ? value.toLowerCase() : "";
  const number = Object.hasOwn(PROTOCOLS, name) ? PROTOCOLS[name] : numberOf(value, 255);
  return number === ICMP && isV6 ? ICMP6 : number;
}

const QUOTED_MAX = 40;
const quoted = (value: unknown): string =>
  value === undefined ? "none" : JSON.stringify(value).slice(0, QUOTED_MAX);
