// SPDX-License-Identifier: BSD-3-Clause
import { type MessageHead, NO_HEAD } from "../ipfix/collect/message-head.ts";
import { RecordPlan, type Wanted } from "../ipfix/collect/record-plan.ts";
import { Transfer } from "../ipfix/collect/transfer.ts";
import { WireTemplate } from "../ipfix/collect/wire-template.ts";
import type { RecordWriter } from "../unirec/writer.ts";

type Field = readonly [element: number, bytes: number];

/** Information elements (IANA, "IP Flow Information Export Entities") of packets of both families, and their bytes. */
const COMMON = {
  bytes: [1, 8],
  packets: [2, 8],
  protocol: [4, 1],
  tos: [5, 1],
  tcpFlags: [6, 1],
  ttl: [192, 1],
  sourcePort: [7, 2],
  targetPort: [11, 2],
  input: [10, 4],
  output: [14, 4],
  sourceMac: [56, 6],
  targetMac: [80, 6],
  vlan: [58, 2],
  targetVlan: [59, 2],
  sourceAs: [16, 4],
  targetAs: [17, 4],
  nextAs: [128, 4],
  previousAs: [129, 4],
  interval: [34, 4],
  /** Microseconds before the datagram came at which the packet did: none, for sFlow has no time of its own. */
  first: [158, 4],
  last: [159, 4],
} as const satisfies Readonly<Record<string, Field>>;

const V4: readonly Field[] = [
  [9, 1],
  [13, 1],
  [8, 4],
  [12, 4],
  [15, 4],
  [18, 4],
];
const V6: readonly Field[] = [
  [29, 1],
  [30, 1],
  [27, 16],
  [28, 16],
  [62, 16],
  [63, 16],
];

/** Where the values lie that packets of both families have. */
export const VALUE = offsetsOf(COMMON);
/** What differs comes behind: lengths of prefixes, addresses of source and target, next hop, next hop of BGP. */
const PREFIXES = Object.values(COMMON).reduce((sum, [, bytes]) => sum + bytes, 0);
const ADDRESSES = PREFIXES + 2;
const SIZE = ADDRESSES + 4 * 16;

function offsetsOf<K extends string>(
  fields: Readonly<Record<K, Field>>,
): Readonly<Record<K, number>> {
  const offsets = {} as Record<K, number>;
  let at = 0;
  for (const name in fields) {
    offsets[name] = at;
    at += fields[name][1];
  }
  return offsets;
}

function templateOf(fields: readonly Field[]): WireTemplate {
  const specs = Buffer.alloc(4 * fields.length);
  for (const [i, [element, bytes]] of fields.entries()) {
    specs.writeUInt16BE(element, 4 * i);
    specs.writeUInt16BE(bytes, 4 * i + 2);
  }
  return new WireTemplate({
    id: 0,
    dialect: "ipfix",
    fieldCount: fields.length,
    scopeCount: 0,
    isOptions: false,
    specs: specs.toString("latin1"),
  });
}

/** Of the addresses of a packet, which one. */
export const PACKET_ADDRESS = { source: 0, target: 1, nextHop: 2, bgpNextHop: 3 } as const;

const WORD = 4_294_967_296;

/**
 * A sampled packet as a record of IPFIX's information elements. So the fields of a layout come from it as they do from any
 * exporter's records, an operator's own mapping among them.
 */
export class PacketRecord {
  readonly #bytes = new Uint8Array(new ArrayBuffer(SIZE));
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #templates: readonly [WireTemplate, WireTemplate];
  readonly #spans: readonly [Int32Array, Int32Array];
  readonly #plans: readonly [RecordPlan, RecordPlan];
  readonly #transfer = new Transfer();
  readonly #head: MessageHead = { ...NO_HEAD };
  #isIpv6 = false;

  constructor(wanted: readonly Wanted[]) {
    const common = Object.values(COMMON);
    this.#templates = [templateOf([...common, ...V4]), templateOf([...common, ...V6])];
    const spansOf = (template: WireTemplate): Int32Array => {
      const spans = new Int32Array(2 * template.fieldCount);
      template.locate(this.#view, 0, SIZE, spans);
      return spans;
    };
    const [v4, v6] = this.#templates;
    this.#spans = [spansOf(v4), spansOf(v6)];
    this.#plans = [new RecordPlan(v4, wanted), new RecordPlan(v6, wanted)];
    this.#transfer.view = this.#view;
    this.#transfer.head = this.#head;
  }

  get isIpv6(): boolean {
    return this.#isIpv6;
  }

  get template(): WireTemplate {
    return this.#templates[this.#isIpv6 ? 1 : 0];
  }

  get view(): DataView {
    return this.#view;
  }

  /** Where its fields lie, as {@link WireTemplate.locate} says. */
  get spans(): Int32Array {
    return this.#spans[this.#isIpv6 ? 1 : 0];
  }

  /** Begin with a packet that came at this time: all else is zero. */
  begin(isIpv6: boolean, arrivedAt: number): void {
    this.#bytes.fill(0);
    this.#isIpv6 = isIpv6;
    this.#head.sentAt = arrivedAt;
  }

  /** Set a value that lies there: see {@link VALUE}. */
  set8(at: number, value: number): void {
    this.#view.setUint8(at, value);
  }

  set16(at: number, value: number): void {
    this.#view.setInt16(at, value);
  }

  set32(at: number, value: number): void {
    this.#view.setInt32(at, value | 0);
  }

  /** A whole number that is exact in a double. */
  set64(at: number, value: number): void {
    const high = Math.floor(value / WORD);
    this.#view.setInt32(at, high | 0);
    this.#view.setInt32(at + 4, (value - high * WORD) | 0);
  }

  setMac(to: number, from: DataView, at: number): void {
    this.#view.setInt32(to, from.getInt32(at));
    this.#view.setInt16(to + 4, from.getInt16(at + 4));
  }

  setPrefixes(source: number, target: number): void {
    this.#view.setUint8(PREFIXES, source);
    this.#view.setUint8(PREFIXES + 1, target);
  }

  /** Take an address of the packet's own family. */
  setAddress(which: number, from: DataView, at: number): void {
    const bytes = this.#isIpv6 ? 16 : 4;
    const to = ADDRESSES + which * bytes;
    for (let k = 0; k < bytes; k += 4) this.#view.setInt32(to + k, from.getInt32(at + k));
  }

  /** Fill in a UniRec record that is begun. */
  write(record: RecordWriter): void {
    this.#transfer.to = record.view;
    this.#transfer.spans = this.spans;
    this.#plans[this.#isIpv6 ? 1 : 0].write(this.#transfer, record);
  }
}
