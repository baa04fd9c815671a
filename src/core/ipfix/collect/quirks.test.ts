// SPDX-License-Identifier: BSD-3-Clause
/** What exporters do that no document says, or that two of them say differently: the list in docs/collectors.md. @module */
import { describe, expect, test } from "bun:test";
import { Mapping } from "./mapping.ts";
import {
  bytesOf,
  Collected,
  type FieldSpec,
  ipfix,
  multiList,
  netflow5,
  netflow9,
  optionsTemplate,
  optionsTemplate9,
  SENT,
  set,
  template,
  variable,
  viewOf,
} from "./testing/messages.ts";

const MICROS = SENT * 1e6;
const COUNTERS = "uint32 PACKETS,uint64 BYTES";
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const words = (...values: readonly number[]): Buffer =>
  bytesOf(...values.map((value): [number, number] => [value, 4]));

/** Packets and bytes, and what else a test looks at. */
const counted = (...fields: readonly FieldSpec[]): Buffer =>
  template(256, [[2, 4], [1, 4], ...fields]);

describe("Juniper:", () => {
  test("counters of an SRX are totals", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      ipfix([
        set(
          2,
          template(256, [
            [86, 8],
            [85, 8],
          ]),
        ),
        set(256, bytesOf([3, 8], [400, 8])),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3, BYTES: 400 }]);
  });

  test("options of v9 have a scope without bytes", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(
          1,
          optionsTemplate9(512, 1, [
            [1, 0],
            [34, 4],
            [35, 1],
          ]),
          hex("0000"),
        ),
        set(512, words(100), hex("02 000000")),
        set(0, counted()),
        set(256, words(3, 400)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 300, BYTES: 40_000 }]);
  });

  test("options of IPFIX tell the interval of the exporting process, beside much else", () => {
    const { rows, collector } = new Collected({ layout: COUNTERS }).take(
      ipfix([
        set(
          3,
          optionsTemplate(512, 1, [
            [144, 4],
            [41, 8],
            [42, 8],
            [160, 8],
            [130, 4],
            [34, 4],
            [36, 2],
            [215, 1],
          ]),
        ),
        set(
          512,
          words(1),
          bytesOf([7, 8], [9, 8], [SENT * 1000, 8]),
          words(0xc0000201, 1000),
          hex("003c 11"),
        ),
        set(2, counted()),
        set(256, words(3, 400)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3000, BYTES: 400_000 }]);
    expect(collector.decoder.counts.malformed).toBe(0);
  });

  test("flows end a little after the uptime that their message was sent at", () => {
    const { rows } = new Collected({ layout: "time TIME_FIRST,time TIME_LAST" }).take(
      netflow9(
        [
          set(
            0,
            template(256, [
              [22, 4],
              [21, 4],
            ]),
          ),
          set(256, words(66_884_992, 66_892_160)),
        ],
        { uptime: 66_892_000 },
      ),
    );
    expect(rows).toEqual([{ TIME_FIRST: MICROS - 7_008_000, TIME_LAST: MICROS + 160_000 }]);
  });

  test("sections of packets of inline monitoring are flows of which nobody knows the addresses", () => {
    const { rows } = new Collected({ layout: "ipaddr SRC_IP,uint32 ODID,string RAW_FIELDS" }).take(
      ipfix(
        [
          set(
            2,
            template(256, [
              [10, 4],
              [315, 65_535],
            ]),
          ),
          set(256, words(7), hex("03 020000")),
        ],
        { domain: 5 },
      ),
    );
    expect(rows).toMatchObject([{ ODID: 5, RAW_FIELDS: "e0id10=00000007 e0id315=020000" }]);
  });
});

describe("Huawei and H3C NetStream:", () => {
  test("v5 of a sampling router has an interval of zero: flows count as they came", () => {
    const record = Buffer.alloc(48);
    record.writeUInt32BE(7, 16);
    record.writeUInt32BE(700, 20);
    const { rows } = new Collected({ layout: COUNTERS }).take(netflow5([record], { sampling: 0 }));
    expect(rows).toEqual([{ PACKETS: 7, BYTES: 700 }]);
  });

  test.each([
    ["34 and 35", [34, 4], [35, 1], hex("000003e8 02")],
    ["50 and 49, and a plain interval of zero", [50, 4], [34, 4], words(1000, 0)],
    ["a plain interval, and a random one of zero", [50, 4], [34, 4], words(0, 1000)],
  ] as const)("the interval is in each flow of v9, in elements %s", (_, one, two, values) => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([set(0, counted(one, two)), set(256, words(3, 400), values)]),
    );
    expect(rows).toEqual([{ PACKETS: 3000, BYTES: 400_000 }]);
  });

  test("the interval is in options of v9 of the whole router, in elements 48, 49 and 50", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(
          1,
          optionsTemplate9(257, 1, [
            [1, 4],
            [48, 1],
            [49, 1],
            [50, 2],
          ]),
          hex("0000"),
        ),
        set(257, words(0), hex("01 02 03e8")),
        set(0, counted([48, 1])),
        set(256, words(3, 400), hex("01"), words(3, 400), hex("02"), hex("00")),
      ]),
    );
    expect(rows.map(({ PACKETS }) => PACKETS)).toEqual([3000, 3]);
  });

  test("elements of v9 above 32767 are elements like others, without enterprise", () => {
    const { rows, collector } = new Collected({ layout: `${COUNTERS},string RAW_FIELDS` }).take(
      netflow9([
        set(
          0,
          template(256, [
            [0x8001, 2],
            [2, 4],
            [0xfff0, 4],
            [1, 4],
          ]),
        ),
        set(256, hex("0001"), words(3, 0xffffffff, 400)),
      ]),
    );
    expect(rows).toEqual([
      {
        PACKETS: 3,
        BYTES: 400,
        RAW_FIELDS: "e0id32769=0001 e0id2=00000003 e0id65520=ffffffff e0id1=00000190",
      },
    ]);
    expect(collector.decoder.counts.malformed).toBe(0);
  });

  test("v9 has values of variable length, which it knows nothing of", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(
          0,
          template(256, [
            [2, 4],
            [96, 65_535],
            [1, 4],
          ]),
        ),
        set(256, words(3), hex("03 616263"), words(400), words(4), hex("00"), words(500)),
      ]),
    );
    expect(rows).toEqual([
      { PACKETS: 3, BYTES: 400 },
      { PACKETS: 4, BYTES: 500 },
    ]);
  });

  test.each(["", "00", "ff", "000000", "ffffff", "00000000000000"])(
    "the next set comes behind padding of any bytes, or of none: %j",
    (padding) => {
      const { rows, collector } = new Collected({ layout: COUNTERS }).take(
        netflow9([
          set(0, counted()),
          set(256, words(3, 400), hex(padding)),
          set(256, words(4, 500)),
        ]),
      );
      expect(rows.map(({ PACKETS }) => PACKETS)).toEqual([3, 4]);
      expect(collector.decoder.counts.malformed).toBe(0);
    },
  );
});

describe("Aggregations of NetFlow v8, JFlow and NetStream:", () => {
  test("no flow is made of them, and they are counted", () => {
    const aggregation = viewOf(bytesOf([8, 2], [1, 2]), Buffer.alloc(24 + 28));
    const { rows, collector } = new Collected().take(aggregation, aggregation);
    expect(rows).toEqual([]);
    expect(collector.decoder.counts).toMatchObject({ messages: 2, foreign: 2 });
  });
});

describe("Cisco:", () => {
  test("an ASA has bytes and packets of both sides, and the time of its event", () => {
    const { rows } = new Collected({
      layout: `${COUNTERS},uint64 BYTES_REV,uint32 PACKETS_REV,time TIME_FIRST,time TIME_LAST`,
    }).take(
      netflow9([
        set(
          0,
          template(263, [
            [231, 4],
            [232, 4],
            [298, 4],
            [299, 4],
            [152, 8],
            [323, 8],
          ]),
        ),
        set(263, words(2032, 462_842, 178, 672), bytesOf([SENT * 1000, 8], [SENT * 1000 + 9, 8])),
      ]),
    );
    expect(rows).toMatchObject([
      { BYTES: 2032, BYTES_REV: 462_842, PACKETS: 178, PACKETS_REV: 672, TIME_FIRST: MICROS },
    ]);
  });

  test("samplers are told in another source id than the flows that name them", () => {
    const samplers = netflow9(
      [
        set(
          1,
          optionsTemplate9(257, 1, [
            [1, 4],
            [48, 4],
            [50, 4],
          ]),
        ),
        set(257, words(0, 1, 100)),
      ],
      { domain: 6 },
    );
    const { rows } = new Collected({ layout: COUNTERS }).take(
      samplers,
      netflow9([set(0, counted([48, 4])), set(256, words(3, 400, 1), words(3, 400, 2))]),
      netflow9([set(0, template(258, [[2, 4]])), set(258, words(3))]),
    );
    expect(rows.map(({ PACKETS }) => PACKETS)).toEqual([300, 3, 3]);
  });

  test("the number of records in v9's head is of whatever the exporter counts", () => {
    for (const count of [0, 1, 999]) {
      const message = netflow9([set(0, counted()), set(256, words(3, 400, 4, 500))]);
      message.setUint16(2, count);
      const { rows, collector } = new Collected({ layout: COUNTERS }).take(message);
      expect(rows).toHaveLength(2);
      expect(collector.decoder.counts.malformed).toBe(0);
    }
  });

  test("more padding than three bytes is padding as long as no record fits", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(0, counted([210, 20])),
        set(256, words(3, 400), Buffer.alloc(20), Buffer.alloc(24)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3, BYTES: 400 }]);
  });
});

describe("Others:", () => {
  test.each([
    [
      "with what is left out between them (Nokia, softflowd)",
      [
        [305, 4],
        [306, 4],
      ],
      [1, 9999],
      10_000,
    ],
    ["alone (Cisco IOS XR)", [[305, 4]], [512], 512],
    [
      "beside a sample of a population (Cisco IOS XR)",
      [
        [305, 4],
        [309, 4],
        [310, 4],
      ],
      [1, 1, 256],
      256,
    ],
    ["alone, of none", [[305, 4]], [0], 1],
  ] as const)("packets taken in a row are told %s", (_, fields, values, factor) => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      ipfix([
        set(3, optionsTemplate(257, 1, [[149, 4], ...fields])),
        set(257, words(0, ...values)),
        set(2, counted()),
        set(256, words(3, 400)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3 * factor, BYTES: 400 * factor }]);
  });

  test("options that name applications are no samplers (FortiGate, Palo Alto)", () => {
    const { rows, collector } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(
          1,
          optionsTemplate9(258, 1, [
            [1, 4],
            [95, 9],
            [96, 12],
          ]),
          hex("0000"),
        ),
        set(258, words(0), hex("14000030440000001f"), Buffer.from("web.browsing")),
        set(0, counted()),
        set(256, words(3, 400)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3, BYTES: 400 }]);
    expect(collector.decoder.counts).toMatchObject({ optionRecords: 1, malformed: 0 });
  });

  test("a template of options without options does not hide the sets behind it (nProbe)", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([
        set(1, bytesOf([259, 2], [0, 2], [0, 2]), hex("0000")),
        set(1, optionsTemplate9(260, 1, [[1, 4]])),
        set(0, counted()),
        set(256, words(3, 400)),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3, BYTES: 400 }]);
  });

  test("sequence numbers that count templates too lose no flow, but look as if (nProbe Cento)", () => {
    const data = set(256, words(3, 400));
    const { rows, collector } = new Collected({ layout: COUNTERS }).take(
      ipfix([set(2, counted()), data], { sequence: 0 }),
      ipfix([data], { sequence: 2 }),
    );
    expect([rows.length, collector.decoder.sequences.lost]).toEqual([2, 1]);
  });

  test("TCP flags in elements of the exporter's own, some in lists, come by a mapping (YAF)", () => {
    const flags = "uint8 TCP_FLAGS e6871id14,e0id293/e6871id14";
    const collected = new Collected({ layout: "uint8 TCP_FLAGS", mapping: new Mapping(flags) });
    const { rows } = collected.take(
      ipfix([
        set(2, template(300, [[14, 1, 6871]]), template(256, [[293, 65_535]])),
        set(2, template(257, [[14, 1, 6871]])),
        set(256, variable(multiList([300, hex("02")]))),
        set(257, hex("12")),
      ]),
    );
    expect(rows).toEqual([{ TCP_FLAGS: 2 }, { TCP_FLAGS: 0x12 }]);
  });

  test("sequence numbers that never grow lose no flow", () => {
    const data = set(256, words(3, 400));
    const collected = new Collected({ layout: COUNTERS }).take(ipfix([set(2, counted()), data]));
    for (let i = 0; i < 10; i++) collected.take(ipfix([data]));
    expect(collected.rows).toHaveLength(11);
    expect(collected.collector.decoder.sequences.lost).toBe(0);
  });
});
