// SPDX-License-Identifier: BSD-3-Clause

import { type Context, param } from "../../core/module.ts";
import { PRIVATE_NETWORKS } from "../../core/threat-list/networks.ts";
import { listParams } from "../../core/threat-list/params.ts";
import { type Reader, template } from "../../core/unirec/template.ts";

/** Fields of TLS and of QUIC are required, so the meter sends flows in which it found either, and no others. */
export const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV,
  string TLS_SNI, string TLS_JA4, string QUIC_SNI, string QUIC_JA4
`);

export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES, uint64 BLACKLIST,
  time TIME_FIRST, time TIME_LAST, string TLS_SNI, string TLS_JA4
`);

/** What of a flow is kept as evidence. */
export const shown = flows;

const RESOLVERS = [
  "1.0.0.0/30",
  "1.1.1.0/30",
  "2606:4700:4700::/48",
  "cloudflare-dns.com",
  "one.one.one.one",
  "8.8.4.4",
  "8.8.8.8",
  "2001:4860:4860::/48",
  "dns.google",
  "dns64.dns.google",
  "9.9.9.8/29",
  "149.112.112.0/24",
  "2620:fe::/48",
  "quad9.net",
  "208.67.220.0/22",
  "2620:119:35::/48",
  "2620:119:53::/48",
  "dns.opendns.com",
  "doh.opendns.com",
  "doh.umbrella.com",
  "94.140.14.0/23",
  "2a10:50c0::/32",
  "adguard-dns.com",
  "45.90.28.0/22",
  "2a07:a8c0::/32",
  "dns.nextdns.io",
  "76.76.2.0/24",
  "controld.com",
  "185.228.168.0/23",
  "cleanbrowsing.org",
  "194.242.2.0/24",
  "dns.mullvad.net",
  "185.222.222.222",
  "45.11.45.11",
  "dns.sb",
  "77.88.8.0/28",
  "dot.dns.yandex.net",
  "223.5.5.5",
  "223.6.6.6",
  "alidns.com",
  "dot.pub",
  "doh.pub",
  "193.17.47.1",
  "185.43.135.1",
  "odvr.nic.cz",
  "joindns4.eu",
  "dns0.eu",
];
const listed = listParams({
  listed: "server names",
  flows: "Flows of a host with a listed name or fingerprint",
  pairs: "Pairs of host and listed name or fingerprint",
});

export const params = {
  lists: listed.lists,
  ja4Lists: param.text({
    default: "",
    about: "Files with listed JA4 fingerprints, `name=path;severity=8`, by commas",
  }),
  networks: param.text({
    default: PRIVATE_NETWORKS,
    about: "Your own networks, by commas: fingerprints are learned of hosts in them",
  }),
  resolvers: param.text({
    default: RESOLVERS.join(","),
    about: "Public resolvers, by commas: addresses, prefixes, and names with all below them",
  }),
  torNamesMin: param.count({
    default: 3,
    min: 2,
    max: 16,
    about: "Random server names of one program that raise an alert",
  }),
  learnTime: param.seconds({
    default: 86_400,
    min: 60,
    about: "Nothing is new before a host, and the detector, has been there for this long",
  }),
  commonMin: param.count({
    default: 3,
    min: 1,
    max: 255,
    about: "Hosts with a fingerprint from which on it is nothing new",
  }),
  flowsMin: listed.flowsMin,
  updateInterval: listed.updateInterval,
  opensMax: listed.opensMax,
  idleTimeout: listed.idleTimeout,
  contactsMax: listed.contactsMax,
  hostsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Hosts whose fingerprints are known at once",
  }),
  clientsMax: param.count({
    default: 4096,
    min: 16,
    max: 1 << 20,
    about: "Programs that use random names, and users of resolvers, watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
