// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX, recordTooLong } from "../batch.ts";
import { EXIT, NemeanError } from "../errors.ts";
import { write64, writeMac, writeMicros } from "./scalar-write.ts";
import type { Field, Template } from "./template.ts";
import type { ScalarType } from "./types.ts";
import { statements, UNROLLED_MAX } from "./word-copy.ts";
import type { RecordWriter } from "./writer.ts";

type WriterClass = new (template: Template) => RecordWriter;
const classes = new Map<string, WriterClass>();
/** Most classes that are shared: what peers announce must not fill the memory. */
const CLASSES_MAX = 1024;

/** Members of a writer; those it keeps to itself begin with `$`, as no field does. */
const RESERVED = new Set(
  "begin constructor copyFrom end fixed set setAll size template view".split(" "),
);

/**
 * The class of a template's writers, a subclass of RecordWriter; templates of the same fields share it.
 *
 * Setters lie on its prototype, with offsets as constants, and it has `begin` and `end` of its own: JSC profiles
 * functions by their source, and one that meets the records of all modules is slower.
 * Throws ERR_TEMPLATE when a field is called as a member of the writer (UniRec's names are upper case).
 */
export function writerClass(template: Template, Base: WriterClass): WriterClass {
  const key = template.fields.map(({ type, name }) => `${type} ${name}`).join(",");
  let known = classes.get(key);
  if (!known) {
    const clash = template.fields.find(({ name }) => RESERVED.has(name));
    if (clash)
      throw new NemeanError("ERR_TEMPLATE", EXIT.data, `a field cannot be called ${clash.name}`);
    known = new Function("core", source(template, key))({
      Base,
      write64,
      writeMac,
      writeMicros,
      recordTooLong,
    }) as WriterClass;
    if (classes.size >= CLASSES_MAX) classes.delete(classes.keys().next().value!);
    classes.set(key, known);
  }
  return known;
}

function source({ fields, fixedSize }: Template, key: string): string {
  const small = fixedSize <= UNROLLED_MAX;
  return `
const { Base, write64, writeMac, writeMicros, recordTooLong } = core;
return class Writer extends Base {
  /* ${key} */
  ${fields.map(setter).join("\n  ")}
  ${small ? members(fields, fixedSize) : ""}
}`;
}

/** `begin`, `end` and `size` of a record whose fixed part is short. */
function members(fields: readonly Field[], fixedSize: number): string {
  const variable = fields.some(({ size }) => size < 0);
  return `
  get size() { return ${fixedSize}${variable ? " + this.$values.size" : ""}; }
  begin() {
    const { view } = this;
    ${statements(fixedSize, (at, bits) => `view.setInt${bits}(${at}, 0, true);`)}
    ${variable ? "this.$values.clear();" : ""}
    return this;
  }
  ${variable ? "" : COPY}
  end(batch) {
    ${variable ? ending(fixedSize) : `const at = batch.push(${fixedSize});`}
    const from = this.view;
    const to = batch.view;
    ${statements(fixedSize, (at, bits) => `to.setInt${bits}(at + ${at}, from.getInt${bits}(${at}, true), true);`)}
    ${variable ? `this.$values.copyTo(batch.bytes, at + ${fixedSize});` : ""}
  }`;
}

const COPY = `copyFrom(cursor) {
    if (this.$plan.layout !== cursor.layout) this.$planCopy(cursor.layout);
    this.$plan.copy(cursor.view, cursor.at, this.view, 0);
    return this;
  }`;

const ending = (fixedSize: number): string => `
    const size = ${fixedSize} + this.$values.size;
    if (size > ${RECORD_MAX}) throw recordTooLong(size);
    this.$values.describe(this.view);
    const at = batch.push(size);`;

/** How a number is stored at a constant offset of `view`, as source text. */
const STORE: Record<Exclude<ScalarType, "ipaddr">, (at: number) => string> = {
  uint8: (at) => `view.setInt8(${at}, value | 0);`,
  int8: (at) => `view.setInt8(${at}, value | 0);`,
  char: (at) => `view.setInt8(${at}, value | 0);`,
  uint16: (at) => `view.setInt16(${at}, value | 0, true);`,
  int16: (at) => `view.setInt16(${at}, value | 0, true);`,
  uint32: (at) => `view.setInt32(${at}, value | 0, true);`,
  int32: (at) => `view.setInt32(${at}, value | 0, true);`,
  float: (at) => `view.setFloat32(${at}, value, true);`,
  double: (at) => `view.setFloat64(${at}, value, true);`,
  uint64: store64,
  int64: store64,
  time: (at) => `writeMicros(view, ${at}, value);`,
  macaddr: (at) => `writeMac(view, ${at}, value);`,
};

/** Most counters are below 2^31: their upper word is the sign. */
function store64(at: number): string {
  return `if ((value | 0) === value) { view.setInt32(${at}, value, true); view.setInt32(${at + 4}, value >> 31, true); } else write64(view, ${at}, value);`;
}

/** What is not of the type's usual kind (text of addresses, bigints) goes the general way. */
function setter({ name, type, size, offset }: Field, i: number): string {
  if (size < 0) return `set ${name}(value) { this.$values.set(${i}, value); }`;
  if (type === "ipaddr") {
    const words = [0, 1, 2, 3].map((k) => `view.setInt32(${offset + 4 * k}, value.w${k}, true);`);
    return `set ${name}(value) { if (typeof value === "string") this.set(${i}, value); else { const { view } = this; ${words.join(" ")} } }`;
  }
  const store = STORE[type as Exclude<ScalarType, "ipaddr">](offset);
  return `set ${name}(value) { if (typeof value !== "number") this.set(${i}, value); else { const { view } = this; ${store} } }`;
}
