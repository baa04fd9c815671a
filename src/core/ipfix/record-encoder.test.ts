// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Batch } from "../batch.ts";
import { FLOWS } from "../flow/flows.ts";
import { parseIp } from "../unirec/ip.ts";
import { parseTemplate, type Template } from "../unirec/template.ts";
import { packBatch } from "../unirec/writer.ts";
import { Message } from "./message.ts";
import { isIpv4, RecordEncoder } from "./record-encoder.ts";
import { Decoder, numberOf, textOf } from "./testing/decode.ts";

/** A row as a message with its template, taken apart again. */
function sent(layout: Template, row: Record<string, unknown>, version: 4 | 6 = 4) {
  const batch = packBatch(layout, [row as never], new Batch());
  const encoder = new RecordEncoder(256, layout, version);
  const message = new Message();
  message.addTemplates([encoder.template]);
  const size = batch.view.getUint16(batch.start);
  const measured = encoder.measure(batch, batch.start + 2, size);
  const before = message.length + message.cost(encoder, measured);
  message.add(encoder, batch, batch.start + 2);
  message.finish();
  message.stamp(7, 5);
  expect(message.length).toBe(before);
  const decoded = new Decoder().message(message.bytes.subarray(0, message.length));
  expect([decoded.sequence, decoded.domain, decoded.templates]).toEqual([5, 7, [256]]);
  expect(decoded.records).toHaveLength(1);
  return { record: decoded.records[0]!, encoder };
}

const FLOW = {
  SRC_IP: "192.0.2.1",
  DST_IP: "198.51.100.7",
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 3,
  PACKETS_REV: 0x8000_0001,
  BYTES: 2 ** 40 + 5,
  BYTES_REV: 7,
  TIME_FIRST: 1_700_000_000_123_456,
  TIME_LAST: 1_700_000_001_000_000,
  TCP_FLAGS: 0x1b,
  TCP_FLAGS_REV: 0x12,
  SRC_MAC: "02:00:00:00:00:0a",
  DST_MAC: "02:00:00:00:00:0b",
  DIR_BIT_FIELD: 1,
  FLOW_END_REASON: 3,
};

test("a flow's fields are the elements of IANA, the other direction's those of RFC 5103", () => {
  const { record } = sent(FLOWS, FLOW);
  expect([...record["0/8"]!]).toEqual([192, 0, 2, 1]);
  expect([...record["0/12"]!]).toEqual([198, 51, 100, 7]);
  const numbers = {
    "0/7": 40_000,
    "0/11": 443,
    "0/4": 6,
    "0/6": 0x1b,
    "0/2": 3,
    "0/1": 2 ** 40 + 5,
  };
  for (const [key, value] of Object.entries(numbers)) expect(numberOf(record[key])).toBe(value);
  const reverse = { "29305/2": 0x8000_0001, "29305/1": 7, "29305/6": 0x12 };
  for (const [key, value] of Object.entries(reverse)) expect(numberOf(record[key])).toBe(value);
  expect([...record["0/56"]!]).toEqual([2, 0, 0, 0, 0, 10]);
  expect(numberOf(record["0/152"])).toBe(1_700_000_000_123);
  expect(numberOf(record["0/153"])).toBe(1_700_000_001_000);
  expect(numberOf(record["0/136"])).toBe(3);
  expect(numberOf(record["0/10"])).toBe(1);
  expect(Object.keys(record)).not.toContain("0/27");
});

test("times are NTP's too, with the bits that are finer than a microsecond zero", () => {
  const { record } = sent(FLOWS, FLOW);
  const seconds = numberOf(record["0/154"]!.subarray(0, 4));
  const fraction = numberOf(record["0/154"]!.subarray(4));
  expect(seconds).toBe(1_700_000_000 + 2_208_988_800);
  expect(fraction % 2048).toBe(0);
  expect(Math.floor((fraction / 2 ** 32) * 1e6)).toBe(123_456);
});

test("a flow of IPv6 has the elements of its addresses", () => {
  const row = { ...FLOW, SRC_IP: "2001:db8::1", DST_IP: "2001:db8::2" };
  const { record } = sent(FLOWS, row, 6);
  expect(Buffer.from(record["0/27"]!).toString("hex")).toBe("20010db8000000000000000000000001");
  expect(numberOf(record["0/28"]!.subarray(12))).toBe(2);
  expect(Object.keys(record)).not.toContain("0/8");
});

test("strings, bytes and lists of plugins go out behind their lengths", () => {
  const layout = parseTemplate(
    "string TLS_SNI,bytes TLS_JA3,uint16* TLS_EXT_TYPE,time* PPI_PKT_TIMES",
  );
  const { record } = sent(layout, {
    TLS_SNI: "a".repeat(300),
    TLS_JA3: Uint8Array.of(1, 2, 3),
    TLS_EXT_TYPE: [0, 0x1234],
    PPI_PKT_TIMES: [1_700_000_000_123_456],
  });
  expect(textOf(record["8057/808"])).toBe("a".repeat(300));
  expect([...record["39499/357"]!]).toEqual([1, 2, 3]);
  const lists = new RecordEncoder(256, layout, 4).template;
  expect(lists.length).toBeGreaterThan(0);
  // Ordered, element 802 of CESNET with two bytes an item, then the items.
  const list = parseTemplate("uint16* TLS_EXT_TYPE");
  const { record: one } = sent(list, { TLS_EXT_TYPE: [0, 0x1234] });
  expect([...one["0/291"]!]).toEqual([4, 0x83, 0x22, 0, 2, 0, 0, 0x1f, 0x79, 0, 0, 0x12, 0x34]);
  const times = parseTemplate("time* PPI_PKT_TIMES");
  const { record: two } = sent(times, { PPI_PKT_TIMES: [1_700_000_000_123_456] });
  expect(numberOf(two["0/291"]!.subarray(9))).toBe(1_700_000_000_123);
});

test("an address of a plugin has 4 bytes or 16", () => {
  const layout = parseTemplate("ipaddr DNS_IP");
  expect([...sent(layout, { DNS_IP: "192.0.2.9" }).record["8057/7"]!]).toEqual([192, 0, 2, 9]);
  expect(sent(layout, { DNS_IP: "2001:db8::9" }).record["8057/7"]).toHaveLength(16);
});

test("a field that IPFIX has no element for is not sent", () => {
  const { record } = sent(parseTemplate("uint8 PROTOCOL,uint32 NO_SUCH_FIELD"), { PROTOCOL: 17 });
  expect(Object.keys(record)).toEqual(["0/4"]);
});

test("a value that points outside of its record is sent as empty, and counted", () => {
  const layout = parseTemplate("string TLS_SNI");
  const batch = packBatch(layout, [{ TLS_SNI: "name" } as never], new Batch());
  batch.view.setUint16(batch.start + 2 + 2, 5, true);
  const encoder = new RecordEncoder(256, layout, 4);
  expect(encoder.measure(batch, batch.start + 2, batch.view.getUint16(batch.start))).toBe(1);
  expect(encoder.malformed).toBe(1);
});

test("isIpv4 tells the families apart", () => {
  const view = new DataView(new ArrayBuffer(16));
  for (const [text, expected] of [
    ["192.0.2.1", true],
    ["::1", false],
    ["2001:db8::", false],
  ] as const) {
    const { w0, w1, w2, w3 } = parseIp(text)!;
    for (const [i, word] of [w0, w1, w2, w3].entries()) view.setInt32(4 * i, word, true);
    expect(isIpv4(view, 0)).toBe(expected);
  }
});

test("whatever strings, bytes and numbers a record has, a collector reads the same", () => {
  const layout = parseTemplate(
    "string TLS_SNI,bytes TLS_JA3,uint64 BYTES,uint16 SRC_PORT,uint8* QUIC_PACKETS",
  );
  fc.assert(
    fc.property(
      fc.record({
        TLS_SNI: fc.string({ unit: "grapheme", maxLength: 300 }),
        TLS_JA3: fc.uint8Array({ maxLength: 600 }),
        BYTES: fc.integer({ min: 0, max: 2 ** 52 }),
        SRC_PORT: fc.integer({ min: 0, max: 65_535 }),
        QUIC_PACKETS: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 }),
      }),
      (row) => {
        const { record } = sent(layout, row);
        expect(textOf(record["8057/808"])).toBe(row.TLS_SNI);
        expect([...record["39499/357"]!]).toEqual([...row.TLS_JA3]);
        expect(numberOf(record["0/1"])).toBe(row.BYTES);
        expect(numberOf(record["0/7"])).toBe(row.SRC_PORT);
        expect([...record["0/291"]!.subarray(9)]).toEqual(row.QUIC_PACKETS);
      },
    ),
    { numRuns: 200 },
  );
});
