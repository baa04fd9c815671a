// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, type Handlers, param } from "../core/module.ts";
import { FilterConfig } from "../core/threat-list/filter-config.ts";
import { UrlMatcher } from "../core/threat-list/matcher.ts";
import { Meeting, NamedContacts } from "../core/threat-list/named-contacts.ts";
import { bitmapsByName, OriginalFile } from "../core/threat-list/original-file.ts";
import { listParams } from "../core/threat-list/params.ts";
import { flowsText } from "../core/threat-list/sightings.ts";
import { originalSource, parseSources } from "../core/threat-list/sources.ts";
import { ThreatLists } from "../core/threat-list/threat-lists.ts";
import { type Span, UrlKey } from "../core/threat-list/url-key.ts";
import type { AnyReader } from "../core/unirec/reader.ts";
import { fieldOf, type Reader, type Template, template } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

const WWW = "www.";
const SLASH = "/";

const flows = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, ?uint32 PACKETS_REV, ?uint64 BYTES_REV, string HTTP_REQUEST_HOST,
  string HTTP_REQUEST_URL, ?string HTTP_REQUEST_REFERER, ?uint16 HTTP_RESPONSE_STATUS_CODE
`);
/** What flows of evidence show. */
const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, string HTTP_REQUEST_HOST, string HTTP_REQUEST_URL,
  uint16 HTTP_RESPONSE_STATUS_CODE
`);
const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, uint64 BYTES,
  time TIME_FIRST, time TIME_LAST, uint64 BLACKLIST, string HTTP_REQUEST_HOST, string HTTP_REQUEST_URL,
  string HTTP_REQUEST_REFERER
`);

const params = {
  ...listParams({
    listed: "URLs",
    flows: "Flows of a host to a listed URL",
    pairs: "Pairs of host and listed URL",
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
  name: "urlblacklist",
  about: "HTTP requests for URLs on threat lists: which host asked, and which list says so.",
  details: `
**Finds** requests in clear HTTP for a URL of a threat list: a download of malware, a phishing page, a control panel. It
reads what the meter's plugin \`http\` finds.

**Compares** host, port, path and query. The same are: letters of either case, a host with and without \`www.\` or a dot
at its end, the ports 80 and 443 and none, a path with and without a slash at its end, bytes and their escapes (\`%61\`), paths
with \`.\` and \`..\` resolved, a whole URL in the request line and a path with a Host field. A listed URL without a query is
met with any. A listed host without a path is its front page; whole hosts belong on a list of names (\`dnsblacklist\`).

**Lists** are files that you name in \`lists\` ([formats and syntax](../threat-lists.md)): plain text, CSV, JSON, STIX 2.1,
MISP events and the files of NEMEA's downloader. A file that changes is read within some ten seconds while flows go on; one that is
broken leaves its former content in force, and says so. Without any list nothing is looked up: the counter \`lists\` is 0.

**Counts** the flows of each host to each listed URL: one event, opened at \`flowsMin\` flows, updated at doublings but not sooner than
\`updateInterval\` after the last time, closed after \`idleTimeout\`. Its severity is the greatest of its lists'
(\`;severity=\`, 7 when left out).

**Evaded** by HTTPS, whose requests nobody sees on the wire, by later requests of a connection, of which the meter tells the first,
and by URLs that differ in a part of the query.

**Tune** by the choice of lists, and mute what fetches listed URLs by its job (a sandbox, a mail filter, a crawler). Behind a
proxy of yours the event names the proxy: place the tap in front of it.

**Deviates** from NEMEA's urlblacklistfilter, whose behaviour \`compat=nemea\` has: hosts with \`WWW.\` in front or a dot at the
end, escapes, dot segments and requests to a proxy match, which the original misses; a URL without a query is met with any; hosts of
any length are compared, without overflow; a failed reload leaves the former list, where the original has none; a record stands for an
event and has its sums, where the original sends one for each flow. What adds records up, as \`blacklist-aggregator\` does, wants
\`compat=nemea\`: sums here are those since the event began.

**When it fires**: see in the evidence whether it was answered (HTTP_RESPONSE_STATUS_CODE 200) and how much came back, then
whom that host contacted next. A page that a person opened is followed by others; a program asks for one thing again and again.
`,
  replaces: "urlblacklistfilter",
  aliases: ["urlblacklistfilter"],
  rules: {
    request: {
      id: 9_000_120,
      title: "Request for a listed URL",
      category: "Malware",
      severity: 7,
      confidence: 0.9,
      techniques: ["T1071.001"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : requests(context);
  },
});

const fileOf = (config: string): string =>
  config === "" ? "" : new FilterConfig(config, "urlblacklist").file("blacklist_file");

function requests({ params: settings, out, state, count, warn }: Setup) {
  const { contactsMax, flowsMin, updateInterval, opensMax, idleTimeout } = settings;
  const file = fileOf(settings.config);
  const sources = parseSources(settings.lists, "urlblacklist");
  const lists = new ThreatLists(
    () => new UrlMatcher(),
    file === "" ? sources : [...sources, originalSource(file)],
    { module: "urlblacklist", count, warn },
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
      const url = contacts.name(row);
      const slash = url.indexOf(SLASH);
      const { names, severity } = lists.describe(contacts.lists(row));
      const client = detail.source.ip;
      out.alerts.send(
        {
          ...contacts.record(row),
          HTTP_REQUEST_HOST: slash < 0 ? url : url.slice(0, slash),
          HTTP_REQUEST_URL: slash < 0 ? SLASH : url.slice(slash),
        },
        {
          ...detail,
          key: `${client}>${url}`,
          reason: `${client} asked for ${url}, which is on the list ${names}: ${flowsText(detail.flows)} (limit ${flowsMin})`,
          severity,
        },
      );
    },
  });
  const key = new UrlKey();
  const host: Span = { bytes: key.bytes, from: 0, to: 0 };
  const target: Span = { bytes: key.bytes, from: 0, to: 0 };
  const meeting = new Meeting();
  /** Where the descriptors of host and URL lie in the sender's records. */
  let hostAt = 0;
  let urlAt = 0;

  function request(flow: Flow, set: number): void {
    const { sets, urls } = lists.matcher;
    sets.at(set, 0);
    meeting.low = sets.low;
    meeting.high = sets.high;
    meeting.bytes = key.bytes;
    meeting.to = urls.found;
    contacts.count(filled(meeting, flow), flow as never);
  }

  return {
    announced(layout: Template) {
      hostAt = fieldOf(layout, "HTTP_REQUEST_HOST")!.offset;
      urlAt = fieldOf(layout, "HTTP_REQUEST_URL")!.offset;
    },
    flows(flow: Flow) {
      if (lists.isEmpty) return;
      const { matcher } = lists;
      const cursor = flow as never as AnyReader;
      host.bytes = cursor.batch.bytes;
      target.bytes = cursor.batch.bytes;
      while (flow.next()) {
        host.from = cursor.span(hostAt);
        host.to = host.from + cursor.spanLength;
        target.from = cursor.span(urlAt);
        target.to = target.from + cursor.spanLength;
        if (host.to - host.from + cursor.spanLength === 0 || !key.host(host, target)) continue;
        if (matcher.hosts.find(key.bytes, 0, key.length) === 0 || !key.path()) continue;
        const set = matcher.find(key);
        if (set !== 0) request(flow, set);
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

/** What a flow says of itself; its source is the client, as HTTP's fields come with the request. */
function filled(meeting: Meeting, flow: Flow): Meeting {
  meeting.client.set(flow.SRC_IP);
  meeting.server.set(flow.DST_IP);
  meeting.packets = flow.PACKETS + flow.PACKETS_REV;
  meeting.octets = flow.BYTES + flow.BYTES_REV;
  meeting.first = flow.TIME_FIRST;
  meeting.last = flow.TIME_LAST;
  return meeting;
}

/** urlblacklistfilter as it is: host without a lower-case `www.`, URL without a slash at its end, in the file as they are. */
function original({ params: settings, out, count }: Setup) {
  const file = new OriginalFile(fileOf(settings.config), "urlblacklist");
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
      HTTP_REQUEST_HOST: flow.HTTP_REQUEST_HOST,
      HTTP_REQUEST_URL: flow.HTTP_REQUEST_URL,
      HTTP_REQUEST_REFERER: flow.HTTP_REQUEST_REFERER,
    });
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) {
        const host = flow.HTTP_REQUEST_HOST;
        if (host === "") continue;
        const url = (host.startsWith(WWW) ? host.slice(WWW.length) : host) + flow.HTTP_REQUEST_URL;
        const key = url.endsWith(SLASH) ? url.slice(0, -1) : url;
        const bitmap = bitmaps.get(key.toLowerCase());
        if (bitmap !== undefined) send(flow, bitmap);
      }
    },
    tick() {
      if (file.hasChanged) load();
    },
    ask: load,
  };
}
