// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** A conversation: a biflow where the sender has them, else one record for each of its directions. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV
`);
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 FLOWS, uint32 PACKETS,
  uint64 BYTES, uint32 PACKETS_SECOND_MAX, uint32 ADDR_CNT, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  synMin: param.count({
    default: 500,
    min: 1,
    about: "Least SYNs a second without a connection",
  }),
  udpMin: param.count({
    default: 10_000,
    min: 1,
    about: "Least UDP packets a second that are not answered",
  }),
  icmpMin: param.count({
    default: 1000,
    min: 1,
    about: "Least ICMP packets a second",
  }),
  sourcesMax: param.count({
    default: 49,
    about: "Floods from more sources are left to volumetric; 0 to raise all of them here",
  }),
  synsPerPort: param.count({
    default: 4,
    about: "SYNs for each port tried, at least: with fewer it is a scan of ports",
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
    default: 16_384,
    min: 16,
    max: 1 << 22,
    about: "Counters by which suspects are found, rounded up to a power of two",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
