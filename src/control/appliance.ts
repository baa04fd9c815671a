// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../core/alert.ts";
import {
  abandonRing,
  type BatchRing,
  createBell,
  createRing,
  endRing,
} from "../core/batch-ring.ts";
import { alertOfJson } from "./alert-json.ts";
import type { CapturePlan } from "./capture-loop.ts";
import type { PipelinePlan } from "./pipeline-run.ts";
import { portNames } from "./plugins.ts";
import { EMPTY_SNAPSHOT, type Snapshot, type SourceStats } from "./snapshot.ts";
import {
  type RunningWorker,
  startWorker,
  type WorkerFailure,
  type WorkerMessage,
} from "./worker.ts";

/** Capture from an interface by one or more Workers. */
export interface LivePlan {
  readonly kind: "live";
  readonly capture: Omit<CapturePlan, "rings" | "worker">;
  readonly workers: number;
}

export interface AppliancePlan extends Omit<PipelinePlan, "source"> {
  readonly source: PipelinePlan["source"] | LivePlan;
}

export interface ApplianceHooks {
  /** The Worker goes on once it is through with so many of them. */
  readonly onAlert: (alert: Alert) => void | Promise<void>;
  readonly onWarning: (message: string) => void;
}

/**
 * The running product: capture Workers, the Worker of the pipeline, and what they last said of themselves.
 * The thread that owns it does nothing but take alerts and snapshots, so its API stays quick.
 *
 * ```text
 *   capture Worker 0 ──ring──┐
 *   capture Worker 1 ──ring──┴─► pipeline Worker ──alerts, snapshots──► this thread
 * ```
 *
 * They end together: one that fails takes the others with it, since half a tap is not what was asked for.
 */
export class Appliance implements Disposable {
  readonly #captures: RunningWorker[] = [];
  readonly #pipeline: RunningWorker;
  readonly #rings: BatchRing[][] = [];
  readonly #hooks: ApplianceHooks;
  readonly #sources: SourceStats[] = [];
  /** Workers that have not said yet that they are ready. */
  #unready: number;
  readonly #ready = Promise.withResolvers<boolean>();
  #snapshot = EMPTY_SNAPSHOT;
  /** When the pipeline, and each capture Worker, last said something; begun with when they were started. */
  readonly #heard: number[];
  /** Workers that have said nothing yet: they load, which takes long on a busy machine. */
  readonly #loading: Set<number>;
  #failure: WorkerFailure | undefined;

  constructor(plan: AppliancePlan, hooks: ApplianceHooks) {
    this.#hooks = hooks;
    const { source } = plan;
    this.#unready = source.kind === "live" ? source.workers + 1 : 1;
    this.#heard = new Array(this.#unready).fill(performance.now());
    this.#loading = new Set(this.#heard.keys());
    const pipeline: PipelinePlan = {
      ...plan,
      source: source.kind === "live" ? this.#startCaptures(source, plan.plugins) : source,
    };
    this.#pipeline = startWorker({ kind: "pipeline", plan: pipeline }, (message) =>
      this.#take(message, 0),
    );
    void this.#pipeline.ended.then((failure) => {
      for (const ring of this.#rings.flat()) abandonRing(ring);
      this.#gone(failure);
    });
  }

  #startCaptures(
    { capture, workers }: LivePlan,
    plugins: PipelinePlan["plugins"],
  ): PipelinePlan["source"] {
    const bell = createBell();
    for (let worker = 0; worker < workers; worker++) {
      const rings = portNames(plugins).map(() => createRing(bell));
      this.#rings.push(rings);
      const plan: CapturePlan = {
        ...capture,
        rings,
        worker: { index: worker, count: workers },
        ...(plugins === undefined ? {} : { plugins }),
      };
      const running = startWorker({ kind: "capture", plan }, (message) =>
        this.#take(message, worker),
      );
      this.#captures.push(running);
      void running.ended.then((failure) => {
        // One that failed has not said itself that nothing more comes.
        for (const ring of rings) endRing(ring);
        this.#gone(failure);
      });
    }
    return { kind: "rings", name: capture.interface, rings: this.#rings, bell };
  }

  #take(message: WorkerMessage, worker: number): void | Promise<void> {
    const from = message.kind === "source" ? worker + 1 : 0;
    this.#heard[from] = performance.now();
    this.#loading.delete(from);
    if (message.kind === "alert") return this.#hooks.onAlert(alertOfJson(message.text));
    if (message.kind === "warning") this.#hooks.onWarning(message.message);
    else if (message.kind === "snapshot") this.#snapshot = message.snapshot;
    else if (message.kind === "source") this.#sources[worker] = message.source;
    else if (message.kind === "ready" && --this.#unready === 0) this.#ready.resolve(true);
  }

  #gone(failure: WorkerFailure | undefined): void {
    this.#ready.resolve(false);
    if (!failure) return;
    this.#failure ??= failure;
    this.stop();
  }

  /** True once all Workers are at work; false when one has ended before. */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  /** Milliseconds since the Worker that is silent the longest has said something. */
  get silence(): number {
    return performance.now() - Math.min(...this.#heard);
  }

  /** Whether a Worker has said nothing yet. */
  get isLoading(): boolean {
    return this.#loading.size > 0;
  }

  /** The last look at all Workers. */
  snapshot(): Snapshot {
    const live = this.#sources.filter(Boolean);
    const sources = live.length > 0 ? live : this.#snapshot.sources;
    return { ...this.#snapshot, sources, rss: process.memoryUsage.rss() };
  }

  /** Ask all Workers to end, exporting what they hold. */
  stop(): void {
    for (const capture of this.#captures) capture.stop();
    this.#pipeline.stop();
  }

  /** All Workers have ended; the failure that ended the first one, if any. */
  async ended(): Promise<WorkerFailure | undefined> {
    await Promise.all([this.#pipeline, ...this.#captures].map(({ ended }) => ended));
    return this.#failure;
  }

  /** End all Workers at once, whatever they hold: for an owner that cannot go on. */
  [Symbol.dispose](): void {
    for (const worker of [this.#pipeline, ...this.#captures]) worker.terminate();
  }
}
