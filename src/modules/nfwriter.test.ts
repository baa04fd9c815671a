// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, constantFrom, integer, property, record, tuple } from "fast-check";
import { Batch } from "../core/batch.ts";
import { layoutOf, mappingOf } from "../core/ipfix/collect/layout.ts";
import { COMPRESSIONS } from "../core/nfdump/compression.ts";
import { NFDUMP_FIELDS } from "../core/nfdump/elements.ts";
import { BlockBuffers, NfdumpFile } from "../core/nfdump/file-reader.ts";
import { FlowCursor } from "../core/nfdump/flow-cursor.ts";
import { FlowMapper } from "../core/nfdump/flow-mapper.ts";
import { layout1 } from "../core/nfdump/testing/layout1.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { Harness, runRows } from "../core/testing/run-module.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { anyIp, type Row, rowsOf } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import { writer } from "../core/unirec/writer.ts";
import nfwriter from "./nfwriter.ts";

setDefaultTimeout(60_000);

testModule(nfwriter);

const folder = mkdtempSync(join(tmpdir(), "nemean-nfwriter-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (): string => join(folder, `${files++}.nf`);

const FIELDS = nfwriter.inputs.flows.fields.map(({ name }) => name);

/** The flows of a file, with all fields that the module writes. */
function flowsIn(path: string, fields = FIELDS): Row[] {
  const mapping = mappingOf("", NFDUMP_FIELDS);
  const layout = layoutOf(fields.join(","), mapping, false);
  const record = writer(layout);
  const mapper = new FlowMapper(record, mapping, { link: 0n, hasDirection: false });
  using file = new NfdumpFile(path, new BlockBuffers(), (message) => {
    throw new Error(message);
  });
  const cursor = new FlowCursor();
  cursor.open(file);
  const rows: Row[] = [];
  while (cursor.next()) {
    mapper.write(cursor.flow);
    const batch = new Batch();
    record.end(batch);
    rows.push(...rowsOf(batch, layout));
  }
  expect([cursor.malformed, cursor.others, file.damaged]).toEqual([0, 0, 0]);
  return rows;
}

const START = 1_700_000_000 * SECOND;
const FLOW: Row = {
  SRC_IP: "192.0.2.1",
  DST_IP: "198.51.100.2",
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 10,
  BYTES: 5000,
  TIME_FIRST: START,
  TIME_LAST: START + 1_500_000,
  TCP_FLAGS: 0x1b,
};

const uint = (bits: number) =>
  constantFrom(0, 0, 1, 2 ** bits - 1, 2 ** (bits - 1), 3 * 2 ** (bits - 3));
const millis = integer({ min: 1, max: 4e9 }).map((ms) => (1e12 + ms) * 1000);
const mac = constantFrom("00:00:00:00:00:00", "02:01:02:03:04:05", "ff:ff:ff:ff:ff:ff");
const OF_TYPE: Readonly<Record<string, ReturnType<typeof uint>>> = {
  uint8: uint(8),
  uint16: uint(16),
  uint32: uint(32),
  uint64: constantFrom(0, 1, 2 ** 40, 2 ** 53),
};
/** Addresses in pairs are of one version in traffic; a stream may have others. */
const pair = (...names: string[]) =>
  tuple(constantFrom("4", "6"), anyIp, anyIp, constantFrom(0, 1)).map(
    ([version, one, two, none]) => {
      const [a, b] = version === "4" ? ["10.0.0.1", "10.255.0.3"] : [one, two];
      const both = a!.includes(":") === b!.includes(":") ? [a, b] : [a, a];
      return Object.fromEntries(names.map((name, i) => [name, none === 1 ? undefined : both[i]]));
    },
  );

const anyFlow = tuple(
  record(
    Object.fromEntries(
      nfwriter.inputs.flows.fields
        .filter(({ type }) => type !== "ipaddr")
        .map(({ name, type }) => [
          name,
          name === "MPLS_LABEL_1" || name.startsWith("MPLS")
            ? uint(24)
            : type === "time"
              ? millis
              : type === "macaddr"
                ? mac
                : OF_TYPE[type]!,
        ]),
    ),
  ),
  pair("SRC_IP", "DST_IP"),
  pair("NAT_SRC_IP", "NAT_DST_IP"),
  pair("NEXT_HOP"),
  pair("BGP_NEXT_HOP"),
  pair("EXPORTER_IP"),
).map((parts): Row => Object.assign({}, ...parts));

/** No address, as streams and files say it. */
const isNone = (value: unknown): boolean => [undefined, "::", "0.0.0.0"].includes(value as string);
const ADDRESS = /_IP$|_HOP$/;
/** What a file gives back of a row: none of the link's bits, and one flow where none was counted. */
function expected(row: Row): Row {
  const wanted: Record<string, unknown> = {};
  for (const name of FIELDS) {
    const value = row[name];
    if (ADDRESS.test(name)) wanted[name] = isNone(value) ? "none" : value;
    else wanted[name] = value;
  }
  wanted["LINK_BIT_FIELD"] = 0;
  if (wanted["ODID"] === 0) wanted["ODID"] = Number(row["LINK_BIT_FIELD"]) % 256;
  wanted["FLOWS"] = Number(row["FLOWS"]) || 1;
  return wanted;
}
const plain = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      ADDRESS.test(name) && isNone(value) ? "none" : value,
    ]),
  );

describe("flows", () => {
  test.each(COMPRESSIONS)("nfwriter writes what nfreader reads, packed by %s", (compression) => {
    assert(
      property(anyFlow, (row) => {
        const file = join(folder, "any.nf");
        runRows(nfwriter, [row, FLOW], { params: { file, compression } });
        const [first, second] = flowsIn(file);
        expect(plain(first!)).toEqual(expected(row));
        expect(second).toMatchObject(FLOW);
      }),
      { numRuns: 60 },
    );
  });

  test("nfwriter takes a stream that has the fields of any flow, and no others", () => {
    const file = fresh();
    const harness = new Harness(nfwriter, { file });
    const names = [
      "SRC_IP",
      "DST_IP",
      "SRC_PORT",
      "DST_PORT",
      "PROTOCOL",
      "PACKETS",
      "BYTES",
      "TIME_FIRST",
      "TIME_LAST",
    ];
    const layout = parseTemplate(
      nfwriter.inputs.flows.fields
        .filter(({ name }) => names.includes(name))
        .map(({ type, name }) => `${type} ${name}`)
        .join(","),
    );
    const port = harness.feed("flows", layout);
    const composed = writer(layout);
    const { TCP_FLAGS, ...row } = FLOW;
    composed.begin().setAll(row);
    composed.end(port.room(composed.size));
    port.end();
    expect(flowsIn(file)).toMatchObject([{ ...row, TCP_FLAGS: 0 }]);
  });

  test("nfwriter keeps an IPv4 address beside an IPv6 one, mapped into it", () => {
    const file = fresh();
    runRows(nfwriter, [{ ...FLOW, DST_IP: "2001:db8::1" }], { params: { file } });
    expect(flowsIn(file)).toMatchObject([{ SRC_IP: "::ffff:192.0.2.1", DST_IP: "2001:db8::1" }]);
  });

  test("nfwriter begins another block after each megabyte", () => {
    const file = fresh();
    const rows = Array.from({ length: 30_000 }, (_, i) => ({ ...FLOW, BYTES: i }));
    runRows(nfwriter, rows, { params: { file, compression: "lz4" } });
    expect(flowsIn(file, ["BYTES"])).toEqual(rows.map(({ BYTES }) => ({ BYTES })));
    // Blocks, as the head counts them.
    expect(readFileSync(file).readUInt32LE(36)).toBe(3);
  });
});

describe("the file", () => {
  test("nfwriter adds to a finished file, packed as that is", () => {
    const file = fresh();
    runRows(nfwriter, [FLOW], { params: { file, compression: "lzo" } });
    runRows(nfwriter, [{ ...FLOW, PROTOCOL: 17, BYTES: 7 }], { params: { file, append: true } });
    runRows(nfwriter, [], { params: { file, append: true, bzip2: true } });
    expect(flowsIn(file)).toMatchObject([FLOW, { PROTOCOL: 17, BYTES: 7 }]);
    const bytes = readFileSync(file);
    expect(bytes[16]).toBe(1);
    expect(bytes.readUInt32LE(36)).toBe(2);
  });

  test("nfwriter makes the file where there is none to add to", () => {
    const file = fresh();
    runRows(nfwriter, [FLOW], { params: { file, append: true, lzo: true } });
    expect(flowsIn(file)).toMatchObject([FLOW]);
  });

  test("nfwriter writes a file without flows", () => {
    const file = fresh();
    runRows(nfwriter, [], { params: { file } });
    expect(flowsIn(file)).toEqual([]);
  });

  test("nfwriter leaves blocks that can be read while it writes", () => {
    const file = fresh();
    const rows = Array.from({ length: 15_000 }, () => FLOW);
    runRows(nfwriter, rows, { params: { file }, end: false });
    expect(statSync(file).size).toBeGreaterThan(1_000_000);
    expect(flowsIn(file, ["BYTES"]).length).toBeWithin(10_000, 15_000);
  });

  test("nfwriter adds to no file that is not its own, and leaves that alone", () => {
    const cases = [
      ["hello", "is no plain file of nfdump's layout 2"],
      [layout1("none", []), "is no plain file of nfdump's layout 2"],
    ] as const;
    for (const [content, message] of cases) {
      const file = fresh();
      writeFileSync(file, content);
      expect(() => runRows(nfwriter, [FLOW], { params: { file, append: true } })).toThrow(message);
      expect(Buffer.from(content).equals(readFileSync(file))).toBe(true);
    }
    const cut = fresh();
    runRows(nfwriter, Array(15_000).fill(FLOW), { params: { file: cut }, end: false });
    expect(() => runRows(nfwriter, [FLOW], { params: { file: cut, append: true } })).toThrow(
      "was not finished",
    );
  });

  test.each([
    [{}, "nfwriter: give the file to write as -f FILE"],
    [{ file: "/nowhere/x" }, "nfwriter: cannot write /nowhere/x: ENOENT"],
    [{ file: "x", lzo: true, bzip2: true }, "nfwriter: give one of bz2, lzo"],
    [{ file: "x", lzo: true, compression: "lz4" }, "nfwriter: give one of lzo, lz4"],
    [{ file: "x", ident: "x".repeat(200) }, "nfwriter: -I: a name has 127 bytes at most"],
  ])("nfwriter says what is wrong with %o", (params, message) => {
    expect(() => new Harness(nfwriter, params)).toThrow(message);
    expect(existsSync("x")).toBe(false);
  });
});
