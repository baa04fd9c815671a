// SPDX-License-Identifier: BSD-3-Clause
/** Processes as units of systemd. @module */
import { existsSync } from "node:fs";
import type { Backend, BackendHooks, Exit, ProcessSpec } from "./backend.ts";
import {
  type Output,
  type Problem,
  problemOf,
  type RunCommand,
  runCommand,
} from "./systemd-command.ts";
import { journalArguments, parseJournal } from "./systemd-journal.ts";
import { parseShow, showArguments, type UnitState, unitOf } from "./systemd-unit.ts";
import type { LogLine } from "./view.ts";

/** Milliseconds between two looks at the units. */
const LOOK_MS = 1000;
/** Processes at once at most; one more is not started. */
const PROCESSES_MAX = 1000;

export interface SystemdOptions {
  /** Takes what keeps systemd from doing what it is asked, with the cure: once, until it is mended. */
  readonly onProblem: (message: string) => void;
  readonly run?: RunCommand;
  readonly lookMs?: number;
}

/** Whether systemd runs this machine: sd_booted(3). */
export const systemdAvailable = (run = "/run/systemd/system"): boolean => existsSync(run);

/** A process that was asked for, until it has ended. */
interface Watched {
  readonly name: string;
  /** `asked`: systemctl has not been told yet; `starting`: it has; `running`: its process was seen. */
  state: "asked" | "starting" | "running";
  /** The unit's run: while it is not running, the one before. Unknown before the first look. */
  invocation: string | undefined;
  restarts: number;
  pid: number | undefined;
}

type Verb = "start" | "stop" | "kill";

const VERBS: Readonly<Record<Verb, readonly string[]>> = {
  start: ["--no-block", "--no-ask-password", "start"],
  stop: ["--no-block", "--no-ask-password", "stop"],
  kill: ["--no-ask-password", "--signal=SIGKILL", "kill"],
};

/**
 * Starts and ends the units `nemean-NAME.service` by systemctl, and looks at all of them once a second. One
 * command runs at a time, in the order asked, so a look that follows a start has seen what came of it. What a
 * unit runs stands in its file: `command` of a spec goes by `nemean process NAME`.
 *
 * The units live on when this ends: a control process that is started anew finds them at work.
 */
export class SystemdBackend implements Backend {
  readonly kind = "systemd";
  readonly #run: RunCommand;
  readonly #lookMs: number;
  readonly #onProblem: (message: string) => void;
  #hooks: BackendHooks | undefined;
  /** By unit. */
  readonly #watched = new Map<string, Watched>();
  /** Orders that wait; the same one does not wait twice. */
  readonly #orders = new Set<string>();
  /** Problems that were told, by what was asked for. */
  readonly #told = new Map<string, string>();
  #last: Promise<void> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();
  #lookWaits = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor({ onProblem, run = runCommand, lookMs = LOOK_MS }: SystemdOptions) {
    this.#onProblem = onProblem;
    this.#run = run;
    this.#lookMs = lookMs;
  }

  observe(hooks: BackendHooks): void {
    this.#hooks = hooks;
  }

  start({ name }: ProcessSpec): void {
    const unit = unitOf(name);
    if (unit === undefined || this.#watched.size >= PROCESSES_MAX) {
      const detail = unit === undefined ? "no unit can have this name" : "too many processes";
      queueMicrotask(() => this.#hooks?.onExit(name, { code: null, signal: null, detail }));
      return;
    }
    if (this.#watched.has(unit)) return;
    const fresh = { invocation: undefined, restarts: 0, pid: undefined };
    this.#watched.set(unit, { name, state: "asked", ...fresh });
    this.#order("start", unit);
  }

  stop(name: string): void {
    const unit = unitOf(name);
    if (unit !== undefined) this.#order("stop", unit);
  }

  kill(name: string): void {
    const unit = unitOf(name);
    if (unit !== undefined) this.#order("kill", unit);
  }

  pidOf(name: string): number | undefined {
    return this.#watched.get(unitOf(name) ?? "")?.pid;
  }

  async logs(name: string, most: number): Promise<readonly LogLine[]> {
    const unit = unitOf(name);
    if (unit === undefined) return [];
    // One at a time, as with all else: who asks often waits longer.
    const output = this.#reading.then(() => this.#run(journalArguments(unit, most)));
    this.#reading = output;
    this.#judge("journalctl", await output);
    return parseJournal((await output).stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#last;
  }

  /** Do it after what was asked before. */
  #then(work: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (!this.#closed) await work();
    });
  }

  #order(verb: Verb, unit: string): void {
    const order = `${verb} ${unit}`;
    if (this.#orders.has(order)) return;
    this.#orders.add(order);
    this.#then(async () => {
      this.#orders.delete(order);
      await (verb === "start" ? this.#start(unit) : this.#ask(verb, unit));
      this.#lookNext();
    });
  }

  async #start(unit: string): Promise<void> {
    const watched = this.#watched.get(unit);
    if (watched?.state !== "asked") return;
    if (watched.invocation === undefined) await this.#look();
    const problem = await this.#ask("start", unit);
    if (!problem) watched.state = "starting";
    else this.#ended(unit, { code: null, signal: null, detail: problem.message });
  }

  async #ask(verb: Verb, unit: string): Promise<Problem | undefined> {
    const output = await this.#run(["systemctl", ...VERBS[verb], "--", unit]);
    // There is nothing to end.
    if (verb !== "start" && output.stderr.includes(" not loaded")) return undefined;
    return this.#judge(`systemctl ${verb}`, output);
  }

  /** Tell a problem once, and again only after what failed has worked. */
  #judge(what: string, output: Output): Problem | undefined {
    if (output.code === 0) {
      this.#told.delete(what);
      return undefined;
    }
    const problem = problemOf(what, output);
    if (this.#told.get(what) !== problem.kind) this.#onProblem(problem.message);
    this.#told.set(what, problem.kind);
    return problem;
  }

  /** Look when all orders are carried out that wait now. */
  #lookNext(): void {
    if (this.#lookWaits) return;
    this.#lookWaits = true;
    clearTimeout(this.#timer);
    this.#then(async () => {
      this.#lookWaits = false;
      await this.#look();
      clearTimeout(this.#timer);
      if (this.#watched.size > 0 && !this.#closed)
        this.#timer = setTimeout(() => this.#lookNext(), this.#lookMs);
    });
  }

  async #look(): Promise<void> {
    if (this.#watched.size === 0) return;
    const output = await this.#run(showArguments(this.#watched.keys()));
    this.#judge("systemctl show", output);
    if (this.#closed) return;
    for (const state of parseShow(output.stdout)) {
      const watched = this.#watched.get(state.id);
      if (watched) this.#take(watched, state);
    }
  }

  #take(watched: Watched, state: UnitState): void {
    if (watched.state === "asked") {
      watched.invocation = state.invocation;
      return;
    }
    // Still what was there before the start: its job has not been run.
    const waits = state.queued && state.invocation === watched.invocation;
    if (watched.state === "starting" && waits) return;
    const exit = exitOf(watched, state);
    if (exit) {
      this.#ended(state.id, exit);
      return;
    }
    watched.state = "running";
    watched.invocation = state.invocation;
    watched.restarts = state.restarts;
    watched.pid = state.pid;
  }

  #ended(unit: string, exit: Exit): void {
    const watched = this.#watched.get(unit);
    this.#watched.delete(unit);
    if (watched) this.#hooks?.onExit(watched.name, exit);
  }
}

/** How a process ended, by what systemd said of its unit before and says now; undefined while it is at work. */
function exitOf({ state: was, invocation, restarts }: Watched, now: UnitState): Exit | undefined {
  const sameRun = now.invocation === invocation;
  if (!now.over) return was === "starting" || sameRun ? undefined : replaced(now, restarts);
  // systemd forgets a unit that ended as it should, and so its invocation: only a failure is kept.
  if (now.invocation === "") return was === "running" ? CLEAN : UNSEEN;
  return was === "running" || !sameRun ? now.exit : neverRan(now);
}

const CLEAN: Exit = { code: 0, signal: null };
const UNSEEN: Exit = {
  ...CLEAN,
  detail: "it ended before it was seen at work, or a condition of its unit is not met",
};

/** Its start came to nothing: what else systemd says is of the run before. */
const neverRan = ({ startLimit }: UnitState): Exit => ({
  code: null,
  signal: null,
  detail: startLimit
    ? "systemd starts it no more: too often in a short time"
    : "its start was called off, or systemd refused it",
});

const replaced = (now: UnitState, restarts: number): Exit => ({
  code: null,
  signal: null,
  detail:
    now.restarts > restarts
      ? "systemd itself has started it anew: its unit needs Restart=no"
      : "it was started anew by systemctl",
});
