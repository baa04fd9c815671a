// SPDX-License-Identifier: BSD-3-Clause
import type { Command } from "commander";
import { help, page, schema } from "../derive.ts";
import { allModules, moduleNamed } from "../modules.ts";
import type { Status } from "./options.ts";
import { print } from "./terminal.ts";

/** `nemean modules`: what there is. */
export function modulesCommand(program: Command, _status: Status): Command {
  return program
    .command("modules")
    .description("List the modules.")
    .option("--json", "name, kind, description, parameter schema and alert rules of each, as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const modules = await allModules();
      if (json) {
        const rows = modules.map(({ kind, def }) => ({
          name: def.name,
          kind,
          about: def.about,
          replaces: def.replaces,
          aliases: def.aliases ?? [],
          parameters: schema(def),
          rules: def.rules ?? {},
        }));
        print(`${JSON.stringify(rows, undefined, 2)}\n`);
        return;
      }
      const width = Math.max(...modules.map(({ def }) => def.name.length));
      for (const { kind, def } of modules)
        print(`${def.name.padEnd(width)}  ${kind.padEnd(9)}  ${def.about}\n`);
    });
}

/** `nemean help [MODULE]`: a module's help, its docs page or its schema; without a name the commands. */
export function helpCommand(program: Command, _status: Status): Command {
  return program
    .command("help")
    .description("Show what a module does, its parameters and its ports.")
    .argument("[module]", "name or alias of a module, or a command")
    .option("--markdown", "as its page in the documentation")
    .option("--schema", "the JSON Schema of its parameters")
    .action(async (name: string | undefined, flags: { markdown?: boolean; schema?: boolean }) => {
      const command = program.commands.find((each) => each.name() === name);
      if (name === undefined || command) {
        print((command ?? program).helpInformation());
        return;
      }
      const def = await moduleNamed(name);
      if (flags.schema) print(`${JSON.stringify(schema(def), undefined, 2)}\n`);
      else print(flags.markdown ? page(def) : help(def));
    });
}
