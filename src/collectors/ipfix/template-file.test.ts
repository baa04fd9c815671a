// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TemplateStore } from "../../core/ipfix/collect/template-store.ts";
import { TemplateFile } from "./template-file.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-templates-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HEAD = {
  id: 256,
  dialect: "ipfix",
  fieldCount: 1,
  scopeCount: 0,
  isOptions: false,
  specs: "\x80\x08\x00\x04\x00\x00\x1f\x79",
} as const;

function open(path: string) {
  const store = new TemplateStore();
  const warnings: string[] = [];
  const file = new TemplateFile(path, store, (message) => warnings.push(message));
  return { store, file, warnings };
}

test("TemplateFile gives a new process the templates of the one before, but for those of connections", () => {
  const path = join(folder, "kept.json");
  const first = open(path);
  first.store.put("192.0.2.1", 4_294_967_295, HEAD);
  first.store.put("tcp 192.0.2.1:5000", 0, HEAD);
  first.file.write();
  const { store, warnings } = open(path);
  expect(store.size).toBe(1);
  const template = store.get("192.0.2.1", 4_294_967_295, 256);
  expect(template?.fields).toEqual([{ enterprise: 8057, number: 8, length: 4, isScope: false }]);
  expect(warnings).toEqual([]);
  expect(readdirSync(folder)).toEqual(["kept.json"]);
});

test("TemplateFile writes what has changed, and not more often than every five seconds", () => {
  const path = join(folder, "paced.json");
  const { store, file } = open(path);
  const kept = (): number => JSON.parse(readFileSync(path, "utf8")).templates.length;
  file.tick(1000);
  store.put("192.0.2.1", 0, HEAD);
  file.tick(1000);
  expect(kept()).toBe(1);
  store.put("192.0.2.1", 1, HEAD);
  file.tick(5999);
  expect(kept()).toBe(1);
  file.tick(6000);
  expect(kept()).toBe(2);
});

const saved = (change: object): string =>
  JSON.stringify({
    version: 1,
    templates: [{ exporter: "192.0.2.1", domain: 0, ...HEAD, specs: "AAgABA==", ...change }],
  });

test.each([
  ["no JSON", "{"],
  ["another version", '{"version":2,"templates":[]}'],
  ["more fields than there are", saved({ fieldCount: 1e9 })],
  ["fields cut off", saved({ specs: "AAg=" })],
  ["another dialect", saved({ dialect: "sflow" })],
  ["no domain", saved({ domain: "x" })],
])("TemplateFile tells of a file that is none, and begins anew: %s", (_, text) => {
  const path = join(folder, "bad.json");
  writeFileSync(path, text);
  const { store, file, warnings } = open(path);
  expect([store.size, warnings.length]).toEqual([0, 1]);
  store.put("192.0.2.1", 0, HEAD);
  file.write();
  expect(open(path).store.size).toBe(1);
});

test("TemplateFile warns once that it cannot write", () => {
  const { store, file, warnings } = open(join(folder, "no/such/folder.json"));
  for (let domain = 0; domain < 3; domain++) {
    store.put("192.0.2.1", domain, HEAD);
    file.write();
  }
  expect(warnings).toHaveLength(1);
});
