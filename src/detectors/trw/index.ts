// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Contacts } from "./contacts.ts";
import { alerts, type Flow, flows, params, type Setup } from "./fields.ts";
import { OUTCOME, outcomeOf } from "./outcome.ts";
import { Sources } from "./sources.ts";

const TCP = 6;

export default defineModule({
  name: "trw",
  about: "Scanners, by how often the hosts they try for the first time do not answer.",
  details: `
**Finds** hosts that look for others by TCP, after some four contacts, whatever ports they try and however slowly: who knows whom he wants gets an answer
mostly, who guesses does not. IPv4 and IPv6. haddrscan counts addresses of one port in minutes; this weighs failures against successes, over days.

**Counts** as Threshold Random Walk does: Jung, Paxson, Berger and Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (IEEE
Symposium on Security and Privacy 2004). The first contact of a source with an address has failed when its SYN is not answered or is refused by RST, and has succeeded when SYN
and ACK came back. Each failure multiplies how likely a scanner is by (1 - \`successScanner\`) / (1 - \`successBenign\`) = 4, each success by
\`successScanner\` / \`successBenign\` = 1/4; the verdict falls at \`detection\` / \`falseAlarms\` = 99, or at its counterpart, 1/99. So four failures in a row are one. Further contacts with
the same address count no more.

**Severity**: 3 on the verdict alone. The paper's hosts are strangers; hosts of one's own with dead peers fail as often, above all in peer-to-peer
networks. So it takes more for 5: \`addressesMin\` different addresses that failed, at least four times as many as ports, and three failures for each success, which a scan has and such a network has not.
What took \`slowAfter\` or longer to get there is an event of its own, a slow scan: addresses are counted over seven days (HyperLogLog, standard error 13 %). An event is updated at each
doubling of the failures, and closed when successes have brought the walk to the other bound or the source was silent for seven days.

**Deviates** from the paper, where a test ends with its verdict: here the walk stays at a bound and goes on, so that a harmless host that is infected is
found after seven failures. A source is watched from its first failure on; up to seven successes before are credited to it, of those that share its cell of 65,536 as well. A destination
that fails for the 65th time in a minute is down or flooded, and says nothing of who tries it: forged sources of a flood do not fill the table.

**Evaded** by trying mostly hosts that answer, as from a list; by UDP; from many sources; by many ports (verdict only). Who met whom is remembered in 524,288 places of two bytes:
on a busy network a pair that comes again is taken for a new one, but for the last sixteen addresses at which a source failed.

**Tune** \`addressesMin\` up, or mute, for monitoring systems and crawlers. With flows of one direction a request that was refused and one that was lost are the same; sampled flows are of no
use. Memory: 28 MB at most as set by default.

**When it fires**: a scanner you run, or a program whose server list is old? If it is neither, see which of the addresses answered (all flows of that source), and what it did with them.
`,
  rules: {
    scan: {
      id: 9_000_260,
      title: "Scan found by failed first contacts",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.9,
      techniques: ["T1046", "T1018"],
    },
    slow: {
      id: 9_000_261,
      title: "Slow scan over days",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.9,
      techniques: ["T1046", "T1018"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const contacts = new Contacts(context.state);
    const sources = new Sources(context);

    function contact(flow: Flow, outcome: number): void {
      const source = hashOf(flow.SRC_IP, 0);
      if (!contacts.isFirst(hashOf(flow.DST_IP, source))) return;
      if (outcome === OUTCOME.success) {
        if (contacts.succeeds(source)) sources.succeed(flow.SRC_IP, flow.TIME_LAST);
      } else if (!contacts.isDown(hashOf(flow.DST_IP, 0), flow.TIME_LAST))
        sources.fail(flow, contacts.watch(source));
    }

    return {
      flows(flow: Flow) {
        while (flow.next()) {
          if (flow.PROTOCOL !== TCP) continue;
          const outcome = outcomeOf(flow.TCP_FLAGS, flow.TCP_FLAGS_REV, flow.PACKETS_REV);
          if (outcome !== OUTCOME.none) contact(flow, outcome);
        }
      },
      everySecond: (now: number) => sources.expire(now),
      end: () => sources.end(),
    };
  },
});

/** A hash of an address and of what goes before it, for places in tables: each flow has two, so it has one round for all four words. */
function hashOf({ w0, w1, w2, w3 }: Ip, before: number): number {
  const odd = Math.imul(w0, 0x9e3779b1) + Math.imul(w2, 0x85ebca77);
  const even = Math.imul(w1, 0xc2b2ae3d) + Math.imul(w3, 0x27d4eb2f);
  let h = (odd + even + Math.imul(before, 0x165667b1)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
