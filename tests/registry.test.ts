// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findComponents, registryText } from "../scripts/registry.ts";

const ROOT = join(import.meta.dir, "..");
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const declare = (name: string, by = "defineModule"): string =>
  `import { ${by} } from "../core/module.ts";\n\nexport default ${by}({\n  name: "${name}",\n  about: "A test.",\n});\n`;

/** A src folder with these files. */
function source(files: Record<string, string>): string {
  const src = mkdtempSync(join(tmpdir(), "nemean-registry-"));
  folders.push(src);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, path)), { recursive: true });
    writeFileSync(join(src, path), text);
  }
  return src;
}

test("findComponents finds files and folders that declare a module, sorted by name", () => {
  const src = source({
    "modules/zebra.ts": declare("zebra"),
    "detectors/ddos/index.ts": declare("ddos"),
    "detectors/ddos/table.ts": "export class Table {}",
    "detectors/ant.ts": declare("ant"),
    "detectors/ant.test.ts": declare("ant.test"),
    "collectors/frames.ts": "export const frames = 1;",
    "core/module.ts": declare("core"),
    "detectors/README.md": "# detectors",
  });
  expect(findComponents(src)).toEqual([
    { name: "ant", kind: "detector", path: "detectors/ant.ts" },
    { name: "ddos", kind: "detector", path: "detectors/ddos/index.ts" },
    { name: "zebra", kind: "module", path: "modules/zebra.ts" },
  ]);
});

test("findComponents takes an exporter only where exporters are, and nothing else there", () => {
  const src = source({
    "exporters/syslog/index.ts": declare("syslog", "defineExporter"),
    "exporters/formats/cef.ts": declare("cef", "defineExporter"),
    "exporters/ant.ts": declare("ant"),
    "modules/bee.ts": declare("bee", "defineExporter"),
  });
  expect(findComponents(src)).toEqual([
    { name: "syslog", kind: "exporter", path: "exporters/syslog/index.ts" },
  ]);
});

test("findComponents refuses a module that is not named as its file", () => {
  const src = source({ "detectors/ant.ts": declare("bee") });
  expect(() => findComponents(src)).toThrow("the detector's name is bee, its file says ant");
});

test("findComponents refuses two components of one name", () => {
  const src = source({ "detectors/ant.ts": declare("ant"), "modules/ant.ts": declare("ant") });
  expect(() => findComponents(src)).toThrow("taken by src/detectors/ant.ts");
});

test("registryText is formatted as biome formats it, names of 48 letters included", () => {
  const names = Array.from({ length: 48 }, (_, i) => "a".repeat(i + 1));
  const text = registryText(
    ["collector", "exporter"].flatMap((kind) =>
      names.map((name) => ({ name, kind, path: `${kind}s/${name}.ts` })),
    ),
  );
  const biome = Bun.spawnSync(
    [
      process.execPath,
      join(ROOT, "node_modules/@biomejs/biome/bin/biome"),
      "format",
      "--stdin-file-path=src/registry.ts",
    ],
    { cwd: ROOT, stdin: Buffer.from(text) },
  );
  expect(biome.stdout.toString()).toBe(text);
});

test("registryText of no component is formatted as well", () => {
  expect(registryText([])).toContain("new Map<string, Component>([]);\n");
});

test("registryText keeps exporters apart from modules", () => {
  const text = registryText([
    { name: "ant", kind: "module", path: "modules/ant.ts" },
    { name: "file", kind: "exporter", path: "exporters/file.ts" },
  ]);
  const [modules, exporters] = text.split("export const exporters");
  expect(modules).toContain('["ant", { kind: "module", load: () => import("./modules/ant.ts") }]');
  expect(modules).not.toContain("exporters/file.ts");
  expect(exporters).toContain('["file", { load: () => import("./exporters/file.ts") }]');
});
