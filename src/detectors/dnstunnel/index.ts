// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { alerts, flows, params, type Setup, sdm } from "./fields.ts";
import { look } from "./look.ts";
import { original } from "./original.ts";

export default defineModule({
  name: "dnstunnel",
  about: "DNS tunnel: a client moves data in the names it asks for, or in the answers it gets.",
  details: `
**Finds** tunnels through DNS (iodine, dnscat2, dns2tcp and their like) and data that leaves in names: names below one registered
domain that are all different and look encoded, and answers (TXT, NULL, CNAME, MX, NS, private types) that do. IPv4 and IPv6, over
UDP and TCP. It reads what the meter's plugin \`dns\` finds. A single long name with characters that no host has in its name is told
of on its own, at low severity.

**Counts** for each client and registered domain the bytes of the names below the domain, and of the answers. What was repeated carries
nothing: bytes are taken times the share of different ones (an estimate, standard error 6.5 % and less below some hundred).
At \`bytesMin\` bytes in at least \`namesMin\` names it raises one event, if no more than a quarter of the pairs of letters are usual
ones: of words and of names of hosts at least a third is, of base 16 to base 64 a sixth. It updates the event at every
doubling, when the pair has been idle for \`idleTimeout\`, and at the end of the stream. A flow of many queries has one name; where
their mean size shows that the others were not the same and long, their bytes count as well.

**Evaded** by fewer bytes than \`bytesMin\` in \`window\`, by text that looks like words, by names below 16 bytes, by many registered
domains in turn, by domains that are passed over, and by DNS that cannot be read (over TLS or HTTPS).

**Tune** \`ignored\`: lists that are asked through DNS, and whoever puts hashes into names, such as security products; it replaces the list that is
built in, \`domainsFile\` adds to it. A resolver stands for all of its clients: place the tap in front of it, or put it into
\`clientsFile\`. Memory: 15 MB at most as set by default.

**Deviates** from NEMEA's dnstunnel_detection, whose behaviour \`compat=nemea\` has: it counts by client and domain (the original by client: names of
others hide a tunnel); names of any length count (the original sees none below 100 characters) and keep their end (in place of
which the original puts a tail from 126 characters on); what looks encoded is told by pairs of letters, not by the number of different characters; types that the
original does not know count as answers; time is the flows', not the machine's, and an event comes when it is true and not when a
session ends; TUNNEL_DOMAIN is the registered domain, with the names in the evidence, and TUNNEL_PER_SUBDOMAIN is 1; addresses of IPv6 can be
passed over (the original crashes); few names that are repeated very often, which it calls other anomalies, raise nothing. The biflow
of a query and its answer is one flow; the output \`sdm\` is used in compat mode only.

**When it fires**: look at the names in the evidence, and who owns the domain. If nobody knows it, take the client off the net: what it runs is a tool
to get around the firewall, or malware that is being controlled. Then block the domain at the resolver.
`,
  replaces: "dnstunnel_detection",
  aliases: ["dnstunnel_detection", "dns_tunnel"],
  rules: {
    names: {
      id: 9_000_080,
      title: "DNS tunnel in names",
      category: "Anomaly.Protocol",
      severity: 7,
      confidence: 0.85,
      techniques: ["T1071.004", "T1048.003", "T1572"],
    },
    answers: {
      id: 9_000_081,
      title: "DNS tunnel in answers",
      category: "Anomaly.Protocol",
      severity: 7,
      confidence: 0.75,
      techniques: ["T1071.004", "T1572"],
    },
    name: {
      id: 9_000_082,
      title: "Suspicious DNS name",
      category: "Anomaly.Protocol",
      severity: 2,
      confidence: 0.4,
      techniques: ["T1048.003"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts, sdm },
  optionalOutputs: ["sdm"],

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : look(context);
  },
});
