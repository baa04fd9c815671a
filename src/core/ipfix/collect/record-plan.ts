// SPDX-License-Identifier: BSD-3-Clause
import { write64, writeMicros } from "../../unirec/scalar-write.ts";
import type { Field, Template } from "../../unirec/template.ts";
import { type ArrayType, isArrayType, type ScalarType } from "../../unirec/types.ts";
import type { RecordWriter } from "../../unirec/writer.ts";
import { CONVERSION, conversionFor, microsOf, readUnsigned } from "./conversions.ts";
import type { MessageHead, RecordSpan } from "./flow-decoder.ts";
import { type Place, readList } from "./lists.ts";
import type { ElementRef, Mapping } from "./mapping.ts";
import type { WireTemplate } from "./wire-template.ts";

/** An elementary step: conversion, index of the field or offset in the record, bytes, offset in the UniRec record. */
const STEP = 4;
const LARGEST_32 = 0xffff_ffff;
const NOTHING = new DataView(new ArrayBuffer(0));

/** A value of variable length: a string, bytes, or a list. */
interface LongValue {
  readonly source: number;
  readonly element: ElementRef;
  /** Index of the UniRec field. */
  readonly field: number;
  readonly type: Field["type"];
}

/**
 * How records of one template become UniRec records of one layout, made when the first of them comes.
 *
 * Fields for which the record has no element stay zero or empty. Of several elements the best is taken; where its value is zero, the next one: routers
 * send both ports and ICMP types, of which one is zero.
 */
export class RecordPlan {
  readonly #steps: Int32Array;
  readonly #long: readonly LongValue[];
  readonly #isFixed: boolean;
  readonly #template: WireTemplate;
  /** The record that is read, and the one that is filled in. */
  #view: DataView = NOTHING;
  #to: DataView = NOTHING;

  constructor(template: WireTemplate, layout: Template, mapping: Mapping) {
    this.#isFixed = template.isFixed;
    this.#template = template;
    const steps: number[] = [];
    const long: LongValue[] = [];
    for (const [index, field] of layout.fields.entries()) {
      const found = mapping
        .elementsOf(field.name)
        .map((element) => ({ element, source: fieldOf(template, element) }))
        .filter(({ source }) => source >= 0);
      if (field.size <= 0) {
        const [first] = found;
        if (first) long.push({ ...first, field: index, type: field.type });
        continue;
      }
      // The best comes last, and is not written where it is zero.
      for (const { element, source } of found.toReversed())
        steps.push(...stepFor(template, { field, element, source }));
    }
    this.#steps = Int32Array.from(steps);
    this.#long = long;
  }

  /** Fill in a record that is begun. */
  write(view: DataView, span: RecordSpan, head: MessageHead, record: RecordWriter): void {
    this.#view = view;
    this.#to = record.view;
    this.#scalars(span, head);
    if (this.#long.length === 0) return;
    if (this.#isFixed) this.#template.locate(view, span.at, span.end, span.spans);
    for (const { source, element, field, type } of this.#long) {
      const value = isArrayType(type)
        ? this.#list(view, span, { source, element, type })
        : textOf(view, { at: span.spans[2 * source]!, length: span.spans[2 * source + 1]! }, type);
      if (value !== undefined) record.set(field, value);
    }
  }

  /** The list of an element's items: a record may have several lists, which say themselves what they hold. */
  #list(
    view: DataView,
    { spans }: RecordSpan,
    { source, element, type }: { source: number; element: ElementRef; type: ArrayType },
  ): readonly number[] | undefined {
    const { fields } = this.#template;
    for (let i = source; i < fields.length; i++) {
      if (fields[i]!.number !== BASIC_LIST || fields[i]!.enterprise !== 0) continue;
      const items = readList(view, { at: spans[2 * i]!, length: spans[2 * i + 1]! }, element, type);
      if (items) return items;
    }
    return undefined;
  }

  #scalars({ at: base, spans }: RecordSpan, head: MessageHead): void {
    const steps = this.#steps;
    const isFixed = this.#isFixed;
    for (let i = 0; i < steps.length; i += STEP) {
      const kind = steps[i]!;
      const source = steps[i + 1]!;
      const at = isFixed ? base + source : spans[2 * source]!;
      const p = steps[i + 3]!;
      if (kind <= CONVERSION.low32) this.#number(kind, at, steps[i + 2]!, p);
      else if (kind >= CONVERSION.seconds) this.#time(kind, at, head, p);
      else this.#other(kind, at, steps[i + 2]!, p);
    }
  }

  #number(kind: number, at: number, length: number, p: number): void {
    const to = this.#to;
    if (kind === CONVERSION.counter64) {
      this.#wide(at, length, p);
      return;
    }
    const value = readUnsigned(this.#view, at, length);
    // A better value may stand there already.
    if (value === 0) return;
    switch (kind) {
      case CONVERSION.counter8:
        to.setUint8(p, Math.min(value, 255));
        return;
      case CONVERSION.counter16:
        to.setUint16(p, Math.min(value, 65_535), true);
        return;
      case CONVERSION.counter32:
        to.setInt32(p, Math.min(value, LARGEST_32) | 0, true);
        return;
      case CONVERSION.low8:
        to.setUint8(p, value & 255);
        return;
      case CONVERSION.low16:
        to.setUint16(p, value & 65_535, true);
        return;
      default:
        to.setInt32(p, value | 0, true);
    }
  }

  #wide(at: number, length: number, p: number): void {
    const view = this.#view;
    const low = length === 8 ? view.getInt32(at + 4) : readUnsigned(view, at, length);
    const high = length === 8 ? view.getInt32(at) : 0;
    if (low === 0 && high === 0) return;
    if (length !== 8) write64(this.#to, p, low);
    else {
      this.#to.setInt32(p, low, true);
      this.#to.setInt32(p + 4, high, true);
    }
  }

  #time(kind: number, at: number, head: MessageHead, p: number): void {
    const micros = microsOf(kind, this.#view, at, head);
    // A time before 1970, or none.
    if (micros > 0) writeMicros(this.#to, p, micros);
  }

  #other(kind: number, at: number, length: number, p: number): void {
    const view = this.#view;
    const to = this.#to;
    switch (kind) {
      case CONVERSION.address:
        if (length === 4) copyIpv4(view, at, to, p);
        else copyIpv6(view, at, to, p);
        return;
      case CONVERSION.mac:
        to.setInt32(p, view.getInt32(at));
        to.setInt16(p + 4, view.getInt16(at + 4));
        return;
      case CONVERSION.signed64:
        to.setBigInt64(p, signed(view, at, length), true);
        return;
      case CONVERSION.lowestBit:
        to.setUint8(p, view.getUint8(at + length - 1) & 1);
        return;
      case CONVERSION.float:
        to.setFloat32(p, length === 4 ? view.getFloat32(at) : view.getFloat64(at), true);
        return;
      default:
        to.setFloat64(p, length === 4 ? view.getFloat32(at) : view.getFloat64(at), true);
    }
  }
}

/** A signed number of 1 to 8 bytes (RFC 7011 section 6.2: shorter ones keep their sign). */
function signed(view: DataView, at: number, length: number): bigint {
  let value = BigInt(view.getInt8(at));
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}

/** An empty one is no value where a better one stands. */
function copyIpv4(view: DataView, at: number, to: DataView, p: number): void {
  const word = view.getInt32(at);
  if (word === 0 && (to.getInt32(p) | to.getInt32(p + 8)) !== 0) return;
  to.setInt32(p, 0);
  to.setInt32(p + 4, 0);
  to.setInt32(p + 8, word);
  to.setInt32(p + 12, -1);
}

/** IPv6; one that is mapped from IPv4 (`::ffff:192.0.2.1`) stays what it is, and an empty one is no value. */
function copyIpv6(view: DataView, at: number, to: DataView, p: number): void {
  const words = view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8);
  if ((words | view.getInt32(at + 12)) === 0) return;
  for (let k = 0; k < 16; k += 4) to.setInt32(p + k, view.getInt32(at + k));
}

const LENGTH_MAX = 1024;

/** A string ends where its padding of zeros begins. */
function textOf(view: DataView, { at, length }: Place, type: Field["type"]): string | Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(length, LENGTH_MAX));
  if (type !== "string") return bytes;
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** Index of the field that has an element; -1 when there is none. */
const fieldOf = ({ fields }: WireTemplate, { enterprise, number, isList }: ElementRef): number =>
  isList
    ? fields.findIndex((field) => field.enterprise === 0 && field.number === BASIC_LIST)
    : fields.findIndex((field) => field.enterprise === enterprise && field.number === number);

const BASIC_LIST = 291;

function stepFor(
  template: WireTemplate,
  { field, element, source }: { field: Field; element: ElementRef; source: number },
): readonly number[] {
  const { length } = template.fields[source]!;
  const kind = conversionFor({ name: field.name, type: field.type as ScalarType }, element, length);
  if (kind === undefined) return [];
  const before = template.fields.slice(0, source);
  const offset = template.isFixed ? before.reduce((sum, each) => sum + each.length, 0) : source;
  return [kind, offset, length, field.offset];
}
