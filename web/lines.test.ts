// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { aroundChanges, type DiffLine, lineDiff, offsetOf } from "./lines.ts";

const MARKS = { same: " ", removed: "-", added: "+" } as const;
const written = (lines: readonly DiffLine[]): string =>
  lines.map(({ kind, text }) => MARKS[kind] + text).join("\n");

test("lineDiff keeps what is common and says what came and went", () => {
  expect(written(lineDiff("a\nb\nc\nd", "a\nc\nx\nd"))).toBe(" a\n-b\n c\n+x\n d");
  expect(written(lineDiff("a", "a"))).toBe(" a");
  expect(written(lineDiff("a\na", "a"))).toBe(" a\n-a");
  expect(written(lineDiff("", "a"))).toBe("-\n+a");
});

test("lineDiff gives both texts back, whatever they are", () => {
  const text = fc.array(fc.constantFrom("a", "b", "", "c")).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDiff(before, after);
      const without = (kind: DiffLine["kind"]): string =>
        lines.flatMap((line) => (line.kind === kind ? [] : [line.text])).join("\n");
      expect(without("added")).toBe(before);
      expect(without("removed")).toBe(after);
    }),
    { seed: 7 },
  );
});

test("lineDiff of two long texts without anything in common shows both", () => {
  const [before, after] = ["a", "b"].map((name) =>
    Array.from({ length: 2500 }, (_, i) => `${name}${i}`).join("\n"),
  ) as [string, string];
  expect(lineDiff(before, after)).toHaveLength(5000);
});

test("aroundChanges leaves out what is far from any change", () => {
  const lines = lineDiff("1\n2\n3\n4\n5", "1\n2\n3\n4\nx");
  expect(aroundChanges(lines, 1).map((line) => line?.text ?? null)).toEqual([null, "4", "5", "x"]);
  expect(aroundChanges(lineDiff("1\n2", "1\n2"))).toEqual([null]);
});

test("offsetOf finds a line and column, and the end where there is no such place", () => {
  const text = "one\ntwo\nthree";
  expect(text.slice(offsetOf(text, 2, 3))).toBe("o\nthree");
  expect(offsetOf(text, 1, 1)).toBe(0);
  expect(offsetOf(text, 3, 99)).toBe(text.length);
  expect(text.slice(offsetOf(text, 99, 1))).toBe("three");
});
