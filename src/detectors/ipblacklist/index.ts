// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, type Handlers, param } from "../../core/module.ts";
import { listParams } from "../../core/threat-list/params.ts";
import { Contacts } from "./contacts.ts";
import { alerts, type Flows, flows } from "./fields.ts";
import { original } from "./original.ts";

const params = {
  ...listParams({
    listed: "addresses",
    flows: "Flows with a listed address",
    pairs: "Pairs of listed address and list",
  }),
  domains: param.text({
    default: "",
    about: "Files with listed names, whose addresses are watched, as `lists`",
  }),
  adaptiveTime: param.seconds({
    default: 600,
    min: 1,
    max: 86_400,
    about: "How long an address of a listed name is watched, where its TTL is not longer",
  }),
  sharedNames: param.count({
    default: 8,
    min: 1,
    max: 64,
    about: "Other names beyond which an address is shared by many and left out",
  }),
  watchedMax: param.count({
    default: 4096,
    min: 16,
    max: 1 << 20,
    about: "Addresses of listed names watched at once",
  }),
  recentMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 20,
    about: "Flows that are looked back at when a listed name has an address",
  }),
  config: param.text({
    default: "",
    about: "Configuration of the original, which names its files",
    flag: "c",
  }),
  v4File: param.text({
    default: "",
    about: "The original's file of IPv4 addresses, in place of the configuration's",
    flag: "4",
  }),
  v6File: param.text({
    default: "",
    about: "The original's file of IPv6 addresses, in place of the configuration's",
    flag: "6",
  }),
  portsLeak: param.flag({
    default: false,
    about:
      "Only with `compat=nemea`: as an original that reads ports, and has them leak to the lines after",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;

export default defineModule({
  name: "ipblacklist",
  about:
    "Traffic with addresses of threat lists: who of yours talks to whom, and which list says so.",
  details: `
**Finds** flows whose source or destination is on a threat list, by address or by any prefix; IPv4 and IPv6. A host of
yours that contacts a listed address (\`outbound\`) may be infected; a listed address that contacts your hosts
(\`inbound\`) is mostly a scan, and matters more once it is answered.

**Lists** are files that you name in \`lists\` ([formats and syntax](../threat-lists.md)): plain text, CSV, JSON, STIX 2.1, MISP
events and the files of NEMEA's downloader. A file that changes is read within some ten seconds while flows go on; one that is
broken leaves its former content in force, and says so. Without any list nothing is looked up: the counter \`lists\` is 0.

**Counts** the flows between each listed address and whom it meets, for each list and direction: one event, opened at \`flowsMin\`
flows, updated at doublings but not sooner than \`updateInterval\` after the last time, closed after \`idleTimeout\`. It names up to 8
hosts and 8 ports. Its severity is the list's (\`;severity=\`, 7 when left out) for outbound contact, two less for inbound, and 3
at most for inbound contact that nobody answered.

**Names** of threat lists, in \`domains\`, make addresses listed ones for a while (\`adaptive\`): when an answer of DNS resolves a listed
name, or one below it, to an address, contact with that address is told of for \`adaptiveTime\`, or as long as the answer may be kept,
at most a day. It needs flows with DNS, which the meter's plugin \`dns\` gives. Contact may be known of before the answer, whose flow
ends later: the last \`recentMax\` flows are looked back at. An address that names resolve to which no list has is shared, as those of
a CDN: of up to \`sharedNames\` in the last hour the confidence is 0.3 in place of 0.7, beyond it is left out (\`contacts_shared\`). Left
out are addresses that are no hosts elsewhere too (0.0.0.0, loopback, private), which blocking resolvers answer with.

**Evaded** by addresses that no list has (yet), and by relays: what goes through a proxy or a CDN shows the relay's address. Of an
answer the meter keeps the first record: further addresses are not watched, and none where an alias (CNAME) comes
first (\`answers_unread\`). Whoever has many names resolve to the address of a listed one makes it a shared one.

**Tune** by the choice of lists. Lists of scanners fire all day on an open network: give them \`;severity=2\`, or leave them out. Lists
of shared hosting name innocent neighbours. Mute events of hosts that talk to listed addresses by their job (a sandbox, a mail
filter that looks them up). A line with ports holds only at these ports of the listed address. Raise \`recentMax\` where more than some
2000 flows a second come: 79 bytes each, and only with \`domains\`.

**Deviates** from NEMEA's ipblacklistfilter, whose behaviour \`compat=nemea\` has: both sides are looked up in each flow,
and a bitmap never keeps the value of an earlier one; all prefixes that cover an address count, where the original's binary search
misses some of nested ones; IPv6 prefixes of any length match; ports of a list are honoured, for that list and that line alone;
flows from and to port 53 are looked up too; a flow raises no alert of its own, a record stands for an event and has its sums;
the adaptive filter is part of it: \`domains\` does what adaptive_filter.py did beside it with a file, for names alone; ADAPTIVE_IDS has
the names and not the ids of that file, whose lines (\`ip,999,id\`) are passed over, 999 as a bitmap is one. Who began a contact is known of biflows; of
uniflows the side with the lower port is taken as the one that was called. The meter's biflows are one record here, where the original
was given two. What adds records up, as \`blacklist-aggregator\` does, wants \`compat=nemea\`: sums here are those since the event began.

**When it fires**: outbound: look at the evidence flows and what the host did before; a periodic flow of few bytes is a beacon, and
then the host belongs off the network. Inbound: see whether it was answered and what the answered port serves. Adaptive: the first
flows of evidence are those with the answer: see who asked for which name, and whether its answer is what other resolvers give.
`,
  replaces: "ipblacklistfilter",
  aliases: ["ipblacklistfilter"],
  rules: {
    outbound: {
      id: 9_000_100,
      title: "Contact with a listed address",
      category: "Malware",
      severity: 7,
      confidence: 0.8,
      techniques: ["T1071"],
    },
    inbound: {
      id: 9_000_101,
      title: "Contact from a listed address",
      category: "Anomaly.Connection",
      severity: 5,
      confidence: 0.6,
      techniques: ["T1595"],
    },
    adaptive: {
      id: 9_000_102,
      title: "Contact with an address of a listed name",
      category: "Malware",
      severity: 7,
      confidence: 0.7,
      techniques: ["T1071", "T1568"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: Flows }> {
    if (context.params.compat === "nemea") return original(context);
    const contacts = new Contacts(context);
    return {
      announced: (layout) => contacts.announced(layout),
      flows: (flow) => contacts.look(flow),
      everySecond(now) {
        contacts.expire(now);
        contacts.lookAtLists(now);
      },
      tick: (now) => contacts.lookAtLists(now),
      ask: () => contacts.readLists(),
      end: () => contacts.end(),
    };
  },
});
