// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, constantFrom, integer, property, string, tuple } from "fast-check";
import { playLog } from "../core/flow-log/testing/play-log.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import zeekImport from "./zeek-import.ts";

testModule(zeekImport);

const folder = mkdtempSync(join(tmpdir(), "nemean-zeek-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function fileOf(text: string | Uint8Array): string {
  const path = join(folder, `${files++}.log`);
  writeFileSync(path, text);
  return path;
}
const read = (text: string | Uint8Array, params: Readonly<Record<string, unknown>> = {}) =>
  playLog(zeekImport, { files: fileOf(text), ...params });

const NAMES = [
  "ts",
  "uid",
  "id.orig_h",
  "id.orig_p",
  "id.resp_h",
  "id.resp_p",
  "proto",
  "service",
  "duration",
  "orig_bytes",
  "resp_bytes",
  "conn_state",
  "history",
  "orig_pkts",
  "orig_ip_bytes",
  "resp_pkts",
  "resp_ip_bytes",
  "orig_l2_addr",
  "resp_l2_addr",
];
const HEADER = `#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\t${NAMES.join("\t")}\n`;
const VALUES = [
  "1704067200.123456",
  "C1",
  "192.0.2.1",
  "40000",
  "198.51.100.2",
  "443",
  "tcp",
  "ssl",
  "1.500000",
  "100",
  "2000",
  "SF",
  "ShADadFf",
  "8",
  "432",
  "7",
  "2300",
  "02:01:02:03:04:05",
  "02:01:02:03:04:06",
];
const LINE = `${VALUES.join("\t")}\n`;
const FLOW = {
  SRC_IP: "192.0.2.1",
  DST_IP: "198.51.100.2",
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 8,
  PACKETS_REV: 7,
  BYTES: 432,
  BYTES_REV: 2300,
  TIME_FIRST: 1_704_067_200_123_456,
  TIME_LAST: 1_704_067_201_623_456,
  TCP_FLAGS: 0x1b,
  TCP_FLAGS_REV: 0x1b,
  SRC_MAC: "02:01:02:03:04:05",
  DST_MAC: "02:01:02:03:04:06",
  LINK_BIT_FIELD: 1,
  DIR_BIT_FIELD: 0,
  FLOW_END_REASON: 3,
};
/** The line with other values. */
const line = (changes: Readonly<Record<string, string>>): string =>
  `${VALUES.map((value, i) => changes[NAMES[i]!] ?? value).join("\t")}\n`;
const json = (changes: Readonly<Record<string, unknown>> = {}): string =>
  `${JSON.stringify({
    ts: 1_704_067_200.123456,
    "id.orig_h": "192.0.2.1",
    "id.orig_p": 40_000,
    "id.resp_h": "198.51.100.2",
    "id.resp_p": 443,
    proto: "tcp",
    duration: 1.5,
    conn_state: "SF",
    history: "ShADadFf",
    orig_pkts: 8,
    orig_ip_bytes: 432,
    resp_pkts: 7,
    resp_ip_bytes: 2300,
    orig_l2_addr: "02:01:02:03:04:05",
    resp_l2_addr: "02:01:02:03:04:06",
    ...changes,
  })}\n`;

describe("connections", () => {
  test("zeek-import reads tab-separated lines and JSON alike", () => {
    for (const text of [HEADER + LINE, json(), json({ ts: "2024-01-01T00:00:00.123456Z" })]) {
      const { rows, warned } = read(text);
      expect(rows).toEqual([FLOW]);
      expect(warned).toEqual([]);
    }
  });

  test("zeek-import goes by the header, whatever its separator, columns and mark of what is unset", () => {
    const names = "ts|id.resp_p|id.orig_p|id.orig_h|id.resp_h|proto|orig_pkts|resp_pkts".replaceAll(
      "|",
      ";",
    );
    const header = `#separator \\x3b\n#unset_field;none\n#fields;${names}\n`;
    const { rows } = read(`${header}1704067200.5;53;5000;2001:db8::1;2001:db8::2;udp;1;none\n`);
    expect(rows).toMatchObject([
      {
        SRC_IP: "2001:db8::1",
        DST_PORT: 53,
        PROTOCOL: 17,
        PACKETS: 1,
        PACKETS_REV: 0,
        FLOW_END_REASON: 1,
      },
    ]);
    expect(rows[0]!["TIME_LAST"]).toBe(rows[0]!["TIME_FIRST"]);
  });

  test.each([
    [
      { proto: "icmp", "id.orig_p": "8", "id.resp_p": "0" },
      { PROTOCOL: 1, SRC_PORT: 0, DST_PORT: 2048, TCP_FLAGS: 0 },
    ],
    [
      {
        proto: "icmp",
        "id.orig_h": "fe80::1",
        "id.resp_h": "ff02::1",
        "id.orig_p": "135",
        "id.resp_p": "136",
      },
      { PROTOCOL: 58, DST_PORT: 135 * 256 + 136 },
    ],
    [
      { proto: "udp", history: "Dd" },
      { PROTOCOL: 17, TCP_FLAGS: 0 },
    ],
    [{ proto: "132" }, { PROTOCOL: 132 }],
    [
      { history: "S", conn_state: "S0" },
      { TCP_FLAGS: 2, TCP_FLAGS_REV: 0, FLOW_END_REASON: 1 },
    ],
    [
      { history: "Sr", conn_state: "REJ" },
      { TCP_FLAGS: 2, TCP_FLAGS_REV: 4, FLOW_END_REASON: 3 },
    ],
    [{ history: "^hADd" }, { TCP_FLAGS: 0x18, TCP_FLAGS_REV: 0x1a }],
    [
      { orig_ip_bytes: "-", resp_ip_bytes: "-" },
      { BYTES: 100, BYTES_REV: 2000 },
    ],
    [{ orig_pkts: "9999999999" }, { PACKETS: 4_294_967_295 }],
    [{ duration: "-" }, { TIME_LAST: FLOW.TIME_FIRST }],
    [{ orig_l2_addr: "-" }, { SRC_MAC: "00:00:00:00:00:00" }],
  ])("zeek-import reads %o", (changes, wanted) => {
    expect(read(HEADER + line(changes)).rows).toMatchObject([wanted]);
  });

  test("zeek-import reads several files, each by its own header", () => {
    const paths = [fileOf(HEADER + LINE), fileOf(json()), fileOf(LINE)];
    const { rows, warned } = playLog(zeekImport, { files: paths.join(","), link: "ff" });
    expect(rows).toEqual([0, 1].map(() => ({ ...FLOW, LINK_BIT_FIELD: 255 })));
    expect(warned).toEqual([`${paths[2]}: line 1: no header: expected #fields, or JSON; skipped`]);
  });

  test("zeek-import sends flows as far apart as their ends were", () => {
    const lines = [0, 1, 2, 3].map((i) => line({ ts: `${1_704_067_200 + i}.000000` })).join("");
    const { rows, waits } = read(HEADER + lines, { realTime: true });
    expect(rows).toHaveLength(4);
    expect(waits).toEqual([1000, 1000, 1000]);
  });

  test("zeek-import ends after as many flows as it is told", () => {
    for (const recordsMax of [0, 1, 3])
      expect(read(HEADER + LINE.repeat(5), { recordsMax }).rows).toHaveLength(recordsMax);
  });

  test("zeek-import sends every flow of a large file", () => {
    const many = Array.from({ length: 5000 }, (_, i) => line({ orig_pkts: String(i) })).join("");
    const { rows } = read(HEADER + many);
    expect(rows.map((row) => row["PACKETS"])).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });
});

describe("bad lines", () => {
  test.each([
    ["bad\n", "1 columns, the header has 19"],
    [line({ ts: "yesterday" }), "no time, or one that is none"],
    [line({ ts: "99999999999.0" }), "no time, or one that is none"],
    [line({ "id.orig_h": "10.0.0" }), 'source is no address: "10.0.0"'],
    [line({ "id.resp_h": "-" }), "destination is no address: none"],
    [line({ "id.resp_p": "65536" }), 'ports: "40000" and "65536"'],
    [line({ proto: "unknown_transport" }), 'protocol: "unknown_transport"'],
    ["{bad\n", "no JSON object"],
    ["{}\n", "no connection: expected id.orig_h"],
    [json({ "id.orig_p": {} }), "ports: {} and 443"],
    ["#path\tdns\n", "a log of dns, not of conn"],
  ])("zeek-import leaves out %j and says why", (text, why) => {
    const { rows, warned, runner } = read(HEADER + LINE + text + LINE);
    expect(rows).toEqual([FLOW, FLOW]);
    expect(warned).toHaveLength(1);
    expect(warned[0]).toEndWith(`.log: line 8: ${why}; skipped`);
    expect(runner.counters.get("lines_skipped")).toBe(1);
  });

  test("zeek-import names the first 20 and counts all", () => {
    const { warned, runner } = read(HEADER + "bad\n".repeat(100));
    expect(warned).toHaveLength(21);
    expect(warned[20]).toEndWith(": 100 lines skipped");
    expect(runner.counters.get("lines_skipped")).toBe(100);
  });

  test("zeek-import never throws, and loses no good line to a bad one", () => {
    const bad = tuple(
      constantFrom(LINE, json(), HEADER),
      integer({ min: 0, max: 200 }),
      string({ unit: "binary", maxLength: 3 }),
    );
    assert(
      property(bad, ([text, where, put]) => {
        const changed = `${text.slice(0, where)}${put.replaceAll(/[\n#]/g, "")}${text.slice(where + 1)}`;
        const { rows } = read(`${HEADER}${LINE}${changed.replaceAll("\n", " ")}\n${LINE}`);
        expect(rows.length).toBeWithin(2, 4);
      }),
      { numRuns: 300 },
    );
  });

  test("zeek-import cuts a line without end", () => {
    const { rows, runner } = read(`${HEADER}${"x".repeat(3 << 20)}\n${LINE}`);
    expect(rows).toEqual([FLOW]);
    expect(runner.counters.get("lines_skipped")).toBeGreaterThan(0);
  });

  test("zeek-import says which file is missing", () => {
    expect(() => playLog(zeekImport, {})).toThrow("zeek-import: name the files to read");
    expect(() => playLog(zeekImport, { files: "/nowhere" })).toThrow(
      "zeek-import: cannot read /nowhere",
    );
  });
});
