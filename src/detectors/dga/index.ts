// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { Clients } from "./clients.ts";
import { alerts, DNS, type Flow, flows, params, RCODE, type Setup } from "./fields.ts";
import { LabelFinder } from "./label.ts";
import { Scorer, topHashes } from "./score.ts";

export default defineModule({
  name: "dga",
  about: "Malware that tries made-up domain names until one of them is its control server's.",
  details: `
**Finds** a host that asks for many domains that do not exist and whose names look made up by an algorithm (a DGA), as bots do in
search of their control server: most of the names of a day are not registered, and one is. IPv4 and IPv6. It reads what the meter's
plugin \`dns\` finds.

**Counts** for each client the different registered domains it was told do not exist (NXDOMAIN), and those among them that look made up. At
\`namesMin\` of these it raises one event, if they are at least \`shareMin\` of the former, seven times what chance would give; it updates
the event at every doubling, when a made-up name is answered after all, when the client has been quiet for \`idleTimeout\`, and at the
end of the stream. Numbers are estimates (HyperLogLog, standard error 9 %, far less up to some fifty). A single name raises nothing.

Only the label that somebody registered is judged, never those in front of it: random names of hosts and content are usual there. It is
judged by its pairs, triples and fours of characters, each with a weight of 8 bits, trained with names of twelve families of malware
and of the hosts that pages of the web load from (\`scripts/train-dga.ts\`). Of such domains that were not trained with, 12,000 of a
million look made up, many because they are: advertisers change theirs to get around blockers. Of names of families that were
not trained with either it knows 88 % and more where they are random letters, letters and digits, or hashes of 12 characters and up; 70 % of
Locky (5 to 17 letters), 20 % of Virut (6), a third of those that can be spoken (Kraken, Simda) and of Banjori; and none that put words together
(Suppobox, Matsnu, Gozi). A host that asks for 300 names raises an event with each of these families but the last three.

**Evaded** by names put together from words, by names in other scripts, by fewer names than \`namesMin\` in \`window\`, by a resolver that answers
where there is nothing, and by DNS that cannot be read (over TLS or HTTPS).

**Tune** \`shareMin\` down where a resolver stands for all of its clients, better: place the tap in front of it. \`open\` has
providers of dynamic DNS, below which the next label is judged. Mute what asks for names of others by its job, such as a crawler or a sandbox.
Memory: 8 MB at most as set by default.

**When it fires**: see in the evidence whether a name was answered (DNS_RCODE 0), which is likely the control server, and find what the
client sent to that address. Then take the client off the net. Names that are all of one length and end, seconds apart, are a program's.
`,
  rules: {
    names: {
      id: 9_000_280,
      title: "Made-up domain names",
      category: "Intrusion.Botnet",
      severity: 5,
      confidence: 0.8,
      techniques: ["T1568.002"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const clients = new Clients(context);
    const label = new LabelFinder(
      topHashes(),
      context.params.open.split(",").map((name) => name.trim()),
    );
    const scorer = new Scorer();
    /** Where the name's descriptor lies in the sender's records. */
    let nameAt = 0;

    /** Find the name's registered label and judge it. */
    function read(cursor: AnyReader): boolean {
      const { bytes } = cursor.batch;
      const from = cursor.span(nameAt);
      if (!label.find(bytes, from, from + cursor.spanLength)) return false;
      label.isMadeUp = label.isJudged && scorer.isMadeUp(bytes, label.from, label.to);
      return true;
    }

    function study(flow: Flow, cursor: AnyReader, isMissing: boolean): void {
      const isQuery = flow.DST_PORT === DNS;
      // Link-local queries go to other ports. Without a source port all else is taken for answers.
      if (!isQuery && flow.has.SRC_PORT && flow.SRC_PORT !== DNS) return;
      if (!read(cursor)) return;
      const client = isQuery ? flow.SRC_IP : flow.DST_IP;
      const server = isQuery ? flow.DST_IP : flow.SRC_IP;
      if (isMissing) clients.missing(client, server, label, flow);
      else if (label.isMadeUp) clients.found(client, flow);
    }

    return {
      announced(layout: Template) {
        nameAt = fieldOf(layout, "DNS_NAME")!.offset;
      },
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        while (flow.next()) {
          const code = flow.DNS_RCODE;
          if (code === RCODE.noSuchName) study(flow, cursor, true);
          else if (code === RCODE.none && clients.hasSuspects && flow.DNS_ANSWERS !== 0)
            study(flow, cursor, false);
        }
      },
      everySecond: (now: number) => clients.expire(now),
      end: () => clients.end(),
    };
  },
});
