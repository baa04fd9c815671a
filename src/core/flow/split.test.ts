// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property, tuple } from "fast-check";
import type { Batch } from "../batch.ts";
import { biflow, parseTemplate, type Template } from "../unirec/template.ts";
import { anyRow, batchOf, packed, type Row, rowsOf } from "../unirec/test-kit.ts";
import { BiflowSplitter, uniflowOf } from "./split.ts";

const flow = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, macaddr SRC_MAC, macaddr DST_MAC,
  uint64 BYTES, uint64 BYTES_REV, uint32 PACKETS, uint32 PACKETS_REV, uint8 TCP_FLAGS, uint8 TCP_FLAGS_REV,
  uint8 TTL, time TIME_FIRST, uint8 ONLY_REV, string NOTE, string NOTE_REV, bytes PAYLOAD
`);
const row = {
  SRC_IP: "10.0.0.1",
  DST_IP: "2001:db8::2",
  SRC_PORT: 1000,
  DST_PORT: 80,
  SRC_MAC: "00:00:00:00:00:01",
  DST_MAC: "00:00:00:00:00:02",
  BYTES: 300,
  BYTES_REV: 2 ** 40,
  PACKETS: 3,
  PACKETS_REV: 0x8000_0000,
  TCP_FLAGS: 2,
  TCP_FLAGS_REV: 18,
  TTL: 64,
  TIME_FIRST: 1_500_000,
  ONLY_REV: 7,
  NOTE: "request",
  NOTE_REV: "a longer response",
  PAYLOAD: new Uint8Array([1, 2, 3]),
};

/** Rows that a splitter makes of a batch. */
function split(template: Template, batch: Batch): { rows: Row[]; splitter: BiflowSplitter } {
  const splitter = new BiflowSplitter(template);
  const rows: Row[] = [];
  splitter.flows.link({
    receive: (part) => rows.push(...rowsOf(part, splitter.flows.template)),
    advance: () => {},
    end: () => {},
  });
  splitter.receive(batch);
  return { rows, splitter };
}

test("uniflowOf leaves out the reverse fields of those that have one, and no others", () => {
  const { spec, direction } = uniflowOf(flow);
  expect(direction).toBe("uniflow");
  expect(spec).toBe(
    "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,time TIME_FIRST,macaddr DST_MAC,macaddr SRC_MAC,uint32 PACKETS," +
      "uint16 DST_PORT,uint16 SRC_PORT,uint8 ONLY_REV,uint8 TCP_FLAGS,uint8 TTL,string NOTE,bytes PAYLOAD",
  );
});

test("BiflowSplitter exchanges source and destination, and each field with its reverse", () => {
  const { rows, splitter } = split(flow, packed(flow, [row]));
  const common = {
    TTL: 64,
    TIME_FIRST: 1_500_000,
    ONLY_REV: 7,
    PAYLOAD: new Uint8Array([1, 2, 3]),
  };
  expect(rows).toEqual([
    {
      ...common,
      SRC_IP: "10.0.0.1",
      DST_IP: "2001:db8::2",
      SRC_PORT: 1000,
      DST_PORT: 80,
      SRC_MAC: "00:00:00:00:00:01",
      DST_MAC: "00:00:00:00:00:02",
      BYTES: 300,
      PACKETS: 3,
      TCP_FLAGS: 2,
      NOTE: "request",
    },
    {
      ...common,
      SRC_IP: "2001:db8::2",
      DST_IP: "10.0.0.1",
      SRC_PORT: 80,
      DST_PORT: 1000,
      SRC_MAC: "00:00:00:00:00:02",
      DST_MAC: "00:00:00:00:00:01",
      BYTES: 2 ** 40,
      PACKETS: 0x8000_0000,
      TCP_FLAGS: 18,
      NOTE: "a longer response",
    },
  ]);
  expect(splitter.malformed).toBe(0);
});

test("BiflowSplitter makes no second record of a flow with one direction", () => {
  expect(split(flow, packed(flow, [{ ...row, PACKETS_REV: 0 }])).rows).toHaveLength(1);
});

test("BiflowSplitter makes forward records alone where PACKETS_REV is absent", () => {
  const plain = parseTemplate("ipaddr SRC_IP,uint32 PACKETS,uint64 BYTES_REV,uint64 BYTES");
  const { rows } = split(
    plain,
    packed(plain, [{ SRC_IP: "::1", PACKETS: 4, BYTES: 5, BYTES_REV: 6 }]),
  );
  expect(rows).toEqual([{ SRC_IP: "::1", PACKETS: 4, BYTES: 5 }]);
});

test("BiflowSplitter keeps a field whose opposite is missing or of another type", () => {
  const lone = parseTemplate(
    "uint32 PACKETS_REV,uint32 PACKETS,ipaddr SRC_IP,uint16 SRC_PORT,uint32 DST_PORT",
  );
  const given = { PACKETS: 1, PACKETS_REV: 2, SRC_IP: "::1", SRC_PORT: 3, DST_PORT: 4 };
  const { rows } = split(lone, packed(lone, [given]));
  expect(rows[1]).toEqual({ PACKETS: 2, SRC_IP: "::1", SRC_PORT: 3, DST_PORT: 4 });
});

test("BiflowSplitter's forward record is the biflow without its reverse fields", () => {
  const uniflow = uniflowOf(flow);
  assert(
    property(tuple(anyRow(flow), anyRow(flow)), (biflows) => {
      const { rows } = split(flow, packed(flow, biflows));
      const forward = biflows.map((values) =>
        Object.fromEntries(uniflow.fields.map(({ name }) => [name, values[name]])),
      );
      expect(rows[0]).toEqual(forward[0]!);
      expect(rows).toHaveLength(biflows.filter(({ PACKETS_REV }) => PACKETS_REV !== 0).length + 2);
      expect(rows[biflows[0]["PACKETS_REV"] === 0 ? 1 : 2]).toEqual(forward[1]!);
    }),
    { seed: 1, numRuns: 100 },
  );
});

test("BiflowSplitter of the reverse of a flow makes the same two records", () => {
  const reversed = parseTemplate(
    "ipaddr SRC_IP,ipaddr DST_IP,uint32 PACKETS,uint32 PACKETS_REV,bytes B,bytes B_REV",
  );
  assert(
    property(anyRow(reversed), (values) => {
      if (values["PACKETS"] === 0 || values["PACKETS_REV"] === 0) return;
      const other = {
        SRC_IP: values["DST_IP"],
        DST_IP: values["SRC_IP"],
        PACKETS: values["PACKETS_REV"],
        PACKETS_REV: values["PACKETS"],
        B: values["B_REV"],
        B_REV: values["B"],
      };
      const [first, second] = split(reversed, packed(reversed, [values])).rows;
      expect(split(reversed, packed(reversed, [other])).rows).toEqual([second!, first!]);
    }),
    { seed: 2, numRuns: 100 },
  );
});

test("BiflowSplitter counts what it cannot read: short records, values outside or beyond a record's size", () => {
  const many = parseTemplate(
    `uint32 PACKETS_REV,${Array.from({ length: 8 }, (_, i) => `bytes B${i}`).join(",")}`,
  );
  const overlapping = new Uint8Array(many.fixedSize + 20_000);
  const outside = new Uint8Array(many.fixedSize);
  const view = new DataView(overlapping.buffer);
  for (const { size, offset } of many.fields)
    if (size < 0) view.setUint16(offset + 2, 20_000, true);
  new DataView(outside.buffer).setUint16(many.fixedSize - 2, 1, true);
  const { rows, splitter } = split(many, batchOf(outside.subarray(1), overlapping, outside));
  const uniflow = splitter.flows.template;
  expect(rows).toEqual(rowsOf(packed(uniflow, [{}]), uniflow));
  expect(splitter.malformed).toBe(3);
});

test("BiflowSplitter passes event time and the end on", () => {
  const splitter = new BiflowSplitter(flow);
  const events: unknown[] = [];
  splitter.flows.link({
    receive: ({ count }) => events.push(count),
    advance: (watermark) => events.push(`at ${watermark}`),
    end: () => events.push("end"),
  });
  splitter.receive(packed(flow, [row]));
  splitter.advance(5);
  splitter.end();
  expect(events).toEqual([2, "at 5", "end"]);
});
