// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** A conversation: a biflow where the sender has them, else one record for each of its directions. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint8 TCP_FLAGS_REV
`);
export const alerts = template(`
  ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE,
  uint32 FLOWS, uint32 PACKETS, uint64 BYTES, uint32 ADDR_CNT, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  reflectorsMin: param.count({
    default: 10,
    min: 2,
    max: 1000,
    about: "Distinct hosts that answer the victim unasked within 10 s, at least",
  }),
  answersMin: param.count({
    default: 100,
    min: 4,
    about: "Packets of unasked answers within 10 s, at least",
  }),
  queriesTimes: param.count({
    default: 2,
    about:
      "Unasked answers for each query that the victim does send are taken for answers to those",
  }),
  calmTime: param.seconds({
    default: 120,
    min: 10,
    about: "An attack is over when the victim has had no unasked answer for this long",
  }),
  victimsMax: param.count({
    default: 1024,
    min: 16,
    max: 1 << 18,
    about: "Pairs of a suspected victim and a vector watched at once",
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
