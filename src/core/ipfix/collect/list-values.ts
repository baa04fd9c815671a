// SPDX-License-Identifier: BSD-3-Clause
import { Address } from "../../unirec/ip.ts";
import { type Part, part } from "../../unirec/list-write.ts";
import type { Field } from "../../unirec/template.ts";
import { elementOf, isArrayType, type ScalarType, type UniRecType } from "../../unirec/types.ts";
import { CONVERSION, conversionFor, microsOf, readUnsigned } from "./conversions.ts";
import type { ElementType } from "./data-types.ts";
import type { ListReader, ListVisitor } from "./lists.ts";
import type { ElementRef } from "./mapping.ts";
import type { Transfer } from "./transfer.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Values that are taken of one list. */
const ITEMS_MAX = 1024;

/** Lists of a record, and the element whose values are looked for in them, for a UniRec field. */
export class ListSource {
  /** 291, 292 or 293. */
  readonly list: number;
  readonly enterprise: number;
  readonly number: number;
  /** Indexes of the record's fields that are such lists; the last first. */
  readonly fields: readonly number[];
  readonly #name: string;
  readonly #type: UniRecType;
  readonly #told: ElementType | undefined;
  readonly #isSigned: boolean;
  #length = -1;
  #kind: number | undefined;
  /** The largest number of the length, and of the conversion. */
  #largest = 0;

  /** @param told what the exporter told of the element */
  constructor({ fields }: WireTemplate, element: ElementRef, field: Field, told?: ElementType) {
    this.list = element.list;
    this.enterprise = element.enterprise;
    this.number = element.number;
    this.fields = fields
      .flatMap((each, i) => (each.number === element.list && each.enterprise === 0 ? [i] : []))
      .reverse();
    this.#name = field.name;
    this.#type = field.type;
    this.#told = told;
    this.#isSigned = field.type.startsWith("int");
  }

  /** The conversion of values of so many bytes; undefined where the field takes none of that length. */
  kindOf(length: number): number | undefined {
    if (length === this.#length) return this.#kind;
    const type = (isArrayType(this.#type) ? elementOf(this.#type) : this.#type) as ScalarType;
    this.#length = length;
    this.#kind = conversionFor({ name: this.#name, type }, this, length, this.#told);
    this.#largest = this.#isSigned
      ? 2 ** (8 * length - 1) - 1
      : (LARGEST[this.#kind ?? CONVERSION.counter64] ?? Number.MAX_VALUE);
    return this.#kind;
  }

  /** A number of the length that was asked for last, from its bits: with its sign, or the largest that there is. */
  numberOf(bits: number): number {
    if (bits <= this.#largest) return bits;
    return this.#isSigned ? bits - 2 * (this.#largest + 1) : this.#largest;
  }
}

/** Values of one element in the lists of a record, however deep they lie. */
export class ListValues implements ListVisitor {
  readonly reader: ListReader;
  /** Where the values lie, each with its length. */
  readonly #places = new Int32Array(2 * ITEMS_MAX);
  readonly #items: unknown[] = Array(ITEMS_MAX).fill(0);
  #enterprise = 0;
  #number = 0;
  #max = 0;
  /** Values that were found. */
  count = 0;

  constructor(reader: ListReader) {
    this.reader = reader;
  }

  /** Look for so many values, in the last list that has any. */
  find({ list, fields, enterprise, number }: ListSource, transfer: Transfer, max: number): boolean {
    const { view, spans, head } = transfer;
    this.#enterprise = enterprise;
    this.#number = number;
    this.#max = Math.min(max, ITEMS_MAX);
    this.count = 0;
    for (const i of fields) {
      this.reader.read({ list, view, at: spans[2 * i]!, length: spans[2 * i + 1]!, head }, this);
      if (this.count > 0) return true;
    }
    return false;
  }

  at(i: number): number {
    return this.#places[2 * i]!;
  }

  length(i: number): number {
    return this.#places[2 * i + 1]!;
  }

  /**
   * All values, as a UniRec list takes them, to be set at once; those are left out whose length the list has no conversion
   * for.
   */
  items(source: ListSource, transfer: Transfer): Part | undefined {
    if (!this.find(source, transfer, ITEMS_MAX)) return undefined;
    let count = 0;
    for (let i = 0; i < this.count; i++) {
      const length = this.#places[2 * i + 1]!;
      const kind = source.kindOf(length);
      if (kind === undefined) continue;
      const at = this.#places[2 * i]!;
      this.#items[count++] = isNumber(kind)
        ? source.numberOf(readUnsigned(transfer.view, at, length))
        : otherAt(kind, transfer, at, length);
    }
    return count > 0 ? part(this.#items, 0, count) : undefined;
  }

  get isFull(): boolean {
    return this.count >= this.#max;
  }

  wants(enterprise: number, number: number): boolean {
    return number === this.#number && enterprise === this.#enterprise;
  }

  value(_enterprise: number, _number: number, at: number, length: number): void {
    this.#places[2 * this.count] = at;
    this.#places[2 * this.count + 1] = length;
    this.count++;
  }

  list(): void {}
  listEnd(): void {}
  record(): void {}
  recordEnd(): void {}
}

const LARGEST: Readonly<Record<number, number>> = {
  [CONVERSION.counter8]: 255,
  [CONVERSION.counter16]: 65_535,
  [CONVERSION.counter32]: 0xffff_ffff,
};

const isNumber = (kind: number): boolean =>
  kind <= CONVERSION.signed64 || kind === CONVERSION.mac || kind === CONVERSION.lowestBit;

/** A time, a float or an address, as a writer of lists takes it. */
function otherAt(
  kind: number,
  { view, head }: Transfer,
  at: number,
  length: number,
): number | Address {
  if (kind === CONVERSION.address) return addressAt(view, at, length);
  if (kind < CONVERSION.seconds) return length === 4 ? view.getFloat32(at) : view.getFloat64(at);
  // A time before 1970 is none.
  return Math.max(0, microsOf(kind, view, at, head) || 0);
}

/** An address of 4 or 16 bytes. */
export function addressAt(view: DataView, at: number, length: number): Address {
  const address = new Address();
  if (length === 4) return address.setV4(view.getUint32(at));
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((k) => view.getInt32(at + k, true)) as [
    number,
    number,
    number,
    number,
  ];
  return address.set({ w0, w1, w2, w3 });
}
