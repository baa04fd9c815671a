// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** A message, or a biflow that tells its first message and the status of its last response. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint64 LINK_BIT_FIELD, uint8 PROTOCOL,
  time TIME_FIRST, uint16 SIP_MSG_TYPE, uint16 SIP_STATUS_CODE, string SIP_CSEQ, string SIP_CALLING_PARTY,
  ?time TIME_LAST, ?uint32 PACKETS, ?uint32 PACKETS_REV, ?string SIP_CALLED_PARTY
`);

/** The original's record. */
export const record = template(`
  ipaddr SBFD_TARGET, ipaddr SBFD_SOURCE, uint16 SRC_PORT, uint16 DST_PORT, uint64 SBFD_LINK_BIT_FIELD,
  uint8 SBFD_PROTOCOL, time SBFD_EVENT_TIME, time SBFD_CEASE_TIME, time SBFD_BREACH_TIME,
  uint8 SBFD_EVENT_TYPE, uint64 SBFD_EVENT_ID, uint32 SBFD_ATTEMPTS, uint32 SBFD_AVG_ATTEMPTS, string SBFD_USER
`);
/** In default mode it has the times by the names that all others have for them, too. */
export const alerts = template(`
  ipaddr SBFD_TARGET, ipaddr SBFD_SOURCE, uint16 SRC_PORT, uint16 DST_PORT, uint64 SBFD_LINK_BIT_FIELD,
  uint8 SBFD_PROTOCOL, time SBFD_EVENT_TIME, time SBFD_CEASE_TIME, time SBFD_BREACH_TIME, time TIME_FIRST,
  time TIME_LAST, uint8 SBFD_EVENT_TYPE, uint64 SBFD_EVENT_ID, uint32 SBFD_ATTEMPTS, uint32 SBFD_AVG_ATTEMPTS,
  string SBFD_USER
`);

/** SBFD_EVENT_TYPE. */
export const EVENT = { guess: 0, distributed: 1, scan: 2 } as const;

/** SIP_MSG_TYPE. */
export const MESSAGE = { invite: 1, register: 5, options: 6, response: 99 } as const;

export const params = {
  attemptsMin: param.count({
    default: 50,
    min: 2,
    about: "Refused attempts of a client at one user that raise an alert",
    flag: "a",
  }),
  clientsMin: param.count({
    default: 5,
    min: 2,
    max: 64,
    about: "Clients refused as one user that raise an alert",
    flag: "d",
  }),
  usersMin: param.count({
    default: 25,
    min: 2,
    max: 256,
    about: "Users that a client is refused as that raise an alert",
    flag: "s",
  }),
  idleTimeout: param.seconds({
    default: 1800,
    min: 1,
    about: "Forget who was not refused for this long",
    flag: "f",
  }),
  checkPeriod: param.seconds({
    default: 300,
    min: 1,
    about: "Only with `compat=nemea`: flow time between two searches for what has ended",
    flag: "c",
  }),
  loginsMax: param.count({
    default: 5,
    about: "Only with `compat=nemea`: an attack with more successful logins is none",
    flag: "o",
  }),
  pairsMax: param.count({
    default: 32_768,
    min: 16,
    max: 1 << 20,
    about: "Clients, users, and pairs of both, watched at once",
  }),
  compat: param.compat(),
};

export type Flow = Reader<typeof flows>;
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
