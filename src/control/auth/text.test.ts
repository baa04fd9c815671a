// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { isLabel, userName } from "./text.ts";

test.each<[string, string | undefined]>([
  ["ann", "ann"],
  ["Ann.B_c-9@example.org", "ann.b_c-9@example.org"],
  ["x".repeat(64), "x".repeat(64)],
  ["x".repeat(65), undefined],
  ["", undefined],
  [" ann", undefined],
  ["ann\n", undefined],
  [".ann", undefined],
  ["(local)", undefined],
  ["an\u0000n", undefined],
  // A Kelvin sign and a dotless i, which become letters of ASCII in other cases.
  ["\u212aate", undefined],
  ["adm\u0131n", undefined],
  ["\u0430nn", undefined],
  ["<script>", undefined],
  ["ann'; DROP TABLE user; --", undefined],
])("userName of %j is %p", (text, name) => {
  expect(userName(text)).toBe(name);
});

test("isLabel takes one line that shows as it is", () => {
  for (const text of ["a", "Ann's backup, 2026", "<b>", "日本", "x".repeat(64)])
    expect(isLabel(text)).toBeTrue();
  for (const text of [
    "",
    "  ",
    "a\nb",
    "a\u001b[2J",
    "a\u202eb",
    "a\u2028b",
    "\ud800",
    "x".repeat(65),
  ])
    expect(isLabel(text)).toBeFalse();
});
