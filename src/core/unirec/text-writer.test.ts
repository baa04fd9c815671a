// SPDX-License-Identifier: BSD-3-Clause
/** Whole lines against a slow, plain writer: random bytes as records of random templates. */
import { describe, expect, test } from "bun:test";
import {
  type Arbitrary,
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  property,
  tuple,
  uint8Array,
} from "fast-check";
import { Batch } from "../batch.ts";
import { ipText, macText } from "./ip.ts";
import { type AnyReader, reader } from "./reader.ts";
import { parseTemplate, type Template } from "./template.ts";
import { anyTemplate, batchOf, cursorOn, TYPES } from "./test-kit.ts";
import { fixedText } from "./text-scalar.ts";
import { TextWriter } from "./text-writer.ts";
import { elementOf, isArrayType, type ScalarType, SIZE, type UniRecType } from "./types.ts";
import { RecordWriter } from "./writer.ts";

/** The lines of records, a buffer of the writer's as one text. */
function written(
  template: Template,
  records: readonly Uint8Array[],
  delimiter: string,
): { text: string; parts: number } {
  const parts: Uint8Array[] = [];
  const writer = new TextWriter((bytes) => parts.push(bytes.slice()), { delimiter });
  for (const record of records) writer.record(cursorOn(batchOf(record), template), template);
  writer.flush();
  return { text: Buffer.concat(parts).toString("latin1"), parts: parts.length };
}

/** What the lines ought to be, from the sections 2 and 6 of unirec.md. */
const expectedText = (template: Template, records: readonly Uint8Array[], delimiter: string) =>
  records.map((record) => `${lineOf(template, record, delimiter)}\n`).join("");

const lineOf = (template: Template, record: Uint8Array, delimiter: string): string =>
  template.fields
    .map(({ type, offset }) => {
      if (SIZE[type] > 0) return scalarOf(type, record.subarray(offset), delimiter);
      const descriptor = viewOf(record.subarray(offset));
      const from = template.fixedSize + descriptor.getUint16(0, true);
      const to = from + descriptor.getUint16(2, true);
      return variableOf(type, to > record.length ? new Uint8Array(0) : record.subarray(from, to));
    })
    .join(delimiter);

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function variableOf(type: UniRecType, bytes: Uint8Array): string {
  if (type === "string") return `"${textOf(bytes)}"`;
  if (!isArrayType(type)) return bytes.toHex();
  const element = elementOf(type);
  const size = SIZE[element];
  const items = Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
    scalarOf(element, bytes.subarray(i * size), ""),
  );
  return `[${items.join("|")}]`;
}

/** The bytes of the text as characters of Latin-1, since they are compared as bytes. */
const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

const textOf = (bytes: Uint8Array): string =>
  latin1(
    new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(bytes)
      .replaceAll("\n", " ")
      .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/gu, "")
      .replaceAll('"', '""'),
  );

function scalarOf(type: UniRecType, bytes: Uint8Array, delimiter: string): string {
  const view = viewOf(bytes);
  const integerOf: Partial<Record<UniRecType, () => bigint | number>> = {
    uint8: () => view.getUint8(0),
    int8: () => view.getInt8(0),
    uint16: () => view.getUint16(0, true),
    int16: () => view.getInt16(0, true),
    uint32: () => view.getUint32(0, true),
    int32: () => view.getInt32(0, true),
    uint64: () => view.getBigUint64(0, true),
    int64: () => view.getBigInt64(0, true),
  };
  const whole = integerOf[type];
  if (whole) return String(whole());
  const word = (i: number): number => view.getInt32(4 * i, true);
  const others: Partial<Record<ScalarType, () => string>> = {
    float: () => fixedText(view.getFloat32(0, true)),
    double: () => fixedText(view.getFloat64(0, true)),
    ipaddr: () => ipText({ w0: word(0), w1: word(1), w2: word(2), w3: word(3) }),
    macaddr: () => macText(view.getUint16(0) * 2 ** 32 + view.getUint32(2)),
    time: () => timeOf(view.getUint32(4, true), BigInt(view.getUint32(0, true))),
    char: () => charOf(view.getUint8(0), delimiter),
  };
  return others[type as ScalarType]!();
}

function timeOf(seconds: number, fraction: bigint): string {
  const nanos = (fraction * 1_000_000_000n + 2n ** 32n - 1n) >> 32n;
  const micros = `${nanos / 1000n}`.padStart(6, "0").slice(-6);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}`;
}

function charOf(byte: number, delimiter: string): string {
  const text = textOf(Buffer.from(String.fromCharCode(byte)));
  return byte === 34 || byte === delimiter.charCodeAt(0) ? `"${text}"` : text;
}

/** Bytes in which zeros, ones and signs of the text form are frequent. */
const anyByte = oneof(
  integer({ min: 0, max: 255 }),
  constantFrom(0, 255),
  constantFrom(0, 10, 34, 44, 59, 65, 97, 127, 0x80, 0xc4, 0x8d),
);
/** A record of any bytes: its variable fields lie where they will, in it, over one another or outside. */
const anyRecord = ({ fields, fixedSize }: Template): Arbitrary<Uint8Array> => {
  const variable = fields.filter(({ size }) => size < 0);
  return tuple(
    array(anyByte, { minLength: fixedSize, maxLength: fixedSize }),
    oneof(uint8Array({ maxLength: 200 }), array(anyByte, { maxLength: 200 })),
    array(tuple(integer({ min: 0, max: 60 }), integer({ min: 0, max: 100 })), {
      minLength: variable.length,
      maxLength: variable.length,
    }),
  ).map(([fixed, rest, spans]) => {
    const record = Uint8Array.of(...fixed, ...rest);
    for (const [i, { offset }] of variable.entries()) {
      viewOf(record).setUint16(offset, spans[i]![0], true);
      viewOf(record).setUint16(offset + 2, spans[i]![1], true);
    }
    return record;
  });
};

const lines = (template: Template): Arbitrary<Uint8Array[]> =>
  array(anyRecord(template), { minLength: 1, maxLength: 4 });
const anyDelimiter = constantFrom(",", ";", "\t", " ");

test("TextWriter writes values from where a template says they are, also after another of the same types", () => {
  const record = parseTemplate("uint16 A,uint16 B,uint16 C");
  const batch = new Batch();
  const writer = new RecordWriter(record);
  writer.begin().setAll({ A: 1, B: 2, C: 3 });
  writer.end(batch);
  const cursor = reader(record) as AnyReader;
  let text = "";
  for (const names of [
    ["A", "B"],
    ["B", "C"],
  ]) {
    const fields = record.fields.filter(({ name }) => names.includes(name));
    const out = new TextWriter((bytes) => {
      text += Buffer.from(bytes).toString();
    });
    cursor.reset(batch);
    cursor.next();
    out.record(cursor, { ...record, fields });
    out.flush();
  }
  expect(text).toBe("1,2\n2,3\n");
});

describe("TextWriter", () => {
  test("writes any bytes of any template as a plain writer does", () => {
    const any = anyTemplate.chain((template) =>
      tuple(lines(template), anyDelimiter).map(([records, delimiter]) => ({
        template,
        records,
        delimiter,
      })),
    );
    assert(
      property(any, ({ template, records, delimiter }) => {
        expect(written(template, records, delimiter).text).toBe(
          expectedText(template, records, delimiter),
        );
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  test("writes any bytes of a template of all types, several times each, as a plain writer does", () => {
    // More scalars than one function of a line has.
    const template = parseTemplate(
      TYPES.flatMap((type, i) => ["A", "B", "C"].map((name) => `${type} ${name}${i}`)).join(","),
    );
    assert(
      property(lines(template), anyDelimiter, (records, delimiter) => {
        expect(written(template, records, delimiter).text).toBe(
          expectedText(template, records, delimiter),
        );
      }),
      { seed: 8, numRuns: 40 },
    );
  });

  test("writes records of two templates in turn", () => {
    const one = parseTemplate("uint8 A,string B");
    const other = parseTemplate("uint16 A,uint8 B");
    const parts: string[] = [];
    const writer = new TextWriter((bytes) => parts.push(Buffer.from(bytes).toString()));
    const first = cursorOn(batchOf(Uint8Array.of(7, 0, 0, 1, 0, 65)), one);
    const second = cursorOn(batchOf(Uint8Array.of(1, 1, 9)), other);
    for (let i = 0; i < 2; i++) {
      writer.record(first, one);
      writer.record(second, other);
    }
    writer.flush();
    expect(parts.join("")).toBe('7,"A"\n257,9\n7,"A"\n257,9\n');
  });

  test("ends a part of its output at a line's end", () => {
    const template = parseTemplate("uint8 A,string B");
    const record = Uint8Array.of(7, 0, 0, 100, 0, ...new Array<number>(100).fill(65));
    const parts: string[] = [];
    const writer = new TextWriter((bytes) => parts.push(Buffer.from(bytes).toString()));
    const cursor = cursorOn(batchOf(record), template);
    for (let i = 0; i < 6000; i++) writer.record(cursor, template);
    writer.flush();
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every((part) => part.endsWith("\n"))).toBe(true);
    expect(parts.join("")).toBe(`7,"${"A".repeat(100)}"\n`.repeat(6000));
  });

  test("writes all of a record of thousands of scalars", () => {
    const template = parseTemplate(
      Array.from({ length: 8000 }, (_, i) => `double D${i}`).join(","),
    );
    const record = new Uint8Array(64_000);
    for (let at = 0; at < record.length; at += 8) viewOf(record).setFloat64(at, -1e308, true);
    const { text, parts } = written(template, [record], ",");
    expect(parts).toBeGreaterThan(1);
    expect(text === `${new Array(8000).fill(fixedText(-1e308)).join(",")}\n`).toBe(true);
  });
});
