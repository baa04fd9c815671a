// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { AnyModule } from "../../core/module.ts";
import { allModules } from "../modules.ts";
import type { Status } from "./options.ts";
import { print, say } from "./terminal.ts";

/** In the second line of each launcher: files without it are somebody else's. */
const MARK = "# Written by `nemean link`.";
const COMMAND_NAME = /^[A-Za-z0-9_-]+$/;

/**
 * `nemean link DIR`: a launcher for each module under its own name, its aliases and the name of the NEMEA program
 * it stands in for, so that scripts and a Supervisor's configuration go on as they are.
 */
export function linkCommand(program: Command, status: Status): Command {
  return program
    .command("link")
    .description("Write a launcher for each module into a folder, under NEMEA's names as well.")
    .argument("<folder>", "made where it is missing")
    .action(async (folder: string) => {
      status.code = link(
        resolve(folder),
        (await allModules()).map(({ def }) => def),
      );
    });
}

function link(folder: string, modules: readonly AnyModule[]): number {
  let skipped = 0;
  mkdir(folder);
  for (const def of modules) {
    for (const name of commandNames(def)) {
      const path = join(folder, name);
      if (existsSync(path) && !isOurs(path)) {
        say(`warning: ${path} is there and not ours: left alone`);
        skipped++;
        continue;
      }
      write(path, launcher(def.name));
      print(`${path}\n`);
    }
  }
  return skipped > 0 ? EXIT.cannotCreate : EXIT.ok;
}

/** Names a module is called by. */
const commandNames = ({ name, aliases = [], replaces }: AnyModule): Set<string> =>
  new Set([name, ...aliases, ...(replaces && COMMAND_NAME.test(replaces) ? [replaces] : [])]);

/** Replaces itself by the module's process, so that signals and the process id are the module's own. */
function launcher(module: string): string {
  // A compiled binary is one file; from source Bun runs the entry.
  const entry = Bun.main.startsWith("/$bunfs/") ? [] : [Bun.main];
  const words = [process.execPath, ...entry, "run", module].map(quoted);
  return `#!/bin/sh\n${MARK}\nexec ${words.join(" ")} "$@"\n`;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const isOurs = (path: string): boolean => readFileSync(path, "utf8").includes(MARK);

function mkdir(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw cannot(folder, error);
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o755 });
  } catch (error) {
    throw cannot(path, error);
  }
}

const cannot = (path: string, error: unknown): NemeanError =>
  new NemeanError("ERR_OUTPUT", EXIT.cannotCreate, `cannot write ${path}: ${messageOf(error)}`);
