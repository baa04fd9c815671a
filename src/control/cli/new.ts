// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Argument, type Command } from "commander";
import { EXIT, NemeanError, usageError } from "../../core/errors.ts";
import { registry } from "../../registry.ts";
import type { Status } from "./options.ts";
import { detectorFiles, moduleFiles } from "./scaffold.ts";
import { print } from "./terminal.ts";

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

function scaffold(kind: "detector" | "module", name: string): void {
  if (!NAME.test(name))
    throw usageError(
      `new ${kind} ${name}: a name is lower case letters, digits and single hyphens`,
    );
  if (registry.has(name))
    throw usageError(`new ${kind} ${name}: there is a module of that name already`);
  const root = resolve(import.meta.dir, "../../..");
  if (!existsSync(join(root, "src/detectors")))
    throw new NemeanError(
      "ERR_USAGE",
      EXIT.usage,
      "new: this is a bundle, not a checkout: clone the source to add a module",
    );
  const files = kind === "detector" ? detectorFiles(name) : moduleFiles(name);
  const taken = files.find(({ path }) => existsSync(join(root, path)));
  if (taken) throw usageError(`new ${kind} ${name}: ${taken.path} is there already`);
  for (const { path, text } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    print(`${relative(process.cwd(), join(root, path))}\n`);
  }
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, join(root, "scripts/registry.ts")],
    { cwd: root },
  );
  if (exitCode !== 0)
    throw new NemeanError("ERR_INTERNAL", EXIT.software, `the registry was not written: ${stderr}`);
  print(
    `src/registry.ts knows it. Next: say what it finds in ${files[0]!.path}, then \`bun test ${files[1]!.path}\`.\n`,
  );
}
