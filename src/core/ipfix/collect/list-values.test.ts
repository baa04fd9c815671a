// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, tuple } from "fast-check";
import { Mapping } from "./mapping.ts";
import {
  basicList,
  bytesOf,
  Collected,
  type FieldSpec,
  ipfix,
  multiList,
  SENT,
  set,
  subList,
  template,
  variable,
} from "./testing/messages.ts";

const VARIABLE = 65_535;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
/** Templates that the lists of these tests are of. */
const NESTED = set(
  2,
  template(300, [
    [8, 4],
    [1, 4, 9],
  ]),
  template(301, [
    [2, VARIABLE, 9],
    [292, VARIABLE],
  ]),
);

/** What a record of these fields and values becomes. */
function collect(
  fields: readonly (readonly [FieldSpec, Uint8Array])[],
  layout: string,
  mapping: string,
) {
  const collected = new Collected({ layout, mapping: new Mapping(mapping) }).take(
    ipfix([
      NESTED,
      set(
        2,
        template(
          256,
          fields.map(([spec]) => spec),
        ),
      ),
    ]),
    ipfix([set(256, ...fields.map(([, value]) => value))]),
  );
  const { counts, held } = collected.collector.decoder;
  return { row: collected.rows[0], malformed: counts.malformed, missing: held.dropped };
}
const LIST_FIELD: Readonly<Record<number, FieldSpec>> = {
  291: [291, VARIABLE],
  292: [292, VARIABLE],
  293: [293, VARIABLE],
};
const listField = (number: number, bytes: Uint8Array) =>
  [LIST_FIELD[number]!, variable(bytes)] as const;

const HOSTS = subList(300, hex("c0000201 00000007"), hex("c0000202 00000009"));

describe("FlowCollector and lists:", () => {
  test("takes an element's values of nested records into a list, or the first into a field of its own", () => {
    const { row, malformed } = collect(
      [listField(292, HOSTS), [[7, 2], hex("0050")]],
      "ipaddr* HOSTS,uint32* SIZES,uint16 SRC_PORT,uint32 SIZE,ipaddr HOST,bytes RAW",
      "ipaddr* HOSTS e0id292/e0id8;uint32* SIZES e0id292/e9id1;uint32 SIZE e0id292/e9id1;ipaddr HOST e0id292/e0id8;bytes RAW e0id292/e9id1",
    );
    expect(row).toMatchObject({
      SIZES: [7, 9],
      SRC_PORT: 80,
      SIZE: 7,
      RAW: Uint8Array.of(0, 0, 0, 7),
    });
    expect(row).toMatchObject({ HOSTS: ["192.0.2.1", "192.0.2.2"] } as never);
    expect(String(row?.["HOST"])).toBe("192.0.2.1");
    expect(malformed).toBe(0);
  });

  test("takes them out of subTemplateMultiLists, and from as deep as they lie", () => {
    const deep = multiList(
      [300, hex("c0000201 00000007")],
      [301, Buffer.concat([variable(Buffer.from("name")), variable(HOSTS)])],
    );
    const { row } = collect(
      [listField(293, deep)],
      "uint32* SIZES,string NAME",
      "uint32* SIZES e0id293/e9id1;string NAME e0id293/e9id2",
    );
    expect(row).toEqual({ SIZES: [7, 7, 9], NAME: "name" } as never);
  });

  test("takes of basicLists the first value where the field has room for one", () => {
    const names = basicList(
      [2, VARIABLE, 9],
      variable(Buffer.from("a")),
      variable(Buffer.from("b")),
    );
    const { row } = collect(
      [listField(291, names), listField(291, basicList([1, 2, 9], hex("0005 0006")))],
      "string NAME,uint8 SIZE",
      "string NAME e0id291/e9id2;uint8 SIZE e0id291/e9id1",
    );
    expect(row).toEqual({ NAME: "a", SIZE: 5 });
  });

  test("takes of several lists the last that has the element, and of several elements the best that is there", () => {
    const other = subList(300, hex("c0000203 0000000b"));
    const fields = [listField(292, HOSTS), listField(292, other), listField(292, subList(300))];
    const layout = "uint32* SIZES,uint32 A,uint32 B,uint32 C";
    const mapping =
      "uint32* SIZES e0id292/e9id1,e0id293/e9id1;uint32 A e9id7,e0id292/e9id1;uint32 B e0id292/e9id1,e9id7;uint32 C e0id292/e9id1,e9id8";
    const { row } = collect(
      [...fields, [[7, 4, 9], hex("00000063")], [[8, 4, 9], hex("00000000")]],
      layout,
      mapping,
    );
    expect(row).toEqual({ SIZES: [11], A: 11, B: 99, C: 11 } as never);
  });

  test("reads times and signed numbers, saturates counters, and leaves out what has no such length", () => {
    const { row } = collect(
      [
        listField(291, basicList([152, 8], bytesOf([SENT * 1000 + 1, 8]))),
        listField(291, basicList([3, 8, 9], bytesOf([SENT * 1000 + 2, 8]))),
        listField(291, basicList([4, 1, 9], hex("ff 01"))),
        listField(291, basicList([5, 4, 9], hex("00000005 00012345"))),
        listField(291, basicList([6, 4, 9], hex("3fc00000"))),
        listField(291, basicList([7, VARIABLE, 9], hex("09 000000000000000000"), hex("02 0102"))),
        listField(291, basicList([8, 6, 9], hex("02000000000a"))),
      ],
      "time* T,time* U,int8* S,uint16* N,float* F,uint16* L,macaddr* M,uint32* NONE",
      "time* T e0id291/e0id152;time* U e0id291/e9id3;int8* S e0id291/e9id4;uint16* N e0id291/e9id5;float* F e0id291/e9id6;uint16* L e0id291/e9id7;macaddr* M e0id291/e9id8;uint32* NONE e0id291/e9id99",
    );
    expect(row).toMatchObject({
      T: [SENT * 1e6 + 1000],
      U: [SENT * 1e6 + 2000],
      S: [-1, 1],
      N: [5, 65_535],
      F: [1.5],
      L: [0x0102],
      NONE: [],
    } as never);
  });

  test("takes 1,024 values of a list", () => {
    const many = basicList([1, 2, 9], Buffer.alloc(4000, 1));
    const { row } = collect(
      [[[291, VARIABLE], variable(many, true)]],
      "uint16* SIZES",
      "uint16* SIZES e0id291/e9id1",
    );
    expect(row).toEqual({ SIZES: Array(1024).fill(0x0101) } as never);
  });

  test("counts a flow with a damaged list once, and loses neither it nor what is whole", () => {
    const { row, malformed } = collect(
      [listField(292, Buffer.concat([HOSTS, hex("ff")])), [[7, 2], hex("0050")]],
      "uint32* SIZES,ipaddr* HOSTS,uint16 SRC_PORT,string RAW_FIELDS",
      "uint32* SIZES e0id292/e9id1;ipaddr* HOSTS e0id292/e0id8",
    );
    expect(row).toMatchObject({ SIZES: [7, 9], SRC_PORT: 80 } as never);
    expect(malformed).toBe(1);
  });

  test("counts a flow with lists of a template that has not come, and reads them once it has", () => {
    const data = set(256, variable(subList(400, hex("0005"))));
    const collected = new Collected({
      layout: "uint16* SIZES",
      mapping: new Mapping("uint16* SIZES e0id292/e9id1"),
    }).take(
      ipfix([set(2, template(256, [[292, VARIABLE]])), data]),
      ipfix([set(2, template(400, [[1, 2, 9]]))], { domain: 1 }),
      ipfix([data]),
      ipfix([set(2, template(400, [[1, 2, 9]]))]),
      ipfix([data]),
    );
    expect(collected.rows.map((row) => row["SIZES"] as never)).toEqual([[], [], [5]] as never);
    const { counts, held } = collected.collector.decoder;
    expect([counts.malformed, held.dropped]).toEqual([0, 2]);
  });

  test("never throws nor loses a flow for damage in lists of lists, raw fields and names among them", () => {
    const content = multiList(
      [300, hex("c0000201 00000007")],
      [301, Buffer.concat([variable(Buffer.from("name")), variable(HOSTS)])],
    );
    const change = tuple(
      integer({ min: 0, max: content.length - 1 }),
      integer({ min: 0, max: 255 }),
    );
    const collected = new Collected({
      layout:
        "uint32* SIZES,uint32 SIZE,ipaddr* HOSTS,ipaddr HOST,time* T,time U,string NAME,macaddr M,double D,string RAW_FIELDS",
      mapping: new Mapping(
        [
          "uint32* SIZES e0id293/e9:size",
          "uint32 SIZE e0id293/e9id1",
          "ipaddr* HOSTS e0id293/e0id8",
          "ipaddr HOST e0id293/e0id8",
          "time* T e0id293/e9id1,e0id293/e9id2",
          "time U e0id293/e9:size",
          "string NAME e0id293/e9id2",
          "macaddr M e0id293/e9id2",
          "double D e0id293/e9id1",
        ].join(";"),
      ),
    }).take(
      ipfix([
        NESTED,
        set(
          2,
          template(256, [
            [293, VARIABLE],
            [7, 2],
          ]),
        ),
      ]),
    );
    let sent = 0;
    assert(
      property(array(change, { maxLength: 6 }), (changes) => {
        const mutated = Buffer.from(content);
        for (const [at, value] of changes) mutated[at] = value;
        collected.take(ipfix([set(256, variable(mutated), hex("0050"))]));
        sent++;
      }),
      { numRuns: 1000 },
    );
    expect(collected.rows).toHaveLength(sent);
    expect(collected.collector.decoder.counts.malformed).toBeLessThan(sent);
  });
});
