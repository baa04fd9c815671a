// SPDX-License-Identifier: BSD-3-Clause

import { type Context, param } from "../../core/module.ts";
import { PRIVATE_NETWORKS } from "../../core/threat-list/networks.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

/** First bytes are optional: the flows of all hosts have them where `miner` is on too. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV,
  ?bytes IDP_CONTENT, ?bytes IDP_CONTENT_REV, ?string TLS_SNI, ?string TLS_JA4
`);

export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint32 PEERS, time TIME_FIRST, time TIME_LAST
`);

/** What of a flow is kept as evidence. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  uint32 PACKETS_REV, uint64 BYTES_REV, time TIME_FIRST, time TIME_LAST, string TLS_SNI
`);

const POOLS = [
  "2miners.com",
  "antpool.com",
  "braiins.com",
  "c3pool.com",
  "c3pool.org",
  "ckpool.org",
  "ethermine.org",
  "f2pool.com",
  "flypool.org",
  "hashvault.pro",
  "herominers.com",
  "hiveon.com",
  "hiveon.net",
  "kryptex.network",
  "luxor.tech",
  "minergate.com",
  "minexmr.com",
  "moneroocean.stream",
  "nanopool.org",
  "nicehash.com",
  "poolin.com",
  "slushpool.com",
  "supportxmr.com",
  "unmineable.com",
  "viabtc.com",
  "woolypooly.com",
  "xmrpool.eu",
];

export const params = {
  networks: param.text({
    default: PRIVATE_NETWORKS,
    about: "Your own networks, by commas: of two peers the one in them is told of",
  }),
  poolNames: param.text({
    default: POOLS.join(","),
    about: "Domain names of mining pools, by commas, each with all names below it",
  }),
  portPeersMin: param.count({
    default: 8,
    min: 1,
    about:
      "Peers at a network's own port that raise an alert, where nothing of what they said is known",
  }),
  idleTimeout: param.seconds({
    default: 1800,
    min: 1,
    about: "A host that has shown nothing for this long is forgotten",
  }),
  hostsMax: param.count({
    default: 8192,
    min: 16,
    max: 1 << 20,
    about: "Pairs of host and protocol watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
