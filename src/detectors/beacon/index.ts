// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { defineModule, type Handlers } from "../../core/module.ts";
import { OwnNetworks } from "../../core/threat-list/own-networks.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";
import { Pairs } from "./pairs.ts";

const TCP = 6;
const UDP = 17;
const SYN = 0x02;
/** Ports below are services', which answer from them. */
const SERVICES_END = 1024;
const SEPARATORS = /[\s,]+/;
const DIGITS = /^\d+$/;

export default defineModule({
  name: "beacon",
  about: "Beacons: a host that calls the same destination in the Internet again and again, evenly.",
  details: `
**Finds** malware that asks its operator for orders at regular intervals, and whatever else does so, by when and how much, not by what
is said: it sees through encryption. IPv4 and IPv6, TCP and UDP. A destination is a name where the flow has one (server name of TLS, host of
HTTP), so that one that moves between addresses is one; else it is an address.

**Counts** connections of each pair of a host and a destination, those that begin in one second once, and scores them as RITA 5 does
(activecm/rita, \`analysis/beacons.go\`): the mean of four scores from 0 to 1. *Timing*: the mean of 1 - |Bowley's skewness| and
1 - (median absolute deviation / median) of the intervals. *Size*: the same of the bytes sent. *Histogram*: connections over up to 24 bars of the time
seen, at most a day; 1 - coefficient of variation, or the share of bars that have one of two heights. *Duration*: the share of that time between first and
last connection, or the longest run of bars / 12. Of less than an hour the last two are left out. Timing and size are those of the latest \`samplesMax\`
connections (\`pairs_sampled\` counts pairs that had more), the histogram is of all. A score of \`scoreMin\` raises one event, updated at each doubling, when it gets worse,
when the pair has been silent for a day, and at the end of the stream. Visits of a person at chance times are even now and then, and of one size often; so
the score of timing has to be 0.85 itself, and where it has only that of size beside it, 0.9 over 30 connections. Who comes nearly every second is left out: times are in
seconds, as in RITA.

**Severity**: 5, and 6 where RITA's threat score is 0.8 or more: a score near 1, or a destination that at most 2 % of the hosts call (+0.15). Where three hosts
or more, and a tenth of all, call it regularly, it is a service of yours or a vendor's: 3. Of networks with fewer than 10 hosts the share says nothing. A host that calls five destinations
or more equally often, within 30 %, goes through a list of them as a monitor does: 3. In a stream of hours the whole score takes some 11 of them; a pair that
after one hour and 30 connections is even in timing and size alone is told of with 3, which rises when the others follow.

**Not looked at**: what goes to private addresses and multicast; \`ignoredPorts\`, which are NTP, DNS and others that are periodic by
nature; slices of a flow that goes on after an active timeout; answers.

**Evaded** by intervals or sizes that vary much (half of the interval and more), by bytes that fill each call up to another size, by fewer than \`connectionsMin\` calls, by pauses of hours at first where many pairs are seen (above some 1,000 new pairs a second, of ten minutes: a pair is tracked when it came three times), by one connection that stays open (see longconn), through \`ignoredPorts\` or ICMP, and behind a proxy, whose address is private.

**Tune** \`ownNetworks\`: name your networks, also those with public addresses, so that only what they ask of outside counts. Software that calls home
evenly is found as well: mute its events. Memory: 41 MB at most as set by default. Where \`pairs_evicted\` counts
many, raise \`pairsMax\`; \`contacts_passed\` counts contacts of pairs that found no place to be counted at all.

**When it fires**: which program of the host calls, and why there? Look at the name, who owns the address, when it began, and what else the host did then. If
nobody knows, isolate the host and search others for the same destination.
`,
  rules: {
    address: {
      id: 9_000_240,
      title: "Beacon to an address",
      category: "Intrusion.Botnet",
      severity: 5,
      confidence: 0.9,
      techniques: ["T1071", "T1029"],
    },
    name: {
      id: 9_000_241,
      title: "Beacon to a named server",
      category: "Intrusion.Botnet",
      severity: 5,
      confidence: 0.9,
      techniques: ["T1071.001", "T1029"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const networks = new OwnNetworks(context.params.ownNetworks, "beacon", "ownNetworks");
    const isIgnored = portsOf(context.params.ignoredPorts);
    const pairs = new Pairs(context);

    /** Whether a host begins a connection with one outside. */
    function isCall(flow: Flow): boolean {
      const { PROTOCOL, TCP_FLAGS } = flow;
      // Exporters that do not know TCP's flags send none.
      if (PROTOCOL === TCP ? TCP_FLAGS !== 0 && (TCP_FLAGS & SYN) === 0 : PROTOCOL !== UDP)
        return false;
      if (!networks.isOutside(flow.DST_IP) || !networks.mayAsk(flow.SRC_IP)) return false;
      const port = flow.DST_PORT;
      return isIgnored[port] === 0 && !(flow.SRC_PORT < SERVICES_END && port >= SERVICES_END);
    }

    return {
      announced: (layout) => pairs.names.negotiate(layout),
      flows(flow: Flow) {
        let isBegun = false;
        while (flow.next()) {
          if (!isBegun) pairs.begin(flow.TIME_FIRST);
          isBegun = true;
          if (!isCall(flow)) continue;
          const name = pairs.names.look(flow as never);
          pairs.contact(flow.SRC_IP, name ?? flow.DST_IP, name !== undefined, flow);
        }
      },
      everySecond: (now: number) => pairs.expire(now),
      end: () => pairs.end(),
    };
  },
});

/** Ports from text, as one flag each. */
function portsOf(text: string): Uint8Array {
  const flags = new Uint8Array(1 << 16);
  for (const part of text.split(SEPARATORS).filter((port) => port !== "")) {
    const port = Number(part);
    if (!DIGITS.test(part) || port >= flags.length)
      throw paramError(`beacon: ignoredPorts: ${JSON.stringify(part)} is no port`);
    flags[port] = 1;
  }
  return flags;
}
