// SPDX-License-Identifier: BSD-3-Clause
/**
 * Workers of the product, started through one function: a Worker runs this very file (or the one bundle it is part
 * of) and is told by its first message which loop to run. A path to another file would not survive bundling.
 * @module
 */
import { isMainThread } from "node:worker_threads";
import type { Alert } from "../core/alert.ts";
import { EXIT, messageOf, NemeanError } from "../core/errors.ts";
import type { Level } from "../core/log.ts";
import { alertJson } from "./alert-json.ts";
import { type CapturePlan, runCapture } from "./capture-loop.ts";
import { type PipelinePlan, PipelineRun } from "./pipeline-run.ts";
import type { Snapshot, SourceStats } from "./snapshot.ts";
import { runTrapModule, type TrapModulePlan } from "./trap-module.ts";

/**
 * Words of the memory a Worker shares with its parent: a stop flag, alerts sent but not yet taken, their bound,
 * and how often the operator has asked for what there is.
 */
const STOP = 0;
const PENDING = 1;
const PENDING_BOUND = 2;
const ASKED = 3;
/** Alerts on their way to the parent at once; a Worker that has sent more waits for it. */
const PENDING_MAX = 10_000;
/** Milliseconds between collections of garbage. */
const COLLECT_MS = 30_000;
/** The first time, of what loading has left. */
const FIRST_COLLECT_MS = 2000;
/** Milliseconds between snapshots. */
const SNAPSHOT_MS = 250;

export type WorkerTask =
  | { readonly kind: "pipeline"; readonly plan: PipelinePlan; readonly control: SharedArrayBuffer }
  | { readonly kind: "capture"; readonly plan: CapturePlan; readonly control: SharedArrayBuffer }
  | { readonly kind: "trap"; readonly plan: TrapModulePlan; readonly control: SharedArrayBuffer };

/** What a Worker tells its parent. */
export type WorkerMessage =
  /** As {@link alertJson} has it: a text crosses for a tenth of what its objects would cost. */
  | { readonly kind: "alert"; readonly text: string }
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "log"; readonly level: Level; readonly message: string }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "source"; readonly source: SourceStats }
  | { readonly kind: "ready" }
  | { readonly kind: "ended"; readonly failure?: WorkerFailure };

/** An error as data: classes do not cross a message. */
export interface WorkerFailure {
  readonly message: string;
  readonly exitCode: number;
}

export interface RunningWorker {
  /** Ask it to end; it exports what it holds first. */
  stop(): void;
  /** Pass on that the operator asks for what there is. */
  ask(): void;
  /** It has ended, or failed. */
  readonly ended: Promise<WorkerFailure | undefined>;
  /** End it at once, whatever it is doing. */
  terminate(): void;
}

type WithoutControl<T> = T extends WorkerTask ? Omit<T, "control"> : never;
type Task = WithoutControl<WorkerTask>;

/** Start a Worker with its task; an alert is taken once `onMessage` is through with it, and the Worker waits for its parent when so many of its alerts are on their way. */
export function startWorker(
  task: Task,
  onMessage: (message: WorkerMessage) => void | Promise<void>,
  pendingMax = PENDING_MAX,
): RunningWorker {
  const control = new SharedArrayBuffer(64);
  const words = new Int32Array(control);
  words[PENDING_BOUND] = pendingMax;
  const worker = new Worker(import.meta.url);
  const ended = new Promise<WorkerFailure | undefined>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      const taken = (): void => {
        Atomics.sub(words, PENDING, 1);
        Atomics.notify(words, PENDING);
      };
      const took = onMessage(data);
      if (data.kind === "alert") void Promise.resolve(took).finally(taken);
      if (data.kind !== "ended") return;
      resolve(data.failure);
      worker.terminate();
    };
    // What a task throws comes as `ended`; this is a Worker that could not be started, or a fault outside of tasks.
    worker.onerror = (event) => {
      resolve({ message: event.message, exitCode: EXIT.software });
      worker.terminate();
    };
    worker.addEventListener("close", () =>
      resolve({ message: `the ${task.kind} Worker is gone`, exitCode: EXIT.software }),
    );
  });
  worker.postMessage({ ...task, control } satisfies WorkerTask);
  return {
    stop: () => void Atomics.store(words, STOP, 1),
    ask: () => void Atomics.add(words, ASKED, 1),
    ended,
    terminate: () => worker.terminate(),
  };
}

/** A Worker's side of the shared words. */
class Parent {
  readonly #words: Int32Array;
  #collectAt = performance.now() + FIRST_COLLECT_MS;

  constructor(control: SharedArrayBuffer) {
    this.#words = new Int32Array(control);
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  get asked(): number {
    return Atomics.load(this.#words, ASKED);
  }

  tell(message: WorkerMessage): void {
    postMessage(message);
    this.#collect();
  }

  /**
   * A loop that never rests leaves the engine no time to look for garbage: what messages leave would grow by some megabytes
   * a minute. It is a few milliseconds' work, since tables lie outside of the heap.
   */
  #collect(): void {
    const now = performance.now();
    if (now < this.#collectAt) return;
    this.#collectAt = now + COLLECT_MS;
    Bun.gc(true);
  }

  /** Waits while too many are on their way, when told to stop as well: the parent takes them until the end. */
  alert(alert: Alert): void {
    let pending = Atomics.add(this.#words, PENDING, 1) + 1;
    postMessage({ kind: "alert", text: alertJson(alert) } satisfies WorkerMessage);
    while (pending >= this.#words[PENDING_BOUND]!) {
      Atomics.wait(this.#words, PENDING, pending, 1000);
      pending = Atomics.load(this.#words, PENDING);
    }
  }
}

async function runPipeline(plan: PipelinePlan, parent: Parent): Promise<void> {
  const run = await PipelineRun.open(plan, {
    onAlert: (alert) => parent.alert(alert),
    onWarning: (message) => parent.tell({ kind: "warning", message }),
    stopped: () => parent.stopped,
    onPulse: (each) => parent.tell({ kind: "snapshot", snapshot: each.snapshot() }),
  });
  let isReady = false;
  let next = 0;
  let more = true;
  while (more && !parent.stopped) {
    if (!isReady && run.connected) {
      isReady = true;
      parent.tell({ kind: "ready" });
    }
    more = run.step();
    if (performance.now() < next) continue;
    next = performance.now() + SNAPSHOT_MS;
    parent.tell({ kind: "snapshot", snapshot: run.snapshot() });
  }
  if (parent.stopped) run.interrupt();
  // A pipeline behind rings ends when they do: their writers have been told to stop too.
  while (more && plan.source.kind === "rings") more = run.step();
  run.finish(parent.stopped);
  parent.tell({ kind: "snapshot", snapshot: run.snapshot() });
  if (run.failure) throw run.failure;
}

const failureOf = (error: unknown): WorkerFailure => ({
  message: messageOf(error),
  exitCode: error instanceof NemeanError ? error.exitCode : EXIT.software,
});

async function runTask(task: WorkerTask): Promise<void> {
  const parent = new Parent(task.control);
  try {
    if (task.kind === "pipeline") await runPipeline(task.plan, parent);
    else if (task.kind === "trap")
      await runTrapModule(task.plan, {
        stopped: () => parent.stopped,
        asked: () => parent.asked,
        ready: () => parent.tell({ kind: "ready" }),
        show: (snapshot) => parent.tell({ kind: "snapshot", snapshot }),
        log: (level, message) => parent.tell({ kind: "log", level, message }),
      });
    else
      runCapture(task.plan, {
        stopped: () => parent.stopped,
        tell: (message) => parent.tell(message),
      });
    parent.tell({ kind: "ended" });
  } catch (error) {
    parent.tell({ kind: "ended", failure: failureOf(error) });
  }
}

declare const self: Worker;
if (!isMainThread) {
  self.onmessage = ({ data }: MessageEvent<WorkerTask>) => void runTask(data);
}
