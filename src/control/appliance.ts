// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../core/alert.ts";
import { type BatchRing, createBell, createRing } from "../core/batch-ring.ts";
import type { CapturePlan } from "./capture-loop.ts";
import type { PipelinePlan } from "./pipeline-run.ts";
import type { Snapshot, SourceStats } from "./snapshot.ts";
import {
  type RunningWorker,
  startWorker,
  type WorkerFailure,
  type WorkerMessage,
} from "./worker.ts";

/** Capture from an interface by one or more Workers. */
export interface LivePlan {
  readonly kind: "live";
  readonly capture: Omit<CapturePlan, "ring" | "worker">;
  readonly workers: number;
}

export interface AppliancePlan extends Omit<PipelinePlan, "source"> {
  readonly source: PipelinePlan["source"] | LivePlan;
}

export interface ApplianceHooks {
  readonly onAlert: (alert: Alert) => void;
  readonly onWarning: (message: string) => void;
}

const EMPTY: Snapshot = {
  at: 0,
  uptime: 0,
  sources: [],
  modules: [],
  alerts: 0,
  mergeOverflows: 0,
  ringDrops: 0,
  rss: 0,
  finished: false,
};

/**
 * The running product: capture Workers, the Worker of the pipeline, and what they last said of themselves.
 * The thread that owns it does nothing but take alerts and snapshots, so its API stays quick.
 */
export class Appliance {
  readonly #captures: RunningWorker[] = [];
  readonly #pipeline: RunningWorker;
  readonly #hooks: ApplianceHooks;
  readonly #sources = new Map<number, SourceStats>();
  #snapshot = EMPTY;
  #failure: WorkerFailure | undefined;

  constructor(plan: AppliancePlan, hooks: ApplianceHooks) {
    this.#hooks = hooks;
    const { source } = plan;
    const rings = source.kind === "live" ? this.#startCaptures(source) : undefined;
    const pipeline: PipelinePlan = { ...plan, source: rings ?? (source as PipelinePlan["source"]) };
    this.#pipeline = startWorker({ kind: "pipeline", plan: pipeline }, (message) =>
      this.#take(message, 0),
    );
  }

  #startCaptures({ capture, workers }: LivePlan): PipelinePlan["source"] {
    const bell = createBell();
    const rings: BatchRing[] = [];
    for (let worker = 0; worker < workers; worker++) {
      const ring = createRing(bell);
      rings.push(ring);
      const plan: CapturePlan = { ...capture, ring, worker: { index: worker, count: workers } };
      this.#captures.push(
        startWorker({ kind: "capture", plan }, (message) => this.#take(message, worker)),
      );
    }
    return { kind: "rings", name: capture.interface, rings, bell };
  }

  #take(message: WorkerMessage, worker: number): void {
    if (message.kind === "alert") this.#hooks.onAlert(message.alert);
    else if (message.kind === "warning") this.#hooks.onWarning(message.message);
    else if (message.kind === "snapshot") this.#snapshot = message.snapshot;
    else if (message.kind === "source") this.#sources.set(worker, message.source);
  }

  /** The last look at all Workers. */
  snapshot(): Snapshot {
    const sources = this.#sources.size > 0 ? [...this.#sources.values()] : this.#snapshot.sources;
    return { ...this.#snapshot, sources, rss: process.memoryUsage.rss() };
  }

  /** Ask all Workers to end, exporting what they hold. */
  stop(): void {
    for (const capture of this.#captures) capture.stop();
    this.#pipeline.stop();
  }

  /** All Workers have ended; the failure that ended the first one, if any. */
  async ended(): Promise<WorkerFailure | undefined> {
    // A capture that fails takes the others with it: half a tap is not what was asked for.
    for (const capture of this.#captures) {
      void capture.ended.then((failure) => {
        if (!failure) return;
        this.#failure ??= failure;
        this.stop();
      });
    }
    const failure = await this.#pipeline.ended;
    await Promise.all(this.#captures.map((capture) => capture.ended));
    return this.#failure ?? failure;
  }
}
