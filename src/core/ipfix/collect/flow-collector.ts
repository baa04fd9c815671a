// SPDX-License-Identifier: BSD-3-Clause
import { write64, writeMicros, writeScalar } from "../../unirec/scalar-write.ts";
import { fieldOf, type Template } from "../../unirec/template.ts";
import { readTime } from "../../unirec/time.ts";
import type { RecordWriter } from "../../unirec/writer.ts";
import { readUnsigned } from "./conversions.ts";
import { ElementTypes } from "./element-types.ts";
import { ExporterOptions, OPTION } from "./exporter-options.ts";
import { FlowDecoder, type FlowDecoderOptions, type RecordSpan } from "./flow-decoder.ts";
import { ListValues } from "./list-values.ts";
import { ListReader, TROUBLE } from "./lists.ts";
import { Mapping } from "./mapping.ts";
import type { Exporter, MessageHead } from "./message-head.ts";
import { RawFields } from "./raw-fields.ts";
import { RecordPlan, resolved, type Wanted, wantedOf } from "./record-plan.ts";
import { Transfer } from "./transfer.ts";
import type { WireTemplate } from "./wire-template.ts";

export interface FlowCollectorOptions extends FlowDecoderOptions {
  readonly mapping?: Mapping;
  /** Whether packets and bytes of sampled traffic are multiplied by what the exporter says of its sampling. */
  readonly scale?: boolean;
}

/** What takes the flows: a module's output, for one. */
export interface FlowSink {
  readonly record: RecordWriter;
  /** Take the record as it stands. */
  push(): void;
}

/** What a template's records need, beside the plan of its fields: indexes of fields, -1 where there is none. */
interface Reading {
  readonly plan: RecordPlan;
  readonly sampler: number;
  readonly interval: number;
  readonly randomInterval: number;
  readonly boot: number;
  /** Uptime at the flow's end, or where it has none at its beginning. */
  readonly uptime: number;
  /** How long the flow took, in microseconds or milliseconds. */
  readonly micros: number;
  readonly millis: number;
  readonly needsSpans: boolean;
}

/** flowEndSysUpTime, flowStartSysUpTime, flowDurationMilliseconds and flowDurationMicroseconds. */
const ELEMENT = { lastUptime: 21, firstUptime: 22, millis: 161, micros: 162 } as const;
/** The field that takes what a record has beyond the others, where a layout has it. */
const RAW_FIELDS = "RAW_FIELDS";

/** Fields of each UniRec record that come from the message and not from the record, and those that sampling changes: their offsets. */
class Places {
  readonly link: number;
  readonly domain: number;
  readonly exporter: number;
  readonly first: number;
  readonly last: number;
  /** Index of the field of raw fields. */
  readonly raw: number;
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
    this.raw = layout.fields.findIndex(
      ({ name, type }) => name === RAW_FIELDS && type === "string",
    );
    this.counters = ["PACKETS", "PACKETS_REV", "BYTES", "BYTES_REV"].flatMap((name) => {
      const field = fieldOf(layout, name);
      const isCounter = field?.type === "uint64" || field?.type === "uint32";
      return isCounter ? [{ offset: field.offset, isWide: field.size === 8 }] : [];
    });
  }
}

const WORD = 4_294_967_296;

/** The number that a field has; 0 where the record has no such field. */
const numberAt = ({ view, spans }: Transfer, index: number): number =>
  index < 0 ? 0 : readUnsigned(view, spans[2 * index]!, spans[2 * index + 1]!);

const isSet = (view: DataView, at: number): boolean =>
  (view.getInt32(at) | view.getInt32(at + 4)) !== 0;

/** The Collecting Process (RFC 7011): messages of NetFlow and IPFIX in, UniRec flows of one layout out. */
export class FlowCollector {
  readonly decoder: FlowDecoder;
  readonly #sink: FlowSink;
  readonly #record: RecordWriter;
  readonly #places: Places;
  readonly #wanted: readonly Wanted[];
  readonly #scale: boolean;
  readonly #options = new ExporterOptions();
  readonly #types = new ElementTypes();
  /** Whether fields come from elements by names that exporters tell. */
  readonly #usesNames: boolean;
  /** Whether the message said what changes plans: from the next one on they are others. */
  #hasNews = false;
  readonly #transfer = new Transfer();
  readonly #lists: ListReader;
  readonly #listValues: ListValues;
  readonly #rawFields: RawFields;

  constructor(sink: FlowSink, options: FlowCollectorOptions = {}) {
    this.#sink = sink;
    this.#record = sink.record;
    this.#places = new Places(sink.record.template);
    this.#wanted = wantedOf(sink.record.template, options.mapping ?? new Mapping());
    this.#usesNames = this.#wanted.some(({ element }) => element.name !== "");
    this.#scale = options.scale ?? true;
    this.decoder = new FlowDecoder(this.#take, options);
    this.#lists = new ListReader(this.decoder.templates);
    this.#listValues = new ListValues(this.#lists);
    this.#rawFields = new RawFields(this.#lists);
  }

  /** Take one message: the first `length` bytes of `view`. */
  message(view: DataView, exporter: Exporter, length?: number): void {
    this.decoder.message(view, exporter, length);
    // Once a message, for it is a look at all templates of the exporter.
    if (this.#hasNews) this.decoder.templates.remake(exporter.name);
    this.#hasNews = false;
  }

  readonly #take = (
    template: WireTemplate,
    view: DataView,
    span: RecordSpan,
    head: MessageHead,
  ): void => {
    if (template.isOptions) {
      if (template.isFixed) template.locate(view, span.at, span.end, span.spans);
      this.#options.learn(template, view, span, head);
      const isNews = this.#types.learn(template, view, span, head);
      if (isNews && this.#usesNames) this.#hasNews = true;
      return;
    }
    template.made ??= this.#readingOf(template, head);
    const reading = template.made as Reading;
    const { spans } = span;
    if (reading.needsSpans && template.isFixed) template.locate(view, span.at, span.end, spans);
    if (reading.boot >= 0 || reading.uptime >= 0) this.#boot(reading, view, spans, head);
    const transfer = this.#transfer;
    const record = this.#record.begin();
    transfer.view = view;
    transfer.at = span.at;
    transfer.spans = spans;
    transfer.head = head;
    transfer.to = record.view;
    reading.plan.write(transfer, record);
    this.#describe(record.view, head);
    this.#date(record.view, reading, transfer);
    if (this.#scale) this.#multiply(record.view, this.#intervalOf(reading, transfer));
    if (this.#places.raw >= 0) {
      const told = this.#types.of(head.exporter.name);
      record.set(this.#places.raw, this.#rawFields.textOf(template, transfer, told));
    }
    if (this.#lists.trouble !== 0) this.#countTrouble();
    this.#sink.push();
  };

  /** Of the record's lists, once a record. */
  #countTrouble(): void {
    const { counts, held } = this.decoder;
    if ((this.#lists.trouble & TROUBLE.damaged) !== 0) counts.malformed++;
    if ((this.#lists.trouble & TROUBLE.noTemplate) !== 0) held.dropped++;
    this.#lists.trouble = 0;
  }

  /** When uptime began, which IPFIX says in the record or in options; where it does not, the flow ended when it was sent. */
  #boot({ boot, uptime }: Reading, view: DataView, spans: Int32Array, head: MessageHead): void {
    const value = boot < 0 ? 0 : readUnsigned(view, spans[2 * boot]!, spans[2 * boot + 1]!);
    if (value > 0) head.bootedAt = value * 1000;
    else if (head.version === IPFIX) {
      const told = this.#options.bootedAt(head);
      head.bootedAt = told > 0 ? told : head.sentAt - view.getUint32(spans[2 * uptime]!) * 1000;
    }
  }

  /** What the message says of all its flows. */
  #describe(to: DataView, { domain, exporter }: MessageHead): void {
    const places = this.#places;
    if (places.link >= 0) {
      const bit = domain % 64;
      to.setInt32(places.link, bit < 32 ? 1 << bit : 0, true);
      to.setInt32(places.link + 4, bit < 32 ? 0 : 1 << (bit - 32), true);
    }
    if (places.domain >= 0) to.setInt32(places.domain, domain | 0, true);
    if (places.exporter >= 0) writeScalar(to, places.exporter, "ipaddr", exporter.ip);
  }

  /** A flow that does not say when it began or ended did so with its other end, or when it was sent. */
  #date(to: DataView, { millis, micros }: Reading, transfer: Transfer): void {
    const { first, last } = this.#places;
    if (first < 0 || last < 0) return;
    const hasFirst = isSet(to, first);
    const hasLast = isSet(to, last);
    if (hasFirst && hasLast) return;
    const took = micros >= 0 ? numberAt(transfer, micros) : numberAt(transfer, millis) * 1000;
    if (hasFirst) writeMicros(to, last, readTime(to, first) + took);
    else {
      const end = hasLast ? readTime(to, last) : transfer.head.sentAt;
      if (!hasLast) writeMicros(to, last, end);
      writeMicros(to, first, Math.max(0, end - took));
    }
  }

  /** The record says it itself, or options of its sampler do. */
  #intervalOf({ sampler, interval, randomInterval }: Reading, transfer: Transfer): number {
    const own = numberAt(transfer, interval) || numberAt(transfer, randomInterval);
    return own > 0 ? own : this.#options.interval(transfer.head, numberAt(transfer, sampler));
  }

  #multiply(to: DataView, interval: number): void {
    if (interval === 1) return;
    for (const { offset, isWide } of this.#places.counters) {
      const low = to.getUint32(offset, true);
      if (isWide) write64(to, offset, (to.getUint32(offset + 4, true) * WORD + low) * interval);
      else to.setInt32(offset, Math.min(Math.round(low * interval), WORD - 1) | 0, true);
    }
  }

  #readingOf(template: WireTemplate, head: MessageHead): Reading {
    const indexOf = (element: number, least = 1): number => {
      const index = template.indexOf(0, element);
      const length = template.fields[index]?.length ?? 0;
      return length >= least && length <= 8 ? index : -1;
    };
    const selector = indexOf(OPTION.selector);
    const lastUptime = indexOf(ELEMENT.lastUptime, 4);
    const uptime = lastUptime >= 0 ? lastUptime : indexOf(ELEMENT.firstUptime, 4);
    const wanted = this.#usesNames
      ? resolved(this.#wanted, this.#types.of(head.exporter.name))
      : this.#wanted;
    const plan = new RecordPlan(template, wanted, this.#listValues);
    const indexes = {
      sampler: selector >= 0 ? selector : indexOf(OPTION.sampler),
      interval: indexOf(OPTION.interval),
      randomInterval: indexOf(OPTION.randomInterval),
      boot: indexOf(OPTION.bootMillis, 8),
      // NetFlow has it in the head of each message.
      uptime: template.dialect === "ipfix" ? uptime : -1,
      micros: indexOf(ELEMENT.micros),
      millis: indexOf(ELEMENT.millis),
    };
    const needsSpans = plan.needsSpans || this.#places.raw >= 0;
    return {
      plan,
      ...indexes,
      needsSpans: needsSpans || Object.values(indexes).some((index) => index >= 0),
    };
  }
}

const IPFIX = 10;
