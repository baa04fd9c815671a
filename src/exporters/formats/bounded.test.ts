// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { Alert } from "../../core/alert.ts";
import { boundedLine, LINE_MAX } from "./bounded.ts";
import { ALERT, alertOf } from "./testing/alerts.ts";

const lineOf = (alert: Alert, cut: readonly string[]): string =>
  `${cut.join("+")} ${alert.evidence.length} ${alert.reason.length} ${alert.evidence
    .map((flow) => flow["URL"])
    .join("")}${alert.reason}`;
const flows = (count: number, size: number): Alert["evidence"] =>
  Array.from({ length: count }, () => ({ URL: "u".repeat(size) }));
const begin = (alert: Alert): string => boundedLine(alert, lineOf).split(" ", 3).join(" ");

describe("boundedLine", () => {
  test("leaves alone what fits to the byte", () => {
    const frame = lineOf(alertOf({ evidence: [], reason: "r".repeat(10_000) }), []).length - 10_000;
    const exact = alertOf({ evidence: [], reason: "r".repeat(LINE_MAX - frame) });
    expect(boundedLine(exact, lineOf)).toBe(lineOf(exact, []));
    const over = alertOf({ evidence: [], reason: "r".repeat(LINE_MAX - frame + 1) });
    expect(begin(over)).toBe("text 0 8192");
  });

  test("counts bytes, not characters", () => {
    expect(begin(alertOf({ evidence: [], reason: "漢".repeat(30_000) }))).toBe("text 0 8192");
    expect(begin(alertOf({ evidence: [], reason: "é".repeat(30_000) }))).toBe(" 0 30000");
  });

  test.each([
    [20, 3000, "evidence 20"],
    [20, 4000, "evidence 10"],
    [20, 10_000, "evidence 5"],
    [3, 30_000, "evidence 2"],
    [2, 60_000, "evidence 1"],
    [1, 70_000, "evidence 0"],
  ])("keeps as much of %d flows of %d bytes as fits: %s", (count, size, expected) => {
    const reason = ALERT.reason.length;
    const fits = count * size < LINE_MAX;
    expect(begin(alertOf({ evidence: flows(count, size) }))).toBe(
      `${fits ? expected.replace("evidence", "") : expected} ${reason}`,
    );
  });

  test("cuts text when there is no evidence left to cut", () => {
    const alert = alertOf({ evidence: flows(1, 10), reason: "r".repeat(100_000) });
    expect(begin(alert)).toBe("evidence+text 0 8192");
  });

  test("asks for the shortest text at last and gives that, whatever comes of it", () => {
    const sizes: number[] = [];
    const line = boundedLine(alertOf({ reason: "r".repeat(9000) }), ({ reason }) => {
      sizes.push(reason.length);
      return "x".repeat(LINE_MAX + 1);
    });
    expect(line).toHaveLength(LINE_MAX + 1);
    expect(sizes).toEqual([9000, 9000, 8192, 2048, 512, 64]);
  });
});
