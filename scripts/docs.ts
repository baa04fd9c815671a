// SPDX-License-Identifier: BSD-3-Clause
/**
 * Writes the reference page of every module, and the one of the meter's plugins, from their declarations.
 *
 *     bun scripts/docs.ts            write docs/modules/ and docs/plugins.md
 *     bun scripts/docs.ts --check    fail when a page is stale, missing or left over
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { page } from "../src/control/derive.ts";
import { allModules } from "../src/control/modules.ts";
import { pluginPage } from "../src/control/plugins.ts";

const FOLDER = join(import.meta.dir, "../docs/modules");

/** Every page by file name. */
async function pages(): Promise<Map<string, string>> {
  const modules = await allModules();
  const rows = modules.map(
    ({ kind, def }) => `| [${def.name}](${def.name}.md) | ${kind} | ${def.about} |`,
  );
  const index = [
    "# Modules",
    "",
    "One page a module, written from its declaration by `bun run generate`: what it does, its parameters, its alerts, its ports.",
    "",
    "| module | kind | what it does |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  return new Map([
    ["README.md", index],
    ...modules.map(({ def }): [string, string] => [`${def.name}.md`, page(def)]),
  ]);
}

const PLUGINS = join(import.meta.dir, "../docs/plugins.md");
const plugins = pluginPage();
const wanted = await pages();
const present = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
if (process.argv.includes("--check")) {
  const stale = [...wanted].filter(([name, text]) => {
    const file = join(FOLDER, name);
    return !existsSync(file) || readFileSync(file, "utf8") !== text;
  });
  if (!existsSync(PLUGINS) || readFileSync(PLUGINS, "utf8") !== plugins) {
    console.error("docs/plugins.md is stale: run `bun run generate`");
    process.exit(1);
  }
  const names = [...stale.map(([name]) => name), ...present.filter((name) => !wanted.has(name))];
  if (names.length > 0) {
    console.error(`docs/modules is stale (${names.join(", ")}): run \`bun run generate\``);
    process.exit(1);
  }
} else {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(PLUGINS, plugins);
  for (const name of present) if (!wanted.has(name)) rmSync(join(FOLDER, name));
  for (const [name, text] of wanted) writeFileSync(join(FOLDER, name), text);
}
