// SPDX-License-Identifier: BSD-3-Clause
/**
 * UniRec templates: one string declares a record's layout, its TypeScript type and its fast accessors.
 *
 * ```ts
 * const scan = template("ipaddr SRC_IP, uint16 DST_PORT, ?uint16 VLAN_ID");
 * type Scan = Reader<typeof scan>; // { SRC_IP: IpField; DST_PORT: number; VLAN_ID: number; has: … }
 * ```
 *
 * `?` marks an input field the sender may lack: it then reads as zero or empty, and `has.VLAN_ID` is false.
 * @module
 */
import { EXIT, NemeanError } from "../errors.ts";
import {
  fixedBytes,
  isUniRecType,
  type ReadTypes,
  SIZE,
  type UniRecType,
  type WriteTypes,
} from "./types.ts";

type Trim<S extends string> = S extends ` ${infer R}` | `\n${infer R}`
  ? Trim<R>
  : S extends `${infer L} ` | `${infer L}\n`
    ? Trim<L>
    : S;
type Split<S extends string, Acc extends string[] = []> = S extends `${infer Head},${infer Tail}`
  ? Split<Tail, [...Acc, Trim<Head>]>
  : [...Acc, Trim<S>];
type Entry<F> = F extends `?${infer T extends UniRecType} ${infer N}`
  ? [Trim<N>, T]
  : F extends `${infer T extends UniRecType} ${infer N}`
    ? [Trim<N>, T]
    : never;
type Entries<L extends string[]> = { [I in keyof L]: Entry<L[I]> }[number];
type BadField<L extends string[]> = {
  [I in keyof L]: L[I] extends `${UniRecType} ${string}` | `?${UniRecType} ${string}`
    ? never
    : L[I];
}[number];
type OptionalName<L extends string[]> = {
  [I in keyof L]: L[I] extends `?${UniRecType} ${infer N}` ? Trim<N> : never;
}[number];

/** Field names and their UniRec types. */
export type Fields = Readonly<Record<string, UniRecType>>;
/** The fields of a template string: `{ SRC_IP: "ipaddr"; DST_PORT: "uint16" }`. */
export type FieldsOf<S extends string> = { [E in Entries<Split<S>> as E[0]]: E[1] };
/** Names of the fields marked `?` in a template string. */
export type OptionalOf<S extends string> = OptionalName<Split<S>>;
/** `S` itself when every field is well formed, else a message that names the bad field. */
export type Checked<S extends string> = [BadField<Split<S>>] extends [never]
  ? S
  : `not a UniRec field: "${BadField<Split<S>>}"`;

export interface Field {
  readonly name: string;
  readonly type: UniRecType;
  /** Signed size: see {@link SIZE}. */
  readonly size: number;
  /** Offset of the value, or of the descriptor of a variable field, from the start of the record. */
  readonly offset: number;
  readonly optional: boolean;
}

/** A uniflow has one direction a record; a biflow (RFC 5103) both, the reverse fields ending in `_REV`. */
export type Direction = "uniflow" | "biflow";

/** What the messages of a stream are (trap.md section 3); `any` for an input or output that takes all of them. */
export type Format = "unirec" | "json" | "raw" | "any";

export interface Template<F extends Fields = Fields, O extends string = string> {
  /** UniRec records when left out. Other messages have no fields. */
  readonly format?: Format;
  /** In record order. */
  readonly fields: readonly Field[];
  /** Bytes of the fixed part. */
  readonly fixedSize: number;
  /**
   * Typed list in record order, one space in an item, no space between items: what goes on the wire. For JSON
   * the name of what the messages hold.
   */
  readonly spec: string;
  readonly direction?: Direction;
  /** Never there at run time: carries the types. */
  readonly "~fields"?: F;
  readonly "~optional"?: O;
}

export interface Cursor {
  /** Step to the next record; false at the end of the batch. */
  next(): boolean;
}

/** A record under the cursor, typed by its template. */
export type Reader<T> =
  T extends Template<infer F, infer O>
    ? { readonly [K in keyof F]: ReadTypes[F[K]] } & Cursor & {
          /** Whether the sender's records have the optional field. */
          readonly has: { readonly [K in O]: boolean };
          /** The raw 64 bits of a time or a 64-bit integer. */
          readonly raw: { readonly [K in keyof F as F[K] extends Wide ? K : never]: bigint };
        }
    : never;
type Wide = "time" | "uint64" | "int64" | "double";

/** Plain values for a record; fields left out are zero or empty. */
export type Values<T> =
  T extends Template<infer F, string> ? { readonly [K in keyof F]?: WriteTypes[F[K]] } : never;

const ITEM = /^(\??)\s*([a-z0-9]+\*?)\s+([A-Za-z][A-Za-z0-9_]*)$/;
const SPACE_ROUND_STAR = /\s+\*/g;

const invalid = (message: string): NemeanError =>
  new NemeanError("ERR_TEMPLATE", EXIT.data, message);

/** Parse a typed list as peers, files and CSV headers send it. Throws ERR_TEMPLATE naming the bad item. */
export function parseTemplate(spec: string, direction?: Direction): Template {
  const types = new Map<string, { type: UniRecType; optional: boolean }>();
  for (const item of spec.split(",")) {
    const text = item.trim().replace(SPACE_ROUND_STAR, "*");
    if (text === "" && spec.trim() === "") continue;
    const [, mark, type = "", name = ""] = ITEM.exec(text) ?? [];
    if (!isUniRecType(type)) throw invalid(`not a UniRec field: "${text}" (expected "type NAME")`);
    const known = types.get(name);
    if (known && known.type !== type)
      throw invalid(`field ${name} is both ${known.type} and ${type}`);
    types.set(name, { type, optional: mark === "?" });
  }
  return layout(types, direction);
}

/** Record order: signed size descending, then name bytewise (unirec.md section 5). */
function layout(
  types: ReadonlyMap<string, { type: UniRecType; optional: boolean }>,
  direction: Direction | undefined,
): Template {
  const sorted = [...types].sort(
    ([a, x], [b, y]) => SIZE[y.type] - SIZE[x.type] || (a < b ? -1 : a > b ? 1 : 0),
  );
  let offset = 0;
  const fields = sorted.map(([name, { type, optional }]): Field => {
    const field = { name, type, size: SIZE[type], offset, optional };
    offset += fixedBytes(type);
    return field;
  });
  return {
    fields,
    fixedSize: offset,
    spec: fields.map((field) => `${field.type} ${field.name}`).join(","),
    ...(direction === undefined ? {} : { direction }),
  };
}

/** Declare a record layout. */
export const template = <const S extends string>(
  spec: Checked<S>,
): Template<FieldsOf<S>, OptionalOf<S>> =>
  parseTemplate(spec) as Template<FieldsOf<S>, OptionalOf<S>>;

/** Declare the layout of flows with one direction a record: a link from a meter splits its biflows. */
export const uniflow = <const S extends string>(
  spec: Checked<S>,
): Template<FieldsOf<S>, OptionalOf<S>> =>
  parseTemplate(spec, "uniflow") as Template<FieldsOf<S>, OptionalOf<S>>;

/** Declare the layout of flows with both directions in a record. */
export const biflow = <const S extends string>(
  spec: Checked<S>,
): Template<FieldsOf<S>, OptionalOf<S>> =>
  parseTemplate(spec, "biflow") as Template<FieldsOf<S>, OptionalOf<S>>;

/** UniRec records of whatever fields, for an input that reads them by their layout. */
export const ANY_RECORDS = parseTemplate("");

/** Messages without fields: JSON called `spec` (any when empty), raw bytes, or whatever comes. */
export const messages = (format: Exclude<Format, "unirec">, spec = ""): Template => ({
  format,
  fields: [],
  fixedSize: 0,
  spec,
});

/** What goes through a relay, and what an output has that nobody has announced yet. */
export const ANY_MESSAGES = messages("any");

/** The field of that name, or undefined. */
export const fieldOf = (template: Template, name: string): Field | undefined =>
  template.fields.find((field) => field.name === name);

/** Required fields of `wanted` that `offered` lacks or has with another type, as `type NAME`. */
export const missingFields = (wanted: Template, offered: Template): string[] =>
  wanted.fields
    .filter((field) => !field.optional && fieldOf(offered, field.name)?.type !== field.type)
    .map((field) => `${field.type} ${field.name}`);

/** Whether records under both are read alike, so that nothing changes from one to the other. */
export const sameLayout = (a: Template | undefined, b: Template): boolean =>
  a !== undefined && a.spec === b.spec && a.format === b.format;

const CALLED: Readonly<Record<Format, string>> = {
  unirec: "UniRec records",
  json: "JSON messages",
  raw: "raw messages",
  any: "messages",
};

/** Why an input of `wanted` cannot read what is `offered`, in words; undefined when it can. */
export function refusal(wanted: Template, offered: Template): string | undefined {
  const [want, offer] = [wanted.format ?? "unirec", offered.format ?? "unirec"];
  if (want === "any") return undefined;
  if (want !== offer) return `requires ${CALLED[want]}, the sender offers ${CALLED[offer]}`;
  if (want === "json" && wanted.spec !== "" && wanted.spec !== offered.spec)
    return `requires JSON called "${wanted.spec}", the sender offers "${offered.spec}"`;
  const missing = missingFields(wanted, offered);
  if (missing.length === 0) return undefined;
  return `requires ${missing.join(", ")}; the sender offers ${offered.spec || "no fields"}`;
}
