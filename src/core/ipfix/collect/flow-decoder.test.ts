// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import {
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  property,
  tuple,
  uint8Array,
} from "fast-check";
import { FlowDecoder, type FlowDecoderOptions } from "./flow-decoder.ts";
import {
  bytesOf,
  EXPORTER,
  exporterOf,
  ipfix,
  netflow5,
  netflow9,
  optionsTemplate,
  optionsTemplate9,
  SENT,
  set,
  template,
  viewOf,
} from "./testing/messages.ts";

/** Decodes, and keeps of each record `id: value value …`, in hexadecimal. */
class Decoded {
  readonly texts: string[] = [];
  readonly decoder: FlowDecoder;

  constructor(options: FlowDecoderOptions = {}) {
    this.decoder = new FlowDecoder((of, view, span) => {
      of.locate(view, span.at, span.end, span.spans);
      const values = of.fields.map((_, i) => {
        const at = view.byteOffset + span.spans[2 * i]!;
        return Buffer.from(view.buffer, at, span.spans[2 * i + 1]!).toString("hex");
      });
      this.texts.push(`${of.id}: ${values.join(" ")}`);
    }, options);
  }

  take(...messages: readonly DataView[]): this {
    for (const message of messages) this.decoder.message(message, EXPORTER);
    return this;
  }

  get counts() {
    const { counts, sequences, held } = this.decoder;
    return { ...counts, lost: sequences.lost, held: held.size, dropped: held.dropped };
  }
}

const PORTS = template(256, [
  [7, 2],
  [11, 2],
]);
const VARIABLE = 65_535;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("FlowDecoder", () => {
  test("decodes the records of a set by the template that came before it", () => {
    const decoded = new Decoded().take(
      ipfix([set(2, PORTS)]),
      ipfix([set(256, hex("0001000200030004"))]),
    );
    expect(decoded.texts).toEqual(["256: 0001 0002", "256: 0003 0004"]);
    expect(decoded.counts).toMatchObject({ messages: 2, records: 2, templates: 1, malformed: 0 });
  });

  test("takes padding behind records for what it is", () => {
    const decoded = new Decoded().take(
      ipfix([set(2, PORTS, hex("0000")), set(256, hex("00010002 000000"))]),
    );
    expect(decoded.texts).toEqual(["256: 0001 0002"]);
    expect(decoded.counts.malformed).toBe(0);
  });

  test("finds values of variable length, short and long", () => {
    const long = Buffer.alloc(300, 0xab);
    const decoded = new Decoded().take(
      ipfix([
        set(
          2,
          template(256, [
            [371, VARIABLE],
            [7, 2],
          ]),
        ),
        set(256, hex("02 6162 0001"), hex("00 0002"), hex("ff012c"), long, hex("0003")),
      ]),
    );
    expect(decoded.texts).toEqual([
      "256: 6162 0001",
      "256:  0002",
      `256: ${long.toString("hex")} 0003`,
    ]);
  });

  test.each([
    ["a length beyond the set", "05 6162"],
    ["a long length beyond the set", "ff 0102"],
    ["a value that ends the set before the next field", "02 6162 00"],
  ])("takes the records in front of one that is damaged: %s", (_, damage) => {
    const decoded = new Decoded().take(
      ipfix([
        set(
          2,
          template(256, [
            [371, VARIABLE],
            [7, 2],
          ]),
        ),
        set(256, hex("02 6162 0001"), hex(damage)),
      ]),
    );
    expect(decoded.texts).toEqual(["256: 6162 0001"]);
    expect(decoded.counts.malformed).toBe(1);
  });

  test("tells elements of enterprises from those of IANA, and in NetFlow v9 knows none", () => {
    const fields: ([number, number] | [number, number, number])[] = [
      [7, 2, 29_305],
      [7, 2],
    ];
    const decoder = new FlowDecoder(() => {});
    decoder.message(ipfix([set(2, template(256, fields))]), EXPORTER);
    decoder.message(netflow9([set(0, template(256, [[0x8007, 2]]))]), exporterOf("192.0.2.2"));
    const [first, second] = [...decoder.templates.entries()];
    expect(first?.template.fields.map(({ enterprise, number }) => [enterprise, number])).toEqual([
      [29_305, 7],
      [0, 7],
    ]);
    expect(second?.template.fields.map(({ enterprise, number }) => [enterprise, number])).toEqual([
      [0, 0x8007],
    ]);
  });

  test("keeps the templates of exporters and domains apart", () => {
    const decoded = new Decoded().take(
      ipfix([set(2, PORTS)], { domain: 1 }),
      ipfix([set(2, template(256, [[1, 4]]))], { domain: 2 }),
      ipfix([set(256, hex("00010002"))], { domain: 1 }),
      ipfix([set(256, hex("00010002"))], { domain: 2 }),
    );
    expect(decoded.texts).toEqual(["256: 0001 0002", "256: 00010002"]);
  });

  test("holds sets that come before their template, and decodes them when it comes", () => {
    const decoded = new Decoded().take(
      ipfix([set(256, hex("00010002"))], { sequence: 0 }),
      ipfix([set(256, hex("00030004"))], { sequence: 1 }),
    );
    expect(decoded.counts).toMatchObject({ records: 0, held: 2 });
    decoded.take(
      ipfix([set(2, PORTS), set(256, hex("00050006"))], { sequence: 2 }),
      ipfix([set(256, hex("00070008"))], { sequence: 3 }),
    );
    expect(decoded.texts).toEqual([
      "256: 0001 0002",
      "256: 0003 0004",
      "256: 0005 0006",
      "256: 0007 0008",
    ]);
    expect(decoded.counts).toMatchObject({ records: 4, held: 0, lost: 0 });
  });

  test("forgets a template that is withdrawn, or all of a domain", () => {
    const withdrawal = (id: number): DataView => ipfix([set(2, bytesOf([id, 2], [0, 2]))]);
    const decoded = new Decoded().take(
      ipfix([set(2, PORTS, template(257, [[1, 4]]))]),
      withdrawal(256),
    );
    expect(decoded.decoder.templates.size).toBe(1);
    expect(decoded.take(withdrawal(2)).decoder.templates.size).toBe(0);
  });

  test("takes a NetFlow v9 template without fields for padding, and not for a withdrawal", () => {
    const decoded = new Decoded().take(
      netflow9([set(0, PORTS)]),
      netflow9([set(0, bytesOf([256, 2], [0, 2]))]),
    );
    expect(decoded.decoder.templates.size).toBe(1);
  });

  test("takes a new template of an id in place of the old one", () => {
    const decoded = new Decoded().take(
      ipfix([
        set(2, PORTS),
        set(256, hex("00010002")),
        set(2, template(256, [[1, 4]])),
        set(256, hex("00010002")),
      ]),
    );
    expect(decoded.texts).toEqual(["256: 0001 0002", "256: 00010002"]);
  });

  test.each([
    [
      "IPFIX",
      ipfix([
        set(
          3,
          optionsTemplate(257, 1, [
            [149, 4],
            [34, 4],
          ]),
        ),
        set(257, hex("00000001 00000064")),
      ]),
    ],
    [
      "NetFlow v9",
      netflow9([
        set(
          1,
          optionsTemplate9(257, 1, [
            [1, 4],
            [34, 4],
          ]),
        ),
        set(257, hex("00000001 00000064")),
      ]),
    ],
  ])("counts records of options for themselves: %s", (_, message) => {
    const decoded = new Decoded().take(message);
    expect(decoded.texts).toEqual(["257: 00000001 00000064"]);
    expect(decoded.counts).toMatchObject({ records: 0, optionRecords: 1 });
  });

  test("passes a template whose fields have no length, and counts its records as damaged", () => {
    const decoded = new Decoded().take(
      ipfix([set(2, template(256, [[7, 0]])), set(256, hex("00010002"))]),
    );
    expect(decoded.texts).toEqual([]);
    expect(decoded.counts.malformed).toBe(1);
  });

  test.each([
    ["one more field than there is", set(2, bytesOf([256, 2], [3, 2]), hex("00070002 000b0002"))],
    ["an id below 256", set(2, bytesOf([255, 2], [1, 2]), hex("00070002"))],
    ["more scope fields than fields", set(3, bytesOf([256, 2], [1, 2], [2, 2]), hex("00070002"))],
    ["an enterprise number that is cut off", set(2, bytesOf([256, 2], [1, 2]), hex("80070002"))],
  ])("refuses and counts a template with %s", (_, bad) => {
    const decoded = new Decoded().take(ipfix([bad]));
    expect(decoded.decoder.templates.size).toBe(0);
    expect(decoded.counts.malformed).toBe(1);
  });

  test("takes what a set has that is longer than its message", () => {
    const decoded = new Decoded().take(ipfix([set(2, PORTS)]));
    const long = ipfix([set(256, hex("00010002 00030004"))]);
    long.setUint16(18, 400);
    expect(decoded.take(long).texts).toEqual(["256: 0001 0002", "256: 0003 0004"]);
    expect(decoded.counts.malformed).toBe(1);
  });

  test("stops at a set shorter than its head, and at zeros that fill a datagram", () => {
    const decoded = new Decoded().take(
      netflow9([set(0, PORTS), set(256, hex("00010002")), Buffer.alloc(64)]),
      netflow9([bytesOf([256, 2], [3, 2]), Buffer.alloc(8)]),
    );
    expect(decoded.texts).toEqual(["256: 0001 0002"]);
    expect(decoded.counts.malformed).toBe(1);
  });

  test("reads NetFlow v5, with sampling and engine, and of a cut one the whole records", () => {
    const record = Buffer.alloc(48);
    record.writeUInt32BE(0xc0000201, 0);
    const heads: unknown[] = [];
    const decoder = new FlowDecoder((_, view, span, head) => {
      heads.push([
        view.getUint32(span.at),
        head.domain,
        head.samplingInterval,
        head.samplingMode,
        head.bootedAt,
      ]);
    });
    const message = netflow5([record, record], {
      domain: 0x0102,
      sampling: 0x4064,
      uptime: 5000,
      sequence: 9,
    });
    decoder.message(message, EXPORTER, message.byteLength - 1);
    expect(heads).toEqual([[0xc0000201, 0x0102, 100, 1, (SENT - 5) * 1e6]]);
    expect(decoder.counts).toMatchObject({ records: 1, malformed: 1 });
    decoder.message(netflow5([record], { domain: 0x0102, sequence: 14 }), EXPORTER);
    expect(decoder.sequences.lost).toBe(3);
  });

  test("counts lost records of IPFIX and lost messages of NetFlow v9", () => {
    const data = set(256, hex("00010002 00030004"));
    const decoded = new Decoded().take(
      ipfix([set(2, PORTS), data], { sequence: 0 }),
      ipfix([data], { sequence: 2 }),
      ipfix([data], { sequence: 9 }),
    );
    expect(decoded.counts.lost).toBe(5);
    const nine = new Decoded().take(
      netflow9([set(0, PORTS), data], { sequence: 7 }),
      netflow9([data], { sequence: 10 }),
    );
    expect(nine.counts.lost).toBe(2);
  });

  test.each([
    ["nothing", viewOf()],
    ["one byte", viewOf(hex("00"))],
    ["an unknown version", viewOf(hex("0008 0001"), Buffer.alloc(40))],
    ["an IPFIX head that is cut off", viewOf(hex("000a 0010 00000000"))],
    ["an IPFIX length below its head", viewOf(hex("000a 000f"), Buffer.alloc(20))],
    ["a NetFlow v9 head that is cut off", viewOf(hex("0009 0001"), Buffer.alloc(10))],
    ["a NetFlow v5 head that is cut off", viewOf(hex("0005 0001"), Buffer.alloc(10))],
  ])("counts a message that is none: %s", (_, message) => {
    expect(new Decoded().take(message).counts).toMatchObject({
      messages: 1,
      foreign: 1,
      records: 0,
    });
  });

  test("looks at no byte behind the length it is given", () => {
    const whole = ipfix([set(2, PORTS), set(256, hex("00010002"))]);
    const decoded = new Decoded();
    decoded.decoder.message(whole, EXPORTER, whole.byteLength - 4);
    expect(decoded.texts).toEqual([]);
  });

  test("withdraws all templates of a domain once a message, however often that says so", () => {
    const { decoder } = new Decoded();
    for (let id = 256; id < 20_256; id++)
      decoder.message(ipfix([set(2, template(id, [[7, 2]]))], { domain: 1 }), EXPORTER);
    const withdrawals = Array.from({ length: 8000 }, () => bytesOf([2, 2], [0, 2]));
    const message = ipfix([set(2, ...withdrawals), set(2, PORTS)], { domain: 2 });
    decoder.message(message, EXPORTER);
    expect(decoder.templates.get(EXPORTER.name, 2, 256)).toBeDefined();
    expect(decoder.templates.size).toBe(20_001);
  });

  test("never throws for any bytes, and decodes the next good message", () => {
    const good = ipfix([set(2, PORTS), set(256, hex("00010002"))], { domain: 99 });
    const goodBytes = new Uint8Array(good.buffer);
    const mutated = tuple(
      array(tuple(integer({ min: 0, max: goodBytes.length - 1 }), integer({ min: 0, max: 255 })), {
        maxLength: 6,
      }),
    ).map(([changes]) => {
      const bytes = goodBytes.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    const versioned = tuple(constantFrom(1, 5, 7, 9, 10), uint8Array({ maxLength: 200 })).map(
      ([version, bytes]) => Uint8Array.of(0, version, ...bytes),
    );
    assert(
      property(
        array(oneof(uint8Array({ maxLength: 80 }), versioned, mutated), { maxLength: 20 }),
        (messages) => {
          const decoded = new Decoded();
          for (const bytes of messages)
            decoded.decoder.message(viewOf(bytes), exporterOf("192.0.2.66"));
          decoded.texts.length = 0;
          expect(decoded.take(good).texts).toEqual(["256: 0001 0002"]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
