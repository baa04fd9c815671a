// SPDX-License-Identifier: BSD-3-Clause
/** The text form of values and records (unirec.md section 6 and 7): written, read, and both. */
import { describe, expect, test } from "bun:test";
import { assert, property } from "fast-check";
import { Batch } from "../batch.ts";
import { type AnyReader, reader } from "./reader.ts";
import { parseTemplate, type Template } from "./template.ts";
import { any64, anyTable, packed, type Row, recordOf, rowsOf, TYPES } from "./test-kit.ts";
import { splitLine } from "./text-item.ts";
import { TextReader } from "./text-reader.ts";
import { fixedText } from "./text-scalar.ts";
import { parseValue } from "./text-value.ts";
import { TextWriter } from "./text-writer.ts";
import { SECOND } from "./time.ts";
import { elementOf, isArrayType, type UniRecType } from "./types.ts";

/** Text of a batch's records with their header. */
function textOf(batch: Batch, template: Template, delimiter = ","): string {
  const parts: Uint8Array[] = [];
  const writer = new TextWriter((bytes) => parts.push(bytes.slice()), { delimiter });
  writer.header(template);
  const cursor = reader(template) as AnyReader;
  cursor.reset(batch);
  while (cursor.next()) writer.record(cursor, template);
  writer.flush();
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
}

/** A batch of the records in a text. */
function batchOfText(text: string): { batch: Batch; template: Template } {
  const [header = "", ...lines] = text.split("\n").slice(0, -1);
  const source = new TextReader(header);
  const writer = source.writer();
  const batch = new Batch();
  for (const line of lines) {
    source.read(line, writer);
    writer.end(batch);
  }
  return { batch, template: source.template };
}

const lineOf = (type: UniRecType, value: unknown): string => {
  const template = parseTemplate(`${type} V`);
  return textOf(packed(template, [{ V: value }]), template).split("\n")[1]!;
};

describe("TextWriter", () => {
  test.each<[UniRecType, unknown, string]>([
    ["uint8", 255, "255"],
    ["int8", -128, "-128"],
    ["uint16", 65_535, "65535"],
    ["int16", -32_768, "-32768"],
    ["uint32", 4_294_967_295, "4294967295"],
    ["int32", -2_147_483_648, "-2147483648"],
    ["uint64", 0, "0"],
    ["uint64", 2n ** 64n - 1n, "18446744073709551615"],
    ["uint64", 2n ** 53n - 1n, "9007199254740991"],
    ["uint64", 2n ** 53n + 1n, "9007199254740993"],
    ["int64", -(2n ** 63n), "-9223372036854775808"],
    ["int64", 2n ** 63n - 1n, "9223372036854775807"],
    ["char", 65, "A"],
    ["char", 0, ""],
    ["char", 10, " "],
    ["char", 27, ""],
    ["char", 44, '","'],
    ["char", 34, '""""'],
    ["char", 0x9b, ""],
    ["char", 0xe9, "é"],
    ["float", 0.5, "0.500000"],
    ["double", -0.0000004, "-0.000000"],
    ["double", -0, "-0.000000"],
    ["double", 1e21, "1000000000000000000000.000000"],
    ["double", 2 ** 70, "1180591620717411303424.000000"],
    ["double", Number.NaN, "nan"],
    ["double", -Infinity, "-inf"],
    ["float", Infinity, "inf"],
    ["ipaddr", "192.0.2.1", "192.0.2.1"],
    ["ipaddr", "::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ["macaddr", "0A:00:00:00:00:FF", "0a:00:00:00:00:ff"],
    ["time", 1_704_164_645_678_901, "2024-01-02T03:04:05.678901"],
    ["string", "", '""'],
    ["string", 'a"b,č\nx', '"a""b,č x"'],
    ["string", "\u0000\u0007\t\r\u007f\u001b[2J", '"[2J"'],
    ["string", "\u009b1m\u202e\u2028\ufeffč", '"1m\ufeffč"'],
    ["string", new Uint8Array([0x61, 0xff, 0xc4, 0x62]), '"ab"'],
    ["bytes", new Uint8Array([0xde, 0xad, 0xbe, 0xef]), "deadbeef"],
    ["bytes", new Uint8Array(0), ""],
    ["uint16*", [], "[]"],
    ["int8*", [1, -1], "[1|-1]"],
    ["ipaddr*", ["10.0.0.1", "::1"], "[10.0.0.1|::1]"],
    ["macaddr*", ["00:00:00:00:00:01"], "[00:00:00:00:00:01]"],
  ])("writes the %s %p as %s", (type, value, expected) => {
    expect(lineOf(type, value)).toBe(expected);
  });

  test("writes every second of neighbouring records as its own", () => {
    const template = parseTemplate("time T");
    const rows = [5, 5.5, 6, 86_400, 86_400.25, 5].map((seconds) => ({ T: seconds * SECOND }));
    expect(textOf(packed(template, rows), template).split("\n").slice(1, -1)).toEqual([
      "1970-01-01T00:00:05.000000",
      "1970-01-01T00:00:05.500000",
      "1970-01-01T00:00:06.000000",
      "1970-01-02T00:00:00.000000",
      "1970-01-02T00:00:00.250000",
      "1970-01-01T00:00:05.000000",
    ]);
  });

  test("joins header and values by another delimiter, and quotes a char that is one", () => {
    const template = parseTemplate("uint8 A,char B,string C");
    const batch = packed(template, [{ A: 1, B: 59, C: "x;y" }]);
    expect(textOf(batch, template, ";")).toBe('uint8 A;char B;string C\n1;";";"x;y"\n');
  });

  test("writes all of a line however long it grows", () => {
    const template = parseTemplate("uint8 A,double* D");
    const values = new Array(8190).fill(-Number.MAX_VALUE);
    const text = textOf(packed(template, [{ A: 1, D: values }, { A: 2 }]), template);
    const number = `-${BigInt(Number.MAX_VALUE)}.000000`;
    expect(text === `${template.spec}\n1,[${values.map(() => number).join("|")}]\n2,[]\n`).toBe(
      true,
    );
  });

  test("writes all of a record whose values overlap", () => {
    const many = parseTemplate(Array.from({ length: 60 }, (_, i) => `string S${i}`).join(","));
    const batch = new Batch();
    const at = batch.push(many.fixedSize + 60_000);
    for (const { offset } of many.fields) batch.view.setUint16(at + offset + 2, 60_000, true);
    batch.bytes.fill(34, at + many.fixedSize, at + many.fixedSize + 60_000);
    const [, line = ""] = textOf(batch, many).split("\n");
    expect(line).toHaveLength(60 * (120_000 + 2) + 59);
    expect(splitLine(line)[59]).toBe('"'.repeat(60_000));
  });

  test("hands on what it has when flushed, and nothing twice", () => {
    const parts: number[] = [];
    const writer = new TextWriter((bytes) => parts.push(bytes.length));
    writer.flush();
    writer.header(parseTemplate("uint8 A"));
    writer.flush();
    expect(parts).toEqual([8]);
  });

  test("fixedText writes as printf's %f does", () => {
    expect([0, -1.5, 1e15, 123_456_789.123_456_7].map(fixedText)).toEqual([
      "0.000000",
      "-1.500000",
      "1000000000000000.000000",
      "123456789.123457",
    ]);
  });
});

describe("parseValue", () => {
  test.each<[UniRecType, string, unknown]>([
    ["uint8", "0", 0],
    ["uint8", "255", 255],
    ["uint16", "00443", 443],
    ["uint64", "18446744073709551615", 2n ** 64n - 1n],
    ["int64", "-9223372036854775808", -(2n ** 63n)],
    ["int32", "-2147483648", -2_147_483_648],
    ["int8", "+5", 5],
    ["float", "1e3", 1000],
    ["double", "-.5", -0.5],
    ["double", "5.", 5],
    ["double", "nan", Number.NaN],
    ["double", "-nan", Number.NaN],
    ["double", "INF", Infinity],
    ["double", "-infinity", -Infinity],
    ["macaddr", "0:1:2:3:4:A", 0x102030_40a],
    ["char", "", 0],
    ["char", "xy", 120],
    ["bytes", "", new Uint8Array(0)],
    ["bytes", "00fF", new Uint8Array([0, 255])],
    ["string", " as it is ", " as it is "],
    ["uint16*", "", []],
    ["uint16*", "1 2  3", [1, 2, 3]],
    ["uint16*", "1|2", [1, 2]],
    ["int64*", "-1", [-1n]],
  ])("takes the %s %p", (type, text, expected) => {
    expect(parseValue(type, text)).toEqual(expected);
  });

  test.each<[UniRecType, string]>([
    ["uint8", "256"],
    ["uint8", "-1"],
    ["uint8", ""],
    ["uint8", " 1"],
    ["uint16", "70000"],
    ["uint16", "0x1f90"],
    ["uint16", "12abc"],
    ["uint16", "1.0"],
    ["uint16", "1e3"],
    ["uint16", "+1"],
    ["uint32", "4294967296"],
    ["uint64", "18446744073709551616"],
    ["uint64", "-0"],
    ["int8", "128"],
    ["int8", "-129"],
    ["int16", "--1"],
    ["int32", "0x10"],
    ["int64", "9223372036854775808"],
    ["float", ""],
    ["float", "."],
    ["float", "1,5"],
    ["double", "0x10"],
    ["double", "0b1"],
    ["double", "one"],
    ["double", "1 2"],
    ["ipaddr", "1.2.3"],
    ["macaddr", "00:11:22:33:44"],
    ["time", "2024-02-30T00:00:00"],
    ["time", "2024-01-02 03:04:05"],
    ["bytes", "0"],
    ["bytes", "0x00"],
    ["bytes", "zz"],
    ["uint8*", "1 256"],
    ["uint8*", "1|x|3"],
    ["ipaddr*", "10.0.0.1 ::g"],
  ])('refuses the %s "%s"', (type, text) => {
    expect(parseValue(type, text)).toBeUndefined();
  });
});

describe("TextReader", () => {
  const codeOf = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      return (error as { code?: string }).code ?? error;
    }
  };

  test("splitLine keeps commas and doubled quotes inside quotes", () => {
    expect(splitLine("a,,b")).toEqual(["a", "", "b"]);
    expect(splitLine('1,"x,""y""",""')).toEqual(["1", 'x,"y"', ""]);
    expect(splitLine("")).toEqual([""]);
  });

  test("assigns columns by their name, in whatever order the header has them", () => {
    const source = new TextReader("string NOTE,uint8 A, ipaddr IP\r");
    const writer = source.writer();
    const batch = new Batch();
    expect(source.read('"x, ""y""",7,::1\r', writer)).toBe(0);
    writer.end(batch);
    expect(rowsOf(batch, source.template)).toEqual([{ NOTE: 'x, "y"', A: 7, IP: "::1" }]);
  });

  test("takes a pacing column in front", () => {
    const source = new TextReader("time,uint8 A");
    expect(source.paced).toBe(true);
    expect(source.template.spec).toBe("uint8 A");
    expect(source.read("1970-01-01T00:00:09,1", source.writer())).toBe(9 * SECOND);
    const alone = new TextReader("time");
    expect(alone.read("1970-01-01T00:00:09", alone.writer())).toBe(9 * SECOND);
    expect(new TextReader("time T").paced).toBe(false);
  });

  test("refuses a row with other columns than the header, or a value that is none", () => {
    const source = new TextReader("uint8 A,string B");
    const writer = source.writer();
    expect(codeOf(() => source.read("1", writer))).toBe("ERR_RECORD_SIZE");
    expect(codeOf(() => source.read("1,2,3", writer))).toBe("ERR_RECORD_SIZE");
    expect(codeOf(() => source.read("", writer))).toBe("ERR_RECORD_SIZE");
    expect(codeOf(() => source.read("x,y", writer))).toBe("ERR_VALUE");
    expect(() => source.read("256,y", writer)).toThrow('invalid field "A": "256"');
    expect(codeOf(() => new TextReader("").read("1", writer))).toBe("ERR_RECORD_SIZE");
  });

  test("refuses a header that is none", () => {
    expect(codeOf(() => new TextReader("A,B"))).toBe("ERR_TEMPLATE");
    expect(codeOf(() => new TextReader("uint8 A,"))).toBe("ERR_TEMPLATE");
  });
});

describe("text round trip", () => {
  /** What the text form keeps of a value: times to microseconds, floats to six decimals, no controls. */
  const kept = (type: UniRecType, value: unknown): unknown => {
    if (isArrayType(type)) return (value as unknown[]).map((item) => kept(elementOf(type), item));
    if (type === "string") return keptText(value as string);
    if (type === "char") return keptChar(value as number);
    if (type === "float")
      return Math.fround(Number(fixedText(value as number).replace("inf", "Infinity")));
    if (type === "double") return Number(fixedText(value as number).replace("inf", "Infinity"));
    return value;
  };
  const keptText = (text: string): string =>
    text
      .toWellFormed()
      .replaceAll("\n", " ")
      .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/gu, "");
  const keptChar = (code: number): number => {
    if (code === 10) return 32;
    return code < 32 || (code >= 0x7f && code < 0xa0) ? 0 : code;
  };

  test("keeps any records of any template but what text cannot hold", () => {
    assert(
      property(anyTable(), ({ template, rows }) => {
        // Without a field there is no line that could be told from an empty one.
        if (template.fields.length === 0) return;
        const { batch, template: read } = batchOfText(textOf(packed(template, rows), template));
        expect(read.spec).toBe(template.spec);
        const expected = rows.map((row) =>
          Object.fromEntries(
            template.fields.map(({ name, type }) => [name, kept(type, row[name])]),
          ),
        );
        expect(rowsOf(batch, template)).toEqual(expected);
      }),
      { seed: 1, numRuns: 150 },
    );
    // Each template generates code: a bound for a busy machine.
  }, 60_000);

  test("keeps all 64 bits of an integer", () => {
    const template = parseTemplate("uint64 U,int64 I,uint64* LIST");
    assert(
      property(any64, (raw) => {
        const row: Row = { U: raw, I: BigInt.asIntN(64, raw), LIST: [raw] };
        const { batch } = batchOfText(textOf(packed(template, [row]), template));
        const { bytes, start, length } = batch;
        expect(bytes.slice(start + 2, start + length).toHex()).toBe(
          recordOf(template, row).toHex(),
        );
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test("keeps an empty record of every type", () => {
    const template = parseTemplate(TYPES.map((type, i) => `${type} F${i}`).join(","));
    const empty = packed(template, [{}]);
    const { batch } = batchOfText(textOf(empty, template));
    expect(rowsOf(batch, template)).toEqual(rowsOf(empty, template));
  });
});
