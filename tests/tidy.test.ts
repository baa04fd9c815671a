// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findComponents, registryText } from "../scripts/registry.ts";
import { layerViolations, orphans } from "./tidy/layers.ts";
import { type Project, readProject } from "./tidy/project.ts";
import * as rules from "./tidy/rules.ts";

const ROOT = join(import.meta.dir, "..");
const project = readProject(ROOT);
const plant = (files: Record<string, string>): Project => new Map(Object.entries(files));
/** Paths of the planted files that a rule complains of. */
const caught = (rule: rules.Rule, files: Record<string, string>): string[] =>
  rule(plant(files)).map((complaint) => complaint.split(/:? /, 1)[0]!);

describe("the project", () => {
  const RULES: readonly (readonly [string, rules.Rule])[] = [
    ["imports only downwards through its layers", layerViolations],
    ["has no source file that only a test imports", orphans],
    ["reads no wall clock in detectors and modules", rules.wallClock],
    ["writes to the console only from the command line", rules.consoleUse],
    ["has no open ends in its code", rules.openEnds],
    ["hands no moving address to C", rules.movingPointers],
    ["carries its licence in each file", rules.licences],
    ["exports by default only components", rules.defaultExports],
    ["has no file past 500 lines", rules.longFiles],
    ["names no path and no registry of a machine", rules.machineTraces],
    ["has a lock file without addresses", rules.lockAddresses],
    ["has a test beside each component", rules.untestedComponents],
    ["explains each of its folders", rules.silentFolders],
    ["has documents whose links lead somewhere", rules.brokenLinks],
  ];
  test.each(RULES)("%s", (_, rule) => {
    expect(rule(project)).toEqual([]);
  });

  test("has a registry as fresh as its generator writes it", () => {
    expect(project.get("src/registry.ts")).toBe(registryText(findComponents(join(ROOT, "src"))));
  });
});

describe("layers", () => {
  /** One file importing another: the complaint, or nothing. */
  const link = (from: string, to: string): string[] => {
    const up = "../".repeat(from.split("/").length - 1);
    const text = `import type { X } from "${to.includes("/") ? up + to : to}";\n`;
    return layerViolations(plant({ [from]: text }));
  };

  test.each([
    ["src/core/flow/table.ts", "src/core/batch.ts"],
    ["src/detectors/vportscan.ts", "src/core/module.ts"],
    ["src/detectors/ddos/index.ts", "src/detectors/ddos/table.ts"],
    ["src/detectors/ddos/table.test.ts", "src/core/testing/harness.ts"],
    ["src/detectors/vportscan.test.ts", "src/detectors/vportscan.ts"],
    ["src/detectors/vportscan.test.ts", "tests/rows.ts"],
    ["src/exporters/syslog.ts", "src/exporters/formats/cef.ts"],
    ["src/core/testing/kit.ts", "fast-check"],
    ["src/core/unirec/batch.test.ts", "src/core/unirec/test-kit.ts"],
    ["packages/pcap/src/a.test.ts", "packages/pcap/fixtures/capture.ts"],
    ["src/registry.ts", "src/detectors/vportscan.ts"],
    ["src/control/boot.ts", "src/registry.ts"],
    ["src/control/boot.ts", "elysia"],
    ["src/main.ts", "src/control/cli/main.ts"],
    ["src/core/flow/table.ts", "bun:ffi"],
    ["packages/pcap/src/a.ts", "packages/pcap/src/b.ts"],
    ["tests/a.test.ts", "src/control/boot.ts"],
  ])("layerViolations lets %s import %s", (from, to) => {
    expect(link(from, to)).toEqual([]);
  });

  test.each([
    ["src/core/flow/table.ts", "src/detectors/vportscan.ts"],
    ["src/core/flow/table.ts", "src/registry.ts"],
    ["src/core/flow/table.ts", "src/core/testing/harness.ts"],
    ["src/core/flow/table.ts", "bun:sqlite"],
    ["src/detectors/vportscan.ts", "src/detectors/haddrscan.ts"],
    ["src/detectors/vportscan.ts", "src/detectors/ddos/table.ts"],
    ["src/detectors/ddos/index.ts", "src/detectors/vportscan.ts"],
    ["src/detectors/vportscan.ts", "src/modules/filter.ts"],
    ["src/detectors/vportscan.test.ts", "src/control/boot.ts"],
    ["src/exporters/idea.ts", "elysia"],
    ["src/exporters/formats/cef.ts", "src/exporters/syslog.ts"],
    ["src/exporters/webhook.ts", "src/exporters/syslog.ts"],
    ["src/exporters/idea.ts", "src/control/store.ts"],
    ["src/collectors/pcap.ts", "drizzle-orm"],
    ["src/main.ts", "src/core/errors.ts"],
    ["src/main.ts", "src/registry.ts"],
    ["src/stray.ts", "src/core/errors.ts"],
    ["src/control/boot.ts", "scripts/registry.ts"],
    ["src/control/boot.ts", "src/core/errors.test.ts"],
    ["src/core/errors.ts", "fast-check"],
    ["packages/pcap/src/a.ts", "src/core/errors.ts"],
    ["packages/pcap/src/a.ts", "packages/other/src/b.ts"],
  ])("layerViolations stops %s importing %s", (from, to) => {
    expect(link(from, to)).toHaveLength(1);
  });

  test("layerViolations sees every form of import and no comment", () => {
    const text = [
      'import "../control/a.ts";',
      'import {\n  type A,\n  b,\n} from "../control/b.ts";',
      'export * from "../control/c.ts";',
      'const d = () => import("../control/d.ts");',
      'new Worker(new URL("../control/e.ts", import.meta.url));',
      '// import "../control/no.ts";',
      '/**\n * import { no } from "../control/no.ts";\n */',
    ].join("\n");
    expect(layerViolations(plant({ "src/core/a.ts": text }))).toHaveLength(5);
  });
});

describe("dead files", () => {
  test("orphans finds a file that only its test imports", () => {
    const files = {
      "package.json": '{ "bin": { "nemean": "src/main.ts" } }',
      "src/main.ts": 'import "./control/boot.ts";',
      "src/control/boot.ts": "",
      "src/core/lost.ts": "",
      "src/core/lost.test.ts": 'import "./lost.ts";',
      "src/core/testing/kit.ts": "",
      "src/core/batch.test.ts": 'import "./testing/kit.ts";',
      "packages/pcap/package.json": '{ "exports": "./src/index.ts" }',
      "packages/pcap/src/index.ts": "",
    };
    expect(orphans(plant(files))).toEqual(["src/core/lost.ts"]);
  });
});

describe("rules", () => {
  test("wallClock catches a clock in a detector's code, not in its prose or test", () => {
    const code = "export const now = (): number => Date.now();";
    const files = {
      "src/detectors/a.ts": code,
      "src/detectors/a.test.ts": code,
      "src/modules/b.ts": "const t = new Date();",
      "src/modules/c.ts": "// Never Date.now() here.\nconst t = new Date(0);",
      "src/control/d.ts": code,
    };
    expect(caught(rules.wallClock, files)).toEqual(["src/detectors/a.ts", "src/modules/b.ts"]);
  });

  test("consoleUse lets only the command line talk", () => {
    const code = 'console.log("hello");';
    const files = {
      "src/core/a.ts": code,
      "src/core/a.test.ts": code,
      "src/control/cli/b.ts": code,
      "scripts/c.ts": code,
    };
    expect(caught(rules.consoleUse, files)).toEqual(["src/core/a.ts"]);
  });

  test("openEnds catches a note to self", () => {
    const files = { "src/a.ts": `// ${"TO"}DO later`, "src/b.ts": "// All done." };
    expect(caught(rules.openEnds, files)).toEqual(["src/a.ts"]);
  });

  test("movingPointers catches a small array made inside ptr()", () => {
    const files = {
      "src/a.ts": "c.poll(ptr(new Uint8Array(8)), 1);",
      "src/b.ts": "c.poll(ptr(Uint8Array.of(1, 2)), 1);",
      "src/c.ts": "const at = ptr(new Uint8Array(new ArrayBuffer(8)));",
      "src/d.ts": "const at = ptr(kept);",
    };
    expect(caught(rules.movingPointers, files)).toEqual(["src/a.ts", "src/b.ts"]);
  });

  test("licences wants the line at the top, below a shebang if there is one", () => {
    const line = "SPDX-License-Identifier: BSD-3-Clause";
    const files = {
      "src/a.ts": `// ${line}\n`,
      "scripts/b.sh": `#!/bin/sh\n# ${line}\n`,
      "src/c.ts": `export {};\n\n\n// ${line}\n`,
    };
    expect(caught(rules.licences, files)).toEqual(["src/c.ts"]);
  });

  test("defaultExports knows a component's declaration", () => {
    const files = {
      "src/detectors/a.ts": "export default defineModule({});",
      "src/exporters/a.ts": "export default defineExporter({});",
      "src/core/b.ts": "export default class B {}",
    };
    expect(caught(rules.defaultExports, files)).toEqual(["src/core/b.ts"]);
  });

  test("longFiles lets generated tables be long", () => {
    const long = "//\n".repeat(501);
    const files = { "src/core/a.ts": long, "src/core/b.ts": `// Generated by x.\n${long}` };
    expect(caught(rules.longFiles, files)).toEqual(["src/core/a.ts"]);
  });

  test("machineTraces catches a path and a registry", () => {
    const files = {
      "docs/a.md": `see ${["", "work", "main"].join("/")}`,
      "docs/b.md": `from https://${"registry"}.example/x`,
      "docs/c.md": "the work is done",
    };
    expect(caught(rules.machineTraces, files)).toEqual(["docs/a.md", "docs/b.md"]);
  });

  test("lockAddresses catches an address in the lock file", () => {
    const files = { "bun.lock": '["x@1", "https://example.org/x.tgz", {}]' };
    expect(caught(rules.lockAddresses, files)).toEqual(["bun.lock"]);
  });

  test("untestedComponents wants a test for files and for folders", () => {
    const files = {
      "src/detectors/a.ts": "",
      "src/detectors/a.test.ts": "",
      "src/detectors/b/index.ts": "",
      "src/detectors/b/table.test.ts": "",
      "src/detectors/c.ts": "",
      "src/exporters/d/index.ts": "",
      "src/core/e.ts": "",
    };
    expect(caught(rules.untestedComponents, files)).toEqual(["src/detectors/c", "src/exporters/d"]);
  });

  test("silentFolders asks for a README at the top, in src, in core and in packages", () => {
    const files = {
      "src/README.md": "",
      "src/core/README.md": "",
      "src/core/unirec/types.ts": "",
      "src/detectors/ddos/index.ts": "",
      "packages/README.md": "",
      "packages/pcap/src/index.ts": "",
      ".ci/run": "",
    };
    expect(caught(rules.silentFolders, files)).toEqual([
      "src/core/unirec",
      "src/detectors",
      "packages/pcap",
    ]);
  });

  test("brokenLinks follows relative links only", () => {
    const files = {
      "docs/a.md": "[b](b.md) [up](../README.md#top) [web](https://example.org) [here](#x) [d](./)",
      "docs/b.md": "[gone](gone.md)",
      "README.md": "[docs](docs) [docs](docs/)",
    };
    expect(caught(rules.brokenLinks, files)).toEqual(["docs/b.md"]);
  });
});
