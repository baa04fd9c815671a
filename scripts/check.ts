// SPDX-License-Identifier: BSD-3-Clause
/**
 * The gate: everything a change must pass, one line a stage.
 *
 *     bun run check                all stages
 *     bun run check --no-tests     all but the tests (CI runs those by themselves)
 *     bun run fix                  mend what a machine can: format, import order, generated files
 */
import { runTests } from "./test.ts";

interface Stage {
  readonly name: string;
  readonly args: readonly string[];
}

// The tools' launchers are JavaScript; run by Bun they need no Node.
const BIOME = "node_modules/@biomejs/biome/bin/biome";
const TSC = "node_modules/typescript/bin/tsc";
/** Scripts that write a tracked file, or compare it with `--check`. */
const GENERATORS = ["scripts/registry.ts", "scripts/docs.ts"];

const STAGES: readonly Stage[] = [
  { name: "format, lint", args: [BIOME, "check", "--error-on-warnings", "."] },
  { name: "types", args: [TSC, "-p", ".", "--noEmit"] },
  { name: "types of the console", args: [TSC, "-p", "web", "--noEmit"] },
  ...GENERATORS.map((script) => ({ name: `fresh: ${script}`, args: [script, "--check"] })),
];

const FIXES: readonly Stage[] = [
  ...GENERATORS.map((script) => ({ name: `generate: ${script}`, args: [script] })),
  { name: "format, lint", args: [BIOME, "check", "--write", "."] },
];

/** Run one stage; what it printed is shown only when it fails. */
async function passes({ name, args }: Stage): Promise<boolean> {
  const start = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
  if (exitCode !== 0) console.log(`${stdout}${stderr}`.trimEnd());
  return exitCode === 0;
}

const options = process.argv.slice(2);
const unknown = options.find((option) => option !== "--no-tests" && option !== "--fix");
if (unknown !== undefined) {
  console.error(`check: unknown option ${unknown}; it takes --no-tests or --fix`);
  process.exit(64);
}

let failures = 0;
for (const stage of options.includes("--fix") ? FIXES : STAGES) {
  // One after the other: each stage keeps all cores busy by itself.
  if (!(await passes(stage))) failures++;
}
const exitCode = options.length === 0 ? await runTests([]) : 0;
process.exit(failures > 0 || exitCode !== 0 ? 1 : 0);
