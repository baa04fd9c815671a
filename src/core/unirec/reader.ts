// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { EXIT, NemeanError } from "../errors.ts";
import { ipText, macText, sameIp } from "./ip.ts";
import { type Field, fieldOf, missingFields, type Reader, type Template } from "./template.ts";
import { microsOfFraction } from "./time.ts";
import {
  type ArrayType,
  elementOf,
  type IpField,
  isArrayType,
  type ScalarType,
  SIZE,
} from "./types.ts";

/** How a scalar is read at `at`, as source text. */
const LOAD: Record<Exclude<ScalarType, "ipaddr">, (at: string) => string> = {
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

const text = new TextDecoder();
const NOTHING = new Uint8Array(0);

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
function elements(
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

/** A cursor over the records of batches, before its template gives it a type. */
export interface AnyReader {
  view: DataView;
  /** Offset in `view` of the record under the cursor, and its bytes. */
  at: number;
  size: number;
  /** Records that were shorter than their template, and variable fields that point outside their record. */
  malformed: number;
  /** The layout of the records: what the sender announced. */
  readonly layout: Template;
  next(): boolean;
  /** Point the cursor at a batch. */
  reset(batch: Batch): void;
  /** Take the layout of the sender's records; throws ERR_TEMPLATE when a required field is missing. */
  negotiate(layout: Template): void;
  /** Where a variable field lies in `view`, after a check against the record; empty when it lies outside. */
  span(descriptor: number): number;
  spanLength: number;
  readonly [field: string]: unknown;
}

/**
 * A cursor with a getter for each field of `declared`, over records laid out as `negotiated`.
 *
 * One class for each declared template, offsets in the instance: a peer may renegotiate its layout
 * without changing the class. Offsets as constants would save 0.1 ns a record and cost 10 ns as soon as a
 * handler meets a second layout (bench api). Only names checked by the template reach the source.
 */
export function reader<T extends Template>(
  declared: T,
  negotiated: Template = declared,
): Reader<T> & AnyReader {
  const cursor = new (cursorClass(declared))() as AnyReader;
  cursor.negotiate(negotiated);
  return cursor as Reader<T> & AnyReader;
}

type CursorClass = new () => object;
const classes = new Map<string, CursorClass>();

/** The class of a declared template; templates that declare the same share it. */
function cursorClass(declared: Template): CursorClass {
  const key = declared.fields
    .map(({ optional, type, name }) => `${optional ? "?" : ""}${type} ${name}`)
    .join(",");
  let known = classes.get(key);
  if (!known) {
    known = new Function("core", source(declared))({
      microsOfFraction,
      ipText,
      sameIp,
      elements,
      text,
      NOTHING,
      EMPTY,
      resolve: resolver(declared),
    }) as CursorClass;
    classes.set(key, known);
  }
  return known;
}

const EMPTY = new DataView(new ArrayBuffer(0));

/** Offsets of the declared fields in a sender's layout; -1 for an optional one it lacks. */
function resolver(declared: Template): (layout: Template) => number[] {
  return (layout) => {
    const missing = missingFields(declared, layout);
    if (missing.length > 0) {
      throw new NemeanError(
        "ERR_TEMPLATE",
        EXIT.data,
        `requires ${missing.join(", ")}; the sender offers ${layout.spec}`,
      );
    }
    return declared.fields.map((field) => {
      const found = fieldOf(layout, field.name);
      return found?.type === field.type ? found.offset : -1;
    });
  };
}

/**
 * The source of a cursor class. The address class is part of it, not shared: JSC profiles functions by
 * their source, and an address accessor that meets the cursors of all detectors is five times slower.
 */
function source(declared: Template): string {
  const { fields } = declared;
  const wide = fields.filter((field) => field.size === 8);
  return `
const { microsOfFraction, ipText, sameIp, elements, text, NOTHING, EMPTY, resolve } = core;
class IpField {
  constructor(cursor) { this.cursor = cursor; this.offset = 0; }
  get w0() { return this.cursor.view.getInt32(this.cursor.at + this.offset, true); }
  get w1() { return this.cursor.view.getInt32(this.cursor.at + this.offset + 4, true); }
  get w2() { return this.cursor.view.getInt32(this.cursor.at + this.offset + 8, true); }
  get w3() { return this.cursor.view.getInt32(this.cursor.at + this.offset + 12, true); }
  get isV4() {
    const at = this.cursor.at + this.offset;
    const view = this.cursor.view;
    return view.getInt32(at + 12, true) === -1 && view.getInt32(at, true) === 0 && view.getInt32(at + 4, true) === 0;
  }
  get v4() { return this.cursor.view.getUint32(this.cursor.at + this.offset + 8); }
  equals(other) { return sameIp(this, other); }
  toString() { return ipText(this); }
  /* ${declared.spec} */
}
class AbsentIp {
  get w0() { return 0; } get w1() { return 0; } get w2() { return 0; } get w3() { return 0; }
  get isV4() { return false; } get v4() { return 0; }
  equals(other) { return sameIp(this, other); }
  toString() { return "::"; }
}
class Raw {
  constructor(cursor) { this.cursor = cursor; }
  ${wide.map(({ name, optional }) => `get ${name}() { ${guard(fields, name, optional, "0n")}return this.cursor.view.getBigUint64(this.cursor.at + this.cursor.o${index(fields, name)}, true); }`).join("\n  ")}
}
return class Cursor {
  constructor() {
    this.view = EMPTY; this.at = 0; this.size = 0; this.ahead = 0; this.end = 0; this.fixed = 0;
    this.malformed = 0; this.spanLength = 0; this.layout = undefined; this.has = {};
    ${fields.map((_, i) => `this.o${i} = 0;`).join(" ")}
    ${fields
      .filter(isIp)
      .map((field) => `this.ip${index(fields, field.name)} = new IpField(this);`)
      .join(" ")}
    this.absentIp = new AbsentIp();
    this.raw = new Raw(this);
  }
  negotiate(layout) {
    const offsets = resolve(layout);
    this.layout = layout;
    this.fixed = layout.fixedSize;
    ${fields.map((_, i) => `this.o${i} = offsets[${i}];`).join(" ")}
    ${fields
      .filter(isIp)
      .map(
        (field) =>
          `this.ip${index(fields, field.name)}.offset = offsets[${index(fields, field.name)}];`,
      )
      .join(" ")}
    this.has = Object.freeze({ ${fields.flatMap((field, i) => (field.optional ? [`${field.name}: offsets[${i}] >= 0`] : [])).join(", ")} });
  }
  reset(batch) {
    this.view = batch.view; this.ahead = batch.start; this.end = batch.start + batch.length;
  }
  next() {
    const { view, end, fixed } = this;
    let start = this.ahead;
    while (start + 2 <= end) {
      const size = view.getUint16(start);
      const at = start + 2;
      start = at + size;
      if (start > end) break;
      if (size >= fixed) { this.at = at; this.size = size; this.ahead = start; return true; }
      this.malformed++;
    }
    if (this.ahead < end && start !== end) this.malformed++;
    this.ahead = end;
    return false;
  }
  span(descriptor) {
    const at = this.at + descriptor;
    const start = this.fixed + this.view.getUint16(at, true);
    const length = this.view.getUint16(at + 2, true);
    if (start + length > this.size) { this.malformed++; this.spanLength = 0; return this.at; }
    this.spanLength = length;
    return this.at + start;
  }
  ${fields.map((field, i) => getter(field, i)).join("\n  ")}
}`;
}

const isIp = (field: Field): boolean => field.type === "ipaddr";
const index = (fields: readonly Field[], name: string): number =>
  fields.findIndex((field) => field.name === name);
const guard = (
  fields: readonly Field[],
  name: string,
  optional: boolean,
  absent: string,
): string => (optional ? `if (this.cursor.o${index(fields, name)} < 0) return ${absent}; ` : "");

function getter({ name, type, optional }: Field, i: number): string {
  const absent = (value: string): string =>
    optional ? `if (this.o${i} < 0) return ${value}; ` : "";
  if (type === "ipaddr") return `get ${name}() { ${absent("this.absentIp")}return this.ip${i}; }`;
  if (type === "string")
    return `get ${name}() { ${absent('""')}const at = this.span(this.o${i}); return text.decode(new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.spanLength)); }`;
  if (type === "bytes")
    return `get ${name}() { ${absent("NOTHING")}const at = this.span(this.o${i}); return new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.spanLength); }`;
  if (isArrayType(type))
    return `get ${name}() { ${absent("[]")}const at = this.span(this.o${i}); return elements(this.view, at, this.spanLength, ${JSON.stringify(type)}); }`;
  return `get ${name}() { ${absent("0")}return ${LOAD[type](`this.at + this.o${i}`)}; }`;
}

/** A value as plain data, for evidence, JSON and tests: addresses and MACs as text. */
export function plainValue(value: unknown, type: Field["type"]): unknown {
  if (type === "ipaddr") return String(value as IpField);
  if (type === "macaddr") return macText(value as number);
  if (type === "macaddr*") return (value as number[]).map(macText);
  if (value instanceof Uint8Array) return value.slice();
  return value;
}

/** The record under a cursor as a plain object in declared order. */
export function plainRecord(cursor: AnyReader, declared: Template): Record<string, unknown> {
  return Object.fromEntries(
    declared.fields.map(({ name, type }) => [name, plainValue(cursor[name], type)]),
  );
}
