// SPDX-License-Identifier: BSD-3-Clause
/** Records that the reference library wrote (unirec.md section 5.1 to 5.4), byte by byte. */
import { describe, expect, test } from "bun:test";
import { assert, property, shuffledSubarray } from "fast-check";
import { parseTemplate } from "./template.ts";
import { cursorOn, packed, type Row, recordOf, rowsOf } from "./test-kit.ts";
import { TextReader } from "./text-reader.ts";
import { TextWriter } from "./text-writer.ts";
import { parseTime, SECOND } from "./time.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.fromHex(hex.replaceAll(/[\s|]/g, ""));
const at = (text: string): number => parseTime(text)!;

interface Vector {
  readonly name: string;
  /** Fields in any order. */
  readonly given: string;
  readonly spec: string;
  readonly fixedSize: number;
  readonly row: Row;
  readonly bytes: string;
  readonly line: string;
}

const VECTORS: readonly Vector[] = [
  {
    name: "A, a string and an array",
    given: "uint16* LENS,string DNS_NAME,uint8 PROTOCOL,uint16 DST_PORT,ipaddr SRC_IP",
    spec: "ipaddr SRC_IP,uint16 DST_PORT,uint8 PROTOCOL,string DNS_NAME,uint16* LENS",
    fixedSize: 27,
    row: { SRC_IP: "192.0.2.1", DST_PORT: 443, PROTOCOL: 6, DNS_NAME: "ab", LENS: [1, 2, 3] },
    bytes: `0000000000000000 c0000201 ffffffff bb01 06 0000 0200 0200 0600 6162 010002000300`,
    line: `192.0.2.1,443,6,"ab",[1|2|3]`,
  },
  {
    name: "B, the basic flow",
    given: `ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint32 PACKETS,
      uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint8 TCP_FLAGS`,
    spec:
      "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint32 PACKETS," +
      "uint16 DST_PORT,uint16 SRC_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS",
    fixedSize: 66,
    row: {
      DST_IP: "198.51.100.7",
      SRC_IP: "192.0.2.1",
      BYTES: 1500,
      TIME_FIRST: at("2024-01-02T03:04:05.678"),
      TIME_LAST: at("2024-01-02T03:04:06"),
      PACKETS: 3,
      DST_PORT: 443,
      SRC_PORT: 51_000,
      PROTOCOL: 6,
      TCP_FLAGS: 0x1b,
    },
    bytes: `0000000000000000c6336407ffffffff 0000000000000000c0000201ffffffff dc05000000000000
      726891ad257d9365 00000000267d9365 03000000 bb01 38c7 06 1b`,
    line: "198.51.100.7,192.0.2.1,1500,2024-01-02T03:04:05.678000,2024-01-02T03:04:06.000000,3,443,51000,6,27",
  },
  {
    name: "C, variable fields of all sizes",
    given:
      "ipaddr* IPS,time* TS,string NOTE,bytes B,float RATE,int32 DELTA,macaddr SRC_MAC,ipaddr SRC_IP",
    spec: "ipaddr SRC_IP,macaddr SRC_MAC,int32 DELTA,float RATE,bytes B,string NOTE,time* TS,ipaddr* IPS",
    fixedSize: 46,
    row: {
      SRC_IP: "2001:db8::1",
      SRC_MAC: "00:11:22:33:44:55",
      DELTA: -2,
      RATE: 0.5,
      B: new Uint8Array([0, 1, 255]),
      NOTE: "",
      TS: [SECOND, 2.5 * SECOND],
      IPS: ["10.0.0.1", "::1"],
    },
    bytes: `20010db8000000000000000000000001 001122334455 feffffff 0000003f | 0000 0300 | 0300 0000 |
      0300 1000 | 1300 2000 | 0001ff | 0000000001000000 0000008002000000 |
      00000000000000000a000001ffffffff 00000000000000000000000000000001`,
    line:
      `2001:db8::1,00:11:22:33:44:55,-2,0.500000,0001ff,"",` +
      "[1970-01-01T00:00:01.000000|1970-01-01T00:00:02.500000],[10.0.0.1|::1]",
  },
];

const lineOf = (vector: Vector): string => {
  const template = parseTemplate(vector.spec);
  let text = "";
  const writer = new TextWriter((bytes) => {
    text += new TextDecoder().decode(bytes);
  });
  writer.record(cursorOn(packed(template, [vector.row]), template), template);
  writer.flush();
  return text;
};

for (const vector of VECTORS) {
  describe(`vector ${vector.name}`, () => {
    const template = parseTemplate(vector.given);

    test("template has the reference's order and size", () => {
      expect(template.spec).toBe(vector.spec);
      expect(template.fixedSize).toBe(vector.fixedSize);
    });

    test("RecordWriter writes exactly the reference's bytes", () => {
      expect(recordOf(template, vector.row)).toEqual(bytesOf(vector.bytes));
    });

    test("RecordWriter writes them in whatever order the fields are set", () => {
      const backwards = Object.fromEntries(Object.entries(vector.row).reverse());
      expect(recordOf(template, backwards)).toEqual(bytesOf(vector.bytes));
    });

    test("reader reads them back", () => {
      expect(rowsOf(packed(template, [vector.row]), template)).toEqual([vector.row]);
    });

    test("TextWriter writes the reference's line, TextReader reads it to the same bytes", () => {
      expect(lineOf(vector)).toBe(`${vector.line}\n`);
      const text = new TextReader(vector.spec);
      const writer = text.writer();
      text.read(vector.line, writer);
      const batch = packed(template, []);
      writer.end(batch);
      const from = batch.start + 2;
      const written = batch.bytes.slice(from, batch.start + batch.length);
      expect(written.toHex()).toBe(bytesOf(vector.bytes).toHex());
    });
  });
}

const ORDER =
  "ipaddr DST_IP,ipaddr SRC_IP,uint64 BYTES,double DD,time TIME_FIRST,time TIME_LAST,macaddr MM," +
  "float FF,uint32 PACKETS,uint16 DST_PORT,int16 II,uint16 SRC_PORT,char CC,uint8 PROTOCOL," +
  "uint8 TCP_FLAGS,uint8* A8,int8* AI8,bytes BB,string DNS_NAME,uint16* A16,uint32* A32,float* AF," +
  "macaddr* AMAC,uint64* A64,double* AD,time* AT,ipaddr* AIP";

test("vector D, template orders any permutation of its 27 fields alike", () => {
  const items = ORDER.split(",");
  assert(
    property(shuffledSubarray(items, { minLength: items.length }), (permuted) => {
      const template = parseTemplate(permuted.join(", "));
      expect(template.spec).toBe(ORDER);
      expect(template.fixedSize).toBe(135);
    }),
    { seed: 54, numRuns: 200 },
  );
});
