// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

export const DNS = 53;
/** Types of records (IANA, DNS parameters). */
export const TYPE = { a: 1, ns: 2, cname: 5, null: 10, mx: 15, txt: 16 } as const;
/** TUNNEL_TYPE of the original. */
export const TUNNEL = {
  request: 1,
  requestOther: 2,
  responseName: 4,
  responseTxt: 5,
  responseCname: 6,
  responseMx: 7,
  responseNs: 8,
  responseOther: 9,
} as const;

export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST, uint16 DST_PORT, uint16 DNS_QTYPE,
  string DNS_NAME, bytes DNS_RDATA, ?uint16 SRC_PORT, ?uint32 PACKETS, ?uint32 PACKETS_REV, ?uint64 BYTES_REV
`);
/** What flows of evidence show. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST, uint16 DST_PORT, uint16 DNS_QTYPE,
  string DNS_NAME, uint32 PACKETS
`);
export const alerts = template(`
  ipaddr SRC_IP, time TIME_FIRST, time TIME_LAST, uint32 EVENT_ID, uint32 TUNNEL_CNT_PACKET,
  float TUNNEL_PER_NEW_DOMAIN, float TUNNEL_PER_SUBDOMAIN, uint8 TUNNEL_TYPE, string TUNNEL_DOMAIN
`);
/** Orders to capture the traffic of a host, for NEMEA's sdm. */
export const sdm = template(
  "ipaddr SRC_IP, uint32 PACKETS, uint32 TIMEOUT, string SDM_CAPTURE_FILE_ID",
);

/**
 * Domains of those who put long random names into DNS by their nature, and let nobody else answer for them: hosting,
 * advertisement, and lists that are asked through DNS.
 */
const IGNORED = [
  "in-addr.arpa",
  "ip6.arpa",
  "akadns.net",
  "akamaiedge.net",
  "amazonaws.com",
  "ampproject.net",
  "ampproject.org",
  "cloudfront.net",
  "cymru.com",
  "googlesyndication.com",
  "googlevideo.com",
  "gstatic.com",
  "mcafee.com",
  "sophosxl.net",
  "spamhaus.net",
  "spamhaus.org",
  "surbl.org",
  "windows.net",
];
const ONLY = "Only with `compat=nemea`:";

export const params = {
  bytesMin: param.count({
    default: 2500,
    min: 32,
    about: "Bytes in different names or answers of a domain that raise an alert",
  }),
  namesMin: param.count({
    default: 20,
    min: 2,
    about: "Different names or answers that there have to be",
  }),
  window: param.seconds({
    default: 3600,
    min: 1,
    about: "Count anew after this long without an alert",
  }),
  idleTimeout: param.seconds({
    default: 600,
    min: 1,
    about: "Forget a client and domain not seen for this long",
  }),
  ignored: param.text({
    default: IGNORED.join(","),
    about: "Domains that are passed over with all names below them, by commas",
  }),
  domainsFile: param.text({
    default: "",
    about: "File with more domains to pass over, one a line",
    flag: "a",
  }),
  clientsFile: param.text({
    default: "",
    about: "File with addresses to pass over, one a line",
    flag: "b",
  }),
  pairsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Pairs of client and domain watched at once",
  }),
  session: param.seconds({
    default: 60,
    about: `${ONLY} wall time between two evaluations`,
    flag: "z",
  }),
  requestSizes: param.text({
    default: "70,100,30,150",
    about: `${ONLY} usual mean (least, most) and variance (least, most) of queries' sizes`,
    flag: "g",
  }),
  responseSizes: param.text({
    default: "70,600,200,50000",
    about: `${ONLY} the same of responses`,
    flag: "r",
  }),
  letters: param.text({
    default: "25,30",
    about: `${ONLY} different characters that are usual in a query, in a response`,
    flag: "j",
  }),
  subdomains: param.text({
    default: "0.8,0.005",
    about: `${ONLY} share of names below the busiest domain, of a tunnel and of other anomalies`,
    flag: "k",
  }),
  digits: param.text({
    default: "15,0.3",
    about: `${ONLY} digits that are usual in a name, and their share`,
    flag: "l",
  }),
  malformed: param.ratio({
    default: 0.3,
    about: `${ONLY} share of responses without a name in an anomaly that goes on`,
    flag: "m",
  }),
  requestsMin: param.text({
    default: "10000,150",
    about: `${ONLY} queries of an anomaly, of a tunnel`,
    flag: "n",
  }),
  responsesMin: param.text({
    default: "10000,50",
    about: `${ONLY} responses of an anomaly, of a tunnel`,
    flag: "o",
  }),
  once: param.text({
    default: "0.9,0.005",
    about: `${ONLY} share of names asked for once, of a tunnel and of other anomalies`,
    flag: "q",
  }),
  rounds: param.text({
    default: "3,5",
    about: `${ONLY} sessions until a suspicion ends, until an attack does`,
    flag: "t",
  }),
  lengthMin: param.count({
    default: 100,
    about: `${ONLY} shorter names are none of a tunnel`,
    flag: "w",
  }),
  sdmCapture: param.text({
    default: "1000,300",
    about: `${ONLY} packets and seconds that sdm is to capture`,
    flag: "S",
  }),
  eventFile: param.text({
    default: "",
    about: `${ONLY} file that keeps the next EVENT_ID`,
    flag: "E",
  }),
  compat: param.compat(),
};
export type Setup = Context<typeof params, { alerts: typeof alerts; sdm: typeof sdm }>;
export type Flow = Reader<typeof flows>;
