// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, tuple, uint8Array } from "fast-check";
import { ElementTypes } from "./element-types.ts";
import { FlowDecoder } from "./flow-decoder.ts";
import { Mapping } from "./mapping.ts";
import {
  bytesOf,
  Collected,
  exporterOf,
  type FieldSpec,
  ipfix,
  optionsTemplate,
  set,
  subList,
  template,
  variable,
} from "./testing/messages.ts";

const VARIABLE = 65_535;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
/** What RFC 5610 section 3.9 has in its template, of which we look at five. */
const FIELDS: readonly FieldSpec[] = [
  [346, 4],
  [303, 2],
  [339, 1],
  [344, 1],
  [341, VARIABLE],
];
const TELLS = set(3, optionsTemplate(500, 2, FIELDS));
interface Told {
  readonly enterprise?: number;
  readonly number: number;
  readonly type?: number;
  readonly semantics?: number;
  readonly name: string;
}
const tells = (...elements: readonly Told[]): DataView =>
  ipfix([
    TELLS,
    set(
      500,
      ...elements.map(({ enterprise = 9, number, type = 0, semantics = 0, name }) =>
        Buffer.concat([
          bytesOf([enterprise, 4], [number, 2], [type, 1], [semantics, 1]),
          variable(Buffer.from(name)),
        ]),
      ),
    ),
  ]);

/** What is learned of messages of an exporter. */
function learner() {
  const types = new ElementTypes();
  const news: boolean[] = [];
  const decoder = new FlowDecoder((of, view, span, head) => {
    if (of.isFixed) of.locate(view, span.at, span.end, span.spans);
    news.push(types.learn(of, view, span, head));
  });
  const take = (message: DataView, from = "192.0.2.1"): void =>
    decoder.message(message, exporterOf(from));
  return { types, news, take };
}

describe("ElementTypes", () => {
  test("keeps what each exporter tells of elements of enterprises", () => {
    const { types, take } = learner();
    take(
      tells({ number: 1, type: 3, semantics: 4, name: "appId" }, { number: 2, name: "appName" }),
    );
    take(tells({ number: 1, type: 13, name: "other" }), "192.0.2.2");
    const one = types.of("192.0.2.1")!;
    expect(one.get(9, 1)).toEqual({ number: 1, name: "appId", type: 3, semantics: 4 });
    expect(one.named(9, "appName")?.number).toBe(2);
    expect(one.named(10, "appName")).toBeUndefined();
    expect(types.of("192.0.2.2")!.get(9, 1)?.name).toBe("other");
    expect(types.of("192.0.2.3")).toBeUndefined();
  });

  test("says what is news, and what was told before", () => {
    const { news, take, types } = learner();
    take(tells({ number: 1, type: 3, name: "a" }, { number: 1, type: 3, name: "a" }));
    take(tells({ number: 1, type: 3, name: "b" }, { number: 1, type: 4, name: "b" }));
    expect(news).toEqual([true, false, true, true]);
    expect(types.of("192.0.2.1")!.named(9, "a")).toBeUndefined();
  });

  test("takes the last of several elements of one name, and forgets no other's name with it", () => {
    const { types, take } = learner();
    take(tells({ number: 1, name: "a" }, { number: 2, name: "a" }, { number: 1, name: "b" }));
    const told = types.of("192.0.2.1")!;
    expect([told.named(9, "a")?.number, told.named(9, "b")?.number, told.size]).toEqual([2, 1, 2]);
  });

  test("takes an enterprise's number with the bit that templates have", () => {
    const { types, take } = learner();
    take(tells({ number: 0x8007, name: "a" }));
    expect(types.of("192.0.2.1")!.get(9, 7)?.name).toBe("a");
  });

  test.each([
    ["of IANA", { enterprise: 0, number: 8, name: "mine" }],
    ["of IANA's other direction", { enterprise: 29_305, number: 1, name: "mine" }],
    ["without number", { number: 0, name: "mine" }],
  ])("takes nothing that is told of an element %s", (_, element) => {
    const { types, take } = learner();
    take(tells(element));
    expect(types.size).toBe(0);
  });

  test.each(["", "e 1", "a=b", "a;b", "a/b", "a,b", "\u001b[2J", "ä", "1a", "a:b", "a".repeat(65)])(
    "keeps the type but not the name of an element that is told to be %j",
    (name) => {
      const { types, take } = learner();
      take(tells({ number: 1, type: 3, name }));
      expect(types.of("192.0.2.1")!.get(9, 1)).toMatchObject({ name: "", type: 3 });
    },
  );

  test("puts together what several records tell, and takes names that zeros pad", () => {
    const { types, take } = learner();
    take(
      ipfix([
        set(3, optionsTemplate(501, 2, [...FIELDS.slice(0, 3)])),
        set(501, hex("00000009 0001 03")),
        set(3, optionsTemplate(502, 2, [...FIELDS.slice(0, 2), [341, 8]])),
        set(502, hex("00000009 0001"), Buffer.from("appId\0\0\0")),
      ]),
    );
    expect(types.of("192.0.2.1")!.get(9, 1)).toMatchObject({ name: "appId", type: 3 });
  });

  test("keeps 65,536 elements, and who tells without end loses his own", () => {
    const { types, take } = learner();
    take(tells({ number: 1, name: "good" }), "198.51.100.1");
    for (let enterprise = 10; enterprise < 14; enterprise++)
      for (let from = 1; from < 20_000; from += 1000)
        take(
          tells(
            ...Array.from({ length: 1000 }, (_, i) => ({
              enterprise,
              number: from + i,
              name: "n",
            })),
          ),
        );
    expect(types.size).toBe(65_536);
    expect(types.of("192.0.2.1")!.size).toBe(65_535);
    expect(types.of("198.51.100.1")!.named(9, "good")?.number).toBe(1);
    expect(types.of("192.0.2.1")!.get(10, 1)).toBeUndefined();
  });

  test("keeps what 4,096 exporters told", () => {
    const { types, take } = learner();
    const message = tells({ number: 1, name: "a" });
    for (let i = 0; i < 4100; i++) take(message, `10.0.${i >> 8}.${i & 255}`);
    expect([types.size, types.of("10.0.0.3"), types.of("10.0.0.4")?.size]).toEqual([
      4096,
      undefined,
      1,
    ]);
  });

  test("never throws for records of options with any bytes in any lengths", () => {
    const field = tuple(integer({ min: 0, max: 4 }), integer({ min: 0, max: 12 }));
    assert(
      property(
        array(field, { minLength: 1, maxLength: 8 }),
        uint8Array({ maxLength: 120 }),
        (fields, bytes) => {
          const specs = fields.map(([i, length]): FieldSpec => [FIELDS[i]![0], length]);
          learner().take(ipfix([set(3, optionsTemplate(500, 1, specs)), set(500, bytes)]));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("FlowCollector and names that exporters tell:", () => {
  const FLOWS = set(
    2,
    template(256, [
      [5, 2, 9],
      [6, 4, 9],
      [292, VARIABLE],
    ]),
    template(300, [[5, 2, 9]]),
  );
  const flow = ipfix([
    set(256, hex("0102 695b8250"), variable(subList(300, hex("0003"), hex("0004")))),
  ]);
  const collected = (layout: string, mapping: string) =>
    new Collected({ layout, mapping: new Mapping(mapping) });

  test("takes the element that its exporter calls so, from the message behind the one that tells", () => {
    const { rows } = collected(
      "uint16 APP,uint16* APPS",
      "uint16 APP e9:app;uint16* APPS e0id292/e9:app",
    ).take(
      ipfix([FLOWS]),
      flow,
      tells({ number: 5, type: 2, name: "app" }),
      flow,
      tells({ number: 5, type: 2, name: "else" }),
      flow,
      tells({ enterprise: 10, number: 5, type: 2, name: "app" }),
      flow,
    );
    expect(rows).toEqual([
      { APP: 0, APPS: [] },
      { APP: 0x0102, APPS: [3, 4] },
      { APP: 0, APPS: [] },
      { APP: 0, APPS: [] },
    ] as never);
  });

  test("reads it by the type and the semantics that were told", () => {
    const layout = "time WHEN,uint8 APP";
    const mapping = "time WHEN e9:when;uint8 APP e9:app";
    const { rows } = collected(layout, mapping).take(
      ipfix([FLOWS]),
      tells(
        { number: 6, type: 14, name: "when" },
        { number: 5, type: 2, semantics: 1, name: "app" },
      ),
      flow,
      tells({ number: 5, type: 2, semantics: 4, name: "app" }),
      flow,
    );
    const WHEN = 0x695b_8250 * 1e6;
    expect(rows).toEqual([
      { WHEN, APP: 255 },
      { WHEN, APP: 2 },
    ]);
  });

  test("stays with what an operator says by number, whatever an exporter calls its own", () => {
    const { rows } = collected("uint16 SRC_PORT,uint16 APP", "uint16 APP e9id5").take(
      ipfix([FLOWS]),
      tells(
        { enterprise: 0, number: 7, name: "sourceTransportPort" },
        { number: 6, name: "e9id5" },
      ),
      tells({ number: 5, type: 13, name: "sourceTransportPort" }),
      flow,
    );
    expect(rows).toEqual([{ SRC_PORT: 0, APP: 0x0102 }]);
  });
});
