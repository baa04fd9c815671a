// SPDX-License-Identifier: BSD-3-Clause
/**
 * Writes the reference page of every module and exporter, and the one of the meter's plugins, from their declarations.
 *
 *     bun scripts/docs.ts            write docs/modules/, docs/exporters/ and docs/plugins.md
 *     bun scripts/docs.ts --check    fail when a page is stale, missing or left over
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exporterPage, page } from "../src/control/derive.ts";
import { allExporters, allModules } from "../src/control/modules.ts";
import { pluginPage } from "../src/control/plugins.ts";

const DOCS = join(import.meta.dir, "../docs");
/** Folders that hold generated pages and nothing else. */
const FOLDERS = ["modules", "exporters"];

/** Every page by its path below docs. */
async function pages(): Promise<Map<string, string>> {
  const modules = await allModules();
  const exporters = await allExporters();
  return new Map([
    ["plugins.md", pluginPage()],
    [
      "modules/README.md",
      index(
        ["# Modules", "", MODULES, "", "| module | kind | what it does |", "|---|---|---|"],
        modules.map(
          ({ kind, def }) => `| [${def.name}](${def.name}.md) | ${kind} | ${def.about} |`,
        ),
      ),
    ],
    ...modules.map(({ def }): [string, string] => [`modules/${def.name}.md`, page(def)]),
    [
      "exporters/README.md",
      index(
        ["# Exporters", "", EXPORTERS, "", "| exporter | what it does |", "|---|---|"],
        exporters.map(({ name, about }) => `| [${name}](${name}.md) | ${about} |`),
      ),
    ],
    ...exporters.map((def): [string, string] => [`exporters/${def.name}.md`, exporterPage(def)]),
  ]);
}

const MODULES =
  "One page a module, written from its declaration by `bun run generate`: what it does, its parameters, its alerts, its ports.";
const EXPORTERS =
  "What brings alerts to others, for `[sinks.NAME]` of the [configuration](../configuration.md); written from their declarations by `bun run generate`.";

const index = (head: readonly string[], rows: readonly string[]): string =>
  [...head, ...rows, ""].join("\n");

const wanted = await pages();
const present = FOLDERS.filter((folder) => existsSync(join(DOCS, folder))).flatMap((folder) =>
  readdirSync(join(DOCS, folder)).map((name) => `${folder}/${name}`),
);
const leftOver = present.filter((name) => !wanted.has(name));
if (process.argv.includes("--check")) {
  const stale = [...wanted].filter(([name, text]) => {
    const file = join(DOCS, name);
    return !existsSync(file) || readFileSync(file, "utf8") !== text;
  });
  const names = [...stale.map(([name]) => name), ...leftOver];
  if (names.length > 0) {
    console.error(`docs is stale (${names.join(", ")}): run \`bun run generate\``);
    process.exit(1);
  }
} else {
  for (const folder of FOLDERS) mkdirSync(join(DOCS, folder), { recursive: true });
  for (const name of leftOver) rmSync(join(DOCS, name));
  for (const [name, text] of wanted) writeFileSync(join(DOCS, name), text);
}
