// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../unirec/time.ts";
import { HeldSets, type HeldSetsOptions } from "./held-sets.ts";
import { type Exporter, type MessageHead, NO_HEAD } from "./message-head.ts";
import { fixedFormats } from "./netflow5.ts";
import { Sequences } from "./sequences.ts";
import { TemplateStore, type TemplateStoreOptions } from "./template-store.ts";
import { type Dialect, endOfSpecs, type TemplateHead, type WireTemplate } from "./wire-template.ts";

/** Where a record lies. */
export interface RecordSpan {
  readonly at: number;
  readonly end: number;
  /** Where its fields lie, as {@link WireTemplate.locate} says; already there where the template is not fixed. */
  readonly spans: Int32Array;
}

/** Takes records where they lie; nothing of them is kept once it returns. */
export type RecordHandler = (
  template: WireTemplate,
  view: DataView,
  span: RecordSpan,
  head: MessageHead,
) => void;

export interface FlowDecoderOptions extends TemplateStoreOptions, HeldSetsOptions {}

/** What was counted. Records that nobody could read are counted as bytes: how many there were nobody knows. */
export interface DecoderCounts {
  messages: number;
  records: number;
  optionRecords: number;
  templates: number;
  /** Messages of no known version, or whose lengths make no sense from the start. */
  foreign: number;
  /** Messages, sets and templates that end early or contradict themselves; what was whole is taken. */
  malformed: number;
}

const NETFLOW_9 = 9;
const IPFIX = 10;
/** Sets of templates; ids from 256 on are those of data. */
const SETS = {
  [NETFLOW_9]: { templates: 0, options: 1 },
  [IPFIX]: { templates: 2, options: 3 },
} as const;
const DATA_FROM = 256;

/**
 * NetFlow v1, v5, v7, v9 and IPFIX (RFC 7011): datagrams, or the messages of a stream, in; records out, each where it lies.
 *
 * Never throws for what comes from the wire: what cannot be is counted, and what is whole in front of it is taken.
 */
export class FlowDecoder {
  readonly templates: TemplateStore;
  readonly counts: DecoderCounts = {
    messages: 0,
    records: 0,
    optionRecords: 0,
    templates: 0,
    foreign: 0,
    malformed: 0,
  };
  readonly held: HeldSets;
  readonly sequences = new Sequences();
  readonly #formats = fixedFormats();
  readonly #onRecord: RecordHandler;
  readonly #head: MessageHead = { ...NO_HEAD };
  readonly #span = { at: 0, end: 0, spans: new Int32Array(64) };
  /** Whether the message has records that nobody could count. */
  #uncounted = false;
  /** Of which kinds the message has withdrawn all templates. */
  #withdrawn = 0;
  /** Records that were held. */
  #released = 0;

  constructor(onRecord: RecordHandler, options: FlowDecoderOptions = {}) {
    this.#onRecord = onRecord;
    this.templates = new TemplateStore(options);
    this.held = new HeldSets(options);
  }

  /** Decode one message, the first `length` bytes of `view`: a datagram's payload, or what a stream has between two lengths. */
  message(view: DataView, exporter: Exporter, length = view.byteLength): void {
    this.counts.messages++;
    const head = this.#head;
    head.exporter = exporter;
    head.version = length >= 2 ? view.getUint16(0) : 0;
    head.samplingInterval = 0;
    head.samplingMode = 0;
    head.sequence = 0;
    head.bootedAt = Number.NaN;
    this.#uncounted = false;
    this.#withdrawn = 0;
    if (head.version === IPFIX) this.#ipfix(view, length);
    else if (head.version === NETFLOW_9) this.#netflow9(view, length);
    else this.#fixed(view, length);
  }

  #ipfix(view: DataView, bytes: number): void {
    const { counts } = this;
    const head = this.#head;
    const length = bytes >= 16 ? view.getUint16(2) : 0;
    if (length < 16) {
      counts.foreign++;
      return;
    }
    if (length > bytes) counts.malformed++;
    head.sentAt = view.getUint32(4) * SECOND;
    head.sequence = view.getUint32(8);
    head.domain = view.getUint32(12);
    const before = this.#ownRecords;
    this.#sets(view, 16, Math.min(length, bytes));
    this.#order(this.#ownRecords - before);
  }

  /** Records so far that came in their messages, and were not held. */
  get #ownRecords(): number {
    return this.counts.records + this.counts.optionRecords - this.#released;
  }

  #netflow9(view: DataView, bytes: number): void {
    const head = this.#head;
    if (bytes < 20) {
      this.counts.foreign++;
      return;
    }
    head.sentAt = view.getUint32(8) * SECOND;
    head.bootedAt = head.sentAt - view.getUint32(4) * 1000;
    head.sequence = view.getUint32(12);
    head.domain = view.getUint32(16);
    this.#sets(view, 20, bytes);
    this.#uncounted = false;
    this.#order(1);
  }

  /** Versions whose records have one layout. */
  #fixed(view: DataView, bytes: number): void {
    const { counts } = this;
    const head = this.#head;
    const format = this.#formats[head.version];
    if (!format || bytes < format.headerBytes) {
      counts.foreign++;
      return;
    }
    const announced = view.getUint16(2);
    const whole = Math.floor((bytes - format.headerBytes) / format.template.least);
    if (announced === 0 || announced > format.recordsMax) {
      counts.malformed++;
      return;
    }
    if (whole < announced) counts.malformed++;
    const uptime = view.getUint32(4);
    head.sentAt = view.getUint32(8) * SECOND + Math.floor(view.getUint32(12) / 1000);
    head.bootedAt = head.sentAt - uptime * 1000;
    head.sequence = format.hasSequence ? view.getUint32(16) : 0;
    head.domain = format.hasEngine ? view.getUint16(20) : 0;
    const sampling = format.hasEngine ? view.getUint16(22) : 0;
    head.samplingInterval = sampling & 0x3fff;
    head.samplingMode = sampling >>> 14;
    const records = Math.min(announced, whole);
    const end = format.headerBytes + records * format.template.least;
    this.#records(format.template, view, format.headerBytes, end);
    if (format.hasSequence) this.#order(announced);
  }

  #sets(view: DataView, from: number, end: number): void {
    const ids = SETS[this.#head.version as 9 | 10];
    for (let at = from; at + 4 <= end; ) {
      const id = view.getUint16(at);
      const length = view.getUint16(at + 2);
      // Some fill the rest of a datagram with zeros.
      if (length === 0 && id === 0) return;
      if (length < 4 || at + length > end) {
        this.counts.malformed++;
        if (length < 4) return;
      }
      const last = Math.min(at + length, end);
      if (id === ids.templates) this.#templates(view, at + 4, last);
      else if (id === ids.options) this.#optionsTemplates(view, at + 4, last);
      else if (id >= DATA_FROM) this.#data(view, id, at + 4, last);
      at += length;
    }
  }

  #data(view: DataView, id: number, at: number, end: number): void {
    const { exporter, domain } = this.#head;
    const template = this.templates.get(exporter.name, domain, id);
    if (template) this.#records(template, view, at, end);
    else {
      this.#uncounted = true;
      this.held.hold(this.#head, id, new Uint8Array(view.buffer, view.byteOffset + at, end - at));
    }
  }

  #records(template: WireTemplate, view: DataView, from: number, end: number): void {
    const { least, isOptions, isFixed } = template;
    if (least === 0) {
      this.counts.malformed++;
      return;
    }
    const span = this.#span;
    const words = 2 * template.fields.length;
    if (span.spans.length < words) span.spans = new Int32Array(words);
    let count = 0;
    for (let at = from; at + least <= end; count++) {
      span.at = at;
      span.end = isFixed ? at + least : template.locate(view, at, end, span.spans);
      if (span.end < 0) {
        this.counts.malformed++;
        break;
      }
      this.#onRecord(template, view, span, this.#head);
      at = span.end;
    }
    if (isOptions) this.counts.optionRecords += count;
    else this.counts.records += count;
  }

  #templates(view: DataView, from: number, end: number): void {
    for (let at = from; at + 4 <= end; ) {
      const id = view.getUint16(at);
      const fieldCount = view.getUint16(at + 2);
      at += 4;
      if (fieldCount === 0) {
        this.#withdraw(id, false);
        continue;
      }
      at = this.#take(view, { at, end }, { id, fieldCount, scopeCount: 0, isOptions: false });
      if (at < 0) return;
    }
  }

  #optionsTemplates(view: DataView, from: number, end: number): void {
    const { version } = this.#head;
    for (let at = from; at + 4 <= end; ) {
      const id = view.getUint16(at);
      const second = view.getUint16(at + 2);
      if (version === IPFIX && second === 0) {
        this.#withdraw(id, true);
        at += 4;
        continue;
      }
      if (at + 6 > end) return;
      const third = view.getUint16(at + 4);
      at += 6;
      // NetFlow v9 says bytes of scope fields and of the others, IPFIX all fields and scope fields.
      const [fieldCount, scopeCount] =
        version === IPFIX ? [second, third] : [(second + third) >>> 2, second >>> 2];
      if (version === NETFLOW_9 && fieldCount === 0) return;
      at = this.#take(view, { at, end }, { id, fieldCount, scopeCount, isOptions: true });
      if (at < 0) return;
    }
  }

  /** Take a template whose fields begin at `at`; returns where they end, -1 when they make no sense. */
  #take(
    view: DataView,
    { at, end }: { at: number; end: number },
    template: Omit<TemplateHead, "dialect" | "specs">,
  ): number {
    const { version, exporter, domain } = this.#head;
    const dialect: Dialect = version === IPFIX ? "ipfix" : "netflow";
    const next = endOfSpecs(view, at, { end, count: template.fieldCount, dialect });
    // Padding at the end of a set may look like the beginning of a template.
    if (template.id < DATA_FROM || next < 0 || template.scopeCount > template.fieldCount) {
      this.counts.malformed++;
      return -1;
    }
    const specs = Buffer.from(view.buffer, view.byteOffset + at, next - at).toString("latin1");
    this.counts.templates++;
    this.templates.put(exporter.name, domain, { ...template, dialect, specs });
    this.#release(template.id);
    return next;
  }

  /** Decode what has waited for a template. */
  #release(id: number): void {
    const head = this.#head;
    const sets = this.held.release(head, id);
    const template = this.templates.get(head.exporter.name, head.domain, id);
    if (sets.length === 0 || !template) return;
    const now = { ...head };
    const before = this.#ownRecords;
    for (const { bytes, ...its } of sets) {
      Object.assign(head, its);
      this.#records(template, new DataView(bytes.buffer), 0, bytes.byteLength);
    }
    this.#released += this.#ownRecords - before;
    Object.assign(head, now);
  }

  #withdraw(id: number, isOptions: boolean): void {
    const { exporter, domain, version } = this.#head;
    // NetFlow v9 has no withdrawal: a template without fields is padding.
    if (version !== IPFIX) return;
    const { templates, options } = SETS[IPFIX];
    if (id !== (isOptions ? options : templates)) {
      this.templates.withdraw(exporter.name, domain, id);
      return;
    }
    // Once a message, for it is a look at all.
    const kind = isOptions ? 2 : 1;
    if ((this.#withdrawn & kind) === 0)
      this.templates.withdrawAll(exporter.name, domain, isOptions);
    this.#withdrawn |= kind;
  }

  #order(count: number): void {
    const { exporter, domain, version, sequence } = this.#head;
    const units = this.#uncounted ? Number.NaN : count;
    this.sequences.follow(`${exporter.name} ${domain} ${version}`, sequence, units);
  }
}
