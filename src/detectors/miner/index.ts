// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Connections } from "./connections.ts";
import { alerts, flows, type Setup } from "./fields.ts";
import { original } from "./original.ts";
import { params } from "./params.ts";

const MINING = { category: "Fraud.UnauthorizedUsage", techniques: ["T1496"] } as const;

export default defineModule({
  name: "miner",
  about: "Cryptocurrency mining: a host that works for a mining pool.",
  details: `
**Finds** hosts connected to mining pools over TCP, IPv4 and IPv6, by whatever shows it, each with a rule and a
confidence of its own: **Stratum** in the first bytes of either side (0.95; the meter's plugin \`idpcontent\`), a
server in the operator's \`blacklist\` (0.9), the **name of a pool** in TLS (0.8; plugin \`tls\`), and the
**behaviour** of a connection (0.3): kept up for \`durationMin\` with 4 to 30 small packets a minute. Beside these,
nodes of cryptocurrencies by their first bytes (severity low: they exchange transactions and need not mine). One client
of a server is one event, whose rule becomes the stronger one when more is found; it is updated at every doubling of
its flows, closed when the client is silent for \`idleTimeout\`, and said at the end of the stream.

**Counts** flows, packets and bytes of each (client, server, server's port). Which end is the server is told by what
was found, else by the lower port. Behaviour is not judged on \`portsIgnored\`, nor of connections whose application
or TLS name the meter knows, nor where more than a fifth of the flows begin or end a connection.

**Evaded** by TLS without a name or with another one on a common port, by Stratum V2 and other encryption, by a proxy,
and, where the meter has no first bytes, by shares rarer or larger than those of common coins.

**Tune**: with flows of another exporter see that it sends \`IDP_CONTENT\`, which finds most, and \`TLS_SNI\`; put your
own servers that are found by behaviour into \`whitelist\`, or raise \`durationMin\`. With \`probe\` suspects by
behaviour are asked whether they speak Stratum, only if they are in \`probeOnly\`, at most \`probesPerMinute\`, four at
once and each once a day, while detection goes on; that connects to other people's servers, so see that you may. A
probe waits in event time, so it is of no use in a replay. SIGUSR1 reads the lists again. Memory: 18 MB at most as set
by default.

**Deviates** from NEMEA's miner_detector, whose behaviour \`compat=nemea\` has: it finds without probing, which the
original cannot (without \`stratum_check\` it reports only what is in its blacklist); probing is off, bounded by a
list and a rate, knows IPv6 and never holds detection up (the original's check waits up to 20 s for each of four
dialects); a server that did not answer is passed over for its behaviour alone, in the original for all that is in no
list; the decision tree is gone, which took back what the score had found (it adds points for clients with high ports
and then refuses them); checks follow the flows' time; an alert comes when it is known and not when the connection
ends; lists know IPv6 and, on lines without a port, all ports (the original none); memory is bounded. In compat mode
biflows are read in their forward direction alone, and a list holds 65,536 entries.

**When it fires**: find the process on the client that has the connection (the evidence flows have its port). Unless
somebody mines there on purpose, take the host for broken into: miners are what intruders leave first. Block the pool,
look for other clients of it, and find out how the miner came there before it is removed. By behaviour alone, first
see who the server is.
`,
  replaces: "miner_detector",
  aliases: ["miner_detector"],
  rules: {
    pool: {
      ...MINING,
      id: 9_000_060,
      title: "Connection to a listed mining pool",
      severity: 7,
      confidence: 0.9,
    },
    stratum: {
      ...MINING,
      id: 9_000_061,
      title: "Stratum mining protocol",
      severity: 7,
      confidence: 0.95,
    },
    name: {
      ...MINING,
      id: 9_000_062,
      title: "TLS to the name of a mining pool",
      severity: 6,
      confidence: 0.8,
    },
    probed: {
      ...MINING,
      id: 9_000_063,
      title: "Connection to a server that answers as a mining pool",
      severity: 7,
      confidence: 0.95,
    },
    behaviour: {
      ...MINING,
      id: 9_000_064,
      title: "Connection that behaves like mining",
      severity: 3,
      confidence: 0.3,
    },
    node: { ...MINING, id: 9_000_065, title: "Cryptocurrency node", severity: 2, confidence: 0.9 },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    if (context.params.compat === "nemea") return original(context);
    const connections = new Connections(context);
    return {
      announced: (layout) => connections.negotiate(layout),
      flows: (flow) => connections.study(flow),
      everySecond: (now) => connections.everySecond(now),
      ask: () => connections.readAgain(),
      end: () => connections.end(),
    };
  },
});
