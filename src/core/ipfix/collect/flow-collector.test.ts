// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { RecordWriter } from "../../unirec/writer.ts";
import { FlowCollector } from "./flow-collector.ts";
import { Mapping } from "./mapping.ts";
import {
  bytesOf,
  Collected,
  EXPORTER,
  exporterOf,
  type FieldSpec,
  ipfix,
  LAYOUT,
  netflow5,
  netflow9,
  optionsTemplate,
  optionsTemplate9,
  SENT,
  set,
  template,
} from "./testing/messages.ts";

const MICROS = SENT * 1e6;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const long = (value: number): readonly [number, number] => [value, 4];

/** One record of these fields and values, collected by IPFIX. */
function row(fields: readonly (readonly [FieldSpec, Uint8Array])[], layout: string, mapping = "") {
  const specs = fields.map(([spec]) => spec);
  const values = fields.map(([, value]) => value);
  const collected = new Collected({ layout, mapping: new Mapping(mapping) });
  return collected.take(ipfix([set(2, template(256, specs)), set(256, ...values)])).rows[0];
}

describe("FlowCollector", () => {
  test("makes a UniRec flow of a NetFlow v5 record", () => {
    const record = Buffer.concat([
      hex("c0000201 c6336407 cb007101 0001 0002"),
      bytesOf(long(3), long(4000), long(60_000), long(61_500)),
      hex("9c40 01bb 00 1b 06 10 fde8 fde9 18 10 0000"),
    ]);
    const { rows } = new Collected().take(netflow5([record], { uptime: 100_000, domain: 7 }));
    expect(rows).toMatchObject([
      {
        SRC_PORT: 40_000,
        DST_PORT: 443,
        PROTOCOL: 6,
        TCP_FLAGS: 0x1b,
        PACKETS: 3,
        BYTES: 4000,
        TIME_FIRST: MICROS - 40_000_000,
        TIME_LAST: MICROS - 38_500_000,
        ODID: 7,
      },
    ]);
    expect(
      [rows[0]?.["SRC_IP"], rows[0]?.["DST_IP"], rows[0]?.["EXPORTER_IP"]].map(String),
    ).toEqual(["192.0.2.1", "198.51.100.7", "192.0.2.1"]);
  });

  test.each([
    [150, bytesOf([SENT, 4]), MICROS],
    [152, bytesOf([SENT * 1000 + 5, 8]), MICROS + 5000],
    [154, bytesOf([SENT + 2_208_988_800, 4], [0x8000_0000, 4]), MICROS + 500_000],
    [158, bytesOf([1500, 4]), MICROS - 1500],
  ])("knows when a flow began from element %i", (number, bytes, micros) => {
    expect(row([[[number, bytes.length], bytes]], "time TIME_FIRST,time TIME_LAST")).toEqual({
      TIME_FIRST: micros,
      TIME_LAST: micros,
    });
  });

  const UPTIMES: readonly FieldSpec[] = [
    [22, 4],
    [21, 4],
  ];
  const TIMES = "time TIME_FIRST,time TIME_LAST";
  const flow = set(256, bytesOf(long(1000), long(3500)));

  test("counts IPFIX's uptime from the start that the record tells", () => {
    const record = bytesOf(long(1000), long(3500), [SENT * 1000, 8]);
    const { rows } = new Collected({ layout: TIMES }).take(
      ipfix([set(2, template(256, [...UPTIMES, [160, 8]])), set(256, record)]),
    );
    expect(rows).toEqual([{ TIME_FIRST: MICROS + 1_000_000, TIME_LAST: MICROS + 3_500_000 }]);
  });

  test("counts IPFIX's uptime from the start that options tell, and without from when it was sent", () => {
    const collected = new Collected({ layout: TIMES }).take(
      ipfix([set(2, template(256, UPTIMES)), flow]),
      ipfix([
        set(
          3,
          optionsTemplate(257, 1, [
            [149, 4],
            [160, 8],
          ]),
        ),
        set(257, bytesOf([0, 4], [SENT * 1000, 8])),
        flow,
      ]),
    );
    expect(collected.rows).toEqual([
      { TIME_FIRST: MICROS - 2_500_000, TIME_LAST: MICROS },
      { TIME_FIRST: MICROS + 1_000_000, TIME_LAST: MICROS + 3_500_000 },
    ]);
  });

  test("takes an IPFIX flow that tells of its beginning only, and not since when, for one that began when it was sent", () => {
    const { rows } = new Collected({ layout: TIMES }).take(
      ipfix([set(2, template(256, [[22, 4]])), set(256, bytesOf(long(1000)))]),
    );
    expect(rows).toEqual([{ TIME_FIRST: MICROS, TIME_LAST: MICROS }]);
  });

  test("reads NetFlow v9's uptime across its 32 bits", () => {
    const record = bytesOf(long(2 ** 32 - 1000), long(500));
    const { rows } = new Collected({ layout: TIMES }).take(
      netflow9([set(0, template(256, UPTIMES)), set(256, record)], { uptime: 1000 }),
    );
    expect(rows).toEqual([{ TIME_FIRST: MICROS - 2_000_000, TIME_LAST: MICROS - 500_000 }]);
  });

  test("takes a flow's other end from how long it took", () => {
    const took: readonly [FieldSpec, Uint8Array] = [[161, 4], bytesOf([250, 4])];
    expect(row([[[152, 8], bytesOf([SENT * 1000, 8])], took], TIMES)).toEqual({
      TIME_FIRST: MICROS,
      TIME_LAST: MICROS + 250_000,
    });
    expect(row([took], TIMES)).toEqual({ TIME_FIRST: MICROS - 250_000, TIME_LAST: MICROS });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "reads counters of %i bytes (reduced-size encoding)",
    (bytes) => {
      const value = 256 ** bytes - 1;
      const numbers = row(
        [
          [[1, bytes], bytesOf([2n ** BigInt(8 * bytes) - 1n, bytes])],
          [[2, bytes], bytesOf([2n ** BigInt(8 * bytes) - 1n, bytes])],
        ],
        "uint64 BYTES,uint32 PACKETS",
      );
      expect(numbers).toEqual({ BYTES: value, PACKETS: Math.min(value, 2 ** 32 - 1) });
    },
  );

  test("saturates counters, and takes the lower bits of flags", () => {
    expect(
      row(
        [
          [[6, 2], hex("0812")],
          [[2, 8], hex("0000000100000000")],
          [[10, 4], hex("00000003")],
        ],
        "uint8 TCP_FLAGS,uint32 PACKETS,uint8 DIR_BIT_FIELD",
      ),
    ).toEqual({ TCP_FLAGS: 0x12, PACKETS: 2 ** 32 - 1, DIR_BIT_FIELD: 1 });
  });

  test("keeps the sign of short numbers, and reads floats of both sizes", () => {
    expect(
      row(
        [
          [[1, 2, 9], hex("fffe")],
          [[2, 4, 9], hex("3fc00000")],
          [[3, 8, 9], hex("bff8000000000000")],
        ],
        "int64 A,double B,float C",
        "int64 A e9id1;double B e9id2;float C e9id3",
      ),
    ).toEqual({ A: -2, B: 1.5, C: -1.5 });
  });

  test("takes the other direction of a biflow (RFC 5103)", () => {
    expect(
      row(
        [
          [[1, 8], bytesOf([10, 8])],
          [[1, 8, 29_305], bytesOf([20, 8])],
          [[6, 1, 29_305], hex("12")],
        ],
        "uint64 BYTES,uint64 BYTES_REV,uint8 TCP_FLAGS_REV",
      ),
    ).toEqual({ BYTES: 10, BYTES_REV: 20, TCP_FLAGS_REV: 0x12 });
  });

  test("takes of IPv4 and IPv6 addresses the one that is there", () => {
    const six = hex("20010db8000000000000000000000001");
    const addresses = (four: string, other: Uint8Array) =>
      String(
        row(
          [
            [[8, 4], hex(four)],
            [[27, 16], other],
          ],
          "ipaddr SRC_IP",
        )?.["SRC_IP"],
      );
    expect(addresses("c0000201", Buffer.alloc(16))).toBe("192.0.2.1");
    expect(addresses("00000000", six)).toBe("2001:db8::1");
    expect(String(row([[[8, 4], hex("00000000")]], "ipaddr SRC_IP")?.["SRC_IP"])).toBe("0.0.0.0");
  });

  test("takes the ICMP type where ports are zero", () => {
    const ports = (port: string) =>
      row(
        [
          [[11, 2], hex(port)],
          [[32, 2], hex("0303")],
        ],
        "uint16 DST_PORT",
      );
    expect(ports("0000")).toEqual({ DST_PORT: 0x0303 });
    expect(
      row(
        [
          [[11, 2], hex("0050")],
          [[32, 2], hex("0000")],
        ],
        "uint16 DST_PORT",
      ),
    ).toEqual({ DST_PORT: 80 });
  });

  test("reads strings up to their padding, bytes as they are, and MAC addresses", () => {
    const fields = row(
      [
        [[1, 8, 39_499], Buffer.from("ab\0\0\0\0\0\0")],
        [[95, 3], hex("0d0001")],
        [[56, 6], hex("02000000000a")],
      ],
      "string HTTP_REQUEST_HOST,bytes APP_ID,macaddr SRC_MAC",
    );
    expect(fields).toMatchObject({
      HTTP_REQUEST_HOST: "ab",
      SRC_MAC: "02:00:00:00:00:0a",
      APP_ID: Uint8Array.of(13, 0, 1),
    });
  });

  test("finds among basicLists (RFC 6313) the one of a field's element", () => {
    const list = (number: number, size: number, items: string): Buffer =>
      Buffer.concat([hex("03"), bytesOf([number | 0x8000, 2], [size, 2], [8057, 4]), hex(items)]);
    const [lengths, directions] = [list(1013, 2, "0040 05dc"), list(1016, 1, "01 ff")];
    const lists = [directions, lengths].map((bytes) =>
      Buffer.concat([bytesOf([bytes.length, 1]), bytes]),
    );
    expect(
      row(
        [
          [[291, 65_535], lists[0]!],
          [[291, 65_535], lists[1]!],
        ],
        "uint16* PPI_PKT_LENGTHS,int8* PPI_PKT_DIRECTIONS",
      ),
    ).toEqual({ PPI_PKT_LENGTHS: [64, 1500], PPI_PKT_DIRECTIONS: [1, -1] } as never);
  });

  test("has the link by its observation domain", () => {
    const link = (domain: number) =>
      new Collected({ layout: "uint64 LINK_BIT_FIELD" }).take(
        ipfix([set(2, template(256, [[1, 4]])), set(256, bytesOf(long(1)))], { domain }),
      ).rows[0]?.["LINK_BIT_FIELD"];
    expect([link(0), link(33), link(70)]).toEqual([1, 2 ** 33, 64]);
  });

  test("keeps all fields of a record as they came where the layout asks for it", () => {
    expect(
      row(
        [
          [[7, 2], hex("0050")],
          [[12_234, 3, 9], hex("00aaff")],
        ],
        "uint16 SRC_PORT,string RAW_FIELDS",
      ),
    ).toEqual({
      SRC_PORT: 80,
      RAW_FIELDS: "e0id7=0050 e9id12234=00aaff",
    });
  });

  test("drops no flow for what it does not know", () => {
    expect(row([[[999, 7, 4711], Buffer.alloc(7)]], "uint16 SRC_PORT,string TLS_SNI")).toEqual({
      SRC_PORT: 0,
      TLS_SNI: "",
    });
  });

  test("reads the same when a plan has become code", () => {
    const fields: FieldSpec[] = [
      [8, 4],
      [27, 16],
      [7, 2],
      [11, 2],
      [4, 1],
      [6, 2],
      [2, 8],
      [1, 8],
      [152, 8],
      [153, 8],
    ];
    const record = Buffer.concat([
      hex("c0000201"),
      Buffer.alloc(16),
      hex("9c40 01bb 06 0812 0000000000000003 0000000100000001"),
      bytesOf([SENT * 1000 + 1, 8], [SENT * 1000 + 2, 8]),
    ]);
    const lists = new Collected().take(ipfix([set(2, template(256, fields))]));
    for (let i = 0; i < 200; i++) lists.take(ipfix([set(256, ...Array(10).fill(record))]));
    const { rows } = lists;
    expect(rows).toHaveLength(2000);
    for (const each of rows) expect(each).toEqual(rows[0]!);
    expect(rows[1999]).toMatchObject({
      PACKETS: 3,
      BYTES: 2 ** 32 + 1,
      TCP_FLAGS: 0x12,
      TIME_FIRST: MICROS + 1000,
    });
  });
});

describe("FlowCollector and sampling:", () => {
  const COUNTERS = "uint32 PACKETS,uint64 BYTES";
  const flows = template(256, [
    [2, 4],
    [1, 4],
    [48, 1],
  ]);
  const flow = (sampler: number): Buffer => set(256, bytesOf(long(3), long(400), [sampler, 1]));
  const samplers = (...pairs: readonly (readonly [number, number])[]): DataView =>
    netflow9([
      set(
        1,
        optionsTemplate9(257, 1, [
          [1, 4],
          [48, 1],
          [50, 4],
        ]),
      ),
      set(257, ...pairs.map(([id, interval]) => bytesOf(long(0), [id, 1], [interval, 4]))),
    ]);

  test("scales the flows of a sampler by what options say of it", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow9([set(0, flows), flow(1)]),
      samplers([1, 100], [2, 10]),
      netflow9([flow(1), flow(2), flow(3)]),
    );
    expect(rows.map(({ PACKETS, BYTES }) => [PACKETS, BYTES])).toEqual([
      [3, 400],
      [300, 40_000],
      [30, 4000],
      [3, 400],
    ]);
  });

  test("scales nothing where it is told not to", () => {
    const { rows } = new Collected({ layout: COUNTERS, scale: false }).take(
      samplers([1, 100]),
      netflow9([set(0, flows), flow(1)]),
    );
    expect(rows).toEqual([{ PACKETS: 3, BYTES: 400 }]);
  });

  test.each([
    ["each so many packets", [[34, 4]], [[64, 4]], 64],
    [
      "packets taken and left out",
      [
        [305, 4],
        [306, 4],
      ],
      [
        [1, 4],
        [63, 4],
      ],
      64,
    ],
    [
      "a sample of a population",
      [
        [309, 4],
        [310, 4],
      ],
      [
        [2, 4],
        [128, 4],
      ],
      64,
    ],
    ["a probability", [[311, 8]], [[0x3f90_0000_0000_0000n, 8]], 64],
    ["nonsense", [[34, 4]], [[0, 4]], 1],
  ] as const)("knows sampling by %s", (_, fields, values, factor) => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      ipfix([
        set(3, optionsTemplate(257, 1, [[149, 4], ...fields])),
        set(257, bytesOf([0, 4], ...values)),
        set(
          2,
          template(256, [
            [2, 4],
            [1, 4],
          ]),
        ),
        set(256, bytesOf(long(3), long(400))),
      ]),
    );
    expect(rows).toEqual([{ PACKETS: 3 * factor, BYTES: 400 * factor }]);
  });

  test("takes the interval that a record has itself before that of options", () => {
    const record = (interval: number): Buffer =>
      set(256, bytesOf(long(3), long(400), long(interval)));
    const { rows } = new Collected({ layout: COUNTERS }).take(
      ipfix([
        set(
          3,
          optionsTemplate(257, 1, [
            [149, 4],
            [34, 4],
          ]),
        ),
        set(257, bytesOf([0, 4], [10, 4])),
        set(
          2,
          template(256, [
            [2, 4],
            [1, 4],
            [34, 4],
          ]),
        ),
        record(2),
        record(0),
      ]),
    );
    expect(rows.map(({ PACKETS }) => PACKETS)).toEqual([6, 30]);
  });

  test("takes NetFlow v5's interval from its head", () => {
    const record = Buffer.alloc(48);
    record.writeUInt32BE(7, 16);
    const { rows } = new Collected({ layout: COUNTERS }).take(
      netflow5([record], { sampling: 0x4000 | 512 }),
    );
    expect(rows).toEqual([{ PACKETS: 7 * 512, BYTES: 0 }]);
  });

  test("does not let packets overflow", () => {
    const { rows } = new Collected({ layout: COUNTERS }).take(
      samplers([1, 0xffff_ffff]),
      netflow9([set(0, flows), flow(1)]),
    );
    expect(rows).toEqual([{ PACKETS: 2 ** 32 - 1, BYTES: 400 * (2 ** 32 - 1) }]);
  });
});

test("FlowCollector decodes all of a good exporter beside one that announces 500,000 templates", () => {
  const record = new RecordWriter(LAYOUT);
  let flows = 0;
  const collector = new FlowCollector({ record, push: () => flows++ });
  const good = exporterOf("198.51.100.1");
  const fields: FieldSpec[] = Array.from({ length: 20 }, (_, i) => [i + 1, 4]);
  collector.message(ipfix([set(2, template(256, [[7, 2]]))]), good);
  const data = ipfix([set(256, hex("0050"))]);
  // Fifty templates a message, of 1,000 source ids in turn.
  const flood = netflow9([set(0, ...Array.from({ length: 50 }, () => template(256, fields)))]);
  for (let i = 0; i < 10_000; i++) {
    flood.setUint32(16, i % 1000);
    for (let k = 0; k < 50; k++)
      flood.setUint16(24 + k * 84, 256 + Math.floor(i / 1000) + k * 1000);
    collector.message(flood, EXPORTER);
    collector.message(data, good);
  }
  const { counts, templates } = collector.decoder;
  expect(flows).toBe(10_000);
  expect(counts).toMatchObject({ records: 10_000, templates: 500_001, malformed: 0 });
  expect(templates.size + templates.evicted).toBe(500_001);
  expect(templates.evicted).toBeGreaterThan(450_000);
}, 60_000);
