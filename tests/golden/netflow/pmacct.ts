// SPDX-License-Identifier: BSD-3-Clause
/** Flows as nfacctd prints them and as the collector has them, in the same words, to compare them. @module */
import type { Row } from "../../../src/core/testing/run-module.ts";

/** A line of nfacctd's output. */
export type Line = Readonly<Record<string, unknown>>;

interface Flow {
  /** What is compared, by name; in this order. */
  readonly values: Readonly<Record<string, string>>;
  readonly packets: number;
  readonly bytes: number;
  readonly tcpFlags: number;
}

/** Sums of flows that are alike, and how many there are. */
export interface Aggregate {
  packets: number;
  bytes: number;
  tcpFlags: number;
  count: number;
}
export type Aggregates = ReadonlyMap<string, Aggregate>;

/** Sums of flows whose values are all the same. */
export function aggregated(flows: readonly Flow[]): Aggregates {
  const sums = new Map<string, Aggregate>();
  for (const { values, packets, bytes, tcpFlags } of flows) {
    const key = Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
    const sum = sums.get(key) ?? { packets: 0, bytes: 0, tcpFlags: 0, count: 0 };
    sum.packets += packets;
    sum.bytes += bytes;
    sum.tcpFlags |= tcpFlags;
    sum.count++;
    sums.set(key, sum);
  }
  return sums;
}

const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  "ipv6-icmp": 58,
  ospf: 89,
  pim: 103,
  vrrp: 112,
};

const NAMES = [
  "ip_src",
  "ip_dst",
  "port_src",
  "port_dst",
  "ip_proto",
  "tos",
  "iface_in",
  "iface_out",
  "mask_src",
  "mask_dst",
  "mac_src",
  "mac_dst",
  "vlan_in",
  "mpls_label_stack",
  "timestamp_start",
  "timestamp_end",
  "vrf_id_ingress",
  "vrf_id_egress",
] as const;

/** A line's values; those that it does not have are left out, and some more. */
export function lineOf(line: Line, leftOut: readonly string[]): Flow {
  const all = { ...line, ...(line["custom_primitives"] as object | undefined) } as Line;
  const values: Record<string, string> = {};
  for (const name of NAMES)
    if (all[name] !== undefined && !leftOut.includes(name)) values[name] = textOf(name, all[name]);
  const flags = (line["tcp_flags"] as string[]).map((flag) => 1 << FLAGS.indexOf(flag));
  return {
    values,
    packets: Number(line["packets"]),
    bytes: Number(line["bytes"]),
    tcpFlags: flags.reduce((all, flag) => all | flag, 0),
  };
}

function textOf(name: (typeof NAMES)[number], value: unknown): string {
  switch (name) {
    case "ip_proto":
      return `${PROTOCOLS[value as string] ?? value}`;
    case "timestamp_start":
    case "timestamp_end":
      return `${Math.floor(Number(value))}`;
    default:
      return String(value);
  }
}

/** The same of a flow that was collected. */
export function recordOf(
  row: Row,
  fields: readonly string[],
  { factor, isUptime }: { factor: number; isUptime: boolean },
): Flow {
  // It takes whole seconds of uptime off whole seconds.
  const seconds = (name: string): number =>
    isUptime ? Math.ceil(Number(row[name]) / 1e6) : Math.floor(Number(row[name]) / 1e6);
  const labels = Array.from({ length: 10 }, (_, i) => row[`MPLS_${i}`] as Uint8Array);
  const stack = labels.flatMap((bytes, i) => {
    const label = bytes.length < 3 ? 0 : (bytes[0]! << 12) | (bytes[1]! << 4) | (bytes[2]! >> 4);
    return label === 0 ? [] : [`${i}-${label}`];
  });
  const all: Readonly<Record<(typeof NAMES)[number], unknown>> = {
    ip_src: row["SRC_IP"],
    ip_dst: row["DST_IP"],
    port_src: row["SRC_PORT"],
    port_dst: row["DST_PORT"],
    ip_proto: row["PROTOCOL"],
    tos: row["TOS"],
    iface_in: row["IFACE_IN"],
    iface_out: row["IFACE_OUT"],
    mask_src: row["MASK_SRC"],
    mask_dst: row["MASK_DST"],
    mac_src: row["SRC_MAC"],
    mac_dst: row["DST_MAC"],
    vlan_in: row["VLAN"],
    mpls_label_stack: stack,
    timestamp_start: seconds("TIME_FIRST"),
    timestamp_end: seconds("TIME_LAST"),
    vrf_id_ingress: row["VRF_IN"],
    vrf_id_egress: row["VRF_OUT"],
  };
  const values = Object.fromEntries(
    fields.map((name) => [name, String(all[name as (typeof NAMES)[number]])]),
  );
  return {
    values,
    packets: Number(row["PACKETS"]) * factor,
    bytes: Number(row["BYTES"]) * factor,
    tcpFlags: Number(row["TCP_FLAGS"]),
  };
}
