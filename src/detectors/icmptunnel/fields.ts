// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

/** The type is required, so the meter sends ICMP and nothing else. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST,
  uint16 L4_ICMP_TYPE_CODE, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, ?bytes IDP_CONTENT, ?bytes IDP_CONTENT_REV
`);

export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint8 PROTOCOL, uint32 PACKETS, uint32 PACKETS_REV, uint64 BYTES, uint64 BYTES_REV,
  time TIME_FIRST, time TIME_LAST
`);

/** What of a flow is kept as evidence. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint8 PROTOCOL, uint16 L4_ICMP_TYPE_CODE, uint32 PACKETS, uint32 PACKETS_REV,
  uint64 BYTES, uint64 BYTES_REV, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  packetsMin: param.count({
    default: 20,
    min: 1,
    about: "Echo requests and answers of two hosts that raise an alert when they show data",
  }),
  idleTimeout: param.seconds({
    default: 600,
    min: 1,
    about: "Two hosts whose exchange has stopped for this long are forgotten",
  }),
  pairsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Pairs of hosts watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
