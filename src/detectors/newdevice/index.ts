// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Networks } from "../../core/threat-list/networks.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { Dhcp } from "./dhcp.ts";
import { Dns } from "./dns.ts";
import { alerts, type Flow, flows, params, type Setup, TCP, UDP } from "./fields.ts";
import { Learning } from "./learning.ts";
import { Newcomers } from "./newcomers.ts";
import { ROLE, Servers } from "./servers.ts";

/** Ports of DHCP clients and servers, and of DNS servers: one look for most flows of UDP. */
const isDhcp = new Uint8Array(65_536);
for (const port of [68, 546, ROLE.dhcp, ROLE.dhcp6]) isDhcp[port] = 1;

export default defineModule({
  name: "newdevice",
  about: "What was not there before: devices, services, DHCP and DNS servers of your own networks.",
  details: `
**Finds** what begins after a time to learn: a **device**, by the MAC address of a flow's source, or by its IPv4 address in \`networks\` where flows
have none; a **service**, a TCP port up to \`portMax\` or a UDP port below 1024 of a
host in \`networks\` that answers (IPv4 and IPv6), from port 10,240 on by 1,024 ports each; a **DHCP server** that
nobody knows, which hands out addresses and with them the way to the Internet; a **DNS server** in \`networks\` that answers clients which had
another. A second DHCP server that answers the same client within 10 seconds, or the same network by broadcast, is told of at once, while it learns too.

**Counts** event time from the first flow on, without hours that have no flow: for \`learnTime\` all that comes is learned. From then on a new device or service is an event of severity low,
at most \`newsMax\` of them an hour, each told of once: a month later at the earliest it is new again. DHCP and DNS servers are one event each,
raised at the first answer of DHCP and at \`dnsClientsMin\` clients of DNS, updated at doublings. Devices and services are remembered for
a month or two in filters that hold 131,072 and 262,144 of them: near that number they take 1 new thing in 200 for a known one, and full they say nothing.

**Evaded** by a device with a known MAC address, by a device that is not seen to begin a flow, by a service at a port that was open before, and by what is
there while it learns.

**Tune** \`learnTime\`: a week, where Mondays differ from Sundays. \`identity=address\` where the sensor is behind a router, whose MAC address is all it
sees; then every new lease is a new device. \`dhcpServers\` and \`dnsServers\`: yours, above all pairs of DHCP servers that both answer. On links with more than
\`flowsMax\` flows a second the first ones of each second are looked at, which delays the news of what has few flows. Needs both directions of
a flow in a record for services and DNS. Memory: 6 MB at most as set by default, and 16 MB of tables of prefixes.

**When it fires**: a DHCP server nobody set up: find its switch port by its MAC address and close it, then let its clients ask anew; see what
DNS server and gateway it gave them. A DNS server: see who told the clients of it. A device or a service: ask who put it there, and mute its kind where that is
anybody's right, as on a wireless network for guests.
`,
  rules: {
    dhcp: {
      id: 9_000_320,
      title: "Rogue DHCP server",
      category: "Anomaly.System",
      severity: 6,
      confidence: 0.8,
      techniques: ["T1557.003"],
    },
    dns: {
      id: 9_000_321,
      title: "Rogue DNS server",
      category: "Anomaly.System",
      severity: 5,
      confidence: 0.6,
      techniques: ["T1557", "T1584.002"],
    },
    device: {
      id: 9_000_322,
      title: "New device",
      category: "Anomaly.System",
      severity: 3,
      confidence: 0.8,
      techniques: ["T1200"],
    },
    service: {
      id: 9_000_323,
      title: "New service",
      category: "Anomaly.System",
      severity: 3,
      confidence: 0.8,
      techniques: ["T1543"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const networks = new Networks(context.params.networks, "newdevice", "networks");
    const learning = new Learning(context);
    const newcomers = new Newcomers(context, learning, networks);
    const servers = new Servers(context);
    const dhcp = new Dhcp(context, learning, servers);
    const dns = new Dns(context, learning, { servers, networks });
    return {
      announced: (layout) => newcomers.negotiate(layout),
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        while (flow.next()) {
          newcomers.look(flow, cursor);
          const { PROTOCOL, DST_PORT } = flow;
          if (PROTOCOL === UDP && isDhcp[DST_PORT] === 1) dhcp.look(flow);
          if (DST_PORT !== ROLE.dns || (PROTOCOL !== UDP && PROTOCOL !== TCP)) continue;
          if (flow.PACKETS_REV > 0) dns.look(flow);
        }
      },
      everySecond(now) {
        for (const part of [servers, dhcp, dns]) part.expire(now);
      },
      end: () => servers.end(),
    };
  },
});
