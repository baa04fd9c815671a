// SPDX-License-Identifier: BSD-3-Clause
import { Command, CommanderError } from "commander";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { VERSION } from "../../core/module.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { meterCommand } from "./meter.ts";
import { helpCommand, modulesCommand } from "./modules.ts";
import { newCommand } from "./new.ts";
import { replayCommand } from "./replay.ts";
import { runCommand } from "./run.ts";
import { say } from "./terminal.ts";
import { upCommand } from "./up.ts";

/** Run one command line; returns the exit code of sysexits(3). */
export async function main(argv: readonly string[]): Promise<number> {
  const status = { code: EXIT.ok as number };
  const program = new Command("nemean")
    .description("Network traffic analysis: packets in, flows, detectors, alerts out.")
    .version(VERSION, "-V, --version", "print the version")
    .helpCommand(false)
    .showSuggestionAfterError(true);
  for (const add of [
    meterCommand,
    replayCommand,
    runCommand,
    demoCommand,
    upCommand,
    modulesCommand,
    helpCommand,
    newCommand,
    doctorCommand,
  ])
    quiet(add(program, status));
  quiet(program);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
    return status.code;
  } catch (error) {
    return report(error);
  }
}

/** Commander throws instead of printing and exiting: one place says what went wrong. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {} });
}

const ERROR_PREFIX = /^error: /;

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    say(`nemean: ${printable(error.message.replace(ERROR_PREFIX, "").replaceAll("\n", " "))}`);
    return EXIT.usage;
  }
  if (error instanceof NemeanError) {
    say(`nemean: ${printable(error.message)}`);
    return error.exitCode;
  }
  say(
    `nemean: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`,
  );
  return EXIT.software;
}
