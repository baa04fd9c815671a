// SPDX-License-Identifier: BSD-3-Clause
import type { Context } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";
import type { params } from "./params.ts";

/** SIP_MSG_TYPE of the two messages that matter. */
export const MESSAGE = { invite: 1, response: 99 } as const;

/** EVENT_TYPE across NEMEA. */
export const EVENT = { prefixGuess: 40, country: 41 } as const;

/** A call is one biflow, and what is known of it stands in the record once. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, ?time TIME_LAST, ?uint32 PACKETS, ?uint32 PACKETS_REV,
  uint16 SIP_MSG_TYPE, uint16 SIP_STATUS_CODE, string SIP_REQUEST_URI, string SIP_CALLED_PARTY,
  string SIP_CALLING_PARTY, string SIP_CALL_ID, string SIP_CSEQ, string SIP_USER_AGENT
`);

/** The original's record; in default mode with the time of the last call. */
export const original = template(`
  uint32 EVENT_ID, uint8 EVENT_TYPE, ipaddr SRC_IP, ipaddr DST_IP, time DETECTION_TIME, time TIME_FIRST,
  string VOIP_FRAUD_SIP_TO, string VOIP_FRAUD_SIP_FROM, string VOIP_FRAUD_USER_AGENT,
  string VOIP_FRAUD_COUNTRY_CODE, uint16 VOIP_FRAUD_PREFIX_LENGTH, uint32 VOIP_FRAUD_PREFIX_EXAMINATION_COUNT,
  uint32 VOIP_FRAUD_SUCCESSFUL_CALL_COUNT, uint32 VOIP_FRAUD_INVITE_COUNT
`);
export const alerts = template(`
  uint32 EVENT_ID, uint8 EVENT_TYPE, ipaddr SRC_IP, ipaddr DST_IP, time DETECTION_TIME, time TIME_FIRST,
  time TIME_LAST, string VOIP_FRAUD_SIP_TO, string VOIP_FRAUD_SIP_FROM, string VOIP_FRAUD_USER_AGENT,
  string VOIP_FRAUD_COUNTRY_CODE, uint16 VOIP_FRAUD_PREFIX_LENGTH, uint32 VOIP_FRAUD_PREFIX_EXAMINATION_COUNT,
  uint32 VOIP_FRAUD_SUCCESSFUL_CALL_COUNT, uint32 VOIP_FRAUD_INVITE_COUNT
`);

/** What of a call is kept as evidence. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, uint16 SIP_MSG_TYPE, uint16 SIP_STATUS_CODE,
  string SIP_REQUEST_URI, string SIP_CALLED_PARTY, string SIP_CALLING_PARTY, string SIP_USER_AGENT
`);

export type Flow = Reader<typeof flows>;
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
