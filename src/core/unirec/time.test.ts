// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property } from "fast-check";
import { any64, anyTime } from "./test-kit.ts";
import {
  fractionOfMicros,
  microsOfFraction,
  microsOfRaw,
  parseTime,
  rawOfMicros,
  readTime,
  rfc3339,
  SECOND,
  timeText,
  writeTime,
} from "./time.ts";

/** unirec.md section 2.2, in whole numbers without a bound. */
const K = 0x44b82fa0an;
const fractionOfNanos = (nanos: bigint): bigint => (nanos * K) >> 32n;
const nanosOfFraction = (fraction: bigint): bigint =>
  (fraction * 1_000_000_000n + 0xffff_ffffn) >> 32n;

/** Text and the 64 bits of the reference, for times of whole microseconds. */
const TABLE: readonly (readonly [string, bigint])[] = [
  ["1970-01-01T00:00:00.000000", 0n],
  ["1970-01-01T00:00:00.001000", 0x0000_0000_0041_8937n],
  ["1970-01-01T00:00:00.000001", 0x0000_0000_0000_10c6n],
  ["2024-01-02T03:04:05.100000", 0x6593_7d25_1999_9999n],
  ["2024-01-02T03:04:05.678901", 0x6593_7d25_adcc_74b8n],
];

test.each(TABLE)("time %s is the reference's 64 bits, both ways", (text, raw) => {
  expect(rawOfMicros(parseTime(text)!)).toBe(raw);
  expect(timeText(microsOfRaw(raw))).toBe(text);
});

test.each([
  [0x6593_7d25_adcc_78a5n, "2024-01-02T03:04:05.678901"],
  [0x6593_7d25_ffff_fffbn, "2024-01-02T03:04:05.999999"],
])("microsOfRaw rounds the nanoseconds of %p down", (raw, text) => {
  expect(timeText(microsOfRaw(raw))).toBe(text);
});

test("time writes the bytes of unirec.md's example", () => {
  const view = new DataView(new ArrayBuffer(8));
  writeTime(view, 0, parseTime("2024-01-02T03:04:05.678901")!);
  expect(view.getBigUint64(0)).toBe(0xb874_ccad_257d_9365n);
  expect(timeText(readTime(view, 0))).toBe("2024-01-02T03:04:05.678901");
});

test("fractionOfMicros and microsOfFraction agree with the reference for all 1,000,000 values", () => {
  let wrong = 0;
  for (let micros = 0; micros < SECOND; micros++) {
    const fraction = fractionOfMicros(micros);
    if (BigInt(fraction) !== fractionOfNanos(BigInt(micros * 1000))) wrong++;
    if (microsOfFraction(fraction) !== micros) wrong++;
  }
  expect(wrong).toBe(0);
});

test("timeText and parseTime round-trip all 1,000,000 microseconds of a second", () => {
  const second = 1_704_164_645 * SECOND;
  let wrong = 0;
  for (let micros = second; micros < second + SECOND; micros++)
    if (parseTime(timeText(micros)) !== micros) wrong++;
  expect(wrong).toBe(0);
});

test("microsOfRaw agrees with the reference for any 64 bits", () => {
  assert(
    property(any64, (raw) => {
      const micros = (raw >> 32n) * 1_000_000n + nanosOfFraction(raw & 0xffff_ffffn) / 1000n;
      expect(microsOfRaw(raw)).toBe(Number(micros));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test("time of any microsecond up to 2106 round-trips through its bits, its bytes and its text", () => {
  const view = new DataView(new ArrayBuffer(9));
  assert(
    property(anyTime, (micros) => {
      expect(microsOfRaw(rawOfMicros(micros))).toBe(micros);
      writeTime(view, 1, micros);
      expect(view.getBigUint64(1, true)).toBe(rawOfMicros(micros));
      expect(readTime(view, 1)).toBe(micros);
      expect(parseTime(timeText(micros))).toBe(micros);
      expect(timeText(micros)).toBe(isoText(micros));
    }),
    { seed: 2, numRuns: 1000 },
  );
});

const isoText = (micros: number): string => {
  const seconds = Math.floor(micros / SECOND);
  const fraction = String(micros - seconds * SECOND).padStart(6, "0");
  return new Date(seconds * 1000).toISOString().replace("000Z", fraction);
};

test.each([
  ["2024-1-2T3:4:5", "2024-01-02T03:04:05.000000"],
  ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000"],
  ["2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05.500000"],
  ["2024-01-02T03:04:05.123456789", "2024-01-02T03:04:05.123456"],
  ["2024-01-02T03:04:05.1234567891234", "2024-01-02T03:04:05.123456"],
  ["2024-01-02T03:04:05+01:30", "2024-01-02T01:34:05.000000"],
  ["2023-12-31T23:00:00-02:00", "2024-01-01T01:00:00.000000"],
  ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000"],
  ["2024-02-29T00:00:00", "2024-02-29T00:00:00.000000"],
  ["2106-02-07T06:28:15.999999", "2106-02-07T06:28:15.999999"],
])("parseTime takes %s", (text, expected) => {
  expect(timeText(parseTime(text)!)).toBe(expected);
});

test.each([
  "",
  "2024-01-02 03:04:05",
  "2024-13-02T03:04:05",
  "2024-00-02T03:04:05",
  "2024-01-00T03:04:05",
  "2024-01-32T03:04:05",
  "2024-02-30T03:04:05",
  "2024-02-30T03:04:60",
  "2023-02-29T03:04:05",
  "2024-01-02T24:00:00",
  "2024-01-02T03:60:05",
  "2024-01-02T03:04:61",
  "2024-01-02T03:04",
  "2024-01-02",
  "24-01-02T03:04:05",
  "0099-01-02T03:04:05",
  "1969-12-31T23:59:59",
  "1970-01-01T00:00:00+00:01",
  "2106-02-07T06:28:16",
  "2024-01-02T03:04:05Zulu",
  "2024-01-02T03:04:05+24:00",
  "2024-01-02T03:04:05+01:60",
  "2024-01-02T03:04:05+1",
  "-2024-01-02T03:04:05",
  "1704164645",
])('parseTime refuses "%s"', (text) => {
  expect(parseTime(text)).toBeUndefined();
});

test.each([
  [0, "1970-01-01T00:00:00.000000Z"],
  [1_767_603_600_000_001, "2026-01-05T09:00:00.000001Z"],
  [-5, "1970-01-01T00:00:00.000000Z"],
  [Number.NaN, "1970-01-01T00:00:00.000000Z"],
  [Number.POSITIVE_INFINITY, "2255-06-05T23:47:34.740991Z"],
])("rfc3339 writes %d as %s", (micros, text) => {
  expect(rfc3339(micros)).toBe(text);
});
