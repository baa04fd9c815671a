// SPDX-License-Identifier: BSD-3-Clause
import { EXIT } from "../../core/errors.ts";
import { createLog, type Level } from "../../core/log.ts";
import type { AnyModule } from "../../core/module.ts";
import { startWorker } from "../worker.ts";
import { StopSignal } from "./drive.ts";
import type { RunPlan } from "./run-options.ts";
import { sayFailure, toPerson } from "./terminal.ts";

/** Milliseconds after a signal at which the process ends in any case. */
const STOP_MS = 1800;
/** What is said without -v, with it, and with -vv and -vvv. */
const LEVELS: readonly Level[] = ["notice", "info", "debug", "debug"];

/**
 * Run a module between TRAP interfaces until it ends or a signal comes. It runs in a Worker, whose calls may
 * block: this thread takes the signals.
 * @returns the exit code
 */
export async function runTrap(
  def: AnyModule,
  { params, interfaces, lateness, verbosity }: RunPlan & { readonly interfaces: string },
): Promise<number> {
  const log = createLog(def.name, {
    level: LEVELS[verbosity]!,
    // Set by systemd when standard error is the journal.
    format: process.env["JOURNAL_STREAM"] === undefined ? "text" : "journal",
    write: toPerson,
  });
  const signal = new StopSignal();
  const plan = {
    module: def.name,
    params,
    interfaces,
    ...(lateness === undefined ? {} : { lateness }),
  };
  const worker = startWorker({ kind: "trap", plan }, (message) => {
    if (message.kind === "log") log(message.level, message.message);
  });
  process.on("SIGUSR1", worker.ask);
  void signal.wait.then(() => {
    worker.stop();
    setTimeout(worker.terminate, STOP_MS).unref();
  });
  const failure = await worker.ended;
  if (!failure) return EXIT.ok;
  if (!signal.stopped) return sayFailure(failure);
  log("warning", "ended before its receivers had all that was left");
  return EXIT.software;
}
