// SPDX-License-Identifier: BSD-3-Clause
/** Lines read from bytes in place: round trips, damage, unusual forms, bounds. */
import { describe, expect, test } from "bun:test";
import {
  type Arbitrary,
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
  tuple,
} from "fast-check";
import { Batch } from "../batch.ts";
import { NemeanError } from "../errors.ts";
import { type AnyReader, reader } from "./reader.ts";
import { parseTemplate, type Template } from "./template.ts";
import { anyTemplate, anyValue, packed, type Row, recordOf, TYPES } from "./test-kit.ts";
import { TextReader } from "./text-reader.ts";
import { TextWriter } from "./text-writer.ts";
import { elementOf, isArrayType, type UniRecType } from "./types.ts";
import type { RecordWriter } from "./writer.ts";

const encoder = new TextEncoder();
/** Bound of a property over many templates, each of which generates code, on a busy machine. */
const BUSY_MS = 60_000;

/** Bytes of a row's line without its end. */
function lineOf(template: Template, row: Row): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new TextWriter((bytes) => parts.push(bytes.slice()));
  const cursor = reader(template) as AnyReader;
  cursor.reset(packed(template, [row]));
  while (cursor.next()) writer.record(cursor, template);
  writer.flush();
  return Buffer.concat(parts).subarray(0, -1);
}

/** The composed record's bytes. */
function composed(writer: RecordWriter): string {
  const batch = new Batch();
  writer.end(batch);
  return batch.bytes.slice(batch.start + 2, batch.start + batch.length).toHex();
}

/** The record of a line amid other bytes, or the error's code and message. */
function outcomeOf(source: TextReader, line: Uint8Array): string {
  const writer = source.writer();
  const around = new Uint8Array(line.length + 10).fill(49);
  around.set(line, 5);
  try {
    source.readBytes(around, 5, 5 + line.length, writer);
    return composed(writer);
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const read = (header: string, line: string | Uint8Array): string =>
  outcomeOf(new TextReader(header), typeof line === "string" ? encoder.encode(line) : line);

/** Values that the text form holds without a loss. */
function textual(type: UniRecType): Arbitrary<unknown> {
  if (type === "float" || type === "double")
    return integer({ min: -(2 ** 20), max: 2 ** 20 }).map((value) => value / 64);
  if (type === "char") return constantFrom(0, 32, 34, 44, 65, 126, 0xe9);
  if (type === "string") return string({ unit: constantFrom("a", "č", '"', ",", " ", "[", "😀") });
  return isArrayType(type) ? array(textual(elementOf(type)), { maxLength: 6 }) : anyValue(type);
}

/** Failures of it are shown as found: to shrink a template with its row takes minutes. */
const table = anyTemplate
  .filter(({ fields }) => fields.length > 0)
  .chain((template) =>
    record(Object.fromEntries(template.fields.map(({ name, type }) => [name, textual(type)]))).map(
      (row) => ({ template, row }),
    ),
  );

describe("TextReader", () => {
  test(
    "TextReader reads what TextWriter writes to the same bytes",
    () => {
      assert(
        property(table, ({ template, row }) => {
          const line = lineOf(template, row);
          expect(outcomeOf(new TextReader(template.spec), line)).toBe(
            recordOf(template, row).toHex(),
          );
        }),
        { seed: 1, numRuns: 150, endOnFailure: true },
      );
    },
    BUSY_MS,
  );

  test(
    "TextReader reads a line alike with its values in quotes, with returns in it, and as a string",
    () => {
      const spec = TYPES.filter((type) => type !== "string").map((type, i) => `${type} F${i}`);
      const template = parseTemplate(spec.join(","));
      const row = record(
        Object.fromEntries(template.fields.map(({ name, type }) => [name, textual(type)])),
      );
      assert(
        property(row, (values) => {
          const source = new TextReader(template.spec);
          // A quote or comma as a char is in quotes already.
          const line = new TextDecoder().decode(lineOf(template, { ...values, F13: 65 }));
          const expected = read(template.spec, line);
          expect(expected).not.toContain("ERR_");
          const quoted = `"${line.replaceAll(",", '","')}"`;
          const returns = line.replaceAll(",", "\r,\r");
          for (const variant of [quoted, returns, `${line}\r`, `${line}\r\r`])
            expect(read(template.spec, variant)).toBe(expected);
          const writer = source.writer();
          source.read(line, writer);
          expect(composed(writer)).toBe(expected);
        }),
        { seed: 2, numRuns: 40, endOnFailure: true },
      );
    },
    BUSY_MS,
  );

  test(
    "TextReader throws nothing but an operator's error at a damaged line, and is sound after it",
    () => {
      const byte = oneof(
        integer({ min: 0, max: 255 }),
        constantFrom(...encoder.encode(',"[]|\r: .-0')),
      );
      const edits = array(
        tuple(integer({ min: 0, max: 2 ** 20 }), integer({ min: 0, max: 2 }), byte),
        {
          maxLength: 5,
        },
      );
      let refused = 0;
      let taken = 0;
      assert(
        property(table, edits, ({ template, row }, changes) => {
          const source = new TextReader(template.spec);
          const line = lineOf(template, row);
          const bytes = [...line];
          for (const [where, dropped, put] of changes)
            bytes.splice(where % (bytes.length + 1), dropped, ...(dropped === 2 ? [] : [put]));
          if (outcomeOf(source, Uint8Array.from(bytes)).startsWith("ERR_")) refused++;
          else taken++;
          expect(outcomeOf(source, line)).toBe(recordOf(template, row).toHex());
        }),
        { seed: 3, numRuns: 250, endOnFailure: true },
      );
      expect(Math.min(refused, taken)).toBeGreaterThan(50);
    },
    BUSY_MS,
  );

  test("TextReader throws nothing but an operator's error at any bytes", () => {
    const spec = TYPES.map((type, i) => `${type} F${i}`).join(",");
    const byte = constantFrom(...encoder.encode('0019afT:.-+,,,,,"|[] \r'), 0, 0xc3, 0xff);
    for (const header of [spec, `time,${spec}`, "time", "uint8 A", "string S,bytes B", ""]) {
      const source = new TextReader(header);
      assert(
        property(array(byte, { maxLength: 60 }), (bytes) => {
          outcomeOf(source, Uint8Array.from(bytes));
        }),
        { seed: 4, numRuns: 200 },
      );
    }
  });

  test.each([
    ["uint8 A,uint8 B", "1"],
    ["uint8 A,uint8 B", "1,2,"],
    ["uint8 A,uint8 B", "x,2,3"],
    ["uint8 A,uint8 B", "1,x,3"],
    ["uint8 A,uint8 B", "x"],
    ["uint8 A,uint8 B", '"1,2"'],
    ["string A,string B", '"a""'],
    ["string A,string B", '"a,b'],
    ["time,uint8 A", "1970-01-01T00:00:00"],
    ["time,uint8 A", ",1,2"],
    ["", ""],
  ])("TextReader of %j counts the columns of %j before it judges values", (header, line) => {
    expect(read(header, line)).toStartWith("ERR_RECORD_SIZE");
  });

  test("TextReader names the field and shows its text without quotes, and not all of a long one", () => {
    expect(read("uint8 A,uint8* B", '1,"[2|x]"')).toBe('ERR_VALUE: invalid field "B": "[2|x]"');
    expect(read("uint8 A", `"${"ž".repeat(500)}"`)).toBe(
      `ERR_VALUE: invalid field "A": "${"ž".repeat(80)}"`,
    );
  });

  test("TextReader takes a pacing column in any form, and none as no pace", () => {
    const source = new TextReader("time,uint8 A");
    const paceOf = (line: string): number => source.read(line, source.writer());
    expect(paceOf("1970-01-01T00:00:09.25,1")).toBe(9_250_000);
    expect(paceOf('"1970-01-01T01:00:09+01:00",1')).toBe(9_000_000);
    expect(paceOf("soon,1")).toBe(0);
    expect(paceOf(",1")).toBe(0);
  });

  test("TextReader takes the bytes of a string as they are", () => {
    const raw = Uint8Array.from([34, 0xff, 0xc3, 0x28, 0xef, 0xbb, 0xbf, 34]);
    expect(read("string S", raw)).toBe("00000600ffc328efbbbf");
    expect(read("string S", 'a"b,"c""d"')).toBe(`00000500${encoder.encode("ab,cd").toHex()}`);
    expect(read("string S", "")).toBe("00000000");
  });

  test("TextReader lets the last of two columns of one name win, an empty array too", () => {
    expect(read("uint8* A,uint8* A", "[1|2],[]")).toBe("00000000");
    expect(read("uint8* A,uint8* A", "[1|2],[3]")).toBe("0000010003");
  });

  test("TextReader refuses values longer than a record, and takes those as long as one", () => {
    const list = (count: number): string => `[${"1|".repeat(count - 1)}1]`;
    for (const [header, line] of [
      ["uint16* A", list(32_766)],
      ["string A", `"${"x".repeat(65_531)}"`],
      ["string A", `"${'""'.repeat(65_531)}"`],
      ["bytes A", "ab".repeat(65_531)],
      ["ipaddr* A", `[${"::1|".repeat(4096)}::1]`],
      ["double* A", list(100_000)],
    ] as const)
      expect(read(header, line).slice(0, 15)).toBe("ERR_RECORD_SIZE");
    expect(read("uint16* A", list(32_765))).toHaveLength(2 * 65_534);
    expect(read("string A", `"${'""'.repeat(65_530)}"`)).toHaveLength(2 * 65_534);
    expect(read("bytes A", "ab".repeat(65_530))).toHaveLength(2 * 65_534);
  });
});
