// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Conversations } from "./conversations.ts";
import { alerts, flows, params, type Setup } from "./fields.ts";

const USE = { category: "Fraud.UnauthorizedUsage", techniques: ["T1496"] } as const;
export default defineModule({
  name: "cryptop2p",
  about: "Cryptocurrencies: peers of their networks and mining protocols, by what they say first.",
  details: `
**Finds** hosts that are peers of a cryptocurrency's network, and hosts that mine, over IPv4 and IPv6, on any port: Bitcoin and coins made of
it by the four bytes of their network and the name of the first message, Monero and other CryptoNote coins by the signature of Levin, Ethereum by the
form of its discovery v4 (UDP, both directions), Stratum by its JSON, and TLS by the name of a pool. It reads what the meter's
plugins \`idpcontent\` and \`tls\` find. Where nothing is known of what was said, as it is enciphered, many peers at a network's own port speak for it.

**Counts** the flows and the peers (an estimate, standard error 13 %, next to exact of few) of each host and network. One event for each, raised
at the first flow, by the port alone at \`portPeersMin\` peers, updated at doublings of the flows, closed after \`idleTimeout\`. Of two peers the event tells of the one in
\`networks\`; when both are, or neither is, of the one that called. A peer of a network moves
transactions and need not mine: severity low. Beside it, \`miner\` tells of each pool by itself, and of miners that show nothing here.

**Evaded** by Stratum V2, TLS by another name, proxies and VPNs, and at other ports by Bitcoin's transport v2 and Ethereum's RLPx, which are enciphered. A client of a pool that
offers protocols of the web in TLS (JA4 tells) is taken for a browser.

**Tune** \`networks\` to your own, \`poolNames\` to what you see. Mute the event of a host that is a node on purpose. Memory: 3.2 MB at most
as set by default, and 5 MB of tables of prefixes.

**When it fires**: ask whose the node is. Stratum that nobody set up on purpose means that the host was broken into, as miners are what
intruders leave first: find the process by the flow's port, and how it came there, before it is removed.
`,
  rules: {
    peers: {
      ...USE,
      id: 9_000_300,
      title: "Peer of a cryptocurrency's network",
      severity: 2,
      confidence: 0.9,
    },
    ports: {
      ...USE,
      id: 9_000_303,
      title: "Many peers at a cryptocurrency's port",
      severity: 2,
      confidence: 0.4,
    },
    mining: { ...USE, id: 9_000_301, title: "Mining protocol", severity: 5, confidence: 0.95 },
    pool: { ...USE, id: 9_000_302, title: "TLS to a mining pool", severity: 4, confidence: 0.7 },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const conversations = new Conversations(context);
    return {
      announced: (layout) => conversations.negotiate(layout),
      flows: (flow) => conversations.study(flow),
      everySecond: (now) => conversations.expire(now),
      end: () => conversations.end(),
    };
  },
});
