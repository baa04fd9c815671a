// SPDX-License-Identifier: BSD-3-Clause

import { BackOff } from "../../core/back-off.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../snapshot.ts";
import type { WorkerFailure } from "../worker.ts";
import type { Backend, Exit } from "./backend.ts";
import type { Report } from "./control-socket.ts";
import type { ProcessPlan } from "./layout.ts";
import { type ProcStats, procStats } from "./proc.ts";
import type { ProcessState, ProcessView } from "./view.ts";

/** Seconds a process has to become ready. */
const START_MAX = 30;
/** Seconds without a word after which it is taken to hang; it says something each half second. */
const SILENCE_MAX = 8;
/** Seconds it has to end when it is asked to. */
const STOP_MAX = 10;
const MB = 1 << 20;

export interface Clocks {
  /** Seconds of a clock that never goes back. */
  readonly now: () => number;
  /** Wall clock, microseconds since 1970. */
  readonly wall: () => number;
}

/** One process under supervision: its state, and what is done about it as time goes by. */
export class Supervised {
  plan: ProcessPlan;
  state: ProcessState = "stopped";
  snapshot: Snapshot = EMPTY_SNAPSHOT;
  /** Alerts that it lost while control was away. */
  alertsDropped = 0;
  /** Why it last ended by itself, or was ended. */
  failure: WorkerFailure | undefined;
  /** Whether it has ever been ready. */
  wasReady = false;
  readonly #backend: Backend;
  readonly #clocks: Clocks;
  readonly #backOff = new BackOff();
  #since: number;
  #restarts = 0;
  #stats: ProcStats | undefined;
  /** Times of {@link Clocks.now}. */
  #heard = 0;
  #startedAt = 0;
  #stoppingSince = 0;
  #retryAt: number | undefined;
  /** Why it was killed, until its end is told. */
  #killedFor: string | undefined;
  #reported: WorkerFailure | "done" | undefined;
  #startAgain = false;

  constructor(plan: ProcessPlan, backend: Backend, clocks: Clocks) {
    this.plan = plan;
    this.#backend = backend;
    this.#clocks = clocks;
    this.#since = clocks.wall();
  }

  get name(): string {
    return this.plan.name;
  }

  get isAlive(): boolean {
    return this.state === "starting" || this.state === "running" || this.state === "stopping";
  }

  /** An operator, or a new configuration, wants it to run. */
  start(): void {
    if (this.state === "stopping") this.#startAgain = true;
    if (this.isAlive) return;
    this.#backOff.reset();
    this.#begin();
  }

  #begin(): void {
    const now = this.#clocks.now();
    this.#retryAt = undefined;
    this.#killedFor = undefined;
    this.#reported = undefined;
    this.#stats = undefined;
    this.#startedAt = now;
    this.#heard = now;
    this.#backOff.started(now);
    this.#become("starting");
    this.#backend.start(this.plan);
  }

  #become(state: ProcessState): void {
    this.state = state;
    this.#since = this.#clocks.wall();
  }

  stop(): void {
    this.#startAgain = false;
    this.#retryAt = undefined;
    if (!this.isAlive) {
      this.#become("stopped");
      return;
    }
    if (this.state === "stopping") return;
    this.#stoppingSince = this.#clocks.now();
    this.#become("stopping");
    this.#backend.stop(this.name);
  }

  restart(): void {
    if (!this.isAlive) {
      this.start();
      return;
    }
    this.stop();
    this.#startAgain = true;
  }

  /** It said something of itself. */
  take(report: Report): void {
    this.#heard = this.#clocks.now();
    switch (report.kind) {
      case "ready":
        this.wasReady = true;
        if (this.state === "starting") this.#become("running");
        return;
      case "beat":
        this.snapshot = report.snapshot;
        this.alertsDropped = report.alertsDropped;
        return;
      case "ended":
        this.#reported = report.failure ?? "done";
    }
  }

  /** The backend says that it has ended. */
  ended(exit: Exit): void {
    const { state } = this;
    if (!this.isAlive) return;
    this.#stats = undefined;
    if (state === "stopping") {
      this.#become("stopped");
      if (this.#startAgain) this.#begin();
      this.#startAgain = false;
      return;
    }
    if (this.#reported === "done" && exit.code === 0) {
      this.#become("ended");
      return;
    }
    const reported = this.#reported === "done" ? undefined : this.#reported;
    const message = this.#killedFor ?? reported?.message ?? wordsOf(exit);
    this.failure = { message, exitCode: reported?.exitCode ?? exit.code ?? 70 };
    const wait = this.#backOff.failed(this.#clocks.now());
    this.#retryAt = wait === undefined ? undefined : this.#clocks.now() + wait;
    this.#become("failed");
  }

  /** Look after it: called some times a second. */
  tick(): void {
    const now = this.#clocks.now();
    if (this.state === "failed") {
      if (this.#retryAt === undefined || now < this.#retryAt) return;
      this.#restarts++;
      this.#begin();
      return;
    }
    if (!this.isAlive) return;
    const pid = this.#backend.pidOf(this.name);
    this.#stats = pid === undefined ? undefined : procStats(pid);
    if (this.state === "stopping") {
      if (now - this.#stoppingSince > STOP_MAX) this.#backend.kill(this.name);
      return;
    }
    if (this.plan.kind === "command") this.#watchCommand(now);
    const memory = this.#stats?.memory ?? 0;
    if (memory > this.plan.memory * MB)
      this.#kill(
        `it had ${Math.floor(memory / MB)} MB of memory; limits.memory allows ${this.plan.memory}`,
      );
    else if (now - this.#heard > (this.state === "starting" ? START_MAX : SILENCE_MAX))
      this.#kill(
        this.state === "starting"
          ? `it was not ready after ${START_MAX} s`
          : `it hung: no sign of life for ${SILENCE_MAX} s`,
      );
  }

  /** A program that is not ours says nothing: it lives as long as it is not stopped. */
  #watchCommand(now: number): void {
    if (!this.#stats || this.#stats.isStopped) return;
    this.#heard = now;
    if (this.state === "starting" && now - this.#startedAt >= 1) {
      this.wasReady = true;
      this.#become("running");
    }
  }

  #kill(why: string): void {
    if (this.#killedFor !== undefined) return;
    this.#killedFor = why;
    this.#backend.kill(this.name);
  }

  view(): ProcessView {
    const { name, kind, modules } = this.plan;
    const wait = this.#retryAt === undefined ? undefined : this.#retryAt - this.#clocks.now();
    return {
      name,
      kind,
      state: this.state,
      pid: this.isAlive ? (this.#backend.pidOf(name) ?? null) : null,
      since: this.#since,
      restarts: this.#restarts,
      reason: this.failure?.message ?? null,
      retryAt: wait === undefined ? null : this.#clocks.wall() + Math.round(wait * 1e6),
      cpu: this.#stats?.cpu ?? 0,
      memory: this.#stats?.memory ?? 0,
      modules,
    };
  }
}

function wordsOf({ code, signal, detail }: Exit): string {
  if (detail !== undefined) return detail;
  if (signal !== null) return `it was ended by ${signal}`;
  return `it ended with exit code ${code}`;
}
