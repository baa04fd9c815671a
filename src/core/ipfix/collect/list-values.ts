// SPDX-License-Identifier: BSD-3-Clause
import { Address } from "../../unirec/ip.ts";
import type { ScalarType } from "../../unirec/types.ts";
import { CONVERSION, conversionFor, microsOf, readUnsigned } from "./conversions.ts";
import type { ElementType } from "./data-types.ts";
import type { ListReader, ListVisitor } from "./lists.ts";
import type { Transfer } from "./transfer.ts";

/** Values that are taken of one list. */
const ITEMS_MAX = 1024;

/** Lists of a record, and the element whose values are looked for in them. */
export interface ListSource {
  /** 291, 292 or 293. */
  readonly list: number;
  /** Indexes of the record's fields that are such lists; the last first. */
  readonly fields: readonly number[];
  readonly enterprise: number;
  readonly number: number;
  /** What the exporter told of the element. */
  readonly told: ElementType | undefined;
}

/** Values of one element in the lists of a record, however deep they lie. */
export class ListValues implements ListVisitor {
  readonly reader: ListReader;
  /** Where the values lie, each with its length. */
  readonly #places = new Int32Array(2 * ITEMS_MAX);
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

  /** All values, for a UniRec list of this type; those whose length no value of the type has are left out. */
  items(
    source: ListSource,
    field: { readonly name: string; readonly type: ScalarType },
    transfer: Transfer,
  ): unknown[] | undefined {
    if (!this.find(source, transfer, ITEMS_MAX)) return undefined;
    const items: unknown[] = [];
    let length = -1;
    let kind: number | undefined;
    for (let i = 0; i < this.count; i++) {
      if (this.length(i) !== length) {
        length = this.length(i);
        kind = conversionFor(field, source, length, source.told);
      }
      if (kind === undefined) continue;
      items.push(itemOf(kind, field.type, transfer, { at: this.at(i), length }));
    }
    return items.length > 0 ? items : undefined;
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

/** A value as a writer of lists takes it. */
function itemOf(
  kind: number,
  type: ScalarType,
  { view, head }: Transfer,
  { at, length }: { at: number; length: number },
): number | Address {
  // A time before 1970 is none.
  if (kind >= CONVERSION.seconds) return Math.max(0, microsOf(kind, view, at, head) || 0);
  if (kind === CONVERSION.address) return addressAt(view, at, length);
  if (kind === CONVERSION.float || kind === CONVERSION.double)
    return length === 4 ? view.getFloat32(at) : view.getFloat64(at);
  const value = readUnsigned(view, at, length);
  const isNegative = type.startsWith("int") && value >= 2 ** (8 * length - 1);
  return isNegative ? value - 2 ** (8 * length) : Math.min(value, LARGEST[kind] ?? value);
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
