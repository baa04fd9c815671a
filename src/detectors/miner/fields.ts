// SPDX-License-Identifier: BSD-3-Clause
import type { Context } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";
import type { params } from "./params.ts";

/** Both directions of a connection tell which end is the pool. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST,
  ?uint8 TCP_FLAGS_REV, ?uint32 PACKETS_REV, ?uint64 BYTES_REV,
  ?bytes IDP_CONTENT, ?bytes IDP_CONTENT_REV, ?string TLS_SNI, ?string APP_PROTO
`);

/** As the original's: EVENT_SCALE is the number of packets since TIME_FIRST. */
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint32 EVENT_SCALE, time TIME_FIRST, time TIME_LAST
`);

/** What of a flow is kept as evidence. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 TCP_FLAGS, uint32 PACKETS, uint64 BYTES,
  uint32 PACKETS_REV, uint64 BYTES_REV, time TIME_FIRST, time TIME_LAST, string TLS_SNI, string APP_PROTO
`);

export type Flow = Reader<typeof flows>;
export type Setup = Context<typeof params, { alerts: typeof alerts }>;

export const TCP = 6;
export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
