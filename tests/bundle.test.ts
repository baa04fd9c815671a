// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const MAIN = join(ROOT, "src/main.ts");
const DEMO = ["demo", "--once", "--port", "0", "--scale", "0.1"];
// Each test starts processes, on a machine that may be busy.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "nemean-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Run a command far from the checkout, so that nothing of it is found by chance. */
function run(command: readonly string[], cwd = folder): { code: number; out: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr}`);
  return { code: exitCode, out: stdout.toString() };
}

/** The alerts of the demo. Which of two comes first is up to the processes when they are of different detectors. */
const alertsOf = (command: readonly string[]): string[] =>
  run([...command, ...DEMO])
    .out.split("\n")
    .sort();

let fromSource: string[] = [];
beforeAll(() => {
  fromSource = alertsOf([process.execPath, MAIN]);
});

test("the demo from source raises alerts", () => {
  for (const detector of ["vportscan", "haddrscan"])
    expect(fromSource.some((line) => line.includes(detector))).toBe(true);
});

test("one bundled file is the whole product: Workers, database and API", () => {
  run([process.execPath, "build", MAIN, "--target", "bun", "--outdir", join(folder, "dist")], ROOT);
  expect(readdirSync(join(folder, "dist"))).toEqual(["main.js"]);
  expect(alertsOf([process.execPath, join(folder, "dist/main.js")])).toEqual(fromSource);
});

test("a compiled binary is the whole product and needs no Bun", () => {
  const binary = join(folder, "nemean");
  run([process.execPath, "build", MAIN, "--compile", "--outfile", binary], ROOT);
  expect(alertsOf([binary])).toEqual(fromSource);
});

test("a compiled binary has the console inside", async () => {
  const demo = Bun.spawn([join(folder, "nemean"), "demo", "--port", "0", "--scale", "0.01"], {
    cwd: folder,
    stdin: "ignore",
    stderr: "ignore",
  });
  try {
    let said = "";
    let url: string | undefined;
    const decoder = new TextDecoder();
    for await (const bytes of demo.stdout) {
      said += decoder.decode(bytes, { stream: true });
      url = /The console is at (\S+\/)console:/.exec(said)?.[1];
      if (url !== undefined) break;
    }
    for (const path of ["console", "console/app.js", "console/app.css"]) {
      const response = await fetch(`${url}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      expect((await response.text()).length).toBeGreaterThan(400);
    }
  } finally {
    demo.kill("SIGKILL");
    await demo.exited;
  }
});
