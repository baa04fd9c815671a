// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, tuple } from "fast-check";
import { Batch, PAYLOAD_MAX, RECORD_MAX } from "../batch.ts";
import { plainRecord } from "./reader.ts";
import { parseTemplate, template } from "./template.ts";
import {
  any64,
  anyRow,
  anyTable,
  anyTemplate,
  batchOf,
  cursorOn,
  packed,
  recordOf,
  rowsOf,
} from "./test-kit.ts";
import { packBatch, RecordWriter, writer } from "./writer.ts";

const three = template("uint8 A, string B, uint16* C, bytes D");

test("writer sets fields by name and starts each record with zeros", () => {
  const made = writer(three);
  const batch = new Batch();
  made.begin();
  made.A = 1;
  made.B = "b";
  made.C = [2, 3];
  made.end(batch);
  made.begin().end(batch);
  expect(rowsOf(batch, three)).toEqual([
    { A: 1, B: "b", C: [2, 3], D: new Uint8Array(0) },
    { A: 0, B: "", C: [], D: new Uint8Array(0) },
  ]);
});

test("writer leaves no trace of a value that is set again, longer or shorter", () => {
  const texts = array(
    integer({ min: 0, max: 200 }).map((length) => "x".repeat(length)),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  const lists = array(array(integer({ min: 0, max: 65_535 }), { maxLength: 50 }), {
    minLength: 1,
    maxLength: 5,
  });
  assert(
    property(texts, lists, (notes, arrays) => {
      const made = new RecordWriter(three).begin().setAll({ A: 9, D: new Uint8Array([7, 8]) });
      for (let i = 0; i < Math.max(notes.length, arrays.length); i++)
        made.setAll({ B: notes.at(i), C: arrays.at(i) });
      const last = {
        A: 9,
        B: notes.at(-1)!,
        C: arrays.at(-1)!,
        D: new Uint8Array([7, 8]),
      };
      const batch = new Batch();
      made.end(batch);
      const { bytes, start, length } = batch;
      expect(bytes.slice(start + 2, start + length).toHex()).toBe(recordOf(three, last).toHex());
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("writer has room for the longest record however often a value is set", () => {
  const made = new RecordWriter(three);
  const longest = "y".repeat(RECORD_MAX - three.fixedSize - 1);
  made.begin().setAll({ C: [1], D: new Uint8Array([5]) });
  for (let i = 0; i < 5; i++) made.setAll({ B: longest.slice(i), C: [] });
  made.setAll({ B: longest });
  expect(made.size).toBe(RECORD_MAX);
  const batch = new Batch();
  made.end(batch);
  expect(rowsOf(batch, three)).toEqual([{ A: 0, B: longest, C: [], D: new Uint8Array([5]) }]);
});

describe("RecordWriter at the bound", () => {
  const bytes = template("bytes B");

  test("writes records of 65,534 bytes and refuses longer ones", () => {
    const most = RECORD_MAX - bytes.fixedSize;
    expect(recordOf(bytes, { B: new Uint8Array(most).fill(3) })).toHaveLength(65_534);
    for (const size of [most + 1, 65_536, 70_000, 131_068, 200_000]) {
      const made = new RecordWriter(bytes).begin().setAll({ B: new Uint8Array(size) });
      expect(made.size).toBeGreaterThan(RECORD_MAX);
      expect(() => made.end(new Batch())).toThrow(
        expect.objectContaining({ code: "ERR_RECORD_SIZE", exitCode: 65 }),
      );
    }
  });

  test.each([
    ["string", "z".repeat(200_000)],
    ["string", "č".repeat(100_000)],
    ["uint64*", new Array(20_000).fill(1)],
  ])("refuses a %s that is far too long, and goes on with the next record", (type, value) => {
    const one = parseTemplate(`${type} V,uint8 A`);
    const made = new RecordWriter(one).begin().setAll({ V: value });
    const batch = new Batch();
    expect(() => made.end(batch)).toThrow(expect.objectContaining({ code: "ERR_RECORD_SIZE" }));
    expect(batch.count).toBe(0);
    made.begin().setAll({ A: 5 }).end(batch);
    expect(rowsOf(batch, one)).toMatchObject([{ A: 5 }]);
  });

  test("packBatch refuses rows that do not fit one batch", () => {
    const row = { B: new Uint8Array(60_000) };
    expect(() => packBatch(bytes, [row, row], new Batch())).toThrow(String(PAYLOAD_MAX));
    expect(packBatch(bytes, [row], new Batch()).count).toBe(1);
  });
});

describe("RecordWriter's 64 bits", () => {
  const wide = template("uint64 U, int64 I, time T");

  test("are a bigint's as they are", () => {
    assert(
      property(any64, (raw) => {
        const batch = packed(wide, [{ U: raw, I: BigInt.asIntN(64, raw), T: raw }]);
        const view = batch.view;
        for (const offset of [0, 8, 16])
          expect(view.getBigUint64(batch.start + 2 + offset, true)).toBe(raw);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test.each([
    [0, 0n],
    [-1, 2n ** 64n - 1n],
    [-(2 ** 63), 2n ** 63n],
    [2 ** 63, 2n ** 63n],
    [Number.MAX_SAFE_INTEGER, BigInt(Number.MAX_SAFE_INTEGER)],
    [Number.MIN_SAFE_INTEGER, BigInt.asUintN(64, BigInt(Number.MIN_SAFE_INTEGER))],
    [1.75, 1n],
    [-0.5, 2n ** 64n - 1n],
    [Number.NaN, 0n],
  ])("of the number %p are %p", (value, raw) => {
    const batch = packed(wide, [{ U: value, I: value }]);
    expect(batch.view.getBigUint64(batch.start + 2, true)).toBe(raw);
    expect(batch.view.getBigUint64(batch.start + 18, true)).toBe(raw);
  });
});

test("RecordWriter tells of a name, an address or a MAC that is none", () => {
  const made = new RecordWriter(template("ipaddr IP, macaddr MAC")).begin();
  expect(() => made.setAll({ PORT: 1 })).toThrow(expect.objectContaining({ code: "ERR_FIELD" }));
  expect(() => made.setAll({ IP: "1.2.3" })).toThrow('not an IP address: "1.2.3"');
  expect(() => made.setAll({ MAC: "0:1" })).toThrow('not a MAC address: "0:1"');
});

test("writer refuses a field that is called as one of its members", () => {
  for (const name of "begin constructor copyFrom end fixed set setAll size template view".split(
    " ",
  ))
    expect(() => writer(parseTemplate(`uint8 ${name}`))).toThrow(
      expect.objectContaining({ code: "ERR_TEMPLATE" }),
    );
});

describe("copyFrom", () => {
  const anyPair = tuple(anyTable(2), anyTemplate);

  test("copies the fields of both templates bit by bit and leaves the others empty", () => {
    assert(
      property(anyPair, ([{ template: from, rows }, other]) => {
        const fields = [...from.fields.filter((_, i) => i % 3 !== 1), ...other.fields];
        const unique = new Map(fields.reverse().map(({ name, type }) => [name, type]));
        const target = parseTemplate(
          [...unique].map(([name, type]) => `${type} ${name}`).join(","),
        );
        const made = new RecordWriter(target);
        const copies = new Batch();
        for (const row of rows) {
          made
            .begin()
            .copyFrom(cursorOn(packed(from, [row]), from))
            .end(copies);
        }
        const expected = rows.map((row) => {
          const common = from.fields.filter(({ name, type }) => unique.get(name) === type);
          const kept = Object.fromEntries(common.map(({ name }) => [name, row[name]]));
          return rowsOf(packed(target, [kept]), target)[0]!;
        });
        expect(rowsOf(copies, target)).toEqual(expected);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test("gives the record's own bytes when the templates are the same", () => {
    const anyOne = anyTemplate.chain((made) => anyRow(made).map((row) => ({ made, row })));
    assert(
      property(anyOne, ({ made, row }) => {
        const bytes = recordOf(made, row);
        const batch = new Batch();
        new RecordWriter(made)
          .begin()
          .copyFrom(cursorOn(batchOf(bytes), made))
          .end(batch);
        const { start, length } = batch;
        expect(batch.bytes.slice(start + 2, start + length).toHex()).toBe(bytes.toHex());
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  test("follows a cursor whose layout changes, and lets fields be set afterwards", () => {
    const made = new RecordWriter(three);
    const batch = new Batch();
    const other = parseTemplate("string B,uint64 X,uint8 A");
    const first = cursorOn(
      packed(three, [{ A: 1, B: "long enough", C: [4], D: new Uint8Array(2) }]),
      three,
    );
    const second = cursorOn(packed(other, [{ A: 2, B: "two", X: 3 }]), other);
    made.begin().copyFrom(first).setAll({ B: "b" }).end(batch);
    made
      .begin()
      .copyFrom(second)
      .setAll({ C: [5, 6] })
      .end(batch);
    expect(rowsOf(batch, three)).toEqual([
      { A: 1, B: "b", C: [4], D: new Uint8Array(2) },
      { A: 2, B: "two", C: [5, 6], D: new Uint8Array(0) },
    ]);
  });

  test("makes a record whose values overlap one that end refuses", () => {
    const many = parseTemplate(Array.from({ length: 8 }, (_, i) => `bytes B${i}`).join(","));
    const bytes = new Uint8Array(many.fixedSize + 20_000);
    const view = new DataView(bytes.buffer);
    for (const { offset } of many.fields) view.setUint16(offset + 2, 20_000, true);
    const cursor = cursorOn(batchOf(bytes), many);
    expect(plainRecord(cursor, many)["B7"]).toHaveLength(20_000);
    const made = new RecordWriter(many).begin().copyFrom(cursor);
    expect(made.size).toBeGreaterThan(RECORD_MAX);
    expect(() => made.end(new Batch())).toThrow(
      expect.objectContaining({ code: "ERR_RECORD_SIZE" }),
    );
  });
});
