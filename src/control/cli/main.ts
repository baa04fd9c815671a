// SPDX-License-Identifier: BSD-3-Clause
import { Command, CommanderError } from "commander";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { VERSION } from "../../core/module.ts";
import type { Status } from "./options.ts";
import { say, sayFailure } from "./terminal.ts";

type AddCommand = (program: Command, status: Status) => Command;

/** Only what a command needs is loaded: the meter does without a database and a web server, a fourth of a second. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  meter: async () => (await import("./meter.ts")).meterCommand,
  replay: async () => (await import("./replay.ts")).replayCommand,
  run: async () => (await import("./run.ts")).runCommand,
  demo: async () => (await import("./demo.ts")).demoCommand,
  up: async () => (await import("./up.ts")).upCommand,
  process: async () => (await import("./process.ts")).processCommand,
  ctl: async () => (await import("./ctl.ts")).ctlCommand,
  top: async () => (await import("./top.ts")).topCommand,
  config: async () => (await import("./config.ts")).configCommand,
  lists: async () => (await import("./lists.ts")).listsCommand,
  modules: async () => (await import("./modules.ts")).modulesCommand,
  help: async () => (await import("./modules.ts")).helpCommand,
  link: async () => (await import("./link.ts")).linkCommand,
  new: async () => (await import("./new.ts")).newCommand,
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
};

/** The commands to know of: the one that is called, or all for a list of them. */
function commandsFor([name = ""]: readonly string[]): Promise<AddCommand[]> {
  const called = Object.hasOwn(COMMANDS, name) && name !== "help" ? [name] : Object.keys(COMMANDS);
  return Promise.all(called.map((each) => COMMANDS[each]!()));
}

/** Run one command line; returns the exit code of sysexits(3). */
export async function main(argv: readonly string[]): Promise<number> {
  const status = { code: EXIT.ok as number };
  const program = new Command("nemean")
    .description("Network traffic analysis: packets in, flows, detectors, alerts out.")
    .version(VERSION, "-V, --version", "print the version")
    .helpCommand(false)
    // -V after a command is that command's.
    .enablePositionalOptions()
    .showSuggestionAfterError(true);
  for (const add of await commandsFor(argv)) quiet(add(program, status));
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
  command
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode, error.code, error.message + cure(command, error));
    })
    .configureOutput({ writeErr: () => {} });
}

/** What could have been written instead, where commander does not say. */
function cure(command: Command, { code }: CommanderError): string {
  if (code === "commander.unknownCommand") return `; there are ${Object.keys(COMMANDS).join(", ")}`;
  if (code !== "commander.unknownOption") return "";
  const options = command.createHelp().visibleOptions(command);
  return `; ${command.name()} takes ${options.map(({ long, short }) => long ?? short).join(", ")}`;
}

const ERROR_PREFIX = /^error: /;

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    say(`nemean: ${error.message.replace(ERROR_PREFIX, "").replaceAll("\n", " ")}`);
    return EXIT.usage;
  }
  if (error instanceof NemeanError) return sayFailure(error);
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  for (const line of `nemean: unexpected: ${stack}`.split("\n")) say(line);
  return EXIT.software;
}
