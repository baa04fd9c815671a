// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, type Handlers, param } from "../../core/module.ts";
import { type Reader, template, uniflow } from "../../core/unirec/template.ts";
import { detect } from "./detect.ts";
import { original } from "./original.ts";
import { DEFAULT_PORTS } from "./services.ts";

const flows = uniflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST
`);
const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint32 EVENT_ID,
  uint32 REQ_FLOWS, uint32 REQ_PACKETS, uint64 REQ_BYTES,
  uint32 RSP_FLOWS, uint32 RSP_PACKETS, uint64 RSP_BYTES, time TIME_FIRST, time TIME_LAST
`);

const params = {
  ports: param.text({
    default: DEFAULT_PORTS,
    about: "Ports of services that amplify; with `compat=nemea` the first one alone",
    flag: "p",
  }),
  ratioMin: param.count({
    default: 10,
    min: 1,
    about: "Bytes of answers for each byte of queries that are too many",
    flag: "a",
  }),
  answersMin: param.count({
    default: 300,
    about: "More large answers than this are an attack, however few servers send them",
    flag: "t",
  }),
  answerBytes: param.count({
    default: 2000,
    about: "Large answers have more bytes than this on average",
    flag: "l",
  }),
  answerPackets: param.count({
    default: 2,
    about: "Packets of answers for each packet of queries",
    flag: "y",
  }),
  queryBytes: param.count({
    default: 400,
    min: 1,
    about: "Queries have fewer bytes than this on average",
    flag: "m",
  }),
  reflectorsMin: param.count({
    default: 20,
    min: 2,
    about: "So many servers that answer what nobody asked are an attack, however small the answers",
  }),
  bytesMin: param.count({
    default: 500_000,
    about: "Least bytes of answers from many servers",
  }),
  bytesBig: param.count({
    default: 10_000_000,
    about: "So many bytes of answers are an attack, whoever sends them",
  }),
  window: param.seconds({
    default: 900,
    min: 3,
    about: "Queries and answers are counted together for this long",
    flag: "w",
  }),
  calmTime: param.seconds({
    default: 360,
    min: 1,
    about: "An attack is over when no answer has been part of one for this long",
  }),
  victimsMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Pairs of a client and a service watched at once",
  }),
  top: param.count({
    default: 5,
    min: 1,
    about: "Only with `compat=nemea`: how many sizes of a histogram count",
    flag: "n",
  }),
  binWidth: param.count({
    default: 2,
    min: 1,
    about: "Only with `compat=nemea`: bytes, and packets, of a histogram's bin",
    flag: "q",
  }),
  step: param.seconds({
    default: 300,
    about:
      "Only with `compat=nemea`: what a window drops when it was judged, and seconds between two searches for the idle",
    flag: "s",
  }),
  itemsMax: param.count({
    default: 100_000,
    min: 10_000,
    max: 1_000_000,
    about: "Only with `compat=nemea`: flows kept of a pair and direction",
    flag: "S",
  }),
  compat: param.compat(),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;

export default defineModule({
  name: "amplification",
  about: "Amplification: servers send a host far more than it asked for, or what it never asked.",
  details: `
**Finds** the victim of an amplification attack: small queries in its name make servers of DNS, NTP, memcached and the
like send it large answers. Seen where the victim is, there are answers of many servers and no queries; seen where a
server is that is abused, there are queries and answers. IPv4 and IPv6, over UDP.

**Counts** queries and answers between each client and all servers of a port of \`ports\`, over the last \`window\` and up
to a third of it before. It is an attack when the answers have more than \`ratioMin\` times the bytes of the queries and
at least \`answerPackets\` times their packets, the queries are smaller than \`queryBytes\`, and

- more than \`answersMin\` answers are larger than \`answerBytes\` on average, or
- at least \`reflectorsMin\` servers send at least \`bytesMin\` (an estimate: HyperLogLog, standard error 6.5 %), or
- the answers have at least \`bytesBig\`.

It is looked at with each answer, so the event is raised by the one that completes it. The event is updated whenever its
bytes have doubled, when no answer has been part of the attack for \`calmTime\`, and at the end of the stream. Its numbers
are those of the window at first, then all that follow; \`SRC_IP\` is the server of the largest answer.

**Evaded** by an attack on a busy client of the same service, as long as all answers stay below \`ratioMin\` times its
queries (a resolver that asks for 1 MB in \`window\` hides 10 MB); by servers on other ports than \`ports\`; over TCP.

**Tune**: where only one direction is seen (asymmetric routing), no answer seems to be asked for: raise
\`reflectorsMin\`, \`answersMin\` and \`bytesBig\` above what your resolvers receive. Who asked a multicast group, as SSDP and
mDNS do, may get answers of many. Memory: 45 MB as set by default, 0.7 KB for each of \`victimsMax\`.

**Deviates** from NEMEA's amplification_detection, whose behaviour \`compat=nemea\` has: several ports at once; only
UDP, also from port 53 to port 53; the answers of all servers to a victim are taken together, and answers without queries
count; means are those of all flows (the original's histograms keep the last size of a bin, drop those above 5,000, and
measure by the labels of bins); attacks with five or more packets for each query are raised (the original writes them to
a log, which is not written here in either mode); nothing waits until \`window\` has passed, and the end of the stream is seen;
one event is updated and its numbers are totals; the number of victims is bounded. In compat mode too records with
fields of variable size are read, at which the original ends.

**When it fires**: is the victim yours? Filter the port upstream, as far out as you can. Are the servers of the evidence flows
yours? Close or rate-limit the service (response rate limiting, no recursion for strangers, no monlist), and see where
the queries enter: their source is forged.
`,
  replaces: "amplification_detection",
  aliases: ["amplification_detection"],
  rules: {
    amplified: {
      id: 9_000_010,
      title: "Amplification of forged queries",
      category: "Availability.DDoS",
      severity: 7,
      confidence: 0.9,
      techniques: ["T1498.002"],
    },
    reflected: {
      id: 9_000_011,
      title: "Reflected answers that nobody asked for",
      category: "Availability.DDoS",
      severity: 7,
      confidence: 0.8,
      techniques: ["T1498.002"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : detect(context, flows);
  },
});
