// SPDX-License-Identifier: BSD-3-Clause
/** Records in memory for tests, and arbitrary templates and rows for properties. @module */
import {
  type Arbitrary,
  array,
  bigInt,
  constantFrom,
  double,
  float,
  integer,
  record,
  string,
  tuple,
  uint8Array,
  uniqueArray,
} from "fast-check";
import { Batch } from "../batch.ts";
import { Address, ipText } from "./ip.ts";
import { type AnyReader, plainRecord, reader } from "./reader.ts";
import { parseTemplate, type Template } from "./template.ts";
import { elementOf, isArrayType, type ScalarType, SIZE, type UniRecType } from "./types.ts";
import { RecordWriter } from "./writer.ts";

export type Row = Readonly<Record<string, unknown>>;
export const TYPES = Object.keys(SIZE) as UniRecType[];

/** A batch of rows. */
export function packed(template: Template, rows: readonly Row[]): Batch {
  const writer = new RecordWriter(template);
  const batch = new Batch();
  for (const row of rows) writer.begin().setAll(row).end(batch);
  return batch;
}

/** A batch of records given as bytes, right or wrong. */
export function batchOf(...records: readonly Uint8Array[]): Batch {
  const batch = new Batch();
  for (const bytes of records) batch.bytes.set(bytes, batch.push(bytes.length));
  return batch;
}

/** The bytes of a row's record. */
export function recordOf(template: Template, row: Row): Uint8Array {
  const { bytes, start, length } = packed(template, [row]);
  return bytes.slice(start + 2, start + length);
}

/** A cursor on the first record of a batch. */
export function cursorOn(batch: Batch, declared: Template, layout = declared): AnyReader {
  const cursor = reader(declared, layout) as AnyReader;
  cursor.reset(batch);
  if (!cursor.next()) throw new Error("no record");
  return cursor;
}

/** All records of a batch as plain objects. */
export function rowsOf(batch: Batch, declared: Template, layout = declared): Row[] {
  const cursor = reader(declared, layout) as AnyReader;
  cursor.reset(batch);
  const rows: Row[] = [];
  while (cursor.next()) rows.push(plainRecord(cursor, declared));
  return rows;
}

/** Microseconds of the whole range of UniRec's time. */
export const anyTime = integer({ min: 0, max: 2 ** 32 * 1e6 - 1 });
const word = integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** Addresses of any 16 bytes, and as many of IPv4. */
export const anyIp: Arbitrary<string> = tuple(
  constantFrom(4, 6),
  tuple(word, word, word, word),
).map(([version, [w0, w1, w2, w3]]) => {
  if (version === 4) return new Address().setV4(w0).toString();
  return ipText({ w0, w1, w2, w3 });
});

const between = (bits: number, signed: boolean): Arbitrary<number> =>
  signed
    ? integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
    : integer({ min: 0, max: 2 ** bits - 1 });

const SCALARS: { readonly [T in ScalarType]: Arbitrary<unknown> } = {
  ipaddr: anyIp,
  macaddr: tuple(...Array.from({ length: 6 }, () => between(8, false))).map((octets) =>
    octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":"),
  ),
  time: anyTime,
  // A reader gives doubles: exact to 2^53, beyond it by the raw 64 bits.
  uint64: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  int64: integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  double: double(),
  float: float(),
  uint32: between(32, false),
  int32: between(32, true),
  uint16: between(16, false),
  int16: between(16, true),
  uint8: between(8, false),
  int8: between(8, true),
  char: between(8, false),
};

/** Values as a reader gives them. */
export function anyValue(type: UniRecType): Arbitrary<unknown> {
  if (type === "string") return string({ unit: "binary", maxLength: 40 });
  if (type === "bytes") return uint8Array({ maxLength: 40 });
  if (isArrayType(type)) return array(SCALARS[elementOf(type)], { maxLength: 12 });
  return SCALARS[type];
}

const NAME_START = [..."ABCXYZabcxyz"];
const NAME_REST = [..."ABCXYZabcxyz0129_"];
/** Names without those that a cursor or writer has taken: they are upper case but for one letter. */
const anyName = tuple(
  constantFrom(...NAME_START),
  array(constantFrom(...NAME_REST), { maxLength: 6 }),
).map(([first, rest]) => `${first}${rest.join("")}`);

/** Templates of up to 12 fields. */
export const anyTemplate: Arbitrary<Template> = uniqueArray(
  tuple(anyName, constantFrom(...TYPES)),
  { maxLength: 12, selector: ([name]) => name },
).map((fields) => parseTemplate(fields.map(([name, type]) => `${type} ${name}`).join(",")));

/** A row with all fields of the template. */
export const anyRow = (template: Template): Arbitrary<Row> =>
  record(Object.fromEntries(template.fields.map(({ name, type }) => [name, anyValue(type)])));

/** A template and up to `rowsMax` rows of it. */
export const anyTable = (rowsMax = 4): Arbitrary<{ template: Template; rows: Row[] }> =>
  anyTemplate.chain((template) =>
    array(anyRow(template), { maxLength: rowsMax }).map((rows) => ({ template, rows })),
  );

/** Any 64 bits. */
export const any64 = bigInt({ min: 0n, max: 2n ** 64n - 1n });
