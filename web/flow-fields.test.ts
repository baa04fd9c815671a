// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { cellText, columnsOf, mainColumnsOf } from "./flow-fields.ts";

test("columnsOf puts what a reader looks for first, and leaves no field out", () => {
  const flows = [
    { BYTES: 1, SRC_IP: "10.0.0.1" },
    { ZEBRA: 1, DST_IP: "10.0.0.2", APPLE: 2 },
  ];
  expect(columnsOf(flows)).toEqual(["SRC_IP", "DST_IP", "BYTES", "APPLE", "ZEBRA"]);
  expect(columnsOf([])).toEqual([]);
});

test("mainColumnsOf leaves the rest for the drill-down, unless there is nothing else", () => {
  expect(mainColumnsOf([{ BYTES: 1, TLS_SNI: "a" }])).toEqual(["BYTES"]);
  expect(mainColumnsOf([{ TLS_SNI: "a" }])).toEqual(["TLS_SNI"]);
});

test("cellText shows times as UTC, and any other value as text", () => {
  expect(cellText("TIME_FIRST", 1_767_603_600_123_456)).toBe("09:00:00.123");
  expect(cellText("TIME_FIRST", Number.MAX_VALUE)).toBe(String(Number.MAX_VALUE));
  expect(cellText("BYTES", 0)).toBe("0");
  expect(cellText("HOST", "<script>")).toBe("<script>");
  expect(cellText("LIST", [1, 2])).toBe("[1,2]");
  expect(cellText("GONE", undefined)).toBe("");
});
