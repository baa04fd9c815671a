// SPDX-License-Identifier: BSD-3-Clause
/**
 * Writes the reference page of every module and exporter, and the one of the meter's plugins, from their declarations.
 *
 *     bun scripts/docs.ts            write docs/modules/, docs/exporters/, docs/plugins.md, docs/detection.md
 *     bun scripts/docs.ts --check    fail when a page is stale, missing or left over
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exporterPage, page } from "../src/control/derive.ts";
import { allExporters, allModules } from "../src/control/modules.ts";
import { pluginPage } from "../src/control/plugins.ts";
import type { Alert } from "../src/core/alert.ts";
import { FORMATS } from "../src/exporters/formats/formats.ts";
import { detectionPage } from "./detection-page.ts";

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
      "detection.md",
      detectionPage(modules.filter(({ kind }) => kind === "detector").map(({ def }) => def)),
    ],
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
    ["exporters/samples.md", samples()],
    ...exporters.map((def): [string, string] => [`exporters/${def.name}.md`, exporterPage(def)]),
  ]);
}

/** One alert in every format. */
function samples(): string {
  const place = { host: "sensor-1", version: "0.1.0" };
  const lines = Object.entries(FORMATS).flatMap(([name, format]) => [
    `## ${name}`,
    "",
    "```text",
    format(SAMPLE, place),
    "```",
    "",
  ]);
  const about = "One alert in each format, written by the code that sends them. It is made up.";
  return ["# Samples", "", about, "", ...lines].join("\n");
}

const SAMPLE: Alert = {
  id: "01a20de6-aec0-70de-b823-48153d489701",
  key: "vportscan:192.0.2.7>198.51.100.1",
  update: 0,
  state: "open",
  detector: "vportscan",
  version: "0.1.0",
  rule: 9_000_001,
  title: "Vertical TCP port scan",
  category: "Recon.Scanning",
  severity: 5,
  confidence: 0.9,
  techniques: ["T1046"],
  detectTime: 1_795_529_549_373_242,
  firstTime: 1_795_529_549_350_517,
  lastTime: 1_795_529_549_373_242,
  source: { ip: "192.0.2.7" },
  target: { ip: "198.51.100.1" },
  protocol: 6,
  reason: "192.0.2.7 tried 50 TCP ports of 198.51.100.1 without making a connection (limit 50)",
  observed: 50,
  threshold: 50,
  evidence: [],
  sensor: "sensor-1",
  interface: "eth0",
};

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
