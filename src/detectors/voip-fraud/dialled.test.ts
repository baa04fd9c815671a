// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Dialled } from "./dialled.ts";

const dialled = new Dialled();

/** The number that is read of a URI. */
function numberOf(uri: string): string | undefined {
  const bytes = Buffer.from(uri);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!dialled.read(view, 0, bytes.length)) return undefined;
  return Buffer.from(dialled.chars.subarray(0, dialled.length)).toString();
}

test.each([
  ["sip:420600123456@192.0.2.1", "420600123456"],
  ["SIPS:+420-600.123 456@example.net;user=phone", "+420600123456"],
  ["tel:+1-(202)-555-0123;phone-context=x", "+12025550123"],
  ["sip:*21%23600123456@192.0.2.1", "*21#600123456"],
  ["sip:600123456", "600123456"],
  ["sip:600123456:secret@192.0.2.1", "600123456"],
])("Dialled reads the number of %s", (uri, number) => {
  expect(numberOf(uri)).toBe(number);
});

test.each([
  "",
  "sip:",
  "sip:@x",
  "600123456@192.0.2.1",
  "http:600123456",
  "sip:bob@example.net",
  "sip:60+0123456@x",
  "sip:600%zz123456@x",
  `sip:${"1".repeat(65)}@x`,
])("Dialled finds no number in %j", (uri) => {
  expect(numberOf(uri)).toBeUndefined();
});

test("Dialled reads any bytes without a throw and within its bound", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, isUri) => {
      const all = isUri ? Uint8Array.from([...Buffer.from("sip:"), ...bytes]) : bytes;
      dialled.read(new DataView(all.buffer), 0, all.length);
      expect(dialled.length).toBeLessThanOrEqual(64);
    }),
    { seed: 1 },
  );
});

test("Dialled gives the last digits as a number, and -1 for too few of them", () => {
  numberOf("sip:0012345@x");
  expect(dialled.tail(5)).toBe(12_345);
  expect(dialled.tail(7)).toBe(12_345);
  expect(dialled.tail(8)).toBe(-1);
  numberOf("sip:12#45@x");
  expect(dialled.tail(2)).toBe(45);
  expect(dialled.tail(5)).toBe(-1);
});

test.each([
  ["sip:+420600123456@x", 420],
  ["sip:0044123456789@x", 44],
  ["sip:+12025550123@x", 1],
  ["sip:+79261234567@x", 7],
  ["sip:+97239287044@x", 972],
  ["sip:+35312345678@x", 353],
  ["sip:01112025550123@x", 0],
  ["sip:420600123456@x", 0],
  ["sip:+@x", 0],
  ["sip:00@x", 0],
])("Dialled finds the country code of %s", (uri, code) => {
  numberOf(uri);
  expect(dialled.country).toBe(code);
});
