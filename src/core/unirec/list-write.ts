// SPDX-License-Identifier: BSD-3-Clause
import { write64, writeMicros, writeScalar } from "./scalar-write.ts";
import { type ArrayType, elementOf, type ScalarType, SIZE } from "./types.ts";

/** A part of an array: a setter of a list takes it, and no view of the array has to be made. */
export class Part {
  array: ArrayLike<unknown> = [];
  from = 0;
  to = 0;
}

const shared = new Part();

/** The elements of an array from `from` to before `to`. Valid until the next call: to be set at once. */
export function part(array: ArrayLike<unknown>, from: number, to: number): Part {
  shared.array = array;
  shared.from = from;
  shared.to = to;
  return shared;
}

/** Writes the elements of a part one behind the other from offset `at` on. */
export type ListWriter = (view: DataView, at: number, list: Part) => void;

/** How an element that is a number is stored at offset `p`, as source text. */
const STORE: Partial<Record<ScalarType, string>> = {
  uint8: "view.setInt8(p, value | 0)",
  int8: "view.setInt8(p, value | 0)",
  uint16: "view.setInt16(p, value | 0, true)",
  int16: "view.setInt16(p, value | 0, true)",
  uint32: "view.setInt32(p, value | 0, true)",
  int32: "view.setInt32(p, value | 0, true)",
  uint64: "write64(view, p, value)",
  int64: "write64(view, p, value)",
  time: "writeMicros(view, p, value)",
};

const writers = new Map<ArrayType, ListWriter>();

/** The writer of a type's elements: generated, since the engine profiles a loop by its source. */
export function listWriter(type: ArrayType): ListWriter {
  let known = writers.get(type);
  if (!known) {
    const element = elementOf(type);
    known = new Function("core", source(element, -SIZE[type]))({
      element,
      write64,
      writeMicros,
      writeScalar,
    }) as ListWriter;
    writers.set(type, known);
  }
  return known;
}

function source(element: ScalarType, size: number): string {
  const general = "writeScalar(view, p, element, value)";
  const store = STORE[element];
  return `
const { element, write64, writeMicros, writeScalar } = core;
return (view, at, { array, from, to }) => {
  for (let k = from, p = at; k < to; k++, p += ${size}) {
    const value = array[k];
    ${store ? `if (typeof value === "number") ${store}; else ` : ""}${general};
  }
};`;
}
