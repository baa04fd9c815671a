// SPDX-License-Identifier: BSD-3-Clause

import { layoutOf, mappingOf } from "../../core/ipfix/collect/layout.ts";
import { type Context, defineModule, param } from "../../core/module.ts";
import { ANY_RECORDS } from "../../core/unirec/template.ts";
import { Collecting } from "./collecting.ts";

const params = {
  listen: param.text({
    default: "",
    about:
      "Where flows come from, with commas between: udp:HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT:KEY:CERT:CA, file:PATH of IPFIX, pcap:PATH of exporters' traffic",
    flag: "l",
  }),
  fields: param.text({
    default: "",
    about:
      "UniRec fields of the flows, as NAME or `type NAME`, with commas between; those of the product's own meter with TOS, TTL, ODID and EXPORTER_IP when left out",
    flag: "f",
  }),
  mapping: param.text({
    default: "",
    about:
      "Which information elements fields come from, beside those built in: lines `type NAME e0id8,e9id1`, the last the best, or a file of them",
    flag: "m",
  }),
  raw: param.flag({
    default: false,
    about: "Add RAW_FIELDS, all fields of a record as they came: `e0id8=c0000201 e9id12234=00ff`",
  }),
  sampled: param.choice({
    options: ["scale", "keep"],
    default: "scale",
    about:
      "Whether packets and bytes of sampled traffic are multiplied by the interval that the exporter tells, or kept as they came: of sFlow one packet",
  }),
  templates: param.text({
    default: "",
    about: "File that keeps templates over a restart; they are lost with the process when left out",
    flag: "t",
  }),
  buffer: param.count({
    default: 32,
    min: 1,
    max: 1024,
    about: "Megabytes of datagrams that may wait in the kernel, for each port",
  }),
  templateMemory: param.count({
    default: 8,
    min: 1,
    max: 1024,
    about: "Megabytes of templates: some 20,000 of 20 fields are 8",
  }),
  heldMemory: param.count({
    default: 4,
    min: 0,
    max: 1024,
    about: "Megabytes of records that wait for their templates",
  }),
  exporters: param.count({
    default: 4096,
    min: 1,
    max: 1_000_000,
    about: "Exporters whose templates are kept",
  }),
  connections: param.count({
    default: 256,
    min: 1,
    max: 65_536,
    about: "Connections of exporters at once, for each tcp or tls port",
  }),
  report: param.flag({
    default: false,
    about: "Write what was counted to standard output at the end and when asked (SIGUSR1), as JSON",
  }),
};
type Setup = Context<typeof params, { flows: typeof ANY_RECORDS }>;

export default defineModule({
  name: "ipfix",
  about:
    "Collects NetFlow v1, v5, v7, v9, IPFIX and sFlow v5 from routers, switches and probes, and sends UniRec flows.",
  details: `
**For** flows that others meter: routers, switches, firewalls and probes. It takes the place of IPFIXcol with its UniRec plugin:
\`nemean run ipfix -i u:flow_data_source --listen udp:0.0.0.0:4739\`. Several sources go to one output; files are read first,
and when there are only files it ends with them.

**Takes** NetFlow v1, v5, v7 and v9, IPFIX (RFC 7011) with options, variable lengths, enterprise elements, biflows (RFC 5103)
and structured data (RFC 6313), over UDP, TCP and TLS with a certificate on both sides. Another process may share the same UDP
port (SO_REUSEPORT): the kernel then spreads the exporters over both. This build has no SCTP.

**sFlow** v5 comes by the same ports: \`--listen udp:0.0.0.0:6343\` is its own. Each packet that a switch samples is a flow of one packet,
whose header goes through the product's own decoder, so tunnels are opened; where a switch sends no header, what it has read
itself is taken. BYTES are IP's. Both times are when the datagram came, for sFlow has none; of a capture, when it was captured. EXPORTER_IP is the agent's address,
ODID the sub-agent. VLANs, next hops, prefixes and autonomous systems go to fields that a mapping gives their IPFIX elements (VLAN 58 and 59, AS 16, 17,
128 and 129, next hops 15, 18, 62 and 63, prefixes 9, 13, 29 and 30, sampling rate 34). Counter samples are counted only.

**Fields** that a record has no element for are zero or empty: no flow is dropped for what it lacks or for elements nobody
knows. Of several elements the last in a mapping's line is taken, and where its value is zero the one before. Counters saturate, flags and
identifiers lose upper bits. LINK_BIT_FIELD has the bit of the observation domain modulo 64, DIR_BIT_FIELD the lowest bit of
the interface that the flow came in by. A flow without its beginning or end has the other one, by its duration where it tells that.

**Lists** (RFC 6313): \`e0id291/X\` in a mapping stands for element X in basicLists, \`e0id292/X\` in subTemplateLists, \`e0id293/X\` in
subTemplateMultiLists, however deep it lies there (four lists at most). A UniRec list, as \`uint32*\`, takes all its values, any other field the first.

**Names**: exporters may describe elements of enterprises (RFC 5610). \`e9:name\` in a mapping is the element of enterprise 9 that
the flow's exporter calls so, read by the data type that it told; RAW_FIELDS then has \`e9:name=value\`. The colon tells it from
\`e9id12234\`, which always is that number. Nobody can describe IANA's elements. Names are told again after a restart.

**Sampling** is known from options records, the record itself, NetFlow v5's header or the sample of sFlow; packets and bytes are multiplied by it.

**Counts**: \`records\` and \`option_records\` decoded; \`kernel_drops\`, datagrams that the kernel had no room for;
\`sequence_lost\`, what exporters sent and never came by their sequence numbers (records; of NetFlow v9 and
sFlow messages); \`sets_without_template\`, and flows with lists of such records; \`flow_samples\`, of which \`samples_without_ip\` were no IP packet; \`samples_dropped\`, which
switches had no room for; \`malformed\`, flows with damaged lists among them, and \`messages_foreign\`; \`templates_evicted\`. What was sent is what was decoded and what
was counted.

**Bounds**: templates take ${params.templateMemory.default} MB, and an exporter that announces without end pushes out its own only. Records that come before
their template wait in ${params.heldMemory.default} MB. With \`--templates FILE\` templates survive a restart.

**Tune**: a router's clock has to be right, for UniRec's times come from it. When \`kernel_drops\` grows, raise \`--buffer\` and the
system's net.core.rmem_max. For files add \`:timeout=WAIT\` to the output, so that slow receivers are waited for.
`,
  params,
  inputs: {},
  outputs: { flows: ANY_RECORDS },

  setup(context: Setup) {
    const { params: settings, out, warn } = context;
    const mapping = mappingOf(settings.mapping);
    const record = out.flows.announce(layoutOf(settings.fields, mapping, settings.raw));
    const sink = { record, push: () => out.flows.push() };
    const scale = settings.sampled === "scale";
    const collecting = new Collecting(sink, { ...settings, mapping, scale, warn });
    const told = new Map<string, number>();
    const publish = (): void => {
      for (const [name, value] of Object.entries(collecting.counts)) {
        context.count(name, value - (told.get(name) ?? 0));
        told.set(name, value);
      }
    };
    const report = (): void => {
      if (settings.report) context.print(`${JSON.stringify(collecting.counts)}\n`);
    };
    return {
      produce: () => collecting.produce(),
      tick: () => {
        collecting.tick();
        publish();
      },
      ask: report,
      end: () => {
        collecting.end();
        publish();
        report();
      },
    };
  },
});
