// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { TemplateStore } from "./template-store.ts";
import type { TemplateHead } from "./wire-template.ts";

const headOf = (id: number, fieldCount = 1, number = 8): TemplateHead => {
  const specs = new Uint8Array(4 * fieldCount);
  const view = new DataView(specs.buffer);
  for (let i = 0; i < fieldCount; i++) {
    view.setUint16(4 * i, number);
    view.setUint16(4 * i + 2, 4);
  }
  return {
    id,
    dialect: "ipfix",
    fieldCount,
    scopeCount: 0,
    isOptions: false,
    specs: Buffer.from(specs).toString("latin1"),
  };
};
/** What one template of one field takes. */
const ONE = 304;

test("TemplateStore knows a template by exporter, domain and id", () => {
  const store = new TemplateStore();
  store.put("a", 4_294_967_295, headOf(65_535));
  expect(store.get("a", 4_294_967_295, 65_535)?.id).toBe(65_535);
  expect(store.get("a", 4_294_967_294, 65_535)).toBeUndefined();
  expect(store.get("b", 4_294_967_295, 65_535)).toBeUndefined();
});

test("TemplateStore keeps a template that is announced again as it was, and takes a new one in its place", () => {
  const store = new TemplateStore();
  store.put("a", 0, headOf(256));
  const first = store.get("a", 0, 256);
  const { version } = store;
  store.put("a", 0, headOf(256));
  expect(store.get("a", 0, 256)).toBe(first!);
  expect(store.version).toBe(version);
  store.put("a", 0, headOf(256, 1, 12));
  expect(store.get("a", 0, 256)?.fields[0]?.number).toBe(12);
  expect([store.size, store.version > version]).toEqual([1, true]);
});

test("TemplateStore lets an exporter that announces without end push out its own templates only", () => {
  const store = new TemplateStore({ templateBytesMax: 100 * ONE });
  for (let id = 256; id < 259; id++) store.put("good", 7, headOf(id));
  for (let i = 0; i < 10_000; i++) store.put("bad", i % 100, headOf(256 + (i % 5000)));
  for (let id = 256; id < 259; id++) expect(store.get("good", 7, id)).toBeDefined();
  expect([store.size, store.evicted]).toEqual([100, 10_000 - 97]);
});

test("TemplateStore takes a newcomer's templates while others have all the room", () => {
  const store = new TemplateStore({ templateBytesMax: 100 * ONE });
  for (let i = 0; i < 200; i++) store.put("bad", 0, headOf(256 + i));
  store.put("good", 0, headOf(256));
  for (let i = 0; i < 200; i++) store.put("bad", 0, headOf(256 + i));
  expect(store.get("good", 0, 256)).toBeDefined();
});

test("TemplateStore counts a template by its length, so that few large ones are no way round the bound", () => {
  const store = new TemplateStore({ templateBytesMax: 100 * ONE });
  for (let i = 0; i < 100; i++) store.put("bad", 0, headOf(256 + i, 700));
  expect(store.size).toBe(9);
});

test("TemplateStore lets templates cool whose fields together are too many, the first first", () => {
  const store = new TemplateStore();
  for (let id = 256; id < 276; id++) {
    store.put("a", 0, headOf(id, 4000));
    const template = store.get("a", 0, id)!;
    template.made = template.fields;
  }
  const [first, last] = [store.get("a", 0, 256)!, store.get("a", 0, 275)!];
  expect([first.made, last.made]).toEqual([undefined, last.fields]);
  expect(first.fields).toHaveLength(4000);
});

test("TemplateStore forgets the exporter heard of longest ago where there are too many", () => {
  const store = new TemplateStore({ exportersMax: 3 });
  for (const name of ["a", "b", "c"]) store.put(name, 0, headOf(256));
  store.get("a", 0, 256);
  store.put("d", 0, headOf(256));
  expect([...store.entries()].map(({ exporter }) => exporter).sort()).toEqual(["a", "c", "d"]);
  expect([store.size, store.evicted]).toEqual([3, 1]);
});

test("TemplateStore withdraws one template, or all of a kind of one domain", () => {
  const store = new TemplateStore();
  for (const domain of [1, 2]) for (const id of [256, 257]) store.put("a", domain, headOf(id));
  store.put("a", 1, { ...headOf(258), isOptions: true });
  store.withdraw("a", 1, 256);
  expect(store.size).toBe(4);
  store.withdrawAll("a", 1, false);
  expect([...store.entries()].map(({ domain, template }) => [domain, template.id])).toEqual([
    [2, 256],
    [2, 257],
    [1, 258],
  ]);
  store.withdraw("nobody", 1, 256);
  store.withdrawAll("nobody", 1, true);
  store.forget("a");
  expect(store.size).toBe(0);
});
