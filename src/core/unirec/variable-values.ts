// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX } from "../batch.ts";
import type { AnyReader } from "./reader.ts";
import { writeScalar } from "./scalar-write.ts";
import type { Field, Template } from "./template.ts";
import { elementOf, isArrayType, SIZE, type UniRecType } from "./types.ts";

const encoder = new TextEncoder();

/**
 * The strings, bytes and arrays of a record that is being composed.
 *
 * They lie in a scratch buffer in the order they were set, without gaps, and are laid out in record order at the end.
 */
export class VariableValues {
  readonly #fields: readonly Field[];
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
    this.#variable = fields.flatMap((field, i) => (field.size < 0 ? [i] : []));
    this.#scratch = new Uint8Array(new ArrayBuffer(this.#variable.length > 0 ? 2 * RECORD_MAX : 0));
    this.#view = new DataView(this.#scratch.buffer);
    this.#start = new Int32Array(fields.length);
    this.#length = new Int32Array(fields.length);
  }

  clear(): void {
    this.size = 0;
    for (const i of this.#variable) this.#length[i] = 0;
  }

  /** Set the field of index `i`. */
  set(i: number, value: unknown): void {
    this.#drop(i);
    this.#keep(i, this.#append(this.#fields[i]!.type, value));
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
    let next = at;
    for (const i of this.#variable) {
      const start = this.#start[i]!;
      const length = this.#length[i]!;
      target.set(this.#scratch.subarray(start, start + length), next);
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
  #append(type: UniRecType, value: unknown): number {
    const room = this.#scratch.length - this.size;
    if (typeof value === "string")
      return encoder.encodeInto(value, this.#scratch.subarray(this.size)).written;
    if (!isArrayType(type)) {
      const bytes = value as Uint8Array;
      if (bytes.length > room) return room;
      this.#scratch.set(bytes, this.size);
      return bytes.length;
    }
    const list = value as ArrayLike<unknown>;
    const size = -SIZE[type];
    if (list.length * size > room) return room;
    const element = elementOf(type);
    for (let k = 0; k < list.length; k++)
      writeScalar(this.#view, this.size + k * size, element, list[k]);
    return list.length * size;
  }
}
