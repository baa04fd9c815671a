// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Detector } from "./detect.ts";
import { alerts, flows, params, type Setup } from "./params.ts";
import { rules } from "./vectors.ts";

export default defineModule({
  name: "volumetric",
  about: "DDoS: a host or a network receives a flood of no conversation from many sources.",
  details: `
**Finds** floods from many sources, forged or not, on a host or spread over the hosts of a network (carpet bombing), and tells by which protocol: SYN,
other TCP, UDP, ICMP, or another such as GRE. IPv4 and IPv6. It needs no baseline: a flood that is under way when it starts is found as well. One event for
each victim and kind.

**Counts** in windows of 4 s packets and bytes of flows that are of no conversation: TCP flows of a SYN that never became a connection; other TCP flows of up to three
packets with nothing in return; UDP flows with less than one packet in 32 in return; ICMP; flows of other protocols with nothing in return. It is a flood
when packets reach the protocol's least rate, or bytes \`rateMin\`, and both \`growth\` times what is usual (a mean weighted over \`baselineTime\`, known after two minutes), and
at least \`sourcesMin\` sources send them (HyperLogLog, standard error 1.6 %). Of UDP the host must also send less than a 32nd as many itself. A network needs
\`networkTimes\` as much, among \`networkHosts\` of its hosts; what makes a flood of one host is left out. It is judged with each flow: a flood of twice the least
rate is raised within 5 s of its beginning, any other within 9 s, and updated whenever its packets have doubled, when it was below half its limit for \`calmTime\`, and at the end of
the stream. What comes while there is a flood is never usual. Flows by which a suspect was found, a quarter of what makes a flood, are not in the sums.

**Evaded** by fewer than \`sourcesMin\` sources (floodrate finds those), by floods of whole connections such as of HTTP requests (ddos finds those by their bytes), by UDP that is
answered, and below the least rates.

**Tune** \`udpMin\` and \`rateMin\` where many cameras or exporters send to one host and are never answered. Where flows have one direction each (NetFlow), conversations
are told by what hosts send themselves: raise \`udpMin\`, \`tcpMin\` and \`rateMin\` for servers of many thousand clients. SYNs: 500 a second are enough to overwhelm a
server that is not made for it (Moore et al., "Inferring Internet Denial-of-Service Activity", 2006); \`synMin\` is below that. The difference to ddos: that one weighs all
bytes of a host by its baseline, and takes two windows of 10 s or two minutes. Memory: 9 MB as set by default.

**When it fires**: SYNs: turn on SYN cookies, and have the provider filter. Otherwise filter protocol and port of the evidence flows as far out as can be. Sources of a
SYN flood are forged as a rule: do not block them one by one. Where a network is the victim, all of it has to be protected, not the host that was looked at.
`,
  rules,
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const detector = new Detector(context);
    return {
      flows: (flow) => detector.flows(flow),
      everySecond: (now) => detector.advance(now),
      end: () => detector.end(),
    };
  },
});
