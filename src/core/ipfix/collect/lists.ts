// SPDX-License-Identifier: BSD-3-Clause
/** Structured data (RFC 6313): lists inside of records, of values or of records, which may have lists again. @module */
import type { MessageHead } from "./message-head.ts";
import { VARIABLE, type WireTemplate } from "./wire-template.ts";

/** basicList, subTemplateList and subTemplateMultiList. */
export const LIST = { basic: 291, sub: 292, multi: 293 } as const;

/** Whether the values of an element are lists. */
export const isList = (enterprise: number, number: number): boolean =>
  enterprise === 0 && number >= LIST.basic && number <= LIST.multi;

/** Lists inside of lists at most, with the outermost. */
const DEPTH_MAX = 4;
/** Records and lists that are looked at in one list. */
const PARTS_MAX = 4096;
const ENTERPRISE = 0x8000;

/** What is not as it should be. */
export const TROUBLE = { damaged: 1, noTemplate: 2 } as const;

/** Takes what lists hold, in the order in which it lies. */
export interface ListVisitor {
  /** Whether it has enough, and the rest need not be looked at. */
  readonly isFull: boolean;
  /** Whether it takes the values of an element. */
  wants(enterprise: number, number: number): boolean;
  value(enterprise: number, number: number, at: number, length: number): void;
  /** A list inside of the one that is read; then what it holds, and its end. */
  list(number: number): void;
  listEnd(): void;
  /** A record of a template; then its values and lists, and its end. */
  record(template: number): void;
  recordEnd(): void;
}

/** Where templates come from: nested records are of templates like others, of the same exporter and domain. */
export interface NestedTemplates {
  get(exporter: string, domain: number, id: number): WireTemplate | undefined;
}

/** A list to be read, and the message it came with. */
export interface ListPlace {
  /** 291, 292 or 293. */
  readonly list: number;
  readonly view: DataView;
  readonly at: number;
  readonly length: number;
  readonly head: MessageHead;
}

/** Reads lists as far as they are whole. Nothing is thrown: what cannot be is in {@link trouble}. */
export class ListReader {
  /** Bits of {@link TROUBLE}, until somebody clears them. */
  trouble = 0;
  readonly #templates: NestedTemplates;
  /** Where the fields of a record lie, by how deep it is. */
  readonly #spans: Int32Array[] = Array.from({ length: DEPTH_MAX }, () => new Int32Array(64));
  #place!: ListPlace;
  #visitor!: ListVisitor;
  #parts = 0;

  constructor(templates: NestedTemplates) {
    this.#templates = templates;
  }

  read(place: ListPlace, visitor: ListVisitor): void {
    this.#place = place;
    this.#visitor = visitor;
    this.#parts = 0;
    this.#list(place.list, place.at, place.at + place.length, 0);
  }

  #list(list: number, at: number, end: number, depth: number): void {
    // Nothing at all is a list that is left out.
    if (at === end || !this.#mayGoOn(depth)) return;
    const { view } = this.#place;
    if (list === LIST.basic) this.#basic(at, end, depth);
    else if (list === LIST.multi) this.#multi(at + 1, end, depth);
    else if (at + 3 > end) this.#damaged();
    else this.#records(view.getUint16(at + 1), at + 3, end, depth);
  }

  /** Values of one element, one behind the other (section 4.5.1). */
  #basic(at: number, end: number, depth: number): void {
    const { view } = this.#place;
    const visitor = this.#visitor;
    const word = at + 5 <= end ? view.getUint16(at + 1) : ENTERPRISE;
    const from = at + ((word & ENTERPRISE) === 0 ? 5 : 9);
    if (from > end) {
      this.#damaged();
      return;
    }
    const number = word & ~ENTERPRISE;
    const enterprise = from - at === 5 ? 0 : view.getUint32(at + 5);
    const size = view.getUint16(at + 3);
    if (!isList(enterprise, number) && !visitor.wants(enterprise, number)) return;
    if (size === VARIABLE || size === 0 || isList(enterprise, number))
      this.#values({ enterprise, number, size }, from, end, depth);
    else {
      let next = from;
      for (; next + size <= end && !visitor.isFull; next += size)
        visitor.value(enterprise, number, next, size);
      if (next < end && !visitor.isFull) this.#damaged();
    }
  }

  /** Values that have their lengths in front, or are lists. */
  #values(
    { enterprise, number, size }: { enterprise: number; number: number; size: number },
    from: number,
    end: number,
    depth: number,
  ): void {
    const { view } = this.#place;
    const visitor = this.#visitor;
    const isNested = isList(enterprise, number);
    for (let at = from; at < end && !visitor.isFull; ) {
      const prefix = size === VARIABLE ? (view.getUint8(at) === 255 ? 3 : 1) : 0;
      const first = at + prefix;
      const next = first > end || size === 0 ? -1 : first + lengthOf(view, first, prefix, size);
      if (next < 0 || next > end) {
        this.#damaged();
        return;
      }
      if (isNested) this.#nested(number, first, next, depth);
      else visitor.value(enterprise, number, first, next - first);
      at = next;
    }
  }

  /** Runs of records, each with its template and the bytes that both take (section 4.5.3). */
  #multi(from: number, end: number, depth: number): void {
    const { view } = this.#place;
    for (let at = from; at < end && !this.#visitor.isFull; ) {
      const bytes = at + 4 <= end ? view.getUint16(at + 2) : 0;
      if (bytes < 4 || at + bytes > end) {
        this.#damaged();
        return;
      }
      if (!this.#mayGoOn(depth)) return;
      this.#records(view.getUint16(at), at + 4, at + bytes, depth);
      at += bytes;
    }
  }

  /** Records of one template, one behind the other (section 4.5.2). */
  #records(id: number, from: number, end: number, depth: number): void {
    if (from === end) return;
    const { view, head } = this.#place;
    const template = this.#templates.get(head.exporter.name, head.domain, id);
    if (!template || template.least === 0) {
      this.trouble |= template ? TROUBLE.damaged : TROUBLE.noTemplate;
      return;
    }
    const spans = this.#spansOf(depth, 2 * template.fields.length);
    for (let at = from; at < end && !this.#visitor.isFull; ) {
      const next = template.locate(view, at, end, spans);
      if (next < 0) {
        this.#damaged();
        return;
      }
      if (!this.#mayGoOn(depth)) return;
      this.#visitor.record(id);
      this.#record(template, spans, depth);
      this.#visitor.recordEnd();
      at = next;
    }
  }

  #record({ fields }: WireTemplate, spans: Int32Array, depth: number): void {
    const visitor = this.#visitor;
    for (let i = 0; i < fields.length && !visitor.isFull; i++) {
      const { enterprise, number } = fields[i]!;
      const at = spans[2 * i]!;
      const length = spans[2 * i + 1]!;
      if (isList(enterprise, number)) this.#nested(number, at, at + length, depth);
      else if (visitor.wants(enterprise, number)) visitor.value(enterprise, number, at, length);
    }
  }

  #nested(list: number, at: number, end: number, depth: number): void {
    this.#visitor.list(list);
    this.#list(list, at, end, depth + 1);
    this.#visitor.listEnd();
  }

  #spansOf(depth: number, words: number): Int32Array {
    const spans = this.#spans[depth]!;
    if (spans.length >= words) return spans;
    this.#spans[depth] = new Int32Array(words);
    return this.#spans[depth];
  }

  #mayGoOn(depth: number): boolean {
    const may = depth < DEPTH_MAX && this.#parts++ < PARTS_MAX;
    if (!may) this.#damaged();
    return may;
  }

  #damaged(): void {
    this.trouble |= TROUBLE.damaged;
  }
}

/** Bytes of the value that begins at `first`, which has its length in front where a prefix does. */
function lengthOf(view: DataView, first: number, prefix: number, size: number): number {
  if (prefix === 0) return size;
  return prefix === 1 ? view.getUint8(first - 1) : view.getUint16(first - 2);
}
