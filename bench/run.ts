// SPDX-License-Identifier: BSD-3-Clause
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { spawnSync } from "bun";

/** The benchmarks are the files beside this one; what they are made of lies in folders. */
const names = readdirSync(import.meta.dir)
  .filter((file) => file.endsWith(".ts") && !file.includes(".test."))
  .map((file) => basename(file, ".ts"))
  .filter((name) => name !== "run")
  .sort();

const [name = "", ...args] = process.argv.slice(2);
if (!names.includes(name)) {
  if (name !== "") console.error(`bench ${name}: no such benchmark`);
  console.error(`Usage: bun run bench NAME [options]\nNAME is one of: ${names.join(", ")}`);
  process.exit(64);
}
// A process of its own: profiles and heaps of two benchmarks never mix.
const script = join(import.meta.dir, `${name}.ts`);
const { exitCode } = spawnSync([process.execPath, script, ...args], {
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
});
process.exit(exitCode);
