// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import type { Template } from "../unirec/template.ts";
import { readTime } from "../unirec/time.ts";
import {
  type Element,
  ENCODED_SIZE,
  ENCODING,
  type ExportField,
  exportFields,
  VARIABLE,
  type Version,
} from "./elements.ts";

/** Bytes from which on it is worth a call that moves them. */
const SHORT = 48;
/** Lengths up to here take one byte in front of a value, the others three (RFC 7011 section 7). */
const SHORT_LENGTH = 254;
/** The semantic of a list whose items are in an order (RFC 6313 section 4.5.1). */
const ORDERED = 4;
const ENTERPRISE_BIT = 0x8000;
/** Seconds from 1900, where NTP's times begin, to 1970. */
const NTP_EPOCH = 2_208_988_800;
/** The lowest 11 bits of a fraction are finer than a microsecond, and sent as zero (RFC 7011 section 6.1.9). */
const FINER = 2 ** 11;
const SECOND = 1_000_000;
const MILLI = 1000;
const WORD = 2 ** 32;

/**
 * Writes UniRec records of a layout as IPFIX data records: first the elements of fixed size, then the others, each
 * in record order. Nothing is allocated for a record.
 */
export class RecordEncoder {
  /** The template's id. */
  readonly id: number;
  /** The template record (RFC 7011 section 3.4.1). */
  readonly template: Uint8Array;
  /** Variable fields that pointed outside of their record, sent as empty. */
  malformed = 0;
  readonly #fixed: readonly ExportField[];
  readonly #variable: readonly ExportField[];
  /** Of each variable field: what a list begins with, and where the value of this record lies. */
  readonly #heads: readonly Uint8Array[];
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;
  readonly #layoutSize: number;
  readonly #fixedBytes: number;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #target: DataView = this.#view;

  constructor(id: number, layout: Template, version: Version) {
    const fields = layout.fields.flatMap((field) => exportFields(field, version));
    this.#fixed = fields.filter(({ encoding }) => encoding < ENCODING.text);
    this.#variable = fields.filter(({ encoding }) => encoding >= ENCODING.text);
    this.id = id;
    this.template = templateRecord(id, [...this.#fixed, ...this.#variable]);
    this.#heads = this.#variable.map(listHead);
    this.#starts = new Int32Array(this.#variable.length);
    this.#lengths = new Int32Array(this.#variable.length);
    this.#layoutSize = layout.fixedSize;
    this.#fixedBytes = this.#fixed.reduce((sum, field) => sum + ENCODED_SIZE[field.encoding]!, 0);
  }

  /** Bytes that the UniRec record of `size` bytes at `at` takes; asked before {@link write}. */
  measure(batch: Batch, at: number, size: number): number {
    this.#view = batch.view;
    let bytes = this.#fixedBytes;
    for (let i = 0; i < this.#variable.length; i++) {
      const length = this.#locate(i, at, size);
      bytes += length + (length > SHORT_LENGTH ? 3 : 1);
    }
    return bytes;
  }

  /** Find the value of a variable field. Returns its bytes as they are sent. */
  #locate(i: number, at: number, size: number): number {
    const { encoding, offset, inner } = this.#variable[i]!;
    if (encoding === ENCODING.address) {
      const isShort = isIpv4(this.#view, at + offset);
      this.#starts[i] = at + offset + (isShort ? 8 : 0);
      this.#lengths[i] = isShort ? 4 : 16;
      return this.#lengths[i]!;
    }
    const start = this.#layoutSize + this.#view.getUint16(at + offset, true);
    let length = this.#view.getUint16(at + offset + 2, true);
    if (start + length > size) {
      this.malformed++;
      length = 0;
    }
    this.#starts[i] = at + start;
    this.#lengths[i] = length;
    if (!inner) return length;
    return this.#heads[i]!.length + Math.floor(length / inner.size) * ENCODED_SIZE[inner.encoding]!;
  }

  /** Write the record measured last, which lies at `at` of the batch, at `to`. Returns the offset behind it. */
  write(batch: Batch, at: number, target: Target, to: number): number {
    this.#view = batch.view;
    this.#target = target.view;
    let next = to;
    for (const { encoding, offset } of this.#fixed) {
      this.#scalar(encoding, at + offset, next);
      next += ENCODED_SIZE[encoding]!;
    }
    for (let i = 0; i < this.#variable.length; i++) next = this.#value(i, batch, target, next);
    return next;
  }

  /** Write a variable value behind its length. */
  #value(i: number, batch: Batch, target: Target, to: number): number {
    const { inner } = this.#variable[i]!;
    const start = this.#starts[i]!;
    const length = this.#lengths[i]!;
    if (!inner) {
      const at = this.#length(length, to);
      if (length > SHORT) target.bytes.set(batch.bytes.subarray(start, start + length), at);
      else for (let k = 0; k < length; k++) target.bytes[at + k] = batch.bytes[start + k]!;
      return at + length;
    }
    const head = this.#heads[i]!;
    const items = Math.floor(length / inner.size);
    const size = ENCODED_SIZE[inner.encoding]!;
    let at = this.#length(head.length + items * size, to);
    target.bytes.set(head, at);
    at += head.length;
    for (let k = 0; k < items; k++, at += size)
      this.#scalar(inner.encoding, start + k * inner.size, at);
    return at;
  }

  #length(length: number, to: number): number {
    if (length <= SHORT_LENGTH) {
      this.#target.setUint8(to, length);
      return to + 1;
    }
    this.#target.setUint8(to, 255);
    this.#target.setUint16(to + 1, length);
    return to + 3;
  }

  /** Write the value at `from` of the record, which is little-endian, in network order. */
  #scalar(encoding: number, from: number, to: number): void {
    const view = this.#view;
    const target = this.#target;
    switch (encoding) {
      case ENCODING.uint8:
        target.setUint8(to, view.getUint8(from));
        return;
      case ENCODING.uint16:
        target.setUint16(to, view.getUint16(from, true));
        return;
      case ENCODING.uint32:
        target.setInt32(to, view.getInt32(from, true));
        return;
      case ENCODING.uint64:
        target.setInt32(to, view.getInt32(from + 4, true));
        target.setInt32(to + 4, view.getInt32(from, true));
        return;
      case ENCODING.widened:
        target.setUint32(to, view.getUint8(from));
        return;
      case ENCODING.mac:
        target.setInt32(to, view.getInt32(from));
        target.setInt16(to + 4, view.getInt16(from + 4));
        return;
      case ENCODING.ipv4:
        target.setInt32(to, view.getInt32(from + 8));
        return;
      case ENCODING.ipv6:
        this.#ipv6(from, to);
        return;
      case ENCODING.millis: {
        const millis = Math.floor(readTime(view, from) / MILLI);
        target.setUint32(to, Math.floor(millis / WORD));
        target.setUint32(to + 4, millis % WORD);
        return;
      }
      case ENCODING.micros:
        this.#ntp(readTime(view, from), to);
    }
  }

  /** NTP's timestamp of microseconds since 1970: rounded up, so that who cuts it off has them again. */
  #ntp(micros: number, to: number): void {
    const seconds = Math.floor(micros / SECOND);
    const fraction = Math.ceil(((micros - seconds * SECOND) * (WORD / FINER)) / SECOND) * FINER;
    this.#target.setInt32(to, (seconds + NTP_EPOCH) | 0);
    this.#target.setInt32(to + 4, fraction | 0);
  }

  #ipv6(from: number, to: number): void {
    const view = this.#view;
    const target = this.#target;
    if (!isIpv4(view, from)) {
      for (let k = 0; k < 16; k += 4) target.setInt32(to + k, view.getInt32(from + k));
      return;
    }
    target.setInt32(to, 0);
    target.setInt32(to + 4, 0);
    target.setInt32(to + 8, 0xffff);
    target.setInt32(to + 12, view.getInt32(from + 8));
  }
}

/** Where records are written to. */
export interface Target {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** UniRec has an IPv4 address behind 8 bytes of zeros, and 4 of ones behind it. */
export const isIpv4 = (view: DataView, at: number): boolean =>
  view.getInt32(at) === 0 && view.getInt32(at + 4) === 0 && view.getInt32(at + 12) === -1;

/** A field specifier: number, length, enterprise where it has one (RFC 7011 section 3.2). */
function specifier({ enterprise, number }: Element, length: number): number[] {
  const short = [...u16(enterprise === 0 ? number : number | ENTERPRISE_BIT), ...u16(length)];
  return enterprise === 0 ? short : [...short, ...u16(enterprise >>> 16), ...u16(enterprise)];
}

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];

function templateRecord(id: number, fields: readonly ExportField[]): Uint8Array {
  const specifiers = fields.flatMap(({ element, encoding }) =>
    specifier(element, ENCODED_SIZE[encoding] ?? VARIABLE),
  );
  return Uint8Array.from([...u16(id), ...u16(fields.length), ...specifiers]);
}

/** What a list begins with: semantic, element and size of its items; nothing for other values. */
const listHead = ({ inner }: ExportField): Uint8Array =>
  inner
    ? Uint8Array.from([ORDERED, ...specifier(inner.element, ENCODED_SIZE[inner.encoding]!)])
    : new Uint8Array(0);
