// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  basicList,
  bytesOf,
  Collected,
  type FieldSpec,
  ipfix,
  optionsTemplate,
  SENT,
  set,
  subList,
  template,
  variable,
} from "./testing/messages.ts";

const VARIABLE = 65_535;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RAW_FIELDS of a record, behind other messages. */
function rawOf(
  fields: readonly (readonly [FieldSpec, Uint8Array])[],
  ...before: readonly DataView[]
): string {
  const collected = new Collected({ layout: "string RAW_FIELDS" }).take(
    ...before,
    ipfix([
      set(
        2,
        template(
          256,
          fields.map(([spec]) => spec),
        ),
      ),
      set(256, ...fields.map(([, value]) => value)),
    ]),
  );
  return String(collected.rows[0]?.["RAW_FIELDS"]);
}

const ofSize = (size: number): string =>
  rawOf([
    [[7, 2], hex("abab")],
    [[8, size, 4711], Buffer.alloc(size, 0xab)],
  ]);

test("RawFields writes all fields of a record with their elements", () => {
  expect(ofSize(3)).toBe("e0id7=abab e4711id8=ababab");
});

test("RawFields leaves out what would make a record too long", () => {
  expect(ofSize(5000)).toBe("e0id7=abab");
  const list = variable(basicList([7, 2], Buffer.alloc(4000)), true);
  expect(
    rawOf([
      [[11, 2], hex("abab")],
      [[291, VARIABLE], list],
    ]),
  ).toBe("e0id11=abab");
});

const NESTED = ipfix([
  set(
    2,
    template(300, [
      [7, 2],
      [291, VARIABLE],
    ]),
  ),
]);
const nested = subList(
  300,
  hex("0050"),
  variable(basicList([5, 1, 9], hex("01 02"))),
  hex("0051 00"),
);

test("RawFields writes lists in brackets and their records in braces", () => {
  expect(
    rawOf(
      [
        [[291, VARIABLE], variable(basicList([7, 2], hex("0050 0051")))],
        [[292, VARIABLE], variable(nested)],
        [[293, VARIABLE], hex("00")],
        [[11, 2], hex("01bb")],
      ],
      NESTED,
    ),
  ).toBe(
    "e0id291=[e0id7=0050 e0id7=0051] e0id292=[300{e0id7=0050 e0id291=[e9id5=01 e9id5=02]} 300{e0id7=0051 e0id291=[]}] e0id293=[] e0id11=01bb",
  );
});

test("RawFields writes lists as bytes that are damaged, or of a template that has not come", () => {
  expect(
    rawOf([
      [[292, VARIABLE], variable(subList(999, hex("0050")))],
      [[11, 2], hex("01bb")],
    ]),
  ).toBe("e0id292=0303e70050 e0id11=01bb");
  expect(rawOf([[[291, VARIABLE], variable(basicList([7, 2], hex("005051")))]])).toBe(
    "e0id291=0300070002005051",
  );
});

/** The type of element 5 of enterprise 9, and its name. */
const tells = (type: number, name: string): DataView =>
  ipfix([
    set(
      3,
      optionsTemplate(500, 2, [
        [346, 4],
        [303, 2],
        [339, 1],
        [341, VARIABLE],
      ]),
    ),
    set(500, bytesOf([9, 4], [5, 2], [type, 1]), variable(Buffer.from(name))),
  ]);

test.each([
  [0, hex("0102"), "0102"],
  [1, hex("ff"), "255"],
  [4, hex("ffffffffffffffff"), "18446744073709551615"],
  [4, hex("0102"), "258"],
  [8, hex("ffffffffffffffff"), "-1"],
  [7, hex("fe"), "-2"],
  [9, hex("3fc00000"), "1.5"],
  [10, hex("bff8000000000000"), "-1.5"],
  [11, hex("01"), "true"],
  [11, hex("02"), "false"],
  [11, hex("07"), "07"],
  [12, hex("02000000000a"), "02:00:00:00:00:0a"],
  [13, Buffer.from("web mail\0\0"), '"web mail"'],
  [
    13,
    Buffer.from('a" e0id8="\u001b[2J\n\u202e\u0085\u2028'),
    '"a\\" e0id8=\\"\\u001b[2J\\n\\u202e\\u0085\\u2028"',
  ],
  [14, hex("695b8250"), "2026-01-05T09:20:16.000000Z"],
  [15, bytesOf([SENT * 1000 + 1, 8]), "2026-01-05T09:00:00.001000Z"],
  [16, bytesOf([SENT + 2_208_988_800, 4], [0x8000_0000, 4]), "2026-01-05T09:00:00.500000Z"],
  [17, hex("ffffffffffffffff"), "2036-02-07T06:28:15.999999Z"],
  [18, hex("c0000201"), "192.0.2.1"],
  [19, hex("20010db8000000000000000000000001"), "2001:db8::1"],
  [23, Buffer.alloc(32, 0xff), String(2n ** 256n - 1n)],
  // What does not fit the type that was told.
  [3, Buffer.alloc(33), "00".repeat(33)],
  [12, hex("0102"), "0102"],
  [14, hex("0102"), "0102"],
  [18, hex("0102"), "0102"],
  [200, hex("0102"), "0102"],
] as const)(
  "RawFields writes a value of data type %i as its exporter told: %j as %s",
  (type, value, text) => {
    expect(rawOf([[[5, value.length, 9], value]], tells(type, "app"))).toBe(`e9:app=${text}`);
  },
);

test("RawFields keeps the number of an element whose name may not be, and of IANA's always", () => {
  expect(rawOf([[[5, 1, 9], hex("07")]], tells(1, "a=b c"))).toBe("e9id5=7");
  const list = variable(basicList([5, 1, 9], hex("07")));
  expect(
    rawOf(
      [
        [[291, VARIABLE], list],
        [[5, 1], hex("07")],
      ],
      tells(1, "app"),
    ),
  ).toBe("e0id291=[e9:app=7] e0id5=07");
});
