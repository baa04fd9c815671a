// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** A conversation: a biflow where the sender has them, else one record for each of its directions. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV
`);
export const alerts = template(`
  ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 FLOWS, uint32 PACKETS, uint64 BYTES,
  uint32 PACKETS_SECOND_MAX, uint64 BYTES_SECOND_MAX, uint32 ADDR_CNT, time TIME_FIRST, time TIME_LAST
`);

const rate = (packets: number, what: string) =>
  param.count({ default: packets, min: 1, about: `Least packets a second of a flood of ${what}` });

export const params = {
  sourcesMin: param.count({
    default: 50,
    min: 2,
    max: 2000,
    about: "Distinct sources of a flood within 4 s, at least",
  }),
  growth: param.count({
    default: 4,
    min: 1,
    max: 65_535,
    about: "How many times its usual packets, or bytes, a victim receives",
  }),
  synMin: rate(200, "SYNs without a connection"),
  tcpMin: rate(1000, "other TCP segments of no connection"),
  udpMin: rate(1000, "UDP that is not answered"),
  icmpMin: rate(500, "ICMP"),
  otherMin: rate(1000, "other protocols"),
  rateMin: param.count({
    default: 10_000,
    min: 1,
    about: "So many kb/s of any of them are a flood, however few packets they are",
  }),
  networkTimes: param.count({
    default: 4,
    min: 1,
    about: "How many times the least rates a whole network has to receive",
  }),
  networkHosts: param.count({
    default: 8,
    min: 2,
    max: 2000,
    about: "Hosts of a network among which a flood is spread, at least",
  }),
  networkMask: param.count({
    default: 24,
    max: 32,
    about: "Bits of an IPv4 address that make its network",
  }),
  networkMask6: param.count({
    default: 48,
    max: 128,
    about: "Bits of an IPv6 address that make its network",
  }),
  baselineTime: param.seconds({
    default: 600,
    min: 60,
    max: 604_800,
    about: "How far the baseline looks back: what is older by this much counts a third",
  }),
  calmTime: param.seconds({
    default: 120,
    min: 10,
    about: "A flood is over when its rate has been below half its limit for this long",
  }),
  victimsMax: param.count({
    default: 1024,
    min: 16,
    max: 1 << 18,
    about: "Pairs of a suspected victim and a kind of flood watched at once",
  }),
  countersMax: param.count({
    default: 32_768,
    min: 16,
    max: 1 << 22,
    about: "Counters by which suspects are found, rounded up to a power of two",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
