// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { CONVERSION, conversionFor, microsOf, readUnsigned } from "./conversions.ts";
import { NO_HEAD } from "./message-head.ts";
import { bytesOf, SENT, viewOf } from "./testing/messages.ts";

const conversion = (
  name: string,
  type: Parameters<typeof conversionFor>[0]["type"],
  number: number,
  length: number,
) => conversionFor({ name, type }, { enterprise: 0, number }, length);

test("conversionFor saturates counters and takes the lower bits of flags and names of things", () => {
  expect(conversion("PACKETS", "uint32", 2, 8)).toBe(CONVERSION.counter32);
  expect(conversion("TCP_FLAGS", "uint8", 6, 2)).toBe(CONVERSION.low8);
  expect(conversion("SRC_PORT", "uint16", 7, 4)).toBe(CONVERSION.low16);
  expect(conversion("DIR_BIT_FIELD", "uint8", 10, 4)).toBe(CONVERSION.lowestBit);
});

test.each([
  ["SRC_IP", "ipaddr", 8, 5],
  ["SRC_MAC", "macaddr", 56, 8],
  ["PACKETS", "uint32", 2, 0],
  ["PACKETS", "uint32", 2, 9],
  ["TIME_FIRST", "time", 152, 4],
  ["TIME_FIRST", "time", 7, 2],
  ["X", "double", 1, 2],
] as const)(
  "conversionFor has none for %s of type %s from element %i of %i bytes",
  (name, type, number, length) => {
    expect(conversion(name, type, number, length)).toBeUndefined();
  },
);

test.each([1, 2, 3, 4, 5, 6, 7, 8])("readUnsigned reads numbers of %i bytes", (length) => {
  const value = Math.floor(0x12_3456_789a_bcde / 256 ** (7 - Math.min(length, 7)));
  expect(readUnsigned(viewOf(bytesOf([value, length])), 0, length)).toBe(value);
});

test("microsOf reads times, and uptime that began anew between a flow and its message", () => {
  const head = { ...NO_HEAD, sentAt: SENT * 1e6, bootedAt: SENT * 1e6 - 5_000_000 };
  const at = (kind: number, value: number) => microsOf(kind, viewOf(bytesOf([value, 4])), 0, head);
  expect(at(CONVERSION.seconds, SENT)).toBe(SENT * 1e6);
  expect(at(CONVERSION.uptime, 2000)).toBe(SENT * 1e6 - 3_000_000);
  expect(at(CONVERSION.uptime, 2 ** 32 - 1000)).toBe(SENT * 1e6 - 6_000_000);
  expect(at(CONVERSION.before, 250)).toBe(SENT * 1e6 - 250);
});
