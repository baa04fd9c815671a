// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Detector } from "./detect.ts";
import { alerts, flows, params, type Setup } from "./params.ts";
import { rules } from "./vectors.ts";

export default defineModule({
  name: "reflection",
  about:
    "Reflection: many servers answer a host that never asked them, since somebody asks in its name.",
  details: `
**Finds** the victim of a reflection attack and names the vector: answers of DNS, NTP, CLDAP, memcached, SSDP, SNMP, CharGEN, WS-Discovery,
CoAP, SIP and others over UDP, and SYN-ACKs of TCP servers. It needs to see nothing but the answers. IPv4 and IPv6. One event for each
victim and vector, with the number of reflectors; each vector has a rule of its own, so alerts can be told by their ids.

**Counts** packets of answers to flows that nobody of the victim began: flows from a vector's port that have nothing in return, and flows of SYN-ACKs
alone that have nothing or a reset in return. Resets of servers that refuse what the victim never sent count with an attack by SYN-ACKs, and make none. It is an attack when at least \`answersMin\` packets come from at least \`reflectorsMin\` different hosts within
10 s (by comparison: Kopp et al., "DDoS Hide & Seek", IMC 2019, ask for more than ten amplifiers of NTP). It is judged with each flow, so the event is raised by the one
that completes it, and updated whenever its packets have doubled, when no answer has come for \`calmTime\`, and at the end of the stream.
Reflectors are an estimate (HyperLogLog, standard error 1.6 %). The answers by which a suspect was found, a quarter of \`answersMin\`, are not in the sums.

Quiet are: answers to what the victim does ask (each of its queries excuses \`queriesTimes\` packets); answers to a multicast group, and to who
asked one (SSDP, mDNS, WS-Discovery) for a minute; NTP answers of the size of a time; what goes to the vector's own port, unless it is
too large for a question; SNMP notifications.

**Evaded** by fewer than \`reflectorsMin\` reflectors, by vectors that are not listed, and by an attack on a host that itself asks more than half as much of the same
service. Fragments of which no port is known are not counted: those that the meter puts to their datagram are.

**Tune**: where only what comes in is seen (asymmetric routing), no answer seems to be asked for: raise \`answersMin\` above what your resolvers
receive in 10 s, or mute their events. The difference to amplification: that one weighs bytes of answers against bytes of queries over 15 minutes, and so
also finds your own server being abused; this one needs no bytes, and has a victim within seconds. Memory: 7 MB as set by default.

**When it fires**: is the victim yours? Ask the provider to filter the vector's port (of TCP: SYN-ACKs from ports 80 and 443 that belong to no
connection) as far out as can be. Are reflectors of the evidence flows yours? Close the service to strangers, or limit its rate.
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
