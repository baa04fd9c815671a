// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, type Handlers, param } from "../core/module.ts";
import { FilterConfig } from "../core/threat-list/filter-config.ts";
import { DomainMatcher } from "../core/threat-list/matcher.ts";
import { Meeting, NamedContacts } from "../core/threat-list/named-contacts.ts";
import { bitmapsByName, OriginalFile } from "../core/threat-list/original-file.ts";
import { listParams } from "../core/threat-list/params.ts";
import { flowsText } from "../core/threat-list/sightings.ts";
import { originalSource, parseSources } from "../core/threat-list/sources.ts";
import { ThreatLists } from "../core/threat-list/threat-lists.ts";
import type { AnyReader } from "../core/unirec/reader.ts";
import { fieldOf, type Reader, type Template, template } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

const DNS = 53;
const DOT = 0x2e;
const WWW = "www.";

const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, string DNS_NAME, ?uint16 DNS_QTYPE,
  ?uint8 DNS_RCODE, ?uint16 DNS_ID, ?uint16 DNS_ANSWERS, ?uint16 DNS_CLASS, ?uint32 DNS_RR_TTL, ?uint16 DNS_RLENGTH,
  ?bytes DNS_RDATA, ?uint16 DNS_PSIZE, ?uint8 DNS_DO
`);
/** What flows of evidence show. */
const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, string DNS_NAME, uint16 DNS_QTYPE, uint8 DNS_RCODE, uint16 DNS_ANSWERS
`);
const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, uint64 BLACKLIST, string DNS_NAME, uint16 DNS_QTYPE, uint8 DNS_RCODE, uint16 DNS_ID,
  uint16 DNS_ANSWERS, uint16 DNS_CLASS, uint32 DNS_RR_TTL, uint16 DNS_RLENGTH, bytes DNS_RDATA, uint16 DNS_PSIZE,
  uint8 DNS_DO
`);

const params = {
  ...listParams({
    listed: "names",
    flows: "Flows of a host about a listed name",
    pairs: "Pairs of host and listed name",
  }),
  config: param.text({
    default: "",
    about: "Configuration of the original, which names its file",
    flag: "c",
  }),
};
type Setup = Context<typeof params, { alerts: typeof alerts }>;
type Flow = Reader<typeof flows>;

export default defineModule({
  name: "dnsblacklist",
  about: "DNS look-ups of names on threat lists: which host asked, and which list says so.",
  details: `
**Finds** hosts that ask for a name of a threat list, or for any name below it: malware that looks for its control server, a click
on a phishing link. Letters of either case and the root's dot make no difference. It reads what the meter's plugin \`dns\` finds.

**Lists** are files that you name in \`lists\` ([formats and syntax](../threat-lists.md)): plain text, hosts files, CSV, JSON,
STIX 2.1, MISP events and the files of NEMEA's downloader. A file that changes is read within some ten seconds while flows go on; one
that is broken leaves its former content in force, and says so. Without any list nothing is looked up: the counter \`lists\`
is 0.

**Counts** the flows of each host about each entry of the lists: one event, opened at \`flowsMin\` flows, updated at doublings but not
sooner than \`updateInterval\` after the last time, closed after \`idleTimeout\`. Its severity is the greatest of its lists'
(\`;severity=\`, 7 when left out).

**Evaded** by DNS that cannot be read (over TLS or HTTPS, to a resolver outside), by names that no list has, by names that lead to a
listed one as an alias, and by addresses without names.

**Tune** by the choice of lists, and mute what resolves names by its job: behind a resolver or a mail filter of yours the event names it
and not the host, so place the tap in front of it. A list of advertisers is no threat list: \`;severity=1\`.

**Deviates** from NEMEA's dnsblacklistfilter, whose behaviour \`compat=nemea\` has: names below a listed one match, and names
with a dot at the end or \`WWW.\` in front, which the original misses; a record stands for an event and has its sums, where the original
sends one for each flow. The meter's biflows are one flow here, query and answer. What adds
records up wants \`compat=nemea\`: sums here are those since the event began.

**When it fires**: see in the evidence what was asked and whether it was answered (DNS_RCODE 0), then whom that host contacted
next. Repeated look-ups at a steady pace are a program's, not a person's.
`,
  replaces: "dnsblacklistfilter",
  aliases: ["dnsblacklistfilter"],
  rules: {
    lookup: {
      id: 9_000_110,
      title: "Look-up of a listed name",
      category: "Malware",
      severity: 7,
      confidence: 0.8,
      techniques: ["T1071.004"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : lookups(context);
  },
});

const fileOf = (config: string): string =>
  config === "" ? "" : new FilterConfig(config, "dnsblacklist").file("blacklist_file");

function lookups({ params: settings, out, state, count, warn }: Setup) {
  const { contactsMax, flowsMin, updateInterval, opensMax, idleTimeout } = settings;
  const file = fileOf(settings.config);
  const sources = parseSources(settings.lists, "dnsblacklist");
  const lists = new ThreatLists(
    () => new DomainMatcher(),
    file === "" ? sources : [...sources, originalSource(file)],
    { module: "dnsblacklist", count, warn },
  );
  const contacts = new NamedContacts(state, {
    rows: contactsMax,
    flowsMin,
    interval: updateInterval * SECOND,
    opensMax,
    count,
    idle: idleTimeout * SECOND,
    flows: shown,
    announce(row, detail) {
      const name = contacts.name(row);
      const { names, severity } = lists.describe(contacts.lists(row));
      const host = detail.source.ip;
      out.alerts.send(
        { ...contacts.record(row), DST_PORT: DNS, DNS_NAME: name },
        {
          ...detail,
          key: `${host}>${name}`,
          reason: `${host} looked up ${name}, which is on the list ${names}: ${flowsText(detail.flows)} (limit ${flowsMin})`,
          severity,
        },
      );
    },
  });
  const meeting = new Meeting();
  /** Where the name's descriptor lies in the sender's records. */
  let nameAt = 0;

  function lookup(flow: Flow, set: number, to: number): void {
    const { matcher } = lists;
    matcher.sets.at(set, 0);
    // A flow from port 53 is an answer alone.
    const isAnswer = flow.SRC_PORT === DNS && flow.DST_PORT !== DNS;
    meeting.client.set(isAnswer ? flow.DST_IP : flow.SRC_IP);
    meeting.server.set(isAnswer ? flow.SRC_IP : flow.DST_IP);
    meeting.bytes = (flow as never as AnyReader).batch.bytes;
    meeting.from = to - matcher.names.found;
    meeting.to = to;
    meeting.low = matcher.sets.low;
    meeting.high = matcher.sets.high;
    meeting.packets = flow.PACKETS + flow.PACKETS_REV;
    meeting.octets = flow.BYTES + flow.BYTES_REV;
    meeting.first = flow.TIME_FIRST;
    meeting.last = flow.TIME_LAST;
    contacts.count(meeting, flow as never);
  }

  return {
    announced(layout: Template) {
      nameAt = fieldOf(layout, "DNS_NAME")!.offset;
    },
    flows(flow: Flow) {
      if (lists.isEmpty) return;
      const { names } = lists.matcher;
      const cursor = flow as never as AnyReader;
      const { bytes } = cursor.batch;
      while (flow.next()) {
        const from = cursor.span(nameAt);
        let to = from + cursor.spanLength;
        if (to > from && bytes[to - 1] === DOT) to--;
        if (to === from) continue;
        const set = names.findDomain(bytes, from, to);
        if (set !== 0) lookup(flow, set, to);
      }
    },
    everySecond(now: number) {
      contacts.expire(now);
      lists.look(now);
    },
    tick: (now: number) => lists.look(now),
    ask: () => lists.readNow(),
    end: () => contacts.end(),
  };
}

/** dnsblacklistfilter as it is: a lower-case `www.` is cut, then the whole name has to be in the file. */
function original({ params: settings, out, count }: Setup) {
  const file = new OriginalFile(fileOf(settings.config), "dnsblacklist");
  let bitmaps: ReadonlyMap<string, bigint> = new Map();

  function load(): void {
    const former = bitmaps.size;
    bitmaps = bitmapsByName(file.lines());
    count("list_entries", bitmaps.size - former);
  }
  load();

  function send(flow: Flow, bitmap: bigint): void {
    const { raw } = flow;
    out.alerts.send({
      SRC_IP: flow.SRC_IP,
      DST_IP: flow.DST_IP,
      SRC_PORT: flow.SRC_PORT,
      DST_PORT: flow.DST_PORT,
      PROTOCOL: flow.PROTOCOL,
      PACKETS: flow.PACKETS,
      BYTES: raw.BYTES,
      TIME_FIRST: raw.TIME_FIRST,
      TIME_LAST: raw.TIME_LAST,
      BLACKLIST: bitmap,
      DNS_NAME: flow.DNS_NAME,
      DNS_QTYPE: flow.DNS_QTYPE,
      DNS_RCODE: flow.DNS_RCODE,
      DNS_ID: flow.DNS_ID,
      DNS_ANSWERS: flow.DNS_ANSWERS,
      DNS_CLASS: flow.DNS_CLASS,
      DNS_RR_TTL: flow.DNS_RR_TTL,
      DNS_RLENGTH: flow.DNS_RLENGTH,
      DNS_RDATA: flow.DNS_RDATA,
      DNS_PSIZE: flow.DNS_PSIZE,
      DNS_DO: flow.DNS_DO,
    });
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) {
        const name = flow.DNS_NAME;
        const key = (name.startsWith(WWW) ? name.slice(WWW.length) : name).toLowerCase();
        const bitmap = bitmaps.get(key);
        if (bitmap !== undefined) send(flow, bitmap);
      }
    },
    tick() {
      if (file.hasChanged) load();
    },
    ask: load,
  };
}
