// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Detector } from "./detect.ts";
import { rules } from "./kinds.ts";
import { alerts, flows, params, type Setup } from "./params.ts";

export default defineModule({
  name: "floodrate",
  about:
    "Flood: one or a few sources send a host more packets a second than it should ever receive.",
  details: `
**Finds** floods of SYNs, of UDP and of ICMP by their packets a second to one destination, from one source or a few, which it names. IPv4 and IPv6.

**Counts** in windows of 4 s, for each destination, packets of TCP flows of a SYN that never became a connection; of UDP flows with less than one packet in 32 in return;
of ICMP. Of a flow longer than a window that part counts which came in the time of one. It is a flood from \`synMin\`, \`udpMin\` or \`icmpMin\` packets a second on, over a window. The limit for SYNs is the
rate that is enough to overwhelm a server that is not made for it (500 a second: Moore et al., "Inferring Internet Denial-of-Service Activity", 2006). It is judged with each flow,
and the event updated whenever its packets have doubled, when it was below half its limit for \`calmTime\`, and at the end of the stream. A source that sends half of the packets is
named; sources are an estimate (HyperLogLog, standard error 6.5 %). Flows by which a suspect was found, a quarter of what makes a flood, are not in the sums.

Left to others are: floods from more than \`sourcesMax\` sources, which volumetric raises, so that one flood is one event (volumetric asks for many sources and compares with what is usual; this
one asks for a rate and nothing else); SYNs of which fewer than \`synsPerPort\` go to a port, which vportscan raises as a scan.

**Evaded** below the limits; by UDP that is answered; by UDP of whole packets from port 443, which looks like a download. A flood of one flow is seen when that flow
ends, or at its active timeout.

**Tune** \`udpMin\` where cameras, exporters or a stream send to one host and are never answered. Where flows have one direction each (NetFlow), all UDP seems to be
unanswered: raise \`udpMin\` above what a VPN or a call server receives. Set \`sourcesMax\` to 0 where volumetric does not run. Memory: 4 MB as set by default.

**When it fires**: is the source yours? Then it is broken or infected: isolate it. If not, block it at the border; where it may be forged (SYN, UDP and ICMP of one direction), filter by the
protocol and port of the evidence flows instead. A load test looks just like it.
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
