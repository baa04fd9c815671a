// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

export const DNS = 53;
/** Types of records (IANA, DNS parameters). */
export const TYPE = { a: 1, cname: 5, null: 10, mx: 15, txt: 16, key: 25, srv: 33 } as const;
/** Types from here on are for private use (RFC 6895 section 3.1). */
export const PRIVATE = 65_280;
/** What a resolver says of a name that does not exist (RFC 1035 section 4.1.1). */
export const NO_SUCH_NAME = 3;

export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST, uint32 PACKETS, uint16 DST_PORT,
  uint16 DNS_QTYPE, uint8 DNS_RCODE, string DNS_NAME, ?uint16 SRC_PORT, ?uint32 PACKETS_REV, ?uint64 BYTES_REV,
  ?bytes DNS_RDATA
`);
/** What flows of evidence show. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST, uint32 PACKETS, uint16 DST_PORT,
  uint16 DNS_QTYPE, uint8 DNS_RCODE, string DNS_NAME
`);
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, time TIME_FIRST, time TIME_LAST, uint32 EXFIL_NAMES, uint32 EXFIL_CLIENTS,
  uint64 EXFIL_BYTES, string EXFIL_DOMAIN
`);

/**
 * Domains of those who put hashes into names by their nature and let nobody else answer for them: lists that are asked through DNS,
 * security products, measurement and delivery of content.
 */
const IGNORED = [
  "in-addr.arpa",
  "ip6.arpa",
  // Reputation: of addresses, files and links.
  "barracudacentral.org",
  "cymru.com",
  "dnswl.org",
  "e5.sk",
  "mailspike.net",
  "mcafee.com",
  "sophosxl.net",
  "sorbs.net",
  "spamcop.net",
  "spamhaus.net",
  "spamhaus.org",
  "surbl.org",
  "uribl.com",
  // Content.
  "akadns.net",
  "amazonaws.com",
  "ampproject.net",
  "ampproject.org",
  "awswaf.com",
  "cloudfront.net",
  "conviva.com",
  "fastly-insights.com",
  "googlesyndication.com",
  "googlevideo.com",
  "gstatic.com",
  "rackcdn.com",
  "windows.net",
];

export const params = {
  bytesMin: param.count({
    default: 2000,
    min: 64,
    about:
      "Bytes in different names below a domain that raise an alert, eight times as many for each missing sign",
  }),
  namesMin: param.count({
    default: 20,
    min: 2,
    about: "Different names that there have to be",
  }),
  window: param.seconds({
    default: 3600,
    min: 1,
    about: "Count anew after this long without an alert",
  }),
  idleTimeout: param.seconds({
    default: 900,
    min: 1,
    about: "Forget a domain that has not been asked about for this long",
  }),
  ignored: param.text({
    default: IGNORED.join(","),
    about: "Domains that are passed over with all names below them, by commas",
  }),
  domainsMax: param.count({
    default: 8192,
    min: 16,
    max: 1 << 20,
    about: "Domains watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
