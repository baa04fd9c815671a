// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";
import { ABSENT_IP, RecordIp } from "./record-ip.ts";
import { elements, LOAD } from "./scalar.ts";
import { type Field, fieldOf, refusal, type Template } from "./template.ts";
import { microsOfFraction } from "./time.ts";
import { isArrayType } from "./types.ts";

// A byte order mark at the front of a value is part of it.
const text = new TextDecoder("utf-8", { ignoreBOM: true });
const NOTHING = new Uint8Array(0);

type CursorClass = new () => object;
const classes = new Map<string, CursorClass>();
/** Most classes that are shared: what peers announce must not fill the memory. */
const CLASSES_MAX = 1024;

/** Members of a cursor; those it keeps to itself begin with `$`, as no field does. */
const RESERVED = new Set(
  "at batch constructor has layout malformed negotiate next raw reset size span spanLength view".split(
    " ",
  ),
);

/**
 * The class of a declared template; templates that declare the same share it.
 * Throws ERR_TEMPLATE when a field is called as a member of the cursor (UniRec's names are upper case).
 */
export function cursorClass(declared: Template): CursorClass {
  const { format = "unirec", spec } = declared;
  const fields = declared.fields
    .map(({ optional, type, name }) => `${optional ? "?" : ""}${type} ${name}`)
    .join(",");
  // The class holds what its template refuses, which depends on the format and, of JSON, on the name.
  const key = `${format} ${fields || spec}`;
  let known = classes.get(key);
  if (!known) {
    const clash = declared.fields.find(({ name }) => RESERVED.has(name));
    if (clash) {
      throw new NemeanError(
        "ERR_TEMPLATE",
        EXIT.data,
        `a field cannot be called ${clash.name}, which is a cursor's own word; rename it at the sender`,
      );
    }
    known = new Function("core", source(declared))({
      microsOfFraction,
      RecordIp,
      ABSENT_IP,
      elements,
      text,
      NOTHING,
      EMPTY,
      resolve: resolver(declared),
    }) as CursorClass;
    if (classes.size >= CLASSES_MAX) classes.delete(classes.keys().next().value!);
    classes.set(key, known);
  }
  return known;
}

const EMPTY = new DataView(new ArrayBuffer(0));

/** Offsets of the declared fields in a sender's layout; -1 for an optional one it lacks. */
function resolver(declared: Template): (layout: Template) => number[] {
  return (layout) => {
    const why = refusal(declared, layout);
    if (why !== undefined) throw new NemeanError("ERR_TEMPLATE", EXIT.data, why);
    return declared.fields.map((field) => {
      const found = fieldOf(layout, field.name);
      return found?.type === field.type ? found.offset : -1;
    });
  };
}

/**
 * The source of a cursor class. What it gives of an address is of one class for all cursors, and does not know its cursor:
 * tables and hashes of the core, which all detectors share, would otherwise meet as many classes as there are detectors,
 * and reading a word of an address cost them five times as much.
 */
function source(declared: Template): string {
  const { fields } = declared;
  const ips = fields.flatMap((field, i) => (isIp(field) ? [i] : []));
  const wide = fields.filter((field) => field.size === 8);
  return `
const { microsOfFraction, RecordIp, ABSENT_IP, elements, text, NOTHING, EMPTY, resolve } = core;
class Raw {
  constructor(cursor) { this.$cursor = cursor; }
  ${wide.map(({ name, optional }) => `get ${name}() { ${guard(fields, name, optional, "0n")}return this.$cursor.view.getBigUint64(this.$cursor.at + this.$cursor.$o${index(fields, name)}, true); }`).join("\n  ")}
}
return class Cursor {
  constructor() {
    this.view = EMPTY; this.at = 0; this.size = 0; this.$ahead = 0; this.$end = 0; this.$fixed = 0;
    this.malformed = 0; this.spanLength = 0; this.layout = undefined; this.batch = undefined; this.has = {};
    ${fields.map((_, i) => `this.$o${i} = 0;`).join(" ")}
    ${ips.map((i) => `this.$ip${i} = new RecordIp();`).join(" ")}
    this.raw = new Raw(this);
  }
  negotiate(layout) {
    const offsets = resolve(layout);
    this.layout = layout;
    this.$fixed = layout.fixedSize;
    ${fields.map((_, i) => `this.$o${i} = offsets[${i}];`).join(" ")}
    this.has = Object.freeze({ ${fields.flatMap((field, i) => (field.optional ? [`${field.name}: offsets[${i}] >= 0`] : [])).join(", ")} });
  }
  reset(batch) {
    this.batch = batch; this.view = batch.view; this.$ahead = batch.start; this.$end = batch.start + batch.length;
    ${ips.map((i) => `this.$ip${i}.view = batch.view;`).join(" ")}
  }
  next() {
    const { view, $end: end, $fixed: fixed } = this;
    let start = this.$ahead;
    while (start + 2 <= end) {
      const size = view.getUint16(start);
      const at = start + 2;
      start = at + size;
      if (start > end) break;
      if (size >= fixed) {
        this.at = at; this.size = size; this.$ahead = start;
        ${ips.map((i) => `this.$ip${i}.at = at + this.$o${i};`).join(" ")}
        return true;
      }
      this.malformed++;
    }
    if (this.$ahead < end && start !== end) this.malformed++;
    this.$ahead = end;
    return false;
  }
  span(descriptor) {
    const at = this.at + descriptor;
    const start = this.$fixed + this.view.getUint16(at, true);
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
): string => (optional ? `if (this.$cursor.$o${index(fields, name)} < 0) return ${absent}; ` : "");

function getter({ name, type, optional }: Field, i: number): string {
  const absent = (value: string): string =>
    optional ? `if (this.$o${i} < 0) return ${value}; ` : "";
  if (type === "ipaddr") return `get ${name}() { ${absent("ABSENT_IP")}return this.$ip${i}; }`;
  if (type === "string")
    return `get ${name}() { ${absent('""')}const at = this.span(this.$o${i}); return text.decode(new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.spanLength)); }`;
  if (type === "bytes")
    return `get ${name}() { ${absent("NOTHING")}const at = this.span(this.$o${i}); return new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.spanLength); }`;
  if (isArrayType(type))
    return `get ${name}() { ${absent("[]")}const at = this.span(this.$o${i}); return elements(this.view, at, this.spanLength, ${JSON.stringify(type)}); }`;
  return `get ${name}() { ${absent("0")}return ${LOAD[type](`this.at + this.$o${i}`)}; }`;
}
