// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { fixedFormats } from "./netflow5.ts";

test.each([
  [1, 16, 48],
  [5, 24, 48],
  [7, 24, 52],
])("fixedFormats has NetFlow v%i: a head of %i bytes, records of %i", (version, head, bytes) => {
  const { headerBytes, template } = fixedFormats()[version]!;
  expect([headerBytes, template.least, template.isFixed]).toEqual([head, bytes, true]);
});

test("fixedFormats gives each decoder templates of its own, and knows no others", () => {
  expect(fixedFormats()[5]!.template).not.toBe(fixedFormats()[5]!.template);
  expect(fixedFormats()[8]).toBeUndefined();
});
