// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  clock,
  count,
  duration,
  endpointText,
  percent,
  portName,
  severityName,
  share,
  short,
  utc,
  utcOf,
} from "./format.ts";

test.each([
  [0, "0"],
  [7, "7"],
  [0.5, "0.50"],
  [999, "999"],
  [999.4, "999"],
  [999.6, "1.00 k"],
  [12_345, "12.3 k"],
  [9996, "10.0 k"],
  [1e9, "1.00 G"],
  [1e24, "1000000 E"],
  [-1500, "−1.50 k"],
  [Number.NaN, "–"],
  [undefined, "–"],
])("short writes %p as %p", (value, text) => {
  expect(short(value)).toBe(text);
});

test("short sets the unit after the prefix", () => {
  expect(short(1_500_000, "b/s")).toBe("1.50 Mb/s");
  expect(short(3, "b/s")).toBe("3 b/s");
});

test("count keeps all digits", () => {
  expect(count(1_234_567)).toBe("1\u202f234\u202f567");
});

test("percent never says none or all when it is not", () => {
  expect(percent(0, 10)).toBe("0 %");
  expect(percent(1, 1e9)).toBe("< 0.01 %");
  expect(percent(1, 200)).toBe("0.50 %");
  expect(percent(999_999, 1_000_000)).toBe("> 99.99 %");
  expect(percent(10, 10)).toBe("100 %");
  expect(percent(1, 0)).toBe("0 %");
});

test("share has a digit after the point where it is small, and may be more than all", () => {
  expect([0, 0.004, 0.0996, 0.5, 2.5, undefined].map(share)).toEqual([
    "0.0 %",
    "0.4 %",
    "10 %",
    "50 %",
    "250 %",
    "–",
  ]);
});

test("portName says the protocol, by number where it has no name here", () => {
  expect(portName({ protocol: 6, port: 443 })).toBe("443/tcp");
  expect(portName({ protocol: 132, port: 36_412 })).toBe("36412/132");
});

test("duration shows the two units that matter", () => {
  expect([59.9, 61, 300, 3700, 90_000, -1].map(duration)).toEqual([
    "59 s",
    "1 min 1 s",
    "5 min",
    "1 h 1 min",
    "1 d 1 h",
    "0 s",
  ]);
});

test("utc cuts to the second, and leaves what is no time", () => {
  expect(utc("2026-01-05T09:00:00.000001Z")).toBe("2026-01-05 09:00:00");
  expect(utc("now")).toBe("now");
  expect(utcOf(1_767_603_600_999)).toBe("2026-01-05 09:00:00");
});

test("clock is the time of day in UTC", () => {
  expect(clock(1_767_603_661.9)).toBe("09:01:01");
});

test("severityName has a name for each severity", () => {
  expect([0, 1, 3.9, 4, 7, 9, 10].map(severityName)).toEqual([
    "info",
    "low",
    "low",
    "medium",
    "high",
    "critical",
    "critical",
  ]);
});

test("endpointText names address and port so that they can be told apart", () => {
  expect(endpointText({ ip: "10.0.0.1", port: 53 })).toBe("10.0.0.1:53");
  expect(endpointText({ ip: "2001:db8::1", port: 53 })).toBe("[2001:db8::1]:53");
  expect(endpointText({ count: 250, port: 22 })).toBe("250 hosts, port 22");
  expect(endpointText({ port: 22 })).toBe("port 22");
  expect(endpointText({})).toBe("–");
});
