// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import type { alerts } from "./record.ts";
import { DEFAULTS } from "./settings.ts";

export const params = {
  config: param.text({
    default: "",
    about: "Configuration file of the original, whose settings stand before the parameters here",
    flag: "c",
  }),
  scanSyns: param.count({
    default: DEFAULTS.scanSyns,
    min: 1,
    about: "Unanswered SYNs, and addresses asked, above which a host scans",
  }),
  floodSyns: param.count({
    default: DEFAULTS.victimSyns,
    min: 1,
    about: "SYNs above which a host is flooded, or floods each of its targets",
  }),
  floodFlows: param.count({
    default: DEFAULTS.victimFlows,
    min: 1,
    about: "The same of any small requests",
  }),
  sshLogins: param.count({
    default: DEFAULTS.sshRequests,
    min: 1,
    about: "SSH connections as short as a failed login above which passwords are guessed",
  }),
  dnsResponses: param.count({
    default: DEFAULTS.dnsResponses,
    min: 1,
    about: "DNS responses of 1,000 bytes a packet above which they are an attack",
  }),
  window: param.seconds({
    default: DEFAULTS.window,
    min: 10,
    about: "How long a host is counted before the counters start anew",
  }),
  idleTimeout: param.seconds({
    default: 300,
    min: 1,
    about: "Forget a host not seen for this long",
  }),
  flowsMin: param.count({
    default: 8,
    min: 1,
    max: 255,
    about: "Unanswered SYNs of a host in a window from which on it is watched for scans",
  }),
  hostsMax: param.count({
    default: DEFAULTS.hosts,
    min: 16,
    max: 1 << 22,
    about: "Hosts watched at once",
  }),
  offline: param.flag({
    default: false,
    about: "Only with `compat=nemea`: take the time from the flows, not from the machine",
    flag: "F",
  }),
  noEof: param.flag({
    default: false,
    about: "Keep the end of the stream from the receivers, who then wait for the next sender",
    flag: "n",
  }),
  compat: param.compat(),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
