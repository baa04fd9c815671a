// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Argument, type Command } from "commander";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { allModules } from "../modules.ts";
import type { Status } from "./options.ts";
import { detectorFiles, moduleFiles } from "./scaffold.ts";
import { print } from "./terminal.ts";

/** The formatter's launcher is JavaScript: run by Bun it needs no Node. */
const BIOME = "node_modules/@biomejs/biome/bin/biome";
const NAME_MAX = 40;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** `nemean new detector NAME`: a declaration that runs, its test and a golden folder. */
export function newCommand(program: Command, _status: Status): Command {
  return program
    .command("new")
    .description("Write the files of a new detector or module.")
    .addArgument(new Argument("<kind>", "what to make").choices(["detector", "module"]))
    .argument(
      "<name>",
      "lower case, digits and hyphens: the file, the module and its option are named so",
    )
    .action((kind: "detector" | "module", name: string) => scaffold(kind, name));
}

async function scaffold(kind: "detector" | "module", name: string): Promise<void> {
  await refuseTaken(kind, name);
  const root = resolve(import.meta.dir, "../../..");
  if (!existsSync(join(root, "src/detectors")))
    throw usageError("new: this is a bundle, not a checkout: clone the source to add a module");
  const files = kind === "detector" ? detectorFiles(name) : moduleFiles(name);
  const taken = files.find(({ path }) => existsSync(join(root, path)));
  if (taken) throw usageError(`new ${kind} ${name}: ${taken.path} is there already`);
  for (const { path, text } of files) write(root, path, text);
  const source = files.map(({ path }) => path).filter((path) => path.endsWith(".ts"));
  const [declaration, test] = source;
  runIn(root, [BIOME, "check", "--write", ...source]);
  runIn(root, ["scripts/registry.ts"]);
  runIn(root, ["scripts/docs.ts"]);
  for (const { path } of files) print(`${relative(process.cwd(), join(root, path))}\n`);
  print(
    `src/registry.ts and docs/modules know it. Next: say what it finds in ${declaration}, then ` +
      `\`bun test ${test}\`; \`bun run fix\` when the declaration has changed.\n`,
  );
}

async function refuseTaken(kind: string, name: string): Promise<void> {
  if (!NAME.test(name) || name.length > NAME_MAX)
    throw usageError(
      `new ${kind} ${name}: a name is lower case letters, digits and single hyphens, at most ${NAME_MAX}`,
    );
  const modules = await allModules();
  const owner = modules.find(({ def }) => def.name === name || def.aliases?.includes(name));
  if (owner)
    throw usageError(`new ${kind} ${name}: the ${owner.kind} ${owner.def.name} has that name`);
}

function write(root: string, path: string, text: string): void {
  try {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { flag: "wx" });
  } catch (error) {
    throw new NemeanError(
      "ERR_OUTPUT",
      EXIT.cannotCreate,
      `cannot write ${path}: ${messageOf(error)}`,
    );
  }
}

/** Run one of the checkout's scripts. */
function runIn(root: string, script: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, ...script], { cwd: root });
  if (exitCode !== 0)
    throw new NemeanError("ERR_INTERNAL", EXIT.software, `new: ${script[0]} failed: ${stderr}`);
}
