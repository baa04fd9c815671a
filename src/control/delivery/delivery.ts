// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SendResult } from "../../core/exporter.ts";
import { alertJson, alertOfJson } from "../alert-json.ts";
import type { Fate } from "./fates.ts";
import { DeliveryQueue, type QueueOptions, type QueueStats, type SinkCounts } from "./queue.ts";
import type { DeadLetter } from "./queue-file.ts";
import { machineTiming } from "./timing.ts";
import { type NamedSink, SinkWorker, type WorkerState } from "./worker.ts";

export type DeliveryOptions = Omit<QueueOptions, "sinks">;

const STATES = {
  delivered: "delivered",
  filtered: "not routed",
  dropped: "dropped",
  dead: "dead",
  waiting: "waiting",
  unknown: "unknown",
} as const;
const NO_TRACE =
  "the queue has no trace of it: it was muted, or lost while the disk failed, or many others came since";

export interface SinkStats extends SinkCounts {
  readonly state: WorkerState;
  /** Sends that failed, since the start. */
  readonly retries: number;
}

export interface DeliveryStats {
  readonly queue: QueueStats;
  readonly sinks: readonly SinkStats[];
}

/** What the API sees of it. */
export type DeliveryView = Pick<Delivery, "stats" | "test" | "deadLetters" | "deliveriesOf">;

/** How far an alert has got with a sink. */
export interface AlertDelivery {
  readonly sink: string;
  /** `unknown` where the queue has no trace of it. */
  readonly state: "delivered" | "waiting" | "dead" | "not routed" | "dropped" | "unknown";
  readonly reason?: string;
}

/**
 * Brings alerts to all sinks, each at its own pace, over restarts and crashes.
 *
 *     put ──► queue (one file) ──► a worker a sink ──► sink.send
 *
 * At least once and in order: after a crash a sink may get the alerts of its last batch again, with the same ids and
 * updates. A sink that is slow or gone holds up no other, and never the caller of `put`.
 *
 * @example
 * const delivery = Delivery.start("data/delivery.sqlite", [{ name: "siem", sink, route: { severity: 4 } }]);
 * delivery.put(alert);
 * await delivery.close();
 */
export class Delivery {
  readonly #queue: DeliveryQueue;
  readonly #workers: readonly SinkWorker[];

  /**
   * Open the queue at a path and begin with what is left in it.
   * @throws {NemeanError} ERR_STORE for a file that cannot be used, ERR_PARAM for a route that cannot be
   */
  static start(path: string, sinks: readonly NamedSink[], options: DeliveryOptions = {}): Delivery {
    const names = sinks.map(({ name }) => name);
    const queue = DeliveryQueue.open(path, { ...options, sinks: names });
    try {
      return new Delivery(queue, sinks, options);
    } catch (error) {
      queue.close();
      throw error;
    }
  }

  constructor(queue: DeliveryQueue, sinks: readonly NamedSink[], options: DeliveryOptions = {}) {
    const timing = options.timing ?? machineTiming;
    this.#queue = queue;
    this.#workers = sinks.map((sink) => new SinkWorker(queue, sink, timing));
    queue.onCommit = () => this.#wake();
    this.#wake();
  }

  /** Take an alert. Never throws, never waits. */
  put(alert: Alert): void {
    this.#queue.put(alert);
  }

  /** Wait until all that was put is committed, and so acknowledged; false when some of it was dropped instead. */
  committed(): Promise<boolean> {
    return this.#queue.committed();
  }

  stats(): DeliveryStats {
    const sinks = this.#workers.map((worker): SinkStats => {
      const counts = this.#queue.counts(worker.name)!;
      const lastError = worker.readError ?? counts.lastError;
      return { ...counts, lastError, state: worker.state, retries: worker.retries };
    });
    return { queue: this.#queue.stats(), sinks };
  }

  /** Send one alert to a sink past queue and route; undefined when there is no such sink. */
  async test(name: string, alert: Alert): Promise<SendResult | undefined> {
    const worker = this.#workers.find((each) => each.name === name);
    // As it would come out of the queue, so that the test shows what will be sent.
    return await worker?.test(alertOfJson(alertJson(alert)));
  }

  /** What a sink's receiver refused, the latest first. */
  deadLetters(sink: string, most?: number): readonly DeadLetter[] {
    return this.#queue.deadLetters(sink, most);
  }

  /** How far an event's alert has got with each sink; `update` is the number of its latest one. */
  deliveriesOf(id: string, update: number): readonly AlertDelivery[] {
    const latest = this.#queue.latest(id);
    return this.#workers.map((worker): AlertDelivery => {
      const sink = worker.name;
      if (!latest || latest.update < update) return { sink, state: "unknown", reason: NO_TRACE };
      const fate = this.#queue.fate(sink, latest.seq);
      const reason = this.#reasonOf(worker, latest.seq, fate);
      return {
        sink,
        state: STATES[fate ?? "unknown"],
        ...(reason === undefined ? {} : { reason }),
      };
    });
  }

  #reasonOf(worker: SinkWorker, seq: number, fate: Fate | "waiting" | undefined) {
    if (fate === "dead") return this.#queue.deadReason(worker.name, seq);
    if (fate === "dropped") return "it left the queue at its bound before the sink had it";
    if (fate === "filtered") return "the sink's route does not want it, or the sink is newer";
    if (fate === undefined) return NO_TRACE;
    if (fate !== "waiting" || worker.state !== "waiting") return undefined;
    return worker.readError ?? this.#queue.counts(worker.name)?.lastError ?? undefined;
  }

  /** Commit what waits, let sinks end what they are sending, close all; the rest stays for the next start. */
  async close(): Promise<void> {
    this.#queue.flush();
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#queue.close();
  }

  #wake(): void {
    for (const worker of this.#workers) worker.wake();
  }
}
