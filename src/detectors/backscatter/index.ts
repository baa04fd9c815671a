// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import { Backscatter } from "./backscatter.ts";
import { alerts, params, type Setup } from "./params.ts";
import { flows } from "./responses.ts";

export default defineModule({
  name: "backscatter",
  about:
    "Backscatter: a host answers many addresses that never asked it, since a flood forges them.",
  details: `
**Finds** victims of floods whose sources are forged at random, anywhere in the Internet: they answer the forged addresses, some of
which are yours. IPv4 and IPv6. It tells of attacks on others; of one on you ddos and hoststats tell.

**Counts** packets of unasked responses of each victim: of TCP flows that have only SYN-ACKs, or only RSTs; of ICMP and ICMPv6 echo replies,
destination unreachable and time exceeded. It is an attack by the criteria of Moore et al., "Inferring Internet Denial-of-Service
Activity" (ACM Transactions on Computer Systems 24(2), 2006), as CAIDA applies them to its telescope (Corsaro, plugin dos): \`packetsMin\`
packets or more, for \`durationMin\` or longer, with \`minuteMin\` or more in the busiest minute, and no pause of \`idleTimeout\`. Beyond those it asks for \`addressesMin\`
receivers, which forged addresses have and a misunderstanding between two hosts has not. One event a victim, updated at every doubling, closed
after the pause.

**Asked or not**: a record has one direction, so the answer to this lies in another. Each flow that is no such response is remembered for
\`memory\` to twice that: as talk between its hosts, and as proof that its sender is alive. A TCP response or an echo reply counts when its
two hosts have not talked; an ICMP error, which may come from any router on the way, when its receiver has sent nothing to anybody. A connection that was
answered leaves such a flow in the other direction at least, its SYN, and never counts: the meter's biflows are split request first, and for
exporters whose records come in any order a response waits for \`patience\` before it is decided on. A host that resets what it did not
ask for is not taken for one that asked. The memory is two Bloom filters of 4 MB: of a network of 2 million pairs of hosts in \`memory\` one unasked response of 200 is taken for asked,
and never one that was asked for unasked.

**Evaded** by floods that do not forge, or forge few addresses (reflection: see amplification), or whose answers are filtered; unseen are UDP answers and attacks too
small for the number of addresses watched: a /24 gets one packet of 16 million. Of flows sampled by packets requests may be missing: do not use it there.

**Tune** \`ownNetworks\`: with it, what your own hosts answer is left alone. In a dark network \`addressesMin\` may be 1. ICMP is seen where flows have
L4_ICMP_TYPE_CODE, as the meter's, or type and code as the target's port, as NetFlow's. Memory: 20 MB at most as set by default.

**Deviates** from NEMEA's backscatter_classifier, which it replaces without imitating it: no trained model, which there is one pickle of that only one
release of a library reads, but published limits; no feature vectors by another module; own networks are respected; IPv6; no reverse DNS
and no platform to report to, which is what sinks are for.

**When it fires**: nothing of yours is attacked. If the victim is a partner or customer, tell them: target and port stand in the alert. If you see it for your
own addresses only, somebody forges them: look for what blocks them (lists of attackers).
`,
  replaces: "backscatter_classifier",
  aliases: ["backscatter_classifier"],
  rules: {
    flood: {
      id: 9_000_160,
      title: "Host elsewhere flooded from forged addresses",
      category: "Availability.DDoS",
      severity: 3,
      confidence: 0.8,
      techniques: ["T1498.001"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const detector = new Backscatter(context);
    return {
      flows: (flow) => detector.flows(flow),
      everySecond: (now) => detector.advance(now),
      end: () => detector.end(),
    };
  },
});
