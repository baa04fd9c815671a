// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX } from "../../batch.ts";
import type { OutputPort } from "../../port.ts";
import { parseIp } from "../../unirec/ip.ts";
import { write64, writeMicros, writeScalar } from "../../unirec/scalar-write.ts";
import { fieldOf, type Template } from "../../unirec/template.ts";
import { readTime } from "../../unirec/time.ts";
import type { Ip } from "../../unirec/types.ts";
import { RecordWriter } from "../../unirec/writer.ts";
import { readUnsigned } from "./conversions.ts";
import {
  FlowDecoder,
  type FlowDecoderOptions,
  type MessageHead,
  type RecordSpan,
} from "./flow-decoder.ts";
import { Mapping } from "./mapping.ts";
import { RecordPlan } from "./record-plan.ts";
import { Sampling, samplerField } from "./sampling.ts";
import type { WireTemplate } from "./wire-template.ts";

export interface FlowCollectorOptions extends FlowDecoderOptions {
  readonly mapping?: Mapping;
  /** Whether packets and bytes of sampled traffic are multiplied by what the exporter says of its sampling. */
  readonly scale?: boolean;
}

/** What a template's records need, beside the plan of its fields. */
interface Reading {
  readonly plan: RecordPlan;
  /** Index of the field that names the sampler, and of those that say how long the flow took; -1 where there is none. */
  readonly sampler: number;
  readonly millis: number;
  readonly micros: number;
}

/** flowDurationMilliseconds and flowDurationMicroseconds. */
const DURATION = { millis: 161, micros: 162 } as const;

/** Fields of each UniRec record that come from the message and not from the record, and those that sampling changes: their offsets. */
class Places {
  readonly link: number;
  readonly domain: number;
  readonly exporter: number;
  readonly first: number;
  readonly last: number;
  readonly counters: readonly { readonly offset: number; readonly isWide: boolean }[];

  constructor(layout: Template) {
    const at = (name: string, type: string): number => {
      const field = fieldOf(layout, name);
      return field?.type === type ? field.offset : -1;
    };
    this.link = at("LINK_BIT_FIELD", "uint64");
    this.domain = at("ODID", "uint32");
    this.exporter = at("EXPORTER_IP", "ipaddr");
    this.first = at("TIME_FIRST", "time");
    this.last = at("TIME_LAST", "time");
    this.counters = ["PACKETS", "PACKETS_REV", "BYTES", "BYTES_REV"].flatMap((name) => {
      const field = fieldOf(layout, name);
      return field ? [{ offset: field.offset, isWide: field.size === 8 }] : [];
    });
  }
}

const NOBODY = parseIp("::")!;
const WORD = 4_294_967_296;

const isSet = (view: DataView, at: number): boolean =>
  (view.getInt32(at) | view.getInt32(at + 4)) !== 0;

/** The Collecting Process (RFC 7011): messages of NetFlow and IPFIX in, UniRec flows of one layout out. */
export class FlowCollector {
  readonly decoder: FlowDecoder;
  readonly #port: OutputPort;
  readonly #record: RecordWriter;
  readonly #places: Places;
  readonly #mapping: Mapping;
  readonly #scale: boolean;
  readonly #sampling = new Sampling();
  readonly #readings = new WeakMap<WireTemplate, Reading>();
  #lastTemplate: WireTemplate | undefined;
  #lastReading: Reading | undefined;
  #exporter = "";
  #exporterIp: Ip = NOBODY;
  /** Flows whose fields are longer than a record may be. */
  tooLong = 0;

  constructor(port: OutputPort, options: FlowCollectorOptions = {}) {
    this.#port = port;
    this.#record = new RecordWriter(port.template);
    this.#places = new Places(port.template);
    this.#mapping = options.mapping ?? new Mapping();
    this.#scale = options.scale ?? true;
    this.decoder = new FlowDecoder(this.#take, options);
  }

  /** Take one message. */
  message(bytes: Uint8Array, exporter: string): void {
    this.decoder.message(bytes, exporter);
  }

  readonly #take = (
    template: WireTemplate,
    view: DataView,
    span: RecordSpan,
    head: MessageHead,
  ): void => {
    if (template.isOptions) {
      if (template.isFixed) template.locate(view, span.at, span.end, span.spans);
      this.#sampling.learn(template, view, span, head);
      return;
    }
    const reading = this.#readingOf(template);
    const record = this.#record.begin();
    reading.plan.write(view, span, head, record);
    this.#describe(record.view, head);
    const needsFields = reading.sampler >= 0 || reading.millis >= 0 || reading.micros >= 0;
    if (needsFields && template.isFixed) template.locate(view, span.at, span.end, span.spans);
    this.#date(record.view, reading, { view, spans: span.spans, sentAt: head.sentAt });
    if (this.#scale) this.#multiply(record.view, this.#intervalOf(reading, view, span, head));
    const { size } = record;
    if (size > RECORD_MAX) {
      this.tooLong++;
      return;
    }
    record.end(this.#port.room(size));
  };

  /** What the message says of all its flows. */
  #describe(to: DataView, { domain, exporter }: MessageHead): void {
    const places = this.#places;
    if (places.link >= 0) {
      const bit = domain % 64;
      to.setInt32(places.link, bit < 32 ? 1 << bit : 0, true);
      to.setInt32(places.link + 4, bit < 32 ? 0 : 1 << (bit - 32), true);
    }
    if (places.domain >= 0) to.setInt32(places.domain, domain | 0, true);
    if (places.exporter < 0) return;
    if (exporter !== this.#exporter) {
      this.#exporter = exporter;
      this.#exporterIp = parseIp(exporter) ?? NOBODY;
    }
    writeScalar(to, places.exporter, "ipaddr", this.#exporterIp);
  }

  /** A flow that does not say when it began or ended did so with its other end, or when it was sent. */
  #date(
    to: DataView,
    { millis, micros }: Reading,
    { view, spans, sentAt }: { view: DataView; spans: Int32Array; sentAt: number },
  ): void {
    const { first, last } = this.#places;
    if (first < 0 || last < 0) return;
    const hasFirst = isSet(to, first);
    const hasLast = isSet(to, last);
    if (hasFirst && hasLast) return;
    const index = micros >= 0 ? micros : millis;
    const unit = micros >= 0 ? 1 : 1000;
    const took =
      index < 0 ? 0 : readUnsigned(view, spans[2 * index]!, spans[2 * index + 1]!) * unit;
    if (hasFirst) writeMicros(to, last, readTime(to, first) + took);
    else {
      const end = hasLast ? readTime(to, last) : sentAt;
      if (!hasLast) writeMicros(to, last, end);
      writeMicros(to, first, Math.max(0, end - took));
    }
  }

  #intervalOf({ sampler }: Reading, view: DataView, { spans }: RecordSpan, head: MessageHead) {
    const id = sampler < 0 ? 0 : readUnsigned(view, spans[2 * sampler]!, spans[2 * sampler + 1]!);
    return this.#sampling.interval(head, id);
  }

  #multiply(to: DataView, interval: number): void {
    if (interval === 1) return;
    for (const { offset, isWide } of this.#places.counters) {
      const low = to.getUint32(offset, true);
      if (isWide) write64(to, offset, (to.getUint32(offset + 4, true) * WORD + low) * interval);
      else to.setInt32(offset, Math.min(Math.round(low * interval), WORD - 1) | 0, true);
    }
  }

  #readingOf(template: WireTemplate): Reading {
    if (template === this.#lastTemplate) return this.#lastReading!;
    let reading = this.#readings.get(template);
    if (!reading) {
      const { template: layout } = this.#port;
      const indexOf = (element: number): number =>
        template.fields.findIndex(
          ({ enterprise, number, length }) =>
            enterprise === 0 && number === element && length > 0 && length <= 8,
        );
      reading = {
        plan: new RecordPlan(template, layout, this.#mapping),
        sampler: samplerField(template),
        millis: indexOf(DURATION.millis),
        micros: indexOf(DURATION.micros),
      };
      this.#readings.set(template, reading);
    }
    this.#lastTemplate = template;
    this.#lastReading = reading;
    return reading;
  }
}
