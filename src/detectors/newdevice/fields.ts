// SPDX-License-Identifier: BSD-3-Clause

import { type Context, param } from "../../core/module.ts";
import { PRIVATE_NETWORKS } from "../../core/threat-list/networks.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

/** All flows: no field of a plugin. Who answers is told by the reverse direction. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint8 TCP_FLAGS_REV, ?macaddr SRC_MAC, ?macaddr DST_MAC
`);

export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, macaddr SRC_MAC, time TIME_FIRST, time TIME_LAST
`);

/** What of a flow is kept as evidence. */
export const shown = flows;

export const params = {
  networks: param.text({
    default: PRIVATE_NETWORKS,
    about: "Your own networks, by commas: hosts and services in them are watched",
  }),
  learnTime: param.seconds({
    default: 86_400,
    min: 60,
    about: "What is there is learned for this long, in which nothing is new",
  }),
  identity: param.choice({
    options: ["mac", "address"],
    default: "mac",
    about:
      "A device is its MAC address, where flows have it, or its IPv4 address: for a sensor behind a router",
  }),
  portMax: param.count({
    default: 32_767,
    min: 1,
    max: 65_535,
    about: "Greatest TCP port of a service; programs take those above for a while",
  }),
  dhcpServers: param.text({
    default: "",
    about: "DHCP servers and relays of your own, addresses or prefixes by commas",
  }),
  dnsServers: param.text({
    default: "",
    about: "DNS servers of your own, addresses or prefixes by commas",
  }),
  dnsClientsMin: param.count({
    default: 3,
    min: 1,
    about: "Clients that had another DNS server which raise an alert about a new one",
  }),
  flowsMax: param.count({
    default: 4000,
    min: 1,
    about: "Flows of a second that are looked at for devices and services: DHCP and DNS always are",
  }),
  newsMax: param.count({
    default: 200,
    min: 1,
    about: "New devices and services told of in an hour at most; what is beyond is counted",
  }),
  serversMax: param.count({
    default: 1024,
    min: 16,
    max: 1 << 16,
    about: "DHCP and DNS servers known at once",
  }),
  clientsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Clients of DHCP and of DNS known at once, of each",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;

export const TCP = 6;
export const UDP = 17;
