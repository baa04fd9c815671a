// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, time TIME_FIRST, time TIME_LAST,
  uint32 SMTP_2XX_STAT_CODE_COUNT, uint32 SMTP_MAIL_CMD_COUNT, uint32 SMTP_RCPT_CMD_COUNT, uint32 SMTP_STAT_CODE_FLAGS,
  string SMTP_FIRST_SENDER, string SMTP_FIRST_RECIPIENT
`);
/** What flows of evidence show. */
export const shown = flows;
export const alerts = template(`
  ipaddr SRC_IP, time TIME_FIRST, time TIME_LAST, double SPAM_CONFIDENCE, uint32 SMTP_SESSIONS, uint32 SMTP_SERVERS,
  uint32 SMTP_SENDERS, uint32 SMTP_MAIL_CMD_COUNT, uint32 SMTP_RCPT_CMD_COUNT, uint32 SMTP_REFUSED
`);

export const params = {
  serversMin: param.count({
    default: 10,
    min: 2,
    about: "Mail servers that a host has to contact",
  }),
  confidenceMin: param.ratio({
    default: 0.9,
    about: "Confidence that raises an alert",
  }),
  spamMin: param.count({
    default: 3,
    min: 1,
    about: "Sessions in which a server spoke of spam that raise one on their own",
  }),
  relays: param.text({
    default: "",
    about:
      "Mail servers of your own, addresses or prefixes by commas: mail from and to them is not looked at",
  }),
  window: param.seconds({
    default: 3600,
    min: 1,
    about: "Count a host anew after this long without an alert",
    flag: "t",
  }),
  idleTimeout: param.seconds({
    default: 900,
    min: 1,
    about: "Forget a host that has sent nothing for this long",
  }),
  hostsMax: param.count({
    default: 8192,
    min: 16,
    max: 1 << 20,
    about: "Hosts watched at once, and as many servers",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
