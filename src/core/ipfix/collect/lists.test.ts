// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, integer, property, uint8Array } from "fast-check";
import { readList } from "./lists.ts";
import { bytesOf, viewOf } from "./testing/messages.ts";

const LENGTHS = { enterprise: 8057, number: 1013, isList: true };
const items = Buffer.from("004005dc", "hex");
const listOf = (number: number, size: number, enterprise?: number): DataView =>
  viewOf(
    bytesOf([255, 1], [enterprise === undefined ? number : number | 0x8000, 2], [size, 2]),
    enterprise === undefined ? Buffer.alloc(0) : bytesOf([enterprise, 4]),
    items,
  );
const read = (view: DataView, element = LENGTHS, length = view.byteLength) =>
  readList(view, { at: 0, length }, element, "uint16*");

test("readList reads the items of a list of its element, of IANA or of an enterprise", () => {
  expect(read(listOf(1013, 2, 8057))).toEqual([64, 1500]);
  expect(read(listOf(5, 2), { enterprise: 0, number: 5, isList: true })).toEqual([64, 1500]);
  expect(read(listOf(1013, 1, 8057))).toEqual([0, 0x40, 5, 0xdc]);
});

test("readList passes lists of other elements, and those whose items have no length or too much", () => {
  for (const view of [
    listOf(1014, 2, 8057),
    listOf(1013, 2, 9),
    listOf(1013, 2),
    listOf(1013, 0, 8057),
    listOf(1013, 9, 8057),
  ])
    expect(read(view)).toBeUndefined();
});

test("readList takes times in milliseconds, and keeps the sign of what is signed", () => {
  const time = viewOf(
    bytesOf([255, 1], [1014 | 0x8000, 2], [8, 2], [8057, 4], [1_767_603_600_123, 8]),
  );
  expect(
    readList(time, { at: 0, length: time.byteLength }, { ...LENGTHS, number: 1014 }, "time*"),
  ).toEqual([1_767_603_600_123_000]);
  const signed = viewOf(bytesOf([255, 1], [1016 | 0x8000, 2], [1, 2], [8057, 4], [255, 1], [1, 1]));
  expect(
    readList(signed, { at: 0, length: signed.byteLength }, { ...LENGTHS, number: 1016 }, "int8*"),
  ).toEqual([-1, 1]);
});

test("readList takes 1,024 items at most, and nothing behind the list", () => {
  const many = viewOf(bytesOf([255, 1], [1013 | 0x8000, 2], [1, 2], [8057, 4]), Buffer.alloc(5000));
  expect(read(many)).toHaveLength(1024);
  expect(read(listOf(1013, 2, 8057), LENGTHS, 12)).toEqual([64]);
});

test("readList never throws", () => {
  assert(
    property(uint8Array({ maxLength: 40 }), integer({ min: 0, max: 40 }), (bytes, length) => {
      read(viewOf(bytes), LENGTHS, Math.min(length, bytes.length));
    }),
  );
});
