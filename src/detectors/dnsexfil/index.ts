// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, type Handlers } from "../../core/module.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { Domains } from "./domains.ts";
import {
  alerts,
  DNS,
  type Flow,
  flows,
  NO_SUCH_NAME,
  PRIVATE,
  params,
  type Setup,
  TYPE,
} from "./fields.ts";
import { NameReader } from "./name.ts";
import { Sighting } from "./sighting.ts";
import { unreadMean } from "./unread.ts";

/** Most queries of a flow that are counted: a counter must not overflow, whatever a sender says. */
const UNREAD_MAX = 1_000_000;

export default defineModule({
  name: "dnsexfil",
  about: "Data that leaves in DNS names: many encoded names below one registered domain.",
  details: `
**Finds** tunnels and leaks whose data is in the names that are asked for (iodine, dnscat2, dns2tcp, OzymanDNS, and malware that sends what it
has stolen), from one client or from many, each with a little. IPv4 and IPv6, over UDP and TCP. It reads what the meter's plugin \`dns\`
finds. A single long name with characters that no host has in its name is told of on its own, at low severity.

**Counts** for each registered domain (Public Suffix List with its private part, so each customer of a host has his own) the names below
that look encoded: labels of at least 8 bytes, 12 bytes in all, that cost 4.5 bits a character or more whom names of hosts have taught
which character follows which. Names of hosts cost 4.3, base 16 costs 5.5, base 32 and 64 cost 6.2. Of these names it estimates how many
are different (HyperLogLog, standard error 6.5 %, less up to some hundred) and the bytes that each client moved, or the one that does most. At
\`bytesMin\` bytes in \`namesMin\` names it raises one event, if at least half of the queries are for different names and two of
three signs are there: labels of 32 bytes and more on average; a quarter of the queries for types whose answers carry data (TXT, NULL, CNAME, MX,
SRV, KEY, private ones); half of the names do not exist. With one sign it takes eight times as many bytes, without one 64 times. It updates the event
at every doubling, when the domain has been idle for \`idleTimeout\`, and at the end of the stream. A flow of many queries has one name;
where their mean size shows that the others were long and not the same, their bytes count as well.

**Evaded** by fewer bytes in \`window\`, by text that looks like words, by labels below 8 bytes, by many registered domains in turn, by the domains
that are passed over, and by DNS that cannot be read (over TLS or HTTPS). Data that only comes in, in answers to short names, is for \`dnstunnel\`.

**Tune** \`ignored\`: security products that ask for reputation by hashes, and networks that deliver content, are passed over by name; it replaces
the list that is built in. An event about a domain most of whose names are answered by addresses of 127.0.0.0/8, as such lists do
(RFC 5782), has low severity and says so. Memory: 7 MB at most as set by default.

**When it fires**: look at the names in the evidence, and who owns the domain. If nobody knows it, take the client off the net, keep its
disk, and block the domain at the resolver. What has left is about five eighths of the bytes that the event tells (base 32), half of them in base 16.
`,
  rules: {
    names: {
      id: 9_000_270,
      title: "Data in DNS names",
      category: "Anomaly.Protocol",
      severity: 6,
      confidence: 0.85,
      techniques: ["T1048.003", "T1071.004", "T1572"],
    },
    name: {
      id: 9_000_271,
      title: "Suspicious DNS name with encoded text",
      category: "Anomaly.Protocol",
      severity: 2,
      confidence: 0.4,
      techniques: ["T1048.003"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const domains = new Domains(context);
    const name = new NameReader(context.params.ignored.split(",").map((each) => each.trim()));
    const seen = new Sighting(name);
    /** Where the descriptors lie in the sender's records; -1 of an answer that it lacks. */
    let nameAt = 0;
    let answerAt = -1;

    function study(flow: Flow, cursor: AnyReader, size: number): void {
      const isQuery = flow.DST_PORT === DNS;
      // Link-local queries go to other ports. Without a source port all else is taken for answers.
      if (!isQuery && flow.has.SRC_PORT && flow.SRC_PORT !== DNS) return;
      const packets = isQuery ? flow.PACKETS : flow.PACKETS_REV;
      const octets = isQuery ? flow.BYTES : flow.BYTES_REV;
      const type = flow.DNS_QTYPE;
      seen.moreMean = unreadMean(packets, octets, size, name.end - name.domain);
      seen.more = seen.moreMean === 0 ? 0 : Math.min(packets - 1, UNREAD_MAX);
      seen.isCarrier = isCarrier(type);
      seen.isMissing = flow.DNS_RCODE === NO_SUCH_NAME;
      seen.isListed = type === TYPE.a && answerAt >= 0 && isLocal(cursor, answerAt);
      if (isQuery) domains.learn(flow.SRC_IP, flow.DST_IP, seen, flow);
      else domains.learn(flow.DST_IP, flow.SRC_IP, seen, flow);
    }

    return {
      announced(layout: Template) {
        nameAt = fieldOf(layout, "DNS_NAME")!.offset;
        const answer = fieldOf(layout, "DNS_RDATA");
        answerAt = answer?.type === "bytes" ? answer.offset : -1;
      },
      flows(flow: Flow) {
        const cursor = flow as never as AnyReader;
        seen.bytes = cursor.batch.bytes as Uint8Array<ArrayBuffer>;
        while (flow.next()) {
          const from = cursor.span(nameAt);
          const size = cursor.spanLength;
          if (name.read(seen.bytes, from, from + size)) study(flow, cursor, size);
        }
      },
      everySecond: (now: number) => domains.expire(now),
      end: () => domains.end(),
    };
  },
});

/** Whether answers of a type carry text or bytes that a server chooses freely. */
const isCarrier = (type: number): boolean =>
  type === TYPE.txt ||
  type === TYPE.null ||
  type === TYPE.cname ||
  type === TYPE.mx ||
  type === TYPE.srv ||
  type === TYPE.key ||
  type >= PRIVATE;

const LOCAL = [0x31, 0x32, 0x37, 0x2e]; // "127."

/** Whether the answer is an address of the host itself, as reputation lists answer. */
function isLocal(cursor: AnyReader, answerAt: number): boolean {
  const at = cursor.span(answerAt);
  if (cursor.spanLength < LOCAL.length) return false;
  const { bytes } = cursor.batch;
  for (let i = 0; i < LOCAL.length; i++) if (bytes[at + i] !== LOCAL[i]) return false;
  return true;
}
