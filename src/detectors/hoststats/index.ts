// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { watchDns } from "./dns.ts";
import { DNS, type Flow, flows, isDns, isEmptyUdp, isSsh } from "./flow.ts";
import { Hosts } from "./hosts.ts";
import { Original } from "./original.ts";
import { params, type Setup } from "./params.ts";
import { alerts } from "./record.ts";
import { isLarge } from "./rules.ts";
import { DEFAULTS, readSettings, type Settings } from "./settings.ts";
import { watchSsh } from "./ssh.ts";

export default defineModule({
  name: "hoststats",
  about:
    "Counts the flows of each host, and finds scans, floods, SSH guessing and DNS amplification.",
  details: `
**Finds** hosts, of IPv4 and IPv6, that
- scan: many SYNs to many addresses, and hardly an answer;
- are flooded: more small requests than they answer, SYNs or others;
- flood: more small requests to each of their targets than those answer;
- have their SSH passwords guessed, or guess: many connections as long as a failed login;
- are misused for DNS amplification, or its victims: many DNS responses of 1,000 bytes a packet or more.

**Counts** flows, packets, bytes, SYNs and ACKs of each host, sent and received, requests, responses and the rest apart, in windows of
\`window\` seconds that begin with a flow of the host. What a flow is its ports tell: of two different ports of which one is below 10,000 the
lower is the server's. Of flows that this tells nothing of, four fifths are taken for requests and one fifth for responses. A rule is asked
while the flows come: it opens an event as soon as it holds, updates it at each doubling and once in each further window, and closes it
after a window in which it held no more, or when the host has been silent for \`idleTimeout\`. A host is watched for scans from the \`flowsMin\`th unanswered
SYN that it sends in a window, for floods from a sixteenth of the limit on, in flows of few packets and small ones that it sends or gets; what was before counts
as if it had been like that flow. So ordinary hosts cost next to nothing, and the addresses that a flood forges push nobody out. Addresses are counted in 64 bytes a
host: those it asks by linear counting (3 % off at 200), those it hears from by HyperLogLog (13 %).

**Evaded** by attacks slower than the limits, or from many hosts that stay below them each; scans by completing connections; SSH guessing by
connections of other lengths. Floods of large packets do not count here: see ddos.

**Tune** \`scanSyns\` for scans and \`sshLogins\` for guessing; \`floodSyns\` and \`floodFlows\` down to some times of what a busy server
here gets in \`window\`. \`config\` takes the original's configuration file with all its settings, which then stand before the parameters of the
same meaning (\`table-size\` before \`hostsMax\`, \`timeout-active\` before \`window\`); \`timeout-inactive\`, \`det-start-time\` and \`offline\` matter
to \`compat=nemea\` only. Memory: 59 MB at most as set by default, 790 bytes for each of \`hostsMax\`, taken only as far as it is filled.

**Deviates** from NEMEA's hoststatsnemea, whose behaviour \`compat=nemea\` has (but for log files, which it does not write, and the hash of its
Bloom filters; where the original divides by zero and dies, it sends nothing): a host is judged while an attack runs, not when its record leaves;
pauses shorter than \`idleTimeout\` do not split an attack, where 30 s did; counters do not end at 4 GB or 65,535, which bent the ratios and hid
long attacks; an attack is one event; a flow has a packet at least; only port 53 sends DNS responses, and the victim's alert names it as the port they
come from; time is the flows'; LINK_BIT_FIELD and DIR_BIT_FIELD need not be there. EVENT_SCALE is what is held against the limit, and the numbers
of NOTE stand in the reason.

**When it fires**: a scan, a flood or guesses from a host of yours: isolate it. Guesses at one of yours: look for a login after them. A flooded
host: filter what the evidence shows, at the provider where sources are forged. A misused server: restrict its recursion, limit its rate.
`,
  replaces: "hoststatsnemea",
  aliases: ["hoststatsnemea"],
  rules: {
    scan: {
      id: 9_000_040,
      title: "Horizontal SYN scan",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.8,
      techniques: ["T1046"],
    },
    floodVictim: {
      id: 9_000_041,
      title: "Host under a flood of requests",
      category: "Availability.DDoS",
      severity: 8,
      confidence: 0.8,
      techniques: ["T1498.001"],
    },
    floodAttacker: {
      id: 9_000_042,
      title: "Host that floods others with requests",
      category: "Availability.DoS",
      severity: 7,
      confidence: 0.8,
      techniques: ["T1498.001"],
    },
    sshVictim: {
      id: 9_000_043,
      title: "SSH passwords of a host are guessed",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1110.001"],
    },
    sshAttacker: {
      id: 9_000_044,
      title: "Host that guesses SSH passwords",
      category: "Attempt.Login",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1110.001"],
    },
    dnsServer: {
      id: 9_000_045,
      title: "DNS server misused for amplification",
      category: "Availability.DDoS",
      severity: 6,
      confidence: 0.7,
      techniques: ["T1498.002"],
    },
    dnsVictim: {
      id: 9_000_046,
      title: "Victim of DNS amplification",
      category: "Availability.DDoS",
      severity: 8,
      confidence: 0.7,
      techniques: ["T1498.002"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const settings = settingsOf(context);
    return context.params.compat === "nemea"
      ? handlersOf(new Original(context, settings))
      : watch(context, settings);
  },
});

/** Let `look` walk over the batch before it is walked over in earnest. */
function twice(flow: Flow, look: () => void): void {
  const cursor = flow as unknown as AnyReader;
  const { batch, malformed } = cursor;
  look();
  cursor.reset(batch);
  cursor.malformed = malformed; // what is short is met again
}

/** What the file says, before the parameters. */
function settingsOf({ params: given, warn }: Setup): Settings {
  const settings = {
    ...DEFAULTS,
    hosts: given.hostsMax,
    window: given.window,
    scanSyns: given.scanSyns,
    scanAddresses: given.scanSyns,
    victimSyns: given.floodSyns,
    attackerSyns: given.floodSyns,
    victimFlows: given.floodFlows,
    attackerFlows: given.floodFlows,
    sshRequests: given.sshLogins,
    dnsResponses: given.dnsResponses,
  };
  return given.config === "" ? settings : readSettings(given.config, settings, warn);
}

const handlersOf = (original: Original) => ({
  flows: (flow: Flow) => original.flows(flow),
  tick: (now: number) => original.tick(now),
  end: () => original.end(),
});

function watch(context: Setup, settings: Settings) {
  const hosts = settings.generic === 0 ? undefined : new Hosts(context, settings);
  const ssh = settings.ssh === 0 ? undefined : watchSsh(context, settings);
  const dns = settings.dns === 0 ? undefined : watchDns(context, settings);
  return {
    flows(flow: Flow) {
      if (hosts) twice(flow, () => hosts.prepare(flow));
      for (let nth = 0; flow.next(); nth++) {
        if (isEmptyUdp(flow)) continue;
        hosts?.see(flow, nth);
        if (ssh && isSsh(flow)) ssh.see(flow);
        else if (dns && flow.SRC_PORT === DNS && isDns(flow) && isLarge(flow.BYTES, flow.PACKETS))
          dns.see(flow);
      }
    },
    everySecond(now: number) {
      hosts?.expire(now);
      ssh?.expire(now);
      dns?.expire(now);
    },
    end() {
      hosts?.end();
      ssh?.end();
      dns?.end();
    },
  };
}
