// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, integer, property, tuple } from "fast-check";
import { isWhole, type TemplateHead, VARIABLE, WireTemplate } from "./wire-template.ts";

const headOf = (
  fields: readonly (readonly [number, number])[],
  more: Partial<TemplateHead> = {},
): TemplateHead => {
  const specs = Buffer.alloc(4 * fields.length);
  for (const [i, [number, length]] of fields.entries()) {
    specs.writeUInt16BE(number, 4 * i);
    specs.writeUInt16BE(length, 4 * i + 2);
  }
  return {
    id: 256,
    dialect: "netflow",
    fieldCount: fields.length,
    scopeCount: 0,
    isOptions: false,
    specs: specs.toString("latin1"),
    ...more,
  };
};

test("WireTemplate finds of an element that is repeated the last, where the inner headers of a tunnel are", () => {
  const template = new WireTemplate(
    headOf([
      [4, 1],
      [7, 2],
      [4, 1],
    ]),
  );
  expect([
    template.indexOf(0, 4),
    template.indexOf(0, 7),
    template.indexOf(0, 5),
    template.offsetOf(2),
  ]).toEqual([2, 1, -1, 3]);
});

test("WireTemplate is the same again after it has cooled", () => {
  const template = new WireTemplate(
    headOf(
      [
        [4, 1],
        [371, VARIABLE],
        [7, 2],
      ],
      { scopeCount: 1 },
    ),
  );
  const before = [template.fields, template.least, template.isFixed];
  template.made = "a plan";
  template.cool();
  expect([template.fields, template.least, template.isFixed, template.made]).toEqual([
    ...before,
    undefined,
  ]);
  expect(template.fields.map(({ isScope }) => isScope)).toEqual([true, false, false]);
});

test("WireTemplate tells templates apart by fields, scopes, kind and dialect", () => {
  const head = headOf([[4, 1]]);
  const template = new WireTemplate(head);
  expect(template.equals(head)).toBe(true);
  for (const other of [
    { specs: "\0\x05\0\x01" },
    { scopeCount: 1 },
    { isOptions: true },
    { dialect: "ipfix" as const },
  ])
    expect(template.equals({ ...head, ...other })).toBe(false);
});

test("WireTemplate locates each field of a record within it, or says that it has no room", () => {
  const anyField = tuple(integer({ min: 0, max: 0x7fff }), integer({ min: 0, max: 9 })).map(
    ([number, length]) => [number, length === 9 ? VARIABLE : length] as const,
  );
  assert(
    property(
      array(anyField, { maxLength: 20 }),
      array(integer({ min: 0, max: 255 }), { maxLength: 120 }),
      (fields, content) => {
        const template = new WireTemplate(headOf(fields));
        const view = new DataView(Uint8Array.from(content).buffer);
        const spans = new Int32Array(2 * fields.length);
        const end = template.locate(view, 0, content.length, spans);
        if (end < 0) return;
        expect(end).toBeGreaterThanOrEqual(template.least);
        let at = 0;
        for (let i = 0; i < fields.length; i++) {
          expect(spans[2 * i]!).toBeGreaterThanOrEqual(at);
          at = spans[2 * i]! + spans[2 * i + 1]!;
        }
        expect(at).toBe(fields.length === 0 ? 0 : end);
      },
    ),
  );
});

test("isWhole knows a template from what is none", () => {
  const head = headOf([
    [4, 1],
    [7, 2],
  ]);
  expect(isWhole(head)).toBe(true);
  for (const bad of [
    { fieldCount: 3 },
    { fieldCount: 1 },
    { scopeCount: 3 },
    { id: 65_536 },
    { id: 0.5 },
    { dialect: "x" as never },
  ])
    expect(isWhole({ ...head, ...bad })).toBe(false);
});
