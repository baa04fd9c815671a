// SPDX-License-Identifier: BSD-3-Clause
import { ipText } from "./ip.ts";
import { microsOfFraction } from "./time.ts";
import { type ArrayType, elementOf, type ScalarType, SIZE } from "./types.ts";

/** How a scalar is read from `this.view` at `at`, as source text: a cursor's getters are made of it. */
export const LOAD: Record<Exclude<ScalarType, "ipaddr">, (at: string) => string> = {
  uint8: (at) => `this.view.getUint8(${at})`,
  char: (at) => `this.view.getUint8(${at})`,
  int8: (at) => `this.view.getInt8(${at})`,
  uint16: (at) => `this.view.getUint16(${at}, true)`,
  int16: (at) => `this.view.getInt16(${at}, true)`,
  uint32: (at) => `this.view.getUint32(${at}, true)`,
  int32: (at) => `this.view.getInt32(${at}, true)`,
  float: (at) => `this.view.getFloat32(${at}, true)`,
  double: (at) => `this.view.getFloat64(${at}, true)`,
  uint64: (at) =>
    `this.view.getUint32(${at}, true) + this.view.getUint32(${at} + 4, true) * 4294967296`,
  int64: (at) =>
    `this.view.getUint32(${at}, true) + this.view.getInt32(${at} + 4, true) * 4294967296`,
  time: (at) =>
    `this.view.getUint32(${at} + 4, true) * 1000000 + microsOfFraction(this.view.getUint32(${at}, true))`,
  macaddr: (at) => `this.view.getUint16(${at}) * 4294967296 + this.view.getUint32(${at} + 2)`,
};

/** Read one scalar of `type`: for arrays and for text, not for hot loops. */
export function readScalar(view: DataView, at: number, type: ScalarType): number | string {
  if (type === "ipaddr") {
    return ipText({
      w0: view.getInt32(at, true),
      w1: view.getInt32(at + 4, true),
      w2: view.getInt32(at + 8, true),
      w3: view.getInt32(at + 12, true),
    });
  }
  return scalarReaders[type](view, at);
}

const scalarReaders = Object.fromEntries(
  Object.entries(LOAD).map(([type, load]) => [
    type,
    new Function(
      "microsOfFraction",
      `return (view, at) => ${load("at").replaceAll("this.view", "view")}`,
    )(microsOfFraction),
  ]),
) as Record<Exclude<ScalarType, "ipaddr">, (view: DataView, at: number) => number>;

/** The elements of an array field; a rest shorter than an element is left out. */
export function elements(
  view: DataView,
  start: number,
  length: number,
  type: ArrayType,
): (number | string)[] {
  const size = -SIZE[type];
  const element = elementOf(type);
  const out: (number | string)[] = [];
  for (let at = start; at + size <= start + length; at += size)
    out.push(readScalar(view, at, element));
  return out;
}
