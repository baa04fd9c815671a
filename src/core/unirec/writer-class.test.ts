// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, bigInt, constantFrom, double, oneof, property, tuple } from "fast-check";
import { Batch } from "../batch.ts";
import { Address, parseIp } from "./ip.ts";
import { messages, parseTemplate, type Template, template } from "./template.ts";
import { anyTable, anyTemplate, cursorOn, packed, type Row, rowsOf } from "./test-kit.ts";
import { RecordWriter, writer } from "./writer.ts";

/** The record as it stands, with its length in front. */
function hexOf(made: RecordWriter): string {
  const batch = new Batch();
  made.end(batch);
  return batch.bytes.slice(batch.start, batch.start + batch.length).toHex();
}

/** Rows through the setters of one writer: an earlier record must leave no trace. */
function composed(layout: Template, rows: readonly Row[]): Batch {
  const made = writer(layout);
  const batch = new Batch();
  for (const row of rows) {
    Object.assign(made.begin(), row);
    expect(made.size).toBe(new RecordWriter(layout).begin().setAll(row).size);
    made.end(batch);
  }
  return batch;
}

const bytesOf = ({ bytes, start, length }: Batch): string =>
  bytes.slice(start, start + length).toHex();

test("writer's setters compose the records that set() does", () => {
  assert(
    property(anyTable(3), ({ template: layout, rows }) => {
      expect(bytesOf(composed(layout, rows))).toBe(bytesOf(packed(layout, rows)));
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("writer's setters take any number and bigint as set() does", () => {
  const types = constantFrom(
    ..."uint8 int8 char uint16 int16 uint32 int32 uint64 int64 float double time macaddr".split(
      " ",
    ),
  );
  const edges = [0, -0, -1, 1.75, -0.5, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 2 ** 63, 1e300];
  const number = oneof(constantFrom(...edges, Number.NaN, Number.POSITIVE_INFINITY), double());
  const raw = bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
  assert(
    property(types, number, raw, (type, value, big) => {
      const layout = parseTemplate(`${type} V,uint8 ABOVE`);
      const made = writer(layout);
      const plain = new RecordWriter(layout);
      for (const given of type.endsWith("64") ? [value, big] : [value]) {
        Object.assign(made.begin(), { V: given });
        plain.begin().setAll({ V: given });
        expect(hexOf(made)).toBe(hexOf(plain));
      }
    }),
    { seed: 2, numRuns: 500 },
  );
});

test("writer's setters take addresses as text, words or a cursor's field, times as raw bits", () => {
  const layout = template("ipaddr A, ipaddr B, ipaddr C, time T, macaddr M");
  const made = writer(layout);
  const source = template("ipaddr IP");
  const address = "2001:db8::1";
  made.begin();
  made.A = address;
  made.B = Address.of(parseIp(address)!);
  made.C = cursorOn(packed(source, [{ IP: address }]), source)["IP"] as Address;
  made.T = 0xffff_fffe_8000_0001n;
  made.M = "fe:dc:ba:98:76:54";
  const batch = new Batch();
  made.end(batch);
  const record = cursorOn(batch, layout);
  for (const name of ["A", "B", "C"]) expect(String(record[name])).toBe(address);
  expect((record["raw"] as { T: bigint }).T).toBe(0xffff_fffe_8000_0001n);
  expect(record["M"]).toBe(0xfedc_ba98_7654);
  expect(() => {
    made.A = "1.2.3";
  }).toThrow(expect.objectContaining({ code: "ERR_VALUE" }));
  expect(() => {
    made.M = "1.2.3";
  }).toThrow(expect.objectContaining({ code: "ERR_VALUE" }));
});

test("writer copies what a RecordWriter copies, whatever the layouts of its sources", () => {
  const anyTables = tuple(array(anyTable(1), { minLength: 1, maxLength: 3 }), anyTemplate);
  assert(
    property(anyTables, ([tables, other]) => {
      const names = [...tables.flatMap((table) => table.template.fields), ...other.fields];
      const types = new Map(names.map(({ name, type }) => [name, type]));
      for (const kept of [
        [...types],
        [...types].filter(([, type]) => !/[*]|string|bytes/.test(type)),
      ]) {
        const target = parseTemplate(kept.map(([name, type]) => `${type} ${name}`).join());
        const made = writer(target);
        const plain = new RecordWriter(target);
        for (const { template: from, rows } of tables) {
          for (const row of rows) {
            const cursor = cursorOn(packed(from, [row]), from);
            expect(hexOf(made.begin().copyFrom(cursor))).toBe(
              hexOf(plain.begin().copyFrom(cursor)),
            );
          }
        }
      }
    }),
    { seed: 3, numRuns: 150 },
  );
});

describe("writerClass", () => {
  const fields = (count: number, type = "uint64"): string =>
    Array.from({ length: count }, (_, i) => `${type} F${String(i).padStart(3, "0")}`).join();

  test("is one for templates of the same fields, and a RecordWriter", () => {
    const one = writer(template("uint8 A, uint16 B"));
    const same = writer(parseTemplate("uint16 B,uint8 A"));
    expect(same.constructor).toBe(one.constructor);
    expect(writer(parseTemplate("uint16 B,int8 A")).constructor).not.toBe(one.constructor);
    expect(one).toBeInstanceOf(RecordWriter);
    one.A = 5;
    expect(same.view.getUint8(2)).toBe(0);
  });

  test("forgets the oldest of many layouts, whose writers go on", () => {
    const layout = template("uint8 OLDEST");
    const first = writer(layout);
    for (let i = 0; i < 1024; i++) writer(parseTemplate(`uint8 N${i}`));
    expect(writer(layout).constructor).not.toBe(first.constructor);
    first.begin().OLDEST = 9;
    expect(hexOf(first)).toBe("000109");
  });

  test.each([19, 20, 21, 100])("composes and copies %d fields of 64 bits", (count) => {
    const layout = parseTemplate(`${fields(count)},uint8 LAST`);
    const names = layout.fields.map(({ name }) => name);
    const row = Object.fromEntries(names.map((name, i) => [name, i + 1]));
    const batch = composed(layout, [row, {}, row]);
    expect(rowsOf(batch, layout)).toEqual([row, Object.fromEntries(names.map((n) => [n, 0])), row]);
    const copy = new Batch();
    writer(layout).begin().copyFrom(cursorOn(batch, layout)).end(copy);
    expect(rowsOf(copy, layout)).toEqual([row]);
  });

  test.each([
    ["fixed fields alone", fields(8192), 0],
    ["fixed fields and an empty string", `${fields(8192)},string NOTE`, 0],
    ["a string behind few fixed fields", "uint64 A,string NOTE", 65_534 - 11],
  ])("refuses a record that is too long by %s", (_, spec, length) => {
    const made = writer(parseTemplate(spec)).begin();
    const note = { NOTE: "x".repeat(length) };
    if (spec.includes("NOTE")) Object.assign(made, note);
    expect(made.size).toBeGreaterThan(65_534);
    const batch = new Batch();
    expect(() => made.end(batch)).toThrow(expect.objectContaining({ code: "ERR_RECORD_SIZE" }));
    expect(batch.count).toBe(0);
  });

  test("writes the longest record, whose fixed part is short", () => {
    const made = writer(template("uint64 A, string NOTE"));
    made.begin().NOTE = "x".repeat(65_534 - 12);
    const batch = new Batch();
    made.end(batch);
    expect(batch.length).toBe(65_536);
  });

  test("takes nothing of what JSON messages are called into its source", () => {
    const batch = new Batch();
    writer(messages("json", "*/ throw 1 /*")).begin().end(batch);
    expect(bytesOf(batch)).toBe("0000");
  });
});
