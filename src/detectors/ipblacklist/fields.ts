// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../core/unirec/template.ts";

/** Those of DNS are of use where `domains` names lists. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, ?string DNS_NAME, ?uint16 DNS_QTYPE,
  ?uint32 DNS_RR_TTL, ?bytes DNS_RDATA
`);
/** What is kept of flows, and what flows of evidence show. */
export const basic = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV
`);
/** What flows of evidence show that had the answer. */
export const answer = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, string DNS_NAME, uint16 DNS_QTYPE, uint32 DNS_RR_TTL
`);
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, uint64 SRC_BLACKLIST, uint64 DST_BLACKLIST, string ADAPTIVE_IDS
`);
export type Flows = typeof flows;
