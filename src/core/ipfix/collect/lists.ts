// SPDX-License-Identifier: BSD-3-Clause
import { type ArrayType, elementOf, type ScalarType } from "../../unirec/types.ts";
import { CONVERSION, microsOf, readUnsigned } from "./conversions.ts";
import type { ElementRef } from "./mapping.ts";

/** Where a value lies. */
export interface Place {
  readonly at: number;
  readonly length: number;
}

const ENTERPRISE = 0x8000;
/** Items that are taken of one list. */
const ITEMS_MAX = 1024;
const NO_HEAD = { sentAt: 0, bootedAt: 0 } as never;

/** The items of a basicList (RFC 6313 section 4.5.1) of an element; undefined when it is a list of another, or damaged. */
export function readList(
  view: DataView,
  { at, length }: Place,
  element: ElementRef,
  type: ArrayType,
): readonly number[] | undefined {
  const from = at + headOf(view, { at, length }, element);
  if (from === at) return undefined;
  const size = view.getUint16(at + 3);
  if (size === 0 || size > 8) return undefined;
  const items: number[] = [];
  const scalar = elementOf(type);
  for (let p = from; p + size <= at + length && items.length < ITEMS_MAX; p += size)
    items.push(itemOf(scalar, view, p, size));
  return items;
}

/** Bytes in front of the items; 0 where it is no list of the element. */
function headOf(view: DataView, { at, length }: Place, { enterprise, number }: ElementRef): number {
  const bytes = enterprise === 0 ? 5 : 9;
  if (length < bytes) return 0;
  const word = view.getUint16(at + 1);
  if (word !== (enterprise === 0 ? number : number | ENTERPRISE)) return 0;
  return enterprise === 0 || view.getUint32(at + 5) === enterprise ? bytes : 0;
}

function itemOf(scalar: ScalarType, view: DataView, at: number, size: number): number {
  if (scalar === "time") return size === 8 ? microsOf(CONVERSION.millis, view, at, NO_HEAD) : 0;
  const value = readUnsigned(view, at, size);
  const isNegative = scalar.startsWith("int") && value >= 2 ** (8 * size - 1);
  return isNegative ? value - 2 ** (8 * size) : value;
}
