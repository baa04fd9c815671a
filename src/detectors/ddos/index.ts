// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, type Handlers, param } from "../../core/module.ts";
import { type Reader, template, uniflow } from "../../core/unirec/template.ts";
import { detect } from "./detect.ts";
import { original } from "./original.ts";

const flows = uniflow(
  "ipaddr DST_IP, ipaddr SRC_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST",
);
const alerts = template(`
  ipaddr DST_IP, uint64 BYTES, time TIME_FIRST, time TIME_LAST, uint64 EVENT_ID, uint16 EVENT_SEQ,
  uint64 AVG_BYTES_CURRENT, uint64 AVG_BYTES_ORIGINAL, uint32 AVG_IP_CNT_CURRENT, uint32 AVG_IP_CNT_ORIGINAL
`);

const params = {
  rateMin: param.count({
    default: 1000,
    min: 1,
    about: "Least rate of a flood that lasts, in kb/s",
    flag: "m",
  }),
  rateSure: param.count({
    default: 20_000,
    min: 1,
    about: "Least rate, in kb/s, of a flood that needs two windows of 10 s and no baseline",
  }),
  sourcesMin: param.count({
    default: 30,
    min: 2,
    about: "Least number of source networks of a flood",
  }),
  growth: param.count({
    default: 4,
    min: 1,
    max: 65_535,
    about: "How many times its usual bytes a victim receives",
    flag: "t",
  }),
  sourcesGrowth: param.count({
    default: 4,
    min: 1,
    max: 65_535,
    about: "How many times its usual number of source networks a victim hears from",
    flag: "c",
  }),
  sourceMask: param.count({
    default: 24,
    max: 32,
    about: "Bits of an IPv4 source that make its network",
    flag: "s",
  }),
  targetMask: param.count({
    default: 32,
    max: 32,
    about: "Bits of an IPv4 destination that make a victim; 24 watches networks as a whole",
    flag: "d",
  }),
  sourceMask6: param.count({
    default: 48,
    max: 128,
    about: "Bits of an IPv6 source that make its network",
  }),
  targetMask6: param.count({
    default: 128,
    max: 128,
    about: "Bits of an IPv6 destination that make a victim",
  }),
  baselineTime: param.seconds({
    default: 600,
    min: 60,
    max: 604_800,
    about: "How far the baseline looks back: what is older by this much counts a third",
  }),
  calmTime: param.seconds({
    default: 360,
    min: 120,
    about: "A flood is over when the victim has been below its limit for this long",
  }),
  idleTimeout: param.seconds({
    default: 3600,
    min: 120,
    about: "Forget a host that received nothing for this long",
  }),
  hostsMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Hosts watched at once",
  }),
  baseMin: param.count({
    default: 1,
    about: "Only with `compat=nemea`: least usual rate of a victim that is reported, in kb/s",
    flag: "b",
  }),
  pruneRate: param.count({
    default: 10,
    about: "Only with `compat=nemea`: forget hosts that receive no more than this, in kb/s",
    flag: "p",
  }),
  compat: param.compat(),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;

export default defineModule({
  name: "ddos",
  about: "Volumetric DDoS: a host suddenly receives far more bytes, from far more sources.",
  details: `
**Finds** a host, or a network, that receives several times its usual bytes from several times its usual number of
source networks: what floods of UDP, reflected answers and large TCP segments have in common. IPv4 and IPv6.

**Counts** the bytes each destination receives in windows of 10 s, spreading each flow over its time, and estimates the
source networks of each minute (HyperLogLog, standard error 6.5 %). A host's flows are looked at from the time on at which it
has received a thirty-second of \`rateMin\` in a window: what is usual below that does not matter. Over the last five minutes it looks for the first
window from which on there is a flood, measured by the baseline: a weighted mean of all that was before that window. A
flood is raised

- at once, when two windows in a row reach \`rateSure\` and \`growth\` times the baseline: within 20 s of its beginning;
- after two minutes, when each half minute of them reaches \`rateMin\` and \`growth\` times the baseline;

and in both cases only when the flows that ended in one minute brought as much and were of at least \`sourcesMin\` networks
and \`sourcesGrowth\` times the usual number. The baseline stands still while a flood lasts. The event is updated whenever
its bytes have doubled, when the victim has been below the limit for \`calmTime\`, and at the end of the stream. \`BYTES\` are
those above the baseline since the flood began. What lasts for a day is usual from then on.

Silence that was watched is a baseline: a host that had no traffic before is judged as one with little. Nothing is known
of a host in the first two minutes after the start, or after it was evicted: then only the first rule finds a flood, with
a confidence of 0.5 instead of 0.8.

**Evaded** by a flood from few networks, by one that grows slowly over \`baselineTime\`, and by one spread over the hosts
of a network (watch \`targetMask=24\`). Floods of small packets that stay below \`rateMin\` are no matter of volume: other
detectors find them.

**Tune** \`rateMin\` and \`rateSure\` to what hurts your hosts: a peer-to-peer client that starts looks like a small
flood. After the very first start a busy server may be named once; raise \`rateSure\` above your busiest one's rate.
Memory: 54 MB as set by default, 0.8 KB a host.

**Deviates** from NEMEA's ddos_detector, whose behaviour \`compat=nemea\` has: sources are counted in a HyperLogLog (the
original's table saturates at 511 and takes colliding networks for one); hosts with little or no base traffic can be
victims (the original forgets hosts below \`pruneRate\` each minute and drops those below \`baseMin\`); the victim is
named within 20 s or two minutes, not when the flood leaves the 7 windows; a flood of one window counts when it is high
enough; at least \`sourcesMin\` networks are asked for, whatever the baseline; flows longer than a window lose no bytes;
IPv6 is seen; a mask of 0 takes all addresses together (the original then cuts nothing off); one event is updated and its
numbers are totals since it began, where the original sends a record each 5 minutes about the bytes since the last; a jump
of time resets nothing; the end of the stream is noticed; the number of hosts is bounded. \`EVENT_ID\` is a counter before
the destination's last 32 bits, not a random number; in compat mode too.

**When it fires**: look at the sources and ports of the evidence flows. Answers of DNS, NTP or the like are an
amplification: filter that port upstream. Otherwise ask the provider to filter or to blackhole the victim, and see
whether it is a service that many have begun to use.
`,
  replaces: "ddos_detector",
  aliases: ["ddos_detector"],
  rules: {
    flood: {
      id: 9_000_020,
      title: "Volumetric DDoS",
      category: "Availability.DDoS",
      severity: 8,
      confidence: 0.8,
      techniques: ["T1498"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : detect(context, flows);
  },
});
