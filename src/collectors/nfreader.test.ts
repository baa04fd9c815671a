// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, constantFrom, integer, property, tuple, uint8Array } from "fast-check";
import { ManualClock } from "../core/clock.ts";
import { COMPRESSIONS, type Compression } from "../core/nfdump/compression.ts";
import { NfdumpWriter } from "../core/nfdump/file-writer.ts";
import { layout1, record, u8, u16, u32, u64 } from "../core/nfdump/testing/layout1.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import type { Template } from "../core/unirec/template.ts";
import { type Row, rowsOf } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import nfreader from "./nfreader.ts";

setDefaultTimeout(60_000);

testModule(nfreader);

const folder = mkdtempSync(join(tmpdir(), "nemean-nfreader-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function fileOf(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.nf`);
  writeFileSync(path, bytes);
  return path;
}

function reading(settings: Readonly<Record<string, unknown>>) {
  const clock = new ManualClock(1_800_000_000 * SECOND);
  const warned: string[] = [];
  const printed: string[] = [];
  const rows: Row[] = [];
  const runner = new ModuleRunner(nfreader, {
    clock,
    params: settings,
    warn: (message) => warned.push(message),
    print: (text) => printed.push(text),
  });
  const port = runner.outputs["flows"]!;
  let layout: Template | undefined;
  port.link({
    announce(next) {
      layout = next;
    },
    receive: (batch) => rows.push(...rowsOf(batch, layout!)),
    advance: () => {},
    end: () => {},
  });
  return {
    runner,
    clock,
    warned,
    printed,
    rows,
    play(): number | undefined {
      let wait: number | undefined = 0;
      while (wait === 0) wait = runner.produce();
      port.flush();
      return wait;
    },
  };
}

function read(path: string, settings: Readonly<Record<string, unknown>> = {}) {
  const it = reading({ files: path, ...settings });
  expect(it.play()).toBeUndefined();
  it.runner.end();
  return it;
}

const FIRST = 1_700_000_000_123;
const generic = (port: number, last = FIRST + 1500, bytes = 5000): Buffer =>
  Buffer.concat([
    u16(1, 52),
    u64(FIRST, last, FIRST + 9000, 7, bytes),
    u16(40_000, port),
    u8(6, 0x1b, 64, 8),
  ]);
const v4 = Buffer.concat([u16(2, 12), u32(0xc000_0201, 0xc633_6402)]);

/** A V3 record of these extensions. */
const v3 = (...extensions: Buffer[]): Buffer =>
  record(11, u16(extensions.length), u8(3, 4), u16(0), u8(0, 0x41), ...extensions);

/** A file of layout 2; its head says where the blocks end, as nfdump does. */
function layout2(compression: Compression, records: readonly Uint8Array[]): Uint8Array {
  const path = join(folder, `made-${files++}.nf`);
  const writer = new NfdumpWriter(path, { compression, isAppending: false, ident: "x", now: 0 });
  const counted = { PROTOCOL: 6, PACKETS: 1, BYTES: 1, TIME_FIRST: 1, TIME_LAST: 1 };
  for (const bytes of records) writer.add(bytes, bytes.length, counted);
  writer.close();
  return readFileSync(path);
}

const EVERYTHING = v3(
  generic(443),
  Buffer.concat([
    u16(3, 36),
    u64(0x2001_0db8_0000_0000n, 1n, 0x2001_0db8_0000_0000n, 0xabcd_0000_0000_0002n),
  ]),
  Buffer.concat([u16(4, 20), u32(7, 70_000), u8(24, 16, 1, 12, 1, 3), u16(0)]),
  Buffer.concat([u16(5, 28), u64(3, 11, 2 ** 40)]),
  Buffer.concat([u16(6, 12), u32(100, 200)]),
  Buffer.concat([u16(7, 12), u32(64_512, 4_200_000_000)]),
  Buffer.concat([u16(8, 8), u32(0x0a00_0001)]),
  Buffer.concat([u16(11, 20), u64(0xfe80_0000_0000_0000n, 9n)]),
  Buffer.concat([u16(12, 8), u32(0x7f00_0001)]),
  Buffer.concat([u16(14, 44), u32(0x12_3451, 2, 0, 0, 0, 0, 0, 0, 0, 10)]),
  Buffer.concat([u16(15, 36), u64(0x0201_0203_0405n, 2n, 0x0a0b_0c0d_0e0fn, 4n)]),
  Buffer.concat([u16(16, 12), u32(65_001, 65_002)]),
  Buffer.concat([u16(19, 20), u64(FIRST), u32(5), u16(0), u8(2, 0)]),
  Buffer.concat([u16(20, 12), u32(0xcb00_7101, 0xcb00_7102)]),
  Buffer.concat([u16(22, 8), u16(1024, 8443)]),
  Buffer.concat([u16(24, 72), Buffer.concat([Buffer.from("jana"), Buffer.alloc(64)])]),
  Buffer.concat([u16(33, 16), u64(1), u32(77)]),
  Buffer.concat([u16(42, 8), u8(0, 0x40, 63, 64)]),
  // One that nobody knows.
  Buffer.concat([u16(999, 8), u32(1)]),
);
const FIELDS =
  "SRC_IP,DST_IP,SRC_PORT,DST_PORT,PROTOCOL,PACKETS,BYTES,PACKETS_REV,BYTES_REV,TIME_FIRST,TIME_LAST,TCP_FLAGS,TOS,TTL,ODID,EXPORTER_IP,FLOWS," +
  "INPUT_INTERFACE,OUTPUT_INTERFACE,SRC_MASK,DST_MASK,FLOW_DIRECTION,DST_TOS,BIFLOW_DIRECTION,FLOW_END_REASON,VLAN_ID,POST_VLAN_ID,SRC_AS,DST_AS," +
  "BGP_NEXT_HOP,NEXT_HOP,MPLS_LABEL_1,MPLS_LABEL_10,SRC_MAC,DST_MAC,NEXT_AS,PREV_AS,FIREWALL_EVENT,NAT_SRC_IP,NAT_DST_IP,NAT_SRC_PORT,NAT_DST_PORT," +
  "USER_NAME,FORWARDING_STATUS,RECEIVED_TIME";

const WANTED: Row = {
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 7,
  BYTES: 5000,
  TIME_FIRST: FIRST * 1000,
  TIME_LAST: (FIRST + 1500) * 1000,
  TCP_FLAGS: 0x1b,
  TOS: 8,
};

describe("layout 2", () => {
  test.each(COMPRESSIONS)("nfreader reads all extensions, packed by %s", (compression) => {
    const path = fileOf(layout2(compression, [EVERYTHING, v3(generic(80), v4)]));
    const { rows, warned } = read(path, { fields: FIELDS });
    expect(warned).toEqual([]);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      ...WANTED,
      SRC_IP: "2001:db8::1",
      DST_IP: "2001:db8::abcd:0:0:2",
      FORWARDING_STATUS: 64,
      RECEIVED_TIME: (FIRST + 9000) * 1000,
      INPUT_INTERFACE: 7,
      OUTPUT_INTERFACE: 70_000,
      SRC_MASK: 24,
      DST_MASK: 16,
      FLOW_DIRECTION: 1,
      DST_TOS: 12,
      BIFLOW_DIRECTION: 1,
      FLOW_END_REASON: 3,
      FLOWS: 3,
      PACKETS_REV: 11,
      BYTES_REV: 2 ** 40,
      VLAN_ID: 100,
      POST_VLAN_ID: 200,
      SRC_AS: 64_512,
      DST_AS: 4_200_000_000,
      BGP_NEXT_HOP: "10.0.0.1",
      NEXT_HOP: "fe80::9",
      EXPORTER_IP: "127.0.0.1",
      MPLS_LABEL_1: 0x12_3451,
      MPLS_LABEL_10: 10,
      SRC_MAC: "02:01:02:03:04:05",
      DST_MAC: "0a:0b:0c:0d:0e:0f",
      NEXT_AS: 65_001,
      PREV_AS: 65_002,
      FIREWALL_EVENT: 2,
      NAT_SRC_IP: "203.0.113.1",
      NAT_DST_IP: "203.0.113.2",
      NAT_SRC_PORT: 1024,
      NAT_DST_PORT: 8443,
      USER_NAME: "jana",
      ODID: 77,
      TTL: 63,
    });
    expect(rows[1]).toMatchObject({
      ...WANTED,
      DST_PORT: 80,
      SRC_IP: "192.0.2.1",
      DST_IP: "198.51.100.2",
      // The engine, in place of an observation domain.
      ODID: 0x304,
      FLOWS: 1,
      USER_NAME: "",
    });
  });

  test("nfreader takes fields of an operator's mapping", () => {
    const path = fileOf(layout2("none", [EVERYTHING]));
    const settings = {
      fields: "SRC_IP,VRF,OUR_VLAN",
      mapping: "uint32 VRF e0id234;uint16 OUR_VLAN e0id58",
    };
    expect(read(path, settings).rows).toEqual([{ SRC_IP: "2001:db8::1", VRF: 0, OUR_VLAN: 100 }]);
  });

  test("nfreader reads a file that was never finished", () => {
    const bytes = layout2("lz4", [v3(generic(1), v4)]);
    const end = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(24, true);
    const cut = bytes.slice(0, Number(end));
    cut.fill(0, 24, 40);
    expect(read(fileOf(cut)).rows).toHaveLength(1);
  });
});

describe("layout 1", () => {
  const map = record(2, u16(9, 0), u16(5, 7, 13, 15, 17, 20, 22, 23, 25, 38, 39, 0));
  const labels = u32(0x12_3451, ...Array<number>(9).fill(0));
  const rest = [
    u32(7, 70_000, 64_512, 65_000),
    u16(100, 200),
    u64(11, 12),
    u64(0x0201_0203_0405n, 2n),
    labels,
    u32(0x7f00_0001),
    u8(0, 0, 3, 4),
    u16(1024, 8443),
    u32(0xcb00_7101, 0xcb00_7102),
  ];
  const times = [u16(123, 623), u32(1_700_000_000, 1_700_000_001)];
  const common = [...times, u8(64, 0x1b, 6, 8), u16(40_000, 443)];
  const newer = record(
    10,
    u16(0, 9),
    ...common,
    u16(1, 0),
    u32(0xc000_0201, 0xc633_6402, 7, 5000),
    ...rest,
  );
  const older = record(
    1,
    u8(7, 0),
    u16(9),
    ...common,
    u64(0x2001_0db8_0000_0000n, 1n, 0x2001_0db8_0000_0000n, 2n, 7, 5000),
    ...rest,
  );

  test.each(["none", "lzo", "bz2", "lz4"] as const)(
    "nfreader reads the older and the newer record, packed by %s",
    (compression) => {
      const blocks = [
        { records: [map, newer, record(7, u32(0))] },
        { records: [older], isPlain: true },
      ];
      const { rows, warned, runner } = read(fileOf(layout1(compression, blocks)), {
        fields: FIELDS,
      });
      expect(warned).toEqual([]);
      expect(runner.counters.get("records_other")).toBe(1);
      const both = {
        ...WANTED,
        INPUT_INTERFACE: 7,
        OUTPUT_INTERFACE: 70_000,
        SRC_AS: 64_512,
        DST_AS: 65_000,
        VLAN_ID: 100,
        POST_VLAN_ID: 200,
        PACKETS_REV: 11,
        BYTES_REV: 12,
        SRC_MAC: "02:01:02:03:04:05",
        MPLS_LABEL_1: 0x12_3451,
        EXPORTER_IP: "127.0.0.1",
        ODID: 0x304,
        NAT_SRC_IP: "203.0.113.1",
        NAT_DST_IP: "203.0.113.2",
        NAT_SRC_PORT: 1024,
        NAT_DST_PORT: 8443,
      };
      expect(rows).toMatchObject([
        { ...both, SRC_IP: "192.0.2.1", DST_IP: "198.51.100.2" },
        { ...both, SRC_IP: "2001:db8::1", DST_IP: "2001:db8::2" },
      ]);
    },
  );

  test("nfreader counts flows whose map has not come, and blocks of other types", () => {
    const blocks = [{ records: [newer] }, { records: [map], type: 3 }, { records: [map, newer] }];
    const { rows, runner } = read(fileOf(layout1("none", blocks)));
    expect(rows).toHaveLength(1);
    expect(runner.counters.get("records_malformed")).toBe(1);
    expect(runner.counters.get("blocks_other")).toBe(1);
  });
});

describe("options", () => {
  const flows = Array.from({ length: 40 }, (_, i) => v3(generic(i, FIRST + i * 1000), v4));
  const path = fileOf(layout2("lz4", flows));

  test("nfreader ends after as many flows as it is told", () => {
    for (const recordsMax of [0, 1, 7])
      expect(read(path, { recordsMax }).rows).toHaveLength(recordsMax);
  });

  test("nfreader sends what its filter wants", () => {
    const { rows } = read(path, { filter: "dst port > 30 and not dst port in [33 35]" });
    expect(rows.map((row) => row["DST_PORT"])).toEqual([31, 32, 34, 36, 37, 38, 39]);
  });

  test("nfreader sets link and direction", () => {
    const odd = fileOf(
      layout2("none", [v3(generic(1), v4, Buffer.concat([u16(4, 16), u32(3, 0, 0)]))]),
    );
    expect(read(odd, { link: "8000000000000001" }).rows[0]).toMatchObject({ DIR_BIT_FIELD: 0 });
    expect(read(odd, { link: "f0", direction: true }).rows[0]).toMatchObject({
      LINK_BIT_FIELD: 0xf0,
      DIR_BIT_FIELD: 1,
    });
  });

  test("nfreader lets flows end now, and take as long as they did", () => {
    const now = 1_800_000_000 * SECOND;
    expect(read(path, { timesNow: true }).rows[5]).toMatchObject({
      TIME_FIRST: now - 5 * SECOND,
      TIME_LAST: now,
    });
  });

  test("nfreader writes a dot for every 10,000 flows", () => {
    const many = fileOf(layout2("lz4", Array<Buffer>(25_000).fill(v3(generic(1), v4))));
    const { rows, printed } = read(many, { progress: true });
    expect(rows).toHaveLength(25_000);
    expect(printed.join("")).toBe("..\n");
  });

  test("nfreader sends flows in real time as far apart as they were", () => {
    const { play, rows, clock, runner } = reading({ files: path, realTime: true });
    for (let i = 1; i < 40; i++) {
      expect(play()).toBe(1000);
      expect(rows).toHaveLength(i);
      clock.set(clock.now() + SECOND);
    }
    expect(play()).toBeUndefined();
    runner.end();
    expect(rows).toHaveLength(40);
  });

  test("nfreader sends no more flows in a second than it is told", () => {
    const many = fileOf(layout2("lz4", Array<Buffer>(3000).fill(v3(generic(1), v4))));
    const { play, rows, clock } = reading({ files: many, rate: 100 });
    expect(play()).toBeGreaterThan(0);
    const before = rows.length;
    clock.set(clock.now() + SECOND);
    play();
    expect(rows.length - before).toBeWithin(99, 202);
  });

  test("nfreader reads the files of a folder one after the other, and passes over what is none of nfdump's", () => {
    const inside = join(folder, "several");
    mkdirSync(inside);
    for (const [i, name] of ["nfcapd.1", "nfcapd.2", "readme", "zlast"].entries())
      writeFileSync(
        join(inside, name),
        name === "readme" ? "hello" : layout2("none", [v3(generic(i), v4)]),
      );
    const { rows, warned, runner } = read(inside);
    expect(rows.map((row) => row["DST_PORT"])).toEqual([0, 1, 3]);
    expect(runner.counters.get("files_skipped")).toBe(1);
    expect(warned).toEqual([
      `${inside}/readme is no file of nfdump's: expected one that nfcapd, nfpcapd or \`nfdump -w\` wrote; file skipped`,
    ]);
  });

  test.each([
    [{}, "nfreader: name the files to read"],
    [{ files: "/nowhere/x" }, "nfreader: cannot read /nowhere/x: ENOENT"],
    [{ files: path, rate: 5 }, "nfreader: -r 5: expected 100 flows a second or more"],
    [{ files: path, link: "x" }, "nfreader: -l x"],
    [{ files: path, filter: "dst prt 5" }, 'filter: "prt" behind "dst": expected ip, host'],
    [{ files: path, fields: "NONSENSE" }, 'no information element is known for "NONSENSE"'],
  ])("nfreader says what is wrong with %o", (settings, message) => {
    expect(() => reading(settings)).toThrow(message);
  });

  test.each([
    ["hello, world", "is no file of nfdump's"],
    ["\xa5\x0c\x00\x02rest of it", "was written by a big-endian machine"],
    ["\x0c\xa5\x03\x00rest of it", "has layout 3, and 1 and 2 are read"],
    ["\x0c\xa5\x02\x00", "ends within its head"],
    [
      `\x0c\xa5\x02\x00${"\0".repeat(12)}\x09${"\0".repeat(30)}`,
      "packed in a way that is not known (9)",
    ],
    [`\x0c\xa5\x02\x00${"\0".repeat(13)}\x01${"\0".repeat(30)}`, "is encrypted"],
  ])("nfreader refuses %j", (text, message) => {
    expect(() => reading({ files: fileOf(Buffer.from(text, "latin1")) })).toThrow(message);
  });
});

describe("damage", () => {
  const flows = Array.from({ length: 30 }, (_, i) => v3(generic(i), v4));

  test("nfreader reads a cut file as far as it is whole, and says where it ends", () => {
    const v1 = layout1("lz4", [{ records: flows }, { records: flows }]);
    const { rows, warned } = read(fileOf(v1.subarray(0, v1.length - 5)));
    expect(rows).toHaveLength(30);
    expect(warned).toHaveLength(1);
    expect(warned[0]).toMatch(
      /\.nf: ends within a block, at byte \d+; what is behind is not read$/,
    );
  });

  test("nfreader does not take the memory that a block claims", () => {
    const bytes = layout1("none", [{ records: flows }, { records: flows }]);
    const second = 276 + 12 + flows.length * flows[0]!.length;
    bytes.writeUInt32LE(0xffff_fff0, second + 4);
    const { rows, warned } = read(fileOf(bytes));
    expect(rows).toHaveLength(30);
    expect(warned[0]).toContain("claims a block of 4294967280 bytes, the most is 5242880");
  });

  test("nfreader leaves out a block that cannot be unpacked, and goes on with the next", () => {
    const bytes = layout1("bz2", [{ records: flows }, { records: flows }]);
    bytes.fill(0xff, 300, 330);
    const { rows, runner } = read(fileOf(bytes));
    expect(rows).toHaveLength(30);
    expect(runner.counters.get("blocks_damaged")).toBe(1);
  });

  test("nfreader unpacks no more than a block may have", () => {
    const zeros = Buffer.alloc(5 << 20);
    const bomb = layout1("lz4", [{ records: [zeros, zeros] }, { records: flows }]);
    const { rows, runner } = read(fileOf(bomb));
    expect(rows).toHaveLength(30);
    expect(runner.counters.get("blocks_damaged")).toBe(1);
  });

  test.each(COMPRESSIONS)(
    "nfreader never throws on a file packed by %s that was changed",
    (compression) => {
      const whole = layout2(compression, [EVERYTHING, ...flows]);
      const change = tuple(
        integer({ min: 0, max: whole.length - 1 }),
        integer({ min: 0, max: 255 }),
      );
      assert(
        property(change, change, constantFrom(0, 1, 7), ([at, value], [at2, value2], cut) => {
          const bytes = Uint8Array.from(whole.subarray(0, whole.length - cut));
          // The head decides whether there is a file at all.
          bytes[Math.min(Math.max(40, at), bytes.length - 1)] = value;
          bytes[Math.min(Math.max(24, at2), bytes.length - 1)] = value2;
          expect(read(changed(bytes)).rows.length).toBeLessThan(100);
        }),
        { numRuns: 300 },
      );
    },
  );

  test("nfreader never throws on blocks of anything", () => {
    assert(
      property(uint8Array({ maxLength: 300 }), constantFrom(1, 2, 10, 11), (junk, type) => {
        const blocks = [
          { records: [record(type, junk), junk, record(2, junk)] },
          { records: flows },
        ];
        expect(read(changed(layout1("none", blocks))).rows.length).toBeGreaterThanOrEqual(30);
      }),
      { numRuns: 500 },
    );
  });
});

/** One file for all runs of a property. */
function changed(bytes: Uint8Array): string {
  const path = join(folder, "changed.nf");
  writeFileSync(path, bytes);
  return path;
}
