// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, integer, property, tuple, uint8Array } from "fast-check";
import { type ListPlace, ListReader, type ListVisitor, TROUBLE } from "./lists.ts";
import { NO_HEAD } from "./message-head.ts";
import {
  basicList,
  type FieldSpec,
  multiList,
  subList,
  templateOf,
  variable,
  viewOf,
} from "./testing/messages.ts";

const VARIABLE = 65_535;
const TEMPLATES = new Map<number, readonly FieldSpec[]>([
  [
    256,
    [
      [7, 2],
      [11, 2],
    ],
  ],
  [257, [[371, VARIABLE]]],
  [
    258,
    [
      [7, 2],
      [292, VARIABLE],
    ],
  ],
  [259, [[7, 0]]],
  [260, [[291, VARIABLE]]],
]);
const templates = {
  get: (_name: string, _domain: number, id: number) => {
    const fields = TEMPLATES.get(id);
    return fields && templateOf(id, fields);
  },
};
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const place = (list: number, view: DataView): ListPlace => ({
  list,
  view,
  at: 0,
  length: view.byteLength,
  head: NO_HEAD,
});

/** Writes down what it is shown: `7=0050`, `[` and `]` of lists, `256{` and `}` of records. */
class Seen implements ListVisitor {
  readonly items: string[] = [];
  readonly #view: DataView;
  readonly #max: number;

  constructor(view: DataView, max = 100_000) {
    this.#view = view;
    this.#max = max;
  }

  get isFull(): boolean {
    return this.items.length >= this.#max;
  }

  wants(): boolean {
    return true;
  }

  value(enterprise: number, number: number, at: number, length: number): void {
    const { buffer, byteOffset } = this.#view;
    const bytes = Buffer.from(buffer, byteOffset + at, length).toString("hex");
    this.items.push(`${enterprise === 0 ? "" : `${enterprise}/`}${number}=${bytes}`);
  }

  list(number: number): void {
    this.items.push(`${number}[`);
  }
  listEnd(): void {
    this.items.push("]");
  }
  record(template: number): void {
    this.items.push(`${template}{`);
  }
  recordEnd(): void {
    this.items.push("}");
  }
}

function read(list: number, bytes: Uint8Array, max?: number) {
  const view = viewOf(bytes);
  const reader = new ListReader(templates);
  const seen = new Seen(view, max);
  reader.read(place(list, view), seen);
  return { text: seen.items.join(" "), trouble: reader.trouble, items: seen.items };
}
const whole = (text: string) => ({ text, trouble: 0 });
const damaged = (text: string) => ({ text, trouble: TROUBLE.damaged });

describe("ListReader", () => {
  test("reads the values of a basicList: of IANA's elements and of enterprises, of one length or of their own", () => {
    expect(read(291, basicList([7, 2], hex("0050 01bb")))).toMatchObject(whole("7=0050 7=01bb"));
    expect(read(291, basicList([5, 1, 9], hex("01 02")))).toMatchObject(whole("9/5=01 9/5=02"));
    const long = variable(Buffer.alloc(300, 0xab), true);
    expect(
      read(291, basicList([5, VARIABLE, 9], variable(hex("6162")), hex("00"), long)),
    ).toMatchObject(whole(`9/5=6162 9/5= 9/5=${"ab".repeat(300)}`));
  });

  test("reads the records of a subTemplateList by their template", () => {
    expect(read(292, subList(256, hex("0001 0002"), hex("0003 0004")))).toMatchObject(
      whole("256{ 7=0001 11=0002 } 256{ 7=0003 11=0004 }"),
    );
    expect(read(292, subList(257, variable(hex("6162")), variable(hex(""))))).toMatchObject(
      whole("257{ 371=6162 } 257{ 371= }"),
    );
  });

  test("reads the runs of a subTemplateMultiList each by its own template", () => {
    expect(
      read(
        293,
        multiList([256, hex("0001 0002 0003 0004")], [257, variable(hex("6162"))], [256, hex("")]),
      ),
    ).toMatchObject(whole("256{ 7=0001 11=0002 } 256{ 7=0003 11=0004 } 257{ 371=6162 }"));
  });

  test("reads lists inside of lists", () => {
    const inner = subList(258, hex("0001"), variable(subList(256, hex("0002 0003"))));
    expect(read(292, inner)).toMatchObject(whole("258{ 7=0001 292[ 256{ 7=0002 11=0003 } ] }"));
    const lists = basicList([292, VARIABLE], variable(subList(256, hex("0002 0003"))));
    expect(read(291, lists)).toMatchObject(whole("292[ 256{ 7=0002 11=0003 } ]"));
  });

  test.each([
    ["a basicList", 291, basicList([7, 2])],
    ["a basicList of an enterprise", 291, basicList([5, 2, 9])],
    ["a subTemplateList", 292, subList(256)],
    ["one whose template nobody knows", 292, subList(999)],
    ["a subTemplateMultiList", 293, multiList()],
    ["one that is left out", 292, hex("")],
  ])("takes an empty list for what it is: %s", (_, list, bytes) => {
    expect(read(list, bytes)).toMatchObject(whole(""));
  });

  test.each([
    ["a basicList's head that is cut off", 291, hex("03 0007 00"), ""],
    ["an enterprise that is cut off", 291, hex("03 8007 0002 0000"), ""],
    ["values without length", 291, hex("03 0007 0000 01"), ""],
    ["half a value", 291, hex("03 0007 0002 0050 01"), "7=0050"],
    ["a value longer than the list", 291, hex("03 0007 ffff 01aa 05bb"), "7=aa"],
    ["a long length that is cut off", 291, hex("03 0007 ffff ff 01"), ""],
    ["a subTemplateList's head that is cut off", 292, hex("03 01"), ""],
    ["half a record", 292, subList(256, hex("0001 0002 0003")), "256{ 7=0001 11=0002 }"],
    ["a template of records without bytes", 292, subList(259, hex("00")), ""],
    ["a run whose head is cut off", 293, hex("03 0100 00"), ""],
    ["a run shorter than its head", 293, hex("03 0100 0003"), ""],
    ["a run longer than the list", 293, hex("03 0100 0009 00010002"), ""],
    [
      "a run with half a record, and the next",
      293,
      multiList([256, hex("0001 0002 00")], [257, variable(hex("61"))]),
      "256{ 7=0001 11=0002 } 257{ 371=61 }",
    ],
  ])("takes what is whole of a list with %s", (_, list, bytes, text) => {
    expect(read(list, bytes)).toMatchObject(damaged(text));
  });

  test("says where a template is missing, and goes on behind it", () => {
    expect(read(292, subList(999, hex("0001")))).toMatchObject({
      text: "",
      trouble: TROUBLE.noTemplate,
    });
    expect(read(293, multiList([999, hex("01")], [256, hex("0001 0002")]))).toMatchObject({
      text: "256{ 7=0001 11=0002 }",
      trouble: TROUBLE.noTemplate,
    });
  });

  /** So many lists, one inside of the other. */
  const nested = (depth: number): Buffer => {
    let bytes = subList(256, hex("0001 0002"));
    for (let i = 1; i < depth; i++) bytes = subList(258, hex("0009"), variable(bytes));
    return bytes;
  };

  test("goes four lists deep, and not deeper", () => {
    expect(read(292, nested(4))).toMatchObject({ trouble: 0 });
    expect(read(292, nested(4)).text).toContain("11=0002");
    const deep = read(292, nested(5));
    expect(deep.trouble).toBe(TROUBLE.damaged);
    expect(deep.text).not.toContain("11=0002");
    // Basic lists of themselves are the shortest way down.
    let bytes = basicList([7, 2], hex("0050"));
    for (let i = 0; i < 200; i++) bytes = basicList([291, VARIABLE], variable(bytes, true));
    expect(read(291, bytes).trouble).toBe(TROUBLE.damaged);
  });

  test("reads 4,096 records and lists at most", () => {
    const run = (count: number) => subList(256, Buffer.alloc(4 * count));
    const countOf = (items: readonly string[]) => items.filter((item) => item === "256{").length;
    expect(read(292, run(4095)).trouble).toBe(0);
    const many = read(292, run(10_000));
    expect([countOf(many.items), many.trouble]).toEqual([4095, TROUBLE.damaged]);
    const runs = read(
      293,
      multiList(...Array.from({ length: 9000 }, () => [256, hex("")] as const)),
    );
    expect(runs.trouble).toBe(TROUBLE.damaged);
  });

  test("stops where the visitor has enough, whatever stands behind", () => {
    expect(read(292, subList(256, hex("0001 0002 0003 0004 05")), 2)).toMatchObject(
      whole("256{ 7=0001 }"),
    );
    expect(read(291, basicList([7, 2], hex("0050 0051 00")), 1)).toMatchObject(whole("7=0050"));
  });

  test("reads a list anywhere in a message, and looks at no byte around it", () => {
    const list = subList(256, hex("0001 0002"));
    const view = viewOf(Buffer.alloc(5, 0xff), list, Buffer.alloc(9, 0xff));
    const seen = new Seen(view);
    const reader = new ListReader(templates);
    reader.read({ ...place(292, view), at: 5, length: list.length }, seen);
    expect([seen.items.join(" "), reader.trouble]).toEqual(["256{ 7=0001 11=0002 }", 0]);
  });

  test("never throws nor leaves the list, for any bytes and for lists with damage", () => {
    const good = multiList(
      [258, Buffer.concat([hex("0001"), variable(subList(256, hex("0002 0003")))])],
      [260, variable(basicList([293, VARIABLE], variable(multiList([257, variable(hex("61"))]))))],
    );
    const changes = array(
      tuple(integer({ min: 0, max: good.length - 1 }), integer({ min: 0, max: 255 })),
      { maxLength: 5 },
    );
    const anyList = integer({ min: 291, max: 293 });
    assert(
      property(anyList, uint8Array({ maxLength: 60 }), changes, (list, bytes, damage) => {
        read(list, bytes);
        const mutated = Buffer.from(good);
        for (const [at, value] of damage) mutated[at] = value;
        read(293, mutated);
        const cut = mutated.subarray(0, mutated.length - damage.length);
        const { items } = read(293, cut);
        expect(items.filter((item) => /[[{]$/.test(item)).length).toBe(
          items.filter((item) => item === "]" || item === "}").length,
        );
      }),
      { numRuns: 3000 },
    );
  });
});
