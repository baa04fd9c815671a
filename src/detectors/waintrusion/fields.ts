// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";
import { FAMILIES } from "./indications.ts";

export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, time TIME_FIRST, time TIME_LAST,
  string HTTP_REQUEST_METHOD, string HTTP_REQUEST_HOST, string HTTP_REQUEST_URL, string HTTP_REQUEST_AGENT,
  string HTTP_REQUEST_REFERER, ?uint16 HTTP_RESPONSE_STATUS_CODE
`);
/** What flows of evidence show. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, time TIME_FIRST, time TIME_LAST,
  uint16 HTTP_RESPONSE_STATUS_CODE, string HTTP_REQUEST_METHOD, string HTTP_REQUEST_HOST, string HTTP_REQUEST_URL
`);
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, time TIME_FIRST, time TIME_LAST,
  time EVENT_TIME, string WAI_RULE, string WAI_MALICIOUS_FIELD, string WAI_MALICIOUS_VALUE
`);

export const params = {
  scoreMin: param.count({
    default: 5,
    min: 1,
    about: "Points of a request that raise an alert",
  }),
  probeMin: param.count({
    default: 20,
    min: 1,
    about: "Points of different indications in weaker requests of a client that raise one",
  }),
  rules: param.text({
    default: "",
    about: `Only these rules, by commas: ${FAMILIES.join(", ")}; all when left out`,
    flag: "r",
  }),
  without: param.text({
    default: "",
    about: "All rules but these, by commas",
  }),
  idleTimeout: param.seconds({
    default: 600,
    min: 1,
    about: "An event without requests for this long has ended",
  }),
  pairsMax: param.count({
    default: 8192,
    min: 16,
    max: 1 << 20,
    about: "Pairs of client and server, by rule, watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
