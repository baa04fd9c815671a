// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SendResult } from "../../core/exporter.ts";
import { alertOfBody, bodyOf } from "./body.ts";
import { DeliveryQueue, type QueueOptions, type QueueStats, type SinkCounts } from "./queue.ts";
import type { DeadLetter } from "./queue-file.ts";
import { machineTiming } from "./timing.ts";
import { type NamedSink, SinkWorker, type WorkerState } from "./worker.ts";

export type DeliveryOptions = Omit<QueueOptions, "sinks">;

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
export type DeliveryView = Pick<Delivery, "stats" | "test" | "deadLetters">;

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
    return await worker?.test(alertOfBody(bodyOf(alert)));
  }

  /** What a sink's receiver refused, the latest first. */
  deadLetters(sink: string, most?: number): readonly DeadLetter[] {
    return this.#queue.deadLetters(sink, most);
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
