// SPDX-License-Identifier: BSD-3-Clause
/** A process of the product, seen from inside: asks control for its task, does it, and says how it fares. @module */
import { EXIT } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { notifier } from "../../core/net/notify.ts";
import { Appliance, type AppliancePlan } from "../appliance.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../snapshot.ts";
import type { TrapModulePlan } from "../trap-module.ts";
import { startWorker, type WorkerFailure } from "../worker.ts";
import { ControlLine } from "./control-line.ts";

/** Milliseconds between signs of life. */
const BEAT_MS = 500;
/** Milliseconds without a word from a Worker after which it is taken to hang. */
const SILENCE_MAX = 6000;
/** The same for one that has said nothing yet, as long as it works: on a busy machine it loads for long. A unit may take 120 s to be ready. */
const LOAD_MAX = 100_000;
/** Milliseconds of CPU between two signs of life that a process takes which loads, and one that waits does not. */
const WORK_MS = 25;
/** Milliseconds that control has to take the last alerts. */
const CLOSE_MS = 3000;

export interface ProcessOptions {
  /** Path of the control socket. */
  readonly socket: string;
  readonly log: Log;
  /** Resolves when it is to end. */
  readonly stop: Promise<void>;
}

/** What a task is to its process while it runs. */
interface Running {
  readonly ready: Promise<boolean>;
  readonly ended: Promise<WorkerFailure | undefined>;
  snapshot(): Snapshot;
  /** Milliseconds since the Worker that is silent the longest has said something. */
  silence(): number;
  /** Whether a Worker has said nothing yet. */
  isLoading(): boolean;
  stop(): void;
}

/** Be the process of that name until the task ends or it is told to stop; returns the exit code. */
export async function runProcess(
  name: string,
  { socket, log, stop }: ProcessOptions,
): Promise<number> {
  using line = new ControlLine(socket, name);
  const task = await Promise.race([line.task, stop]);
  if (task === undefined) return EXIT.ok;
  if (task.kind === "command") return await runCommand(task.command, stop);
  const manager = notifier();
  const running =
    task.kind === "trap" ? runModule(task.plan, log) : runAppliance(task.plan, line, log);
  const hung = Promise.withResolvers<WorkerFailure>();
  const load = new Load();
  const beat = (): void => {
    const isIdle = running.isLoading() ? load.idle() > SILENCE_MAX : true;
    if (running.silence() > (isIdle ? SILENCE_MAX : LOAD_MAX))
      hung.resolve({ message: "a Worker hangs", exitCode: EXIT.software });
    else {
      manager.watchdog();
      line.tell({ kind: "beat", snapshot: running.snapshot(), alertsDropped: line.dropped });
    }
  };
  const timer = setInterval(beat, BEAT_MS);
  void running.ready.then((isReady) => {
    if (!isReady) return;
    manager.ready();
    line.isReady();
  });
  let isStopped = false;
  void stop.then(() => {
    isStopped = true;
    manager.stopping();
    running.stop();
  });
  const failure = await Promise.race([running.ended, hung.promise]);
  clearInterval(timer);
  if (failure) log("error", failure.message);
  else beat();
  if (failure || !isStopped) line.tell({ kind: "ended", ...(failure ? { failure } : {}) });
  await line.close(CLOSE_MS);
  return failure?.exitCode ?? EXIT.ok;
}

/** Whether a process that has not begun yet gets on. */
class Load {
  #cpu = process.cpuUsage();
  #worked = performance.now();

  /** Milliseconds since it last took some CPU time; asked at each sign of life. */
  idle(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    if ((user + system) / 1000 > WORK_MS) this.#worked = performance.now();
    return performance.now() - this.#worked;
  }
}

function runAppliance(plan: AppliancePlan, line: ControlLine, log: Log): Running {
  const appliance = new Appliance(plan, {
    onAlert: (alert) => line.alert(alert),
    onWarning: (message) => log("warning", message),
  });
  return {
    ready: appliance.ready,
    ended: appliance.ended(),
    snapshot: () => appliance.snapshot(),
    silence: () => appliance.silence,
    isLoading: () => appliance.isLoading,
    stop: () => appliance.stop(),
  };
}

function runModule(plan: TrapModulePlan, log: Log): Running {
  const ready = Promise.withResolvers<boolean>();
  let snapshot = EMPTY_SNAPSHOT;
  let heard = performance.now();
  let isLoading = true;
  const worker = startWorker({ kind: "trap", plan }, (message) => {
    heard = performance.now();
    isLoading = false;
    if (message.kind === "log") log(message.level, message.message);
    else if (message.kind === "ready") ready.resolve(true);
    else if (message.kind === "snapshot") snapshot = message.snapshot;
  });
  return {
    ready: ready.promise,
    ended: worker.ended,
    snapshot: () => snapshot,
    silence: () => performance.now() - heard,
    isLoading: () => isLoading,
    stop: () => worker.stop(),
  };
}

/** A program that is not ours, where the service manager knows this process only. */
async function runCommand(command: readonly string[], stop: Promise<void>): Promise<number> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    env: process.env,
  });
  void stop.then(() => child.kill("SIGTERM"));
  return await child.exited;
}
