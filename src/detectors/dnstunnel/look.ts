// SPDX-License-Identifier: BSD-3-Clause
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { bulkMean } from "./bulk.ts";
import { DNS, type Flow, type Setup, TYPE } from "./fields.ts";
import { AddressList, itemsOf, linesOf } from "./lists.ts";
import { NameReader } from "./name.ts";
import { Sighting } from "./sighting.ts";
import { ANSWERS, NAMES, ODD_MIN, Tunnels, USUAL_MAX } from "./tunnels.ts";

/** Shorter text carries little: names of hosts below a domain, addresses as answers. */
const BELOW_MIN = 16;
const NAME_MIN = BELOW_MIN + ".a.b".length;
const ANSWER_MIN = 32;
const DOT = 0x2e;
const BLANK = 0x20;
const BACKSLASH = 0x5c;
const HASH = 0x23;
/** Types from here on are for private use (RFC 6895 section 3.1). */
const PRIVATE = 65_280;

/** Whether answers of a type carry text or bytes that a server chooses freely. */
const isText = (type: number): boolean =>
  type === TYPE.txt ||
  type === TYPE.cname ||
  type === TYPE.mx ||
  type === TYPE.ns ||
  type === TYPE.null ||
  type >= PRIVATE;

/** Default mode: look at each flow's name and answer, and count those that are long enough to carry something. */
export function look(context: Setup) {
  const { params: settings, warn } = context;
  const tunnels = new Tunnels(context);
  const names = new NameReader([...itemsOf(settings.ignored), ...linesOf(settings.domainsFile)]);
  const clients = new AddressList(linesOf(settings.clientsFile, ";"), warn);
  const seen = new Sighting(names);
  /** Where the descriptors lie in the sender's records. */
  let nameAt = 0;
  let answerAt = 0;

  /** Take the places of the flow's name and answer; returns whether one of them is worth a look. */
  function find(flow: Flow, cursor: AnyReader): boolean {
    const { bytes } = seen;
    const from = cursor.span(nameAt);
    const size = cursor.spanLength;
    seen.answer = cursor.span(answerAt);
    const hasAnswer = cursor.spanLength >= ANSWER_MIN && isText(flow.DNS_QTYPE);
    seen.answerEnd = hasAnswer ? seen.answer + cursor.spanLength : seen.answer;
    if (size < NAME_MIN && !hasAnswer) return false;
    seen.from = from;
    seen.to = size > 0 && bytes[from + size - 1] === DOT ? from + size - 1 : from + size;
    seen.domain = names.domainOf(bytes, from, seen.to);
    return hasAnswer || seen.below >= BELOW_MIN;
  }

  function learnName(row: number, flow: Flow, isQuery: boolean): void {
    const packets = isQuery ? flow.PACKETS : flow.PACKETS_REV;
    const octets = isQuery ? flow.BYTES : flow.BYTES_REV;
    seen.moreMean = bulkMean(packets, octets, names.payload, seen.to - seen.domain);
    seen.more = seen.moreMean === 0 ? 0 : packets - 1;
    if (isOdd(names)) tunnels.learnOdd(row, seen, flow);
    tunnels.learn(row, NAMES, seen, flow);
  }

  function learnAnswer(row: number, flow: Flow): void {
    readAnswer(seen);
    seen.more = 0;
    tunnels.learn(row, ANSWERS, seen, flow);
  }

  function study(flow: Flow): void {
    const isQuery = flow.DST_PORT === DNS;
    // Link-local queries go to other ports. Without a source port all else is taken for answers, as the original does.
    if (!isQuery && flow.has.SRC_PORT && flow.SRC_PORT !== DNS) return;
    const client = isQuery ? flow.SRC_IP : flow.DST_IP;
    const server = isQuery ? flow.DST_IP : flow.SRC_IP;
    if (!names.read(seen.bytes, seen.from, seen.domain, seen.to)) return;
    if (!clients.isEmpty && clients.has(client)) return;
    const row = tunnels.rowOf(client, server, seen, flow);
    if (seen.below >= BELOW_MIN) learnName(row, flow, isQuery);
    if (seen.answerEnd > seen.answer) learnAnswer(row, flow);
  }

  return {
    announced(layout: Template) {
      nameAt = fieldOf(layout, "DNS_NAME")!.offset;
      answerAt = fieldOf(layout, "DNS_RDATA")!.offset;
    },
    flows(flow: Flow) {
      const cursor = flow as never as AnyReader;
      seen.bytes = cursor.batch.bytes as Uint8Array<ArrayBuffer>;
      while (flow.next()) if (find(flow, cursor)) study(flow);
    },
    everySecond: (now: number) => tunnels.expire(now),
    end: () => tunnels.end(),
  };
}

/** Whether a name is worth a word on its own: long, encoded, with characters that no host has in its name. */
const isOdd = ({ odd, payload, usual, pairs }: NameReader): boolean =>
  odd > 0 && payload >= ODD_MIN && usual <= pairs * USUAL_MAX;

/** Read the answer without what is not the server's choice: the domain at its end, the form of unknown types (RFC 3597). */
function readAnswer({ names, bytes, domain, to, answer, answerEnd }: Sighting): void {
  let begin = answer;
  const isHex = bytes[answer] === BACKSLASH && bytes[answer + 1] === HASH;
  if (isHex)
    for (let blanks = 0; blanks < 2 && begin < answerEnd; begin++)
      if (bytes[begin] === BLANK) blanks++;
  names.readText(bytes, begin, answerEnd);
  const size = to - domain;
  let same = 0;
  while (same < size && bytes[answerEnd - 1 - same] === bytes[to - 1 - same]) same++;
  if (same === size) names.payload = Math.max(0, names.payload - size);
  if (isHex) names.payload >>>= 1;
}
