// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** A connection: a biflow where the sender has them, else one record for each of its directions. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST,
  ?uint8 TCP_FLAGS_REV, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, ?string APP_PROTO
`);

/** The original's record. */
export const record = template(`
  ipaddr SRC_IP, time DETECTION_TIME, uint32 EVENT_SCALE, uint16 DST_PORT, uint8 PROTOCOL,
  uint8 WARDEN_TYPE, string NOTE
`);
/** In default mode it has the server with the most attempts as well, and the time they took. */
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time DETECTION_TIME, time TIME_FIRST, time TIME_LAST,
  uint32 EVENT_SCALE, uint16 DST_PORT, uint8 PROTOCOL, uint8 WARDEN_TYPE, string NOTE
`);

/** Rules by the number of their service. */
export const RULES = ["ssh", "rdp", "telnet"] as const;

export const TCP = 6;
/** What all records of alerts have in common. WARDEN_TYPE 2 is brute force. */
export const SAME = { PROTOCOL: TCP, WARDEN_TYPE: 2 } as const;

export const params = {
  ssh: param.flag({
    default: false,
    about: "Watch SSH; all services when none is named",
    flag: "S",
  }),
  rdp: param.flag({
    default: false,
    about: "Watch RDP; all services when none is named",
    flag: "R",
  }),
  telnet: param.flag({
    default: false,
    about: "Watch TELNET; all services when none is named",
    flag: "T",
  }),
  attemptsMin: param.count({
    default: 30,
    min: 2,
    max: 65_535,
    about: "Connections that look like failed logins, within `window`, that raise an alert",
  }),
  shareMin: param.ratio({
    default: 0.5,
    about: "Least share of a client's connections in `window` that have to look so",
  }),
  window: param.seconds({
    default: 1800,
    min: 30,
    about: "Count what happened within this long",
  }),
  idleTimeout: param.seconds({
    default: 600,
    min: 1,
    about: "An attack without an attempt for this long has ended",
  }),
  clientsMax: param.count({
    default: 32_768,
    min: 16,
    max: 1 << 20,
    about: "Clients watched at once, by service",
  }),
  serversMax: param.count({
    default: 4096,
    min: 16,
    max: 1 << 18,
    about: "TELNET servers whose answers are profiled at once",
  }),
  config: param.text({
    default: "",
    about: "File of limits, `KEY = value` a line, as the original reads it",
    flag: "c",
  }),
  whitelist: param.text({
    default: "",
    about: "File of addresses to leave out, `[src|dst ]address/prefix[/port,from-to]` a line",
    flag: "w",
  }),
  verbose: param.flag({
    default: false,
    about: "Say how many rules were read from the whitelist",
    flag: "W",
  }),
  compat: param.compat(),
};

export type Flow = Reader<typeof flows>;
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
