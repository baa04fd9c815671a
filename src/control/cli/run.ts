// SPDX-License-Identifier: BSD-3-Clause
import type { Command } from "commander";
import { EXIT, usageError } from "../../core/errors.ts";
import type { AnyModule } from "../../core/module.ts";
import { ModuleRunner } from "../../core/runner.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { CsvFile } from "../csv-file.ts";
import { help, trapInfo } from "../derive.ts";
import { moduleNamed } from "../modules.ts";
import { INTERFACE_HELP } from "./interface-help.ts";
import type { Status } from "./options.ts";
import { parseOptions, type RunPlan } from "./run-options.ts";
import { runTrap } from "./run-trap.ts";
import { grouped, print, say } from "./terminal.ts";
import { TextFeed } from "./text-feed.ts";

const HELP: readonly string[] = ["-h", "--help"];

/**
 * `nemean run MODULE`: one module as a process, with TRAP interfaces (`-i`), or on UniRec text, its input from a
 * file and its output to one.
 */
export function runCommand(program: Command, status: Status): Command {
  return program
    .command("run")
    .description(
      "Run one module: between TRAP interfaces (-i SPEC), or on UniRec text (--in FILE, --out FILE).",
    )
    .argument("<module>", "name or alias of a module")
    .argument(
      "[options...]",
      "--PARAMETER VALUE, -LETTER VALUE, -i SPEC, -v, --lateness SECONDS, --in FILE, --out FILE; -h [trap]",
    )
    .allowUnknownOption()
    .helpOption(false)
    .action(async (name: string, options: string[], _flags: object, command: Command) => {
      if (HELP.includes(name)) print(command.helpInformation());
      else status.code = await run(await moduleNamed(name), options);
    });
}

async function run(def: AnyModule, options: readonly string[]): Promise<number> {
  const asked = options.findIndex((option) => HELP.includes(option));
  if (asked >= 0) {
    print(helpOn(def, options[asked + 1]));
    return EXIT.ok;
  }
  const plan = parseOptions(def, options);
  return plan.interfaces === undefined
    ? runOnText(def, plan)
    : runTrap(def, { ...plan, interfaces: plan.interfaces });
}

/** The module's help; `topic` may ask for that of the interfaces instead, as the original's `-h trap` or `-h 1`. */
function helpOn(def: AnyModule, topic: string | undefined): string {
  if (topic === "trap" || topic === "1") return INTERFACE_HELP;
  const { LIBTRAP_OUTPUT_FORMAT: format } = process.env;
  return format === "json" ? `${JSON.stringify(trapInfo(def))}\n` : help(def);
}

function runOnText(def: AnyModule, { params, input, output, lateness }: RunPlan): number {
  const inputs = Object.keys(def.inputs);
  if (inputs.length !== 1)
    throw usageError(`${def.name} has ${inputs.length} inputs: give its interfaces with -i`);
  const warn = (message: string): void => say(`warning: ${message}`);
  const runner = new ModuleRunner(def, { params, print, warn });
  const [firstOutput] = Object.values(runner.outputs);
  const csv = firstOutput && new CsvFile(output, firstOutput.template);
  if (csv) firstOutput.link(csv);
  const feed = new TextFeed(input, runner.inputs[inputs[0]!]!, {
    warn,
    idle: () => firstOutput?.advance(runner.now),
    ...(lateness === undefined ? {} : { lateness: lateness * SECOND }),
  });
  feed.run();
  csv?.close();
  const { skipped } = feed;
  if (skipped > 0) say(`${grouped(skipped)} line${skipped === 1 ? "" : "s"} skipped`);
  return skipped > 0 ? EXIT.data : EXIT.ok;
}
