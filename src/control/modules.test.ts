// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { allModules, moduleNamed, modulesNamed } from "./modules.ts";

const messageOf = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => "nothing was thrown",
    ({ message }: Error) => message,
  );

test("allModules loads each component with its kind", async () => {
  const modules = await allModules();
  expect(modules.map(({ kind, def }) => [kind, def.name])).toContainEqual([
    "detector",
    "vportscan",
  ]);
});

test("allModules has no name or alias twice, and no letter that belongs to TRAP", async () => {
  const defs = (await allModules()).map(({ def }) => def);
  const names = defs.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  const letters = defs.flatMap(({ params }) => Object.values(params).map(({ flag }) => flag));
  for (const reserved of ["i", "h", "v"]) expect(letters).not.toContain(reserved);
});

test("moduleNamed takes a name and the original's name", async () => {
  expect((await moduleNamed("vportscan")).name).toBe("vportscan");
  expect((await moduleNamed("vportscan_detector")).name).toBe("vportscan");
});

test("moduleNamed lists the modules there are for a name that is none", async () => {
  expect(await messageOf(moduleNamed("nix"))).toMatch(/^no module "nix"; there are .*vportscan/);
  expect(await messageOf(moduleNamed("constructor"))).toMatch(/^no module "constructor"/);
});

test("modulesNamed gives all detectors without names, else what is named in that order", async () => {
  const detectors = (await allModules()).filter(({ kind }) => kind === "detector");
  expect(await modulesNamed(undefined)).toEqual(detectors.map(({ def }) => def));
  const named = await modulesNamed(["vportscan", "haddrscan"]);
  expect(named.map(({ name }) => name)).toEqual(["vportscan", "haddrscan"]);
});

test("modulesNamed refuses no name, an unknown one and one given twice", async () => {
  expect(await messageOf(modulesNamed([]))).toMatch(/^--modules: a name is missing; there are /);
  expect(await messageOf(modulesNamed(["nix"]))).toMatch(/^--modules: no module "nix"/);
  expect(await messageOf(modulesNamed(["vportscan", "vportscan_detector"]))).toBe(
    "--modules: vportscan is given twice",
  );
});
