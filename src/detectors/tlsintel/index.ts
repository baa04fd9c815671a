// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { EncryptedDns } from "./encrypted-dns.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";
import { Hello } from "./hello.ts";
import { Listed } from "./listed.ts";
import { Named } from "./matchers.ts";
import { Novelty } from "./novelty.ts";
import { TorClients } from "./tor-clients.ts";

export default defineModule({
  name: "tlsintel",
  about:
    "TLS: listed names and fingerprints, names that Tor invents, encrypted DNS, fingerprints new to a host.",
  details: `
**Finds** by the hello of TLS and of QUIC, over IPv4 and IPv6: server names and JA4 fingerprints of **threat lists**; programs that name
their servers as **Tor** does (\`www.\`, random characters of base32, \`.com\`, another name for each connection); **encrypted DNS** to public
resolvers, by their names, by their addresses where there is no name, and at port 853; and fingerprints that are **new** to a
host and rare among the others: a program that has not been there before. It reads what the meter's plugins \`tls\` and \`quic\` find.

**Lists** are files that you name in \`lists\` (server names, each with all below it) and \`ja4Lists\` ([formats and syntax](../threat-lists.md)). A file
that changes is read within some ten seconds while flows go on. Of the JA4 family it has JA4 alone, whose licence is BSD.

**Counts** flows of each host and listed entry: an event at \`flowsMin\` flows, whose severity is the list's; different random names of each host and
fingerprint that offers no protocols (ALPN): an event at \`torNamesMin\`, unless the program uses as many other names; flows of each host and resolver
outside your \`networks\`: an event at the first, severity low. New fingerprints are told of, severity low, one event a host, once the detector and
the host have been there for \`learnTime\` of event time and as long as fewer than \`commonMin\` hosts have shown them. All of them are updated at
doublings and closed after \`idleTimeout\`, but new fingerprints, each of which is an update.

**Evaded** by encrypted hellos (ECH), by Tor's bridges and pluggable transports, by resolvers that nobody has listed, by malware that uses the system's
own library and so its fingerprint.

**Tune** \`resolvers\`: leave out those that you use on purpose. \`lists\` of shared hosting name innocent neighbours: \`;severity=2\`. With a longer
\`learnTime\`, or a lower \`commonMin\`, fewer fingerprints are new; updates of browsers reach \`commonMin\` hosts within minutes. Memory: 17 MB at
most as set by default, and the lists.

**When it fires**: of a list, see in the evidence what went where, and what the host did before. Of Tor, ask who uses it: on a server nobody should. Of
encrypted DNS, see that your resolver, whose queries can be watched, is used instead. Of a new fingerprint, ask what was installed
at that time; alone it means little.
`,
  rules: {
    tor: {
      id: 9_000_310,
      title: "TLS as of Tor",
      category: "Anomaly.Connection",
      severity: 5,
      confidence: 0.8,
      techniques: ["T1090.003", "T1573"],
    },
    name: {
      id: 9_000_311,
      title: "TLS to a listed server name",
      category: "Malware",
      severity: 7,
      confidence: 0.8,
      techniques: ["T1071.001"],
    },
    fingerprint: {
      id: 9_000_312,
      title: "TLS with a listed fingerprint",
      category: "Malware",
      severity: 7,
      confidence: 0.6,
      techniques: ["T1071.001"],
    },
    dns: {
      id: 9_000_313,
      title: "Encrypted DNS to a resolver elsewhere",
      category: "Anomaly.Connection",
      severity: 2,
      confidence: 0.9,
      techniques: ["T1071.004", "T1572"],
    },
    news: {
      id: 9_000_314,
      title: "TLS fingerprint new to a host",
      category: "Anomaly.Behaviour",
      severity: 2,
      confidence: 0.3,
      techniques: ["T1071.001"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const networks = new Named(context.params.networks, "networks");
    const listed = new Listed(context);
    const tor = new TorClients(context);
    const dns = new EncryptedDns(context, networks);
    const novelty = new Novelty(context, networks);
    const hello = new Hello();
    return {
      announced: (layout) => hello.negotiate(layout),
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        const hasLists = !listed.isEmpty;
        while (flow.next()) {
          if (!hello.read(cursor)) continue;
          if (hasLists) listed.look(flow, hello);
          tor.look(flow, hello);
          dns.look(flow, hello);
          novelty.look(flow, hello);
        }
      },
      everySecond(now) {
        for (const part of [listed, tor, dns, novelty]) part.expire(now);
        listed.lookAtFiles(now);
      },
      tick: (now) => listed.lookAtFiles(now),
      ask: () => listed.readAgain(),
      end() {
        for (const part of [listed, tor, dns]) part.end();
      },
    };
  },
});
