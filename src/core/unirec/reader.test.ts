// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property, shuffledSubarray, tuple, uint8Array } from "fast-check";
import { Batch } from "../batch.ts";
import { type AnyReader, plainRecord, reader } from "./reader.ts";
import {
  ANY_MESSAGES,
  ANY_RECORDS,
  messages,
  parseTemplate,
  type Template,
  template,
} from "./template.ts";
import {
  anyRow,
  anyTable,
  anyTemplate,
  batchOf,
  cursorOn,
  packed,
  recordOf,
  rowsOf,
  TYPES,
} from "./test-kit.ts";

const flow = template("ipaddr SRC_IP, uint64 BYTES, time TIME_LAST, uint16 DST_PORT, string NOTE");
const row = { SRC_IP: "192.0.2.1", BYTES: 7, TIME_LAST: 1_500_000, DST_PORT: 443, NOTE: "čau" };

test("reader gives every field by its name", () => {
  const cursor = reader(flow);
  cursor.reset(packed(flow, [row, { ...row, SRC_IP: "2001:db8::1" }]));
  expect(cursor.next()).toBe(true);
  expect(cursor.SRC_IP.isV4).toBe(true);
  expect(cursor.SRC_IP.v4).toBe(0xc0000201);
  expect(plainRecord(cursor, flow)).toEqual(row);
  expect(cursor.next()).toBe(true);
  expect(cursor.SRC_IP.isV4).toBe(false);
  expect(String(cursor.SRC_IP)).toBe("2001:db8::1");
  expect(cursor.SRC_IP.equals(cursor.SRC_IP)).toBe(true);
  expect(cursor.next()).toBe(false);
  expect(cursor.next()).toBe(false);
  expect(cursor.malformed).toBe(0);
});

test("reader gives the raw 64 bits beside the double", () => {
  const wide = template("uint64 U, int64 I, time T");
  const cursor = reader(wide);
  const U = 2n ** 64n - 1n;
  cursor.reset(packed(wide, [{ U, I: -(2n ** 63n), T: 0x6593_7d25_adcc_78a5n }]));
  cursor.next();
  expect(cursor.raw.U).toBe(U);
  expect(BigInt.asIntN(64, cursor.raw.I)).toBe(-(2n ** 63n));
  expect(cursor.raw.T).toBe(0x6593_7d25_adcc_78a5n);
  expect(cursor.U).toBe(2 ** 64);
  expect(cursor.I).toBe(-(2 ** 63));
});

test("reader reads records in shared memory", () => {
  const shared = new Batch(new SharedArrayBuffer(1000));
  const bytes = recordOf(flow, row);
  shared.bytes.set(bytes, shared.push(bytes.length));
  expect(rowsOf(shared, flow)).toEqual([row]);
});

test("reader keeps a byte order mark that is part of a string", () => {
  const notes = template("string NOTE");
  expect(rowsOf(packed(notes, [{ NOTE: "\uFEFFx" }]), notes)).toEqual([{ NOTE: "\uFEFFx" }]);
});

describe("reader of damaged records", () => {
  const bytes = recordOf(flow, row);

  test("counts and passes over each record shorter than its template", () => {
    for (let size = 0; size < flow.fixedSize; size++) {
      const cursor = reader(flow) as AnyReader;
      cursor.reset(batchOf(bytes.subarray(0, size), bytes, bytes.subarray(0, size)));
      expect(cursor.next()).toBe(true);
      expect(plainRecord(cursor, flow)).toEqual(row);
      expect(cursor.next()).toBe(false);
      expect(cursor.malformed).toBe(2);
    }
  });

  test("gives nothing for a variable field that lies outside its record, and counts it", () => {
    for (let size = flow.fixedSize; size < bytes.length; size++) {
      // What follows is another record's, and must not show.
      const cursor = cursorOn(batchOf(bytes.subarray(0, size), bytes), flow);
      expect(cursor["NOTE"]).toBe("");
      expect(cursor.malformed).toBe(1);
    }
    const damaged = bytes.slice();
    new DataView(damaged.buffer).setUint16(flow.fixedSize - 4, 0xffff, true);
    expect(cursorOn(batchOf(damaged, bytes), flow)["NOTE"]).toBe("");
  });

  test("ends where a batch is cut off, and counts that once", () => {
    const whole = batchOf(bytes, bytes);
    for (let cut = 1; cut < bytes.length + 2; cut++) {
      const cursor = reader(flow) as AnyReader;
      const batch = batchOf(bytes, bytes);
      batch.length = whole.length - cut;
      cursor.reset(batch);
      expect(cursor.next()).toBe(true);
      expect(cursor.next()).toBe(false);
      expect(cursor.next()).toBe(false);
      expect(cursor.malformed).toBe(1);
    }
  });

  test("leaves out the rest of an array that is no element", () => {
    for (const type of TYPES.filter((name) => name.endsWith("*"))) {
      const list = parseTemplate(`${type} LIST`);
      const odd = new Uint8Array(4 + 33);
      new DataView(odd.buffer).setUint16(2, 33, true);
      const size = -list.fields[0]!.size;
      const cursor = cursorOn(batchOf(odd), list);
      expect(cursor["LIST"]).toHaveLength(Math.floor(33 / size));
      expect(cursor.malformed).toBe(0);
    }
  });

  test("never throws and never shows bytes of a neighbour, whatever the record holds", () => {
    const marked = new Uint8Array(300).fill(0xee);
    assert(
      property(anyTemplate, uint8Array({ maxLength: 200 }), (layout, noise) => {
        const clean = noise.map((byte) => (byte === 0xee ? 0 : byte));
        const cursor = reader(layout) as AnyReader;
        cursor.reset(batchOf(marked, clean, marked));
        cursor.next();
        if (!cursor.next()) return;
        if (cursor.view.getUint8(cursor.at) === 0xee) return;
        for (const { name, type } of layout.fields) {
          const value = cursor[name];
          if (type === "bytes") expect((value as Uint8Array).includes(0xee)).toBe(false);
          if (type === "uint8*") expect((value as number[]).includes(0xee)).toBe(false);
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test("never throws on a batch of noise", () => {
    assert(
      property(anyTemplate, uint8Array({ maxLength: 400 }), (layout, noise) => {
        const batch = new Batch();
        batch.bytes.set(noise, batch.start);
        batch.length = noise.length;
        const rows = rowsOf(batch, layout);
        expect(rows.length).toBeLessThanOrEqual(noise.length / 2);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe("reader over a sender's own layout", () => {
  const declared = template("ipaddr SRC_IP, uint16 DST_PORT, ?uint16 VLAN_ID, ?ipaddr NEXT_HOP");

  test("finds its fields among others, in whatever order", () => {
    const layout = parseTemplate(
      "uint16 DST_PORT,string NOTE,uint64 BYTES,ipaddr SRC_IP,uint8 TTL",
    );
    const batch = packed(layout, [{ SRC_IP: "::1", DST_PORT: 53, NOTE: "n", BYTES: 9, TTL: 4 }]);
    expect(rowsOf(batch, template("ipaddr SRC_IP, uint16 DST_PORT"), layout)).toEqual([
      { SRC_IP: "::1", DST_PORT: 53 },
    ]);
  });

  test("reads the same values from any template that has its fields", () => {
    const anyPair = anyTemplate.chain((layout) =>
      tuple(anyRow(layout), shuffledSubarray([...layout.fields])).map(([values, part]) => ({
        layout,
        values,
        part: parseTemplate(part.map(({ type, name }) => `${type} ${name}`).join(",")),
      })),
    );
    assert(
      property(anyPair, ({ layout, values, part }) => {
        const expected = Object.fromEntries(part.fields.map(({ name }) => [name, values[name]]));
        expect(rowsOf(packed(layout, [values]), part, layout)).toEqual([expected]);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  test("gives zero for an optional field it lacks, and has.NAME says so", () => {
    const optional = parseTemplate(TYPES.map((type, i) => `?${type} F${i}`).join(","));
    const zero = parseTemplate(optional.spec);
    const nothing = parseTemplate("uint8 OTHER");
    const absent = cursorOn(packed(nothing, [{ OTHER: 1 }]), optional, nothing);
    expect(plainRecord(absent, optional)).toEqual(rowsOf(packed(zero, [{}]), zero)[0]!);
    expect(absent["has"]).toEqual(
      Object.fromEntries(optional.fields.map(({ name }) => [name, false])),
    );
    expect((absent["raw"] as Record<string, bigint>)[nameOf(optional, "uint64")]).toBe(0n);
  });

  test("changes its offsets when the sender renegotiates", () => {
    const cursor = reader(declared, parseTemplate("ipaddr SRC_IP,uint16 DST_PORT"));
    const values = { SRC_IP: "10.0.0.1", DST_PORT: 22, VLAN_ID: 7, NEXT_HOP: "10.0.0.254" };
    expect(cursor.has).toEqual({ VLAN_ID: false, NEXT_HOP: false });
    const wide = parseTemplate(`${declared.spec},uint64 BYTES,bytes PAYLOAD,macaddr SRC_MAC`);
    cursor.negotiate(wide);
    cursor.reset(packed(wide, [{ ...values, BYTES: 1 }]));
    cursor.next();
    expect(cursor.has).toEqual({ VLAN_ID: true, NEXT_HOP: true });
    expect(plainRecord(cursor, declared)).toEqual(values);
    const narrow = parseTemplate("uint16 DST_PORT,ipaddr SRC_IP,uint16 VLAN_ID");
    cursor.negotiate(narrow);
    cursor.reset(packed(narrow, [{ SRC_IP: "::2", DST_PORT: 23, VLAN_ID: 8 }]));
    cursor.next();
    expect(cursor.has).toEqual({ VLAN_ID: true, NEXT_HOP: false });
    expect(plainRecord(cursor, declared)).toEqual({
      SRC_IP: "::2",
      DST_PORT: 23,
      VLAN_ID: 8,
      NEXT_HOP: "::",
    });
  });

  test("refuses a layout without its fields, names them, and stays as it was", () => {
    const cursor = reader(declared);
    const lacking = parseTemplate("uint32 DST_PORT,uint8 TTL");
    expect(() => cursor.negotiate(lacking)).toThrow(
      expect.objectContaining({
        code: "ERR_TEMPLATE",
        message: expect.stringContaining("requires ipaddr SRC_IP, uint16 DST_PORT;"),
      }),
    );
    expect(cursor.layout).toBe(declared);
  });

  test("takes an optional field of another type for absent", () => {
    const layout = parseTemplate("ipaddr SRC_IP,uint16 DST_PORT,uint32 VLAN_ID");
    expect(reader(declared, layout).has.VLAN_ID).toBe(false);
  });
});

test("reader shares a class among equal templates and none between different ones", () => {
  const again = parseTemplate(
    "uint16 DST_PORT,string NOTE,time TIME_LAST,uint64 BYTES,ipaddr SRC_IP",
  );
  expect(reader(again).constructor).toBe(reader(flow).constructor);
  expect(reader(parseTemplate("uint16 DST_PORT")).constructor).not.toBe(reader(flow).constructor);
});

test.each(
  "at constructor has layout malformed negotiate next raw reset size span spanLength view".split(
    " ",
  ),
)("reader refuses a field that a peer calls %s", (name) => {
  expect(() => reader(parseTemplate(`uint64 ${name}`))).toThrow(
    expect.objectContaining({ code: "ERR_TEMPLATE" }),
  );
});

test("reader takes the layouts that its own template takes, whatever others have no fields either", () => {
  const [json, other] = [messages("json", "IDEA"), messages("json", "other")];
  const cursors = [ANY_RECORDS, ANY_MESSAGES, json, other].map((declared) => reader(declared));
  const takes = (layout: Template): boolean[] =>
    cursors.map((cursor) => {
      try {
        cursor.negotiate(layout);
        return true;
      } catch {
        return false;
      }
    });
  expect(takes(flow)).toEqual([true, true, false, false]);
  expect(takes(json)).toEqual([false, true, true, false]);
  expect(takes(other)).toEqual([false, true, false, true]);
});

test("reader reads fields that are called as what any object has", () => {
  const odd = parseTemplate(
    "uint64 toString,uint64 cursor,uint64 o0,ipaddr ip0,uint8 end,uint8 fixed",
  );
  const values = { toString: 1, cursor: 2, o0: 3, ip0: "::1", end: 4, fixed: 5 };
  expect(rowsOf(packed(odd, [values, values]), odd)).toEqual([values, values]);
});

test("reader and RecordWriter round-trip any records of any template", () => {
  assert(
    property(anyTable(), ({ template: made, rows }) => {
      expect(rowsOf(packed(made, rows), made)).toEqual(rows);
    }),
    { seed: 6, numRuns: 300 },
  );
});

const nameOf = (made: Template, type: string): string =>
  made.fields.find((field) => field.type === type)!.name;
