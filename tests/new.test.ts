// SPDX-License-Identifier: BSD-3-Clause
/** `nemean new`: what it writes passes the gate as it is, in a copy of the tree. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { layerViolations, orphans } from "./tidy/layers.ts";
import { readProject } from "./tidy/project.ts";
import * as rules from "./tidy/rules.ts";

// A compiler and a linter are started here.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "..");
const COPIED = [
  "src",
  "scripts",
  "docs",
  "packages",
  "package.json",
  "tsconfig.json",
  "biome.json",
];
const copy = mkdtempSync(join(tmpdir(), "nemean-new-"));
afterAll(() => rmSync(copy, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Run one of the copy's scripts, or a tool of its node_modules. */
function run(...args: readonly string[]): Ended {
  const child = Bun.spawnSync([process.execPath, ...args], { cwd: copy, stdin: "ignore" });
  return { code: child.exitCode, output: `${child.stdout}${child.stderr}` };
}
const create = (kind: string, name: string): Ended => run("src/main.ts", "new", kind, name);

const DETECTOR = "slow-and-low-2";
const MODULE = "long-flows";
/** As long as a name may be: its lines are formatted otherwise. */
const LONG = "a".repeat(40);
const made: Ended[] = [];

beforeAll(() => {
  for (const entry of COPIED)
    cpSync(join(ROOT, entry), join(copy, entry), {
      recursive: true,
      filter: (path) => basename(path) !== "node_modules",
    });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  made.push(create("detector", DETECTOR), create("module", MODULE), create("detector", LONG));
});

describe("new", () => {
  test("new writes a declaration, its test and a golden folder, and names them", () => {
    expect(made.map(({ code }) => code)).toEqual([0, 0, 0]);
    const files = [`src/detectors/${DETECTOR}.ts`, `src/detectors/${DETECTOR}.test.ts`];
    for (const file of [...files, `tests/golden/${DETECTOR}/README.md`]) {
      expect(made[0]!.output).toContain(`${file}\n`);
      expect(readdirSync(join(copy, file, ".."))).toContain(basename(file));
    }
  });

  test("new leaves the registry and the docs pages fresh", () => {
    expect(run("scripts/registry.ts", "--check")).toEqual({ code: 0, output: "" });
    expect(run("scripts/docs.ts", "--check")).toEqual({ code: 0, output: "" });
    expect(readdirSync(join(copy, "docs/modules"))).toContain(`${DETECTOR}.md`);
  });

  test("new writes tests that pass, the conformance kit among them", () => {
    const { code, output } = run("test", DETECTOR, MODULE, LONG);
    expect(output).toContain(`${DETECTOR} goes on after a restart as if there had been none`);
    expect(output).toContain(`${MODULE} passes on the flows with enough packets`);
    expect(output).toContain(" 0 fail");
    expect(code).toBe(0);
  });

  test("new writes what format, lint and the house rules take as it is", () => {
    const lint = ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"];
    expect(run(...lint, "src/detectors", "src/modules", "src/registry.ts").code).toBe(0);
    const project = readProject(copy);
    const all = [layerViolations, orphans, ...Object.values(rules)].filter(
      (rule) => typeof rule === "function" && rule !== rules.brokenLinks,
    );
    for (const rule of all) {
      const complaints = (rule as rules.Rule)(project);
      expect(complaints.filter((text) => text.includes(DETECTOR) || text.includes(MODULE))).toEqual(
        [],
      );
    }
  });

  test("new writes what the compiler takes", () => {
    const { output } = run("node_modules/typescript/bin/tsc", "-p", ".", "--noEmit");
    expect(output.split("\n").filter((line) => /detectors|modules/.test(line))).toEqual([]);
  });

  test("the new detector runs by its name", () => {
    const { code, output } = run("src/main.ts", "help", DETECTOR);
    expect(code).toBe(0);
    expect(output).toContain("--flows-max <count>");
  });

  test.each([
    ["detector", "Capital", /lower case letters, digits and single hyphens, at most 40/],
    ["detector", "../escape", /lower case letters/],
    ["detector", "two--hyphens", /lower case letters/],
    ["detector", "a".repeat(41), /at most 40/],
    ["module", "vportscan", /the detector vportscan has that name/],
    ["module", DETECTOR, new RegExp(`the detector ${DETECTOR} has that name`)],
    ["sensor", "x", /detector, module/],
  ])("new %s %s is refused in one line", (kind, name, what) => {
    const { code, output } = create(kind, name);
    expect(code).toBe(64);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(output).toMatch(what);
  });

  test("new overwrites nothing", () => {
    cpSync(join(copy, "package.json"), join(copy, "src/modules/kept.test.ts"));
    const { code, output } = create("module", "kept");
    expect(code).toBe(64);
    expect(output).toContain("src/modules/kept.test.ts is there already");
    expect(readdirSync(join(copy, "src/modules"))).not.toContain("kept.ts");
  });
});
