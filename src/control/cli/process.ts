// SPDX-License-Identifier: BSD-3-Clause
import type { Command } from "commander";
import { createLog } from "../../core/log.ts";
import { processSocketPath } from "../data-folder.ts";
import { runProcess } from "../supervise/process.ts";
import { StopSignal } from "./drive.ts";
import type { Status } from "./options.ts";
import { toPerson } from "./terminal.ts";

interface Flags {
  readonly control: string;
  readonly tied?: boolean;
}

/** `nemean process`: one process of the appliance, as the supervisor or a service manager starts it. */
export function processCommand(program: Command, status: Status): Command {
  return program
    .command("process")
    .description(
      "Be one process of a running appliance: capture@NAME, collector@NAME, exporter@ipfix, detectors, detector@NAME, module@NAME, command@NAME.",
    )
    .argument("<name>", "which one; control says what it does")
    .option(
      "--control <socket>",
      "where control listens",
      processSocketPath(process.env["STATE_DIRECTORY"] ?? "nemean-data"),
    )
    .option("--tied", "end when standard input does: when whoever started it is gone")
    .action(async (name: string, { control, tied }: Flags) => {
      const signal = new StopSignal();
      const isGone = tied ? Bun.stdin.bytes().then(() => {}) : new Promise<never>(() => {});
      const format = process.env["JOURNAL_STREAM"] === undefined ? "text" : "journal";
      const log = createLog(name, { level: "notice", format, write: toPerson });
      const stop = Promise.race([signal.wait, isGone]);
      status.code = await runProcess(name, { socket: control, log, stop });
      // Standard input may still be open, and would keep it.
      process.exit(status.code);
    });
}
