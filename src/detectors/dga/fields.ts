// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

export const DNS = 53;
/** What a resolver says (RFC 1035 section 4.1.1). */
export const RCODE = { none: 0, noSuchName: 3 } as const;

export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, time TIME_LAST, uint16 DST_PORT, string DNS_NAME, uint8 DNS_RCODE,
  ?uint16 SRC_PORT, ?uint16 DNS_ANSWERS
`);
/** What flows of evidence show. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, time TIME_LAST, uint16 DST_PORT, string DNS_NAME, uint8 DNS_RCODE
`);
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, time TIME_LAST, uint32 DGA_NAMES, uint32 DGA_MISSING, uint32 DGA_ANSWERED
`);

/** Domains below which anybody has a name of his own at once, malware too: dynamic DNS. */
const OPEN = [
  "cz.cc",
  "ddns.net",
  "duckdns.org",
  "dyndns.org",
  "dynserv.com",
  "hopto.org",
  "mooo.com",
  "myftp.org",
  "no-ip.biz",
  "no-ip.org",
  "sytes.net",
  "yi.org",
  "zapto.org",
];

export const params = {
  namesMin: param.count({
    default: 10,
    min: 2,
    max: 10_000,
    about: "Different made-up domains that do not exist at which an alert is raised",
  }),
  shareMin: param.ratio({
    default: 0.1,
    about: "Share that they have to be of all the domains a client asks for in vain",
  }),
  window: param.seconds({
    default: 3600,
    min: 1,
    about: "Count anew after this long without an alert",
  }),
  idleTimeout: param.seconds({
    default: 1800,
    min: 1,
    about: "Forget a client that has not asked in vain for this long",
  }),
  open: param.text({
    default: OPEN.join(","),
    about: "Domains whose names below are judged as if registered, by commas: dynamic DNS",
  }),
  clientsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Clients watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
