// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { clashes } from "../src/core/testing/declaration-kit.ts";
import { registry } from "../src/registry.ts";

const components = [...registry.values()];
const modules = await Promise.all(
  components.map(async ({ kind, load }) => ({ kind, def: (await load()).default })),
);

test("registry holds each name, alias and rule id once", () => {
  expect(clashes(modules.map(({ def }) => def))).toEqual([]);
});

test("registry holds only detectors that have rules, and gives rules to detectors only", () => {
  for (const { kind, def } of modules)
    expect([def.name, def.rules !== undefined]).toEqual([def.name, kind === "detector"]);
});
