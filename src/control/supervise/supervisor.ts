// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { CaptureHealth } from "../capture-health.ts";
import type { Snapshot } from "../snapshot.ts";
import type { WorkerFailure } from "../worker.ts";
import type { Backend } from "./backend.ts";
import { ControlSocket, type Report } from "./control-socket.ts";
import type { ProcessPlan } from "./layout.ts";
import { procStats } from "./proc.ts";
import { type Clocks, Supervised } from "./supervised.ts";
import { togetherOf } from "./together.ts";
import type { LogLine, ProcessView } from "./view.ts";

/** Milliseconds between looks at all processes. */
const TICK_MS = 250;

export interface SupervisorOptions {
  readonly backend: Backend;
  /** Path of the socket at which processes find control. */
  readonly socket: string;
  readonly onAlert: (alert: Alert) => void;
  /** Resolves once the alerts so far would survive this process, or cannot be made to for now. */
  readonly keep: () => Promise<void>;
  readonly clocks?: Clocks;
}

const machine: Clocks = { now: () => performance.now() / 1000, wall: () => Date.now() * 1000 };

/** What an operator asks of a process. */
export type Act = "start" | "stop" | "restart";

/**
 * Keeps the processes of the product running: starts what a layout has, starts again what ends by itself, after a
 * while that grows, and ends what hangs or takes too much memory.
 *
 * ```text
 *   capture@eth0 ──flows (TRAP)──► detectors
 *        │                            │ alerts
 *        └──────── control socket ────┴──► this process: store, sinks, API
 * ```
 */
export class Supervisor implements AsyncDisposable {
  readonly #backend: Backend;
  readonly #control: ControlSocket;
  readonly #clocks: Clocks;
  readonly #health = new CaptureHealth();
  readonly #began = performance.now();
  /** In the order of the layout. */
  #processes = new Map<string, Supervised>();
  /** Those that a new layout has no more, until they have ended. */
  readonly #leaving = new Set<Supervised>();
  readonly #timer: Timer;
  #alerts = 0;
  #changed = Promise.withResolvers<void>();

  readonly #onAlert: (alert: Alert) => void;

  private constructor(
    { backend, clocks = machine, onAlert }: SupervisorOptions,
    control: ControlSocket,
  ) {
    this.#onAlert = onAlert;
    this.#backend = backend;
    this.#clocks = clocks;
    this.#control = control;
    backend.observe({
      onExit: (name, exit) => {
        this.#named(name)?.ended(exit);
        this.#note();
      },
    });
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** @throws {NemeanError} ERR_SOCKET */
  static async open(options: SupervisorOptions): Promise<Supervisor> {
    let self: Supervisor | undefined;
    const control = await ControlSocket.listen(options.socket, {
      taskOf: (name) => self?.processNamed(name)?.plan.task,
      onReport: (name, report) => self?.report(name, report),
      onAlert: (alert) => self?.alert(alert),
      keep: options.keep,
    });
    self = new Supervisor(options, control);
    return self;
  }

  processNamed(name: string): Supervised | undefined {
    return this.#processes.get(name);
  }

  #named(name: string): Supervised | undefined {
    return this.#processes.get(name) ?? [...this.#leaving].find((each) => each.name === name);
  }

  /** A process says something of itself. */
  report(name: string, report: Report): void {
    this.#named(name)?.take(report);
    this.#note();
  }

  /** A process has found something. */
  alert(alert: Alert): void {
    this.#alerts++;
    this.#onAlert(alert);
  }

  #note(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Look after all processes: the timer calls this. */
  tick(): void {
    for (const process of [...this.#processes.values(), ...this.#leaving]) process.tick();
    this.#note();
  }

  /**
   * Make the processes those of a layout: start what is new, end what is gone, restart what is to do something else,
   * and leave the others alone.
   * @returns the names of those that were started, restarted or ended
   */
  async apply(plans: readonly ProcessPlan[]): Promise<string[]> {
    const before = this.#processes;
    const touched: string[] = [];
    const gone = [...before.values()].filter(
      ({ name }) => !plans.some((plan) => plan.name === name),
    );
    this.#processes = new Map(
      plans.map((plan) => [
        plan.name,
        before.get(plan.name) ?? new Supervised(plan, this.#backend, this.#clocks),
      ]),
    );
    for (const process of gone) {
      touched.push(process.name);
      this.#leaving.add(process);
      process.stop();
    }
    for (const plan of plans) {
      const process = this.#processes.get(plan.name)!;
      const isSame = Bun.deepEquals(process.plan, plan, true);
      process.plan = plan;
      if (!before.has(plan.name)) process.start();
      else if (isSame || process.state === "stopped") continue;
      else process.restart();
      touched.push(plan.name);
    }
    await this.#until(() => gone.every(({ isAlive }) => !isAlive));
    for (const process of gone) this.#leaving.delete(process);
    return touched;
  }

  /** Start, stop or restart one; false when there is none of that name. */
  act(name: string, what: Act): boolean {
    const process = this.#processes.get(name);
    process?.[what]();
    return process !== undefined;
  }

  async #until(done: () => boolean): Promise<void> {
    // biome-ignore lint/performance/noAwaitInLoops: it is looked at again when something has changed.
    while (!done()) await this.#changed.promise;
  }

  /** Processes that bring packets to detectors: without them the product is none. */
  #line(): Supervised[] {
    return [...this.#processes.values()].filter(({ plan }) => plan.task.kind === "appliance");
  }

  /**
   * Resolves once packets get to detectors; with a failure when an operator has to mend something for that, unless it is to
   * be waited for.
   */
  async ready(isPatient = false): Promise<WorkerFailure | undefined> {
    const unable = (): Supervised | undefined =>
      isPatient
        ? undefined
        : this.#line().find(
            ({ wasReady, failure }) => !wasReady && failure && isOperators(failure),
          );
    const isThere = ({ wasReady, state }: Supervised): boolean =>
      wasReady || state === "ended" || state === "stopped";
    await this.#until(() => unable() !== undefined || this.#line().every(isThere));
    return unable()?.failure;
  }

  /** Resolves once the sources have no more, and all that they gave has gone through. */
  async finished(): Promise<void> {
    const isOver = ({ state }: Supervised): boolean => state === "ended" || state === "stopped";
    await this.#until(() => this.#line().every(isOver));
  }

  views(): ProcessView[] {
    const { pid } = process;
    const own = procStats(pid);
    const since = this.#clocks.wall() - Math.round((performance.now() - this.#began) * 1000);
    return [
      {
        name: "control",
        kind: "control",
        state: "running",
        pid,
        since,
        restarts: 0,
        reason: null,
        retryAt: null,
        cpu: own?.cpu ?? 0,
        memory: own?.memory ?? 0,
        modules: [],
      },
      ...[...this.#processes.values()].map((each) => each.view()),
    ];
  }

  plans(): ProcessPlan[] {
    return [...this.#processes.values()].map(({ plan }) => plan);
  }

  /** What each process last said of itself. */
  snapshots(): ReadonlyMap<string, Snapshot> {
    return new Map([...this.#processes].map(([name, { snapshot }]) => [name, snapshot]));
  }

  /** All processes as one. */
  snapshot(): Snapshot {
    const memory = this.views().reduce((sum, each) => sum + each.memory, 0);
    const uptime = (performance.now() - this.#began) / 1000;
    return togetherOf([...this.#processes.values()], { uptime, rss: memory, alerts: this.#alerts });
  }

  /** What is wrong with capture and processes, in words. */
  health(): string[] {
    const wrong = this.#health.reasons(this.snapshot(), performance.now());
    for (const { name, state, reason, retryAt } of this.views()) {
      if (state !== "failed") continue;
      const next = retryAt === null ? "an operator has to start it" : "it is started again";
      wrong.push(`process ${name}: ${reason}; ${next}`);
    }
    const lost = [...this.#processes.values()].reduce((sum, each) => sum + each.alertsDropped, 0);
    if (lost > 0) wrong.push(`alerts: ${lost} were lost while control was away`);
    return wrong;
  }

  async logs(name: string, most: number): Promise<readonly LogLine[] | undefined> {
    return this.#processes.has(name) ? await this.#backend.logs(name, most) : undefined;
  }

  /** End all processes in the order in which records go through them, so that what was captured is still looked at. */
  async stop(): Promise<void> {
    for (const isTurn of [isCapture, isOther]) {
      const all = [...this.#processes.values()].filter(({ plan }) => isTurn(plan));
      for (const each of all) each.stop();
      // biome-ignore lint/performance/noAwaitInLoops: one after the other is the point.
      await this.#until(() => all.every(({ isAlive }) => !isAlive));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#backend[Symbol.asyncDispose]();
    this.#control[Symbol.dispose]();
  }
}

const isCapture = ({ kind }: ProcessPlan): boolean => kind === "capture";
const isOther = ({ kind }: ProcessPlan): boolean => kind !== "capture";

/** Exit codes of what an operator has to mend, from sysexits(3): neither a fault of the program nor a signal. */
const isOperators = ({ exitCode }: WorkerFailure): boolean =>
  exitCode >= 64 && exitCode <= 78 && exitCode !== 70;
