// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX } from "../batch.ts";
import { type ListWriter, listWriter, Part, part } from "./list-write.ts";
import type { AnyReader } from "./reader.ts";
import type { Field, Template } from "./template.ts";
import { isArrayType, SIZE } from "./types.ts";

const encoder = new TextEncoder();
/** Longer texts and runs of bytes are worth the call that moves them at once. */
const SHORT = 48;

/**
 * The strings, bytes and arrays of a record that is being composed.
 *
 * They lie in a scratch buffer in the order they were set, without gaps, and are laid out in record order at the end.
 */
export class VariableValues {
  readonly #fields: readonly Field[];
  /** By field index: how its elements are written, for lists. */
  readonly #lists: readonly (ListWriter | undefined)[];
  /** Indices of the variable fields. */
  readonly #variable: readonly number[];
  readonly #scratch: Uint8Array;
  readonly #view: DataView;
  /** Where each value lies: start and length, by field index. */
  readonly #start: Int32Array;
  readonly #length: Int32Array;
  /** Bytes of all values. */
  size = 0;

  constructor({ fields }: Template) {
    this.#fields = fields;
    this.#lists = fields.map(({ type }) => (isArrayType(type) ? listWriter(type) : undefined));
    this.#variable = fields.flatMap((field, i) => (field.size < 0 ? [i] : []));
    this.#scratch = new Uint8Array(new ArrayBuffer(this.#variable.length > 0 ? 2 * RECORD_MAX : 0));
    this.#view = new DataView(this.#scratch.buffer);
    this.#start = new Int32Array(fields.length);
    this.#length = new Int32Array(fields.length);
  }

  clear(): void {
    // Where nothing was set all lengths are 0 already.
    if (this.size === 0) return;
    this.size = 0;
    for (const i of this.#variable) this.#length[i] = 0;
  }

  /** Set the field of index `i`. */
  set(i: number, value: unknown): void {
    this.#drop(i);
    const list = this.#lists[i];
    this.#keep(i, list ? this.#appendList(i, list, value) : this.#append(value));
  }

  /** Set the field of index `i` to the value under a cursor whose descriptor is at `from`. */
  copy(i: number, cursor: AnyReader, from: number): void {
    this.#drop(i);
    const at = cursor.span(from);
    const start = this.size;
    // Spans that overlap may exceed the scratch buffer: far beyond a record's size, which end() refuses.
    const length = Math.min(cursor.spanLength, this.#scratch.length - start);
    for (let k = 0; k < length; k++) this.#scratch[start + k] = cursor.view.getUint8(at + k);
    this.#keep(i, length);
  }

  /** Write the descriptors into the fixed part: where each value lies behind it, and its length. */
  describe(fixed: DataView): void {
    // Descriptors of nothing are zeros, as begin() left them.
    if (this.size === 0) return;
    let offset = 0;
    for (const i of this.#variable) {
      const at = this.#fields[i]!.offset;
      const length = this.#length[i]!;
      fixed.setInt16(at, offset, true);
      fixed.setInt16(at + 2, length, true);
      offset += length;
    }
  }

  /** Lay the values out in record order at `at`. */
  copyTo(target: Uint8Array, at: number): void {
    if (this.size === 0) return;
    let next = at;
    for (const i of this.#variable) {
      const start = this.#start[i]!;
      const length = this.#length[i]!;
      if (length > SHORT) target.set(this.#scratch.subarray(start, start + length), next);
      else for (let k = 0; k < length; k++) target[next + k] = this.#scratch[start + k]!;
      next += length;
    }
  }

  /** Take the `length` bytes behind the others as the value of field `i`. */
  #keep(i: number, length: number): void {
    this.#start[i] = this.size;
    this.#length[i] = length;
    this.size += length;
  }

  /** Take a field's former value out of the scratch buffer, which so always has room for a whole record. */
  #drop(i: number): void {
    const length = this.#length[i]!;
    if (length === 0) return;
    const end = this.#start[i]! + length;
    this.#scratch.copyWithin(end - length, end, this.size);
    this.size -= length;
    for (const k of this.#variable) if (this.#start[k]! >= end) this.#start[k]! -= length;
    this.#length[i] = 0;
  }

  /**
   * Encode a value behind the others; returns its bytes. What does not fit fills the buffer in name, and so makes
   * the record one that RecordWriter's end() refuses.
   */
  #append(value: unknown): number {
    if (typeof value === "string") return this.#appendText(value);
    if (value instanceof Part) return this.#appendPart(value);
    const bytes = value as Uint8Array;
    const room = this.#scratch.length - this.size;
    if (bytes.length > room) return room;
    if (bytes.length > SHORT) this.#scratch.set(bytes, this.size);
    else for (let k = 0; k < bytes.length; k++) this.#scratch[this.size + k] = bytes[k]!;
    return bytes.length;
  }

  #appendPart({ array, from, to }: Part): number {
    const room = this.#scratch.length - this.size;
    if (to - from > room) return room;
    for (let k = from, at = this.size; k < to; k++, at++) this.#scratch[at] = array[k] as number;
    return to - from;
  }

  #appendText(text: string): number {
    const { length } = text;
    const at = this.size;
    if (length > SHORT || length > this.#scratch.length - at) return this.#encode(text);
    for (let k = 0; k < length; k++) {
      const code = text.charCodeAt(k);
      if (code > 127) return this.#encode(text);
      this.#scratch[at + k] = code;
    }
    return length;
  }

  #encode(text: string): number {
    return encoder.encodeInto(text, this.#scratch.subarray(this.size)).written;
  }

  #appendList(i: number, write: ListWriter, value: unknown): number {
    const whole = value as ArrayLike<unknown>;
    const list = value instanceof Part ? value : part(whole, 0, whole.length);
    const room = this.#scratch.length - this.size;
    const bytes = (list.to - list.from) * -SIZE[this.#fields[i]!.type];
    if (bytes > room) return room;
    write(this.#view, this.size, list);
    return bytes;
  }
}
