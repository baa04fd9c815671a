// SPDX-License-Identifier: BSD-3-Clause
import type { FlowSink } from "../ipfix/collect/flow-collector.ts";
import { Mapping } from "../ipfix/collect/mapping.ts";
import { rawFields } from "../ipfix/collect/raw-fields.ts";
import { wantedOf } from "../ipfix/collect/record-plan.ts";
import { writeScalar } from "../unirec/scalar-write.ts";
import { fieldOf, type Template } from "../unirec/template.ts";
import { type Agent, Agents } from "./agents.ts";
import { FlowSample } from "./flow-sample.ts";
import { PacketRecord } from "./packet-record.ts";
import { SampledPacket } from "./sampled-packet.ts";
import { BYTES, COUNTERS, isSflow, padded, SAMPLE } from "./structures.ts";

export interface SflowCollectorOptions {
  readonly mapping?: Mapping;
  /** Whether a packet stands for all those of which it is a sample. */
  readonly scale?: boolean;
}

/** What was counted. Each flow sample is a flow, one without IP, or malformed. */
export interface SflowCounts {
  datagrams: number;
  flows: number;
  flowSamples: number;
  counterSamples: number;
  /** Counters of an interface, of which a counter sample has one mostly. */
  interfaceCounters: number;
  /** Samples of other enterprises, or of formats that are not known. */
  unknownSamples: number;
  /** Flow samples of what is no IP packet, or of whose header too little came. */
  withoutIp: number;
  /** Datagrams and samples that end early or contradict themselves; what was whole is taken. */
  malformed: number;
}

/** Fields that the datagram says: their offsets, -1 where the layout has none. */
class Places {
  readonly link: number;
  readonly domain: number;
  readonly exporter: number;
  /** Index of the field of raw fields. */
  readonly raw: number;

  constructor(layout: Template) {
    const at = (name: string, type: string): number => {
      const field = fieldOf(layout, name);
      return field?.type === type ? field.offset : -1;
    };
    this.link = at("LINK_BIT_FIELD", "uint64");
    this.domain = at("ODID", "uint32");
    this.exporter = at("EXPORTER_IP", "ipaddr");
    this.raw = layout.fields.findIndex(
      ({ name, type }) => name === "RAW_FIELDS" && type === "string",
    );
  }
}

/**
 * Datagrams of sFlow v5 in, UniRec flows of one layout out: one for each packet that was sampled.
 *
 * Never throws for what comes from the wire: what cannot be is counted, and what is whole in front of it is taken.
 */
export class SflowCollector {
  readonly counts: SflowCounts = {
    datagrams: 0,
    flows: 0,
    flowSamples: 0,
    counterSamples: 0,
    interfaceCounters: 0,
    unknownSamples: 0,
    withoutIp: 0,
    malformed: 0,
  };
  readonly agents = new Agents();
  readonly #sink: FlowSink;
  readonly #places: Places;
  readonly #record: PacketRecord;
  readonly #packet: SampledPacket;
  readonly #sample = new FlowSample();
  readonly #scale: boolean;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(sink: FlowSink, { mapping, scale = true }: SflowCollectorOptions = {}) {
    const { template } = sink.record;
    this.#sink = sink;
    this.#places = new Places(template);
    this.#record = new PacketRecord(wantedOf(template, mapping ?? new Mapping()));
    this.#packet = new SampledPacket(this.#record);
    this.#scale = scale;
  }

  /** Take one datagram that {@link isSflow}: the first `length` bytes of `view`, which came at a time in microseconds since 1970. */
  datagram(view: DataView, length: number, arrivedAt: number): void {
    const { counts } = this;
    counts.datagrams++;
    // Sub-agent, sequence number, uptime and number of samples come behind the agent's address.
    const from = isSflow(view, 0, length) ? 4 + addressOf(view) : length;
    if (from + 16 > length) {
      counts.malformed++;
      return;
    }
    this.agents.follow(view, from);
    this.#view = view;
    this.#packet.use(view, arrivedAt);
    let at = from + 16;
    for (let left = view.getUint32(from + 12); left > 0; left--) {
      const data = at + BYTES.head;
      const end = data <= length ? data + view.getUint32(at + 4) : data;
      if (end > length) {
        counts.malformed++;
        return;
      }
      if (!this.#take(view.getUint32(at), data, end)) counts.malformed++;
      at = padded(end);
    }
  }

  /** Take a sample; false when it contradicts itself. */
  #take(format: number, at: number, end: number): boolean {
    switch (format) {
      case SAMPLE.flow:
        return this.#flow(at, end, false);
      case SAMPLE.flowExpanded:
        return this.#flow(at, end, true);
      case SAMPLE.counters:
        return this.#counters(at + BYTES.counters, end);
      case SAMPLE.countersExpanded:
        return this.#counters(at + BYTES.countersExpanded, end);
      default:
        this.counts.unknownSamples++;
        return true;
    }
  }

  #flow(at: number, end: number, isExpanded: boolean): boolean {
    const { counts, agents } = this;
    const sample = this.#sample;
    counts.flowSamples++;
    if (!sample.read(this.#view, at, end, isExpanded)) return false;
    agents.drops(sample.source, sample.drops);
    if (!this.#packet.read(sample, this.#scale)) {
      counts.withoutIp++;
      return true;
    }
    const { raw } = this.#places;
    const record = this.#sink.record.begin();
    this.#record.write(record);
    this.#describe(record.view, agents.current);
    if (raw >= 0)
      record.set(raw, rawFields(this.#record.template, this.#record.view, this.#record.spans));
    this.#sink.push();
    counts.flows++;
    return true;
  }

  /** What the datagram says of all its flows: its sub-agent is the observation domain. */
  #describe(to: DataView, { ip, subAgent }: Agent): void {
    const { link, domain, exporter } = this.#places;
    if (link >= 0) {
      const bit = subAgent % 64;
      to.setInt32(link, bit < 32 ? 1 << bit : 0, true);
      to.setInt32(link + 4, bit < 32 ? 0 : 1 << (bit - 32), true);
    }
    if (domain >= 0) to.setInt32(domain, subAgent | 0, true);
    if (exporter >= 0) writeScalar(to, exporter, "ipaddr", ip);
  }

  /** Counters are counted only: flows have no place for them. */
  #counters(from: number, end: number): boolean {
    const view = this.#view;
    this.counts.counterSamples++;
    if (from > end) return false;
    let at = from;
    let interfaces = 0;
    for (let left = view.getUint32(from - 4); left > 0; left--) {
      const data = at + BYTES.head;
      if (data > end) return false;
      const size = view.getUint32(at + 4);
      if (size > end - data) return false;
      if (view.getUint32(at) === COUNTERS.interface) {
        if (size < BYTES.interface) return false;
        interfaces++;
      }
      at = padded(data + size);
    }
    this.counts.interfaceCounters += interfaces;
    return true;
  }
}

const addressOf = (view: DataView): number => (view.getUint32(4) === 1 ? 8 : 20);
