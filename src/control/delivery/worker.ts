// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { messageOf } from "../../core/errors.ts";
import type { SendResult, Sink } from "../../core/exporter.ts";
import { alertOfJson } from "../alert-json.ts";
import type { DeliveryQueue, QueueBatch, Settlement } from "./queue.ts";
import type { QueuedBody } from "./queue-file.ts";
import { matcherOf, type Route } from "./route.ts";
import { machineTiming, type Timing } from "./timing.ts";

/** A sink by its name in the configuration, and what it gets. */
export interface NamedSink {
  readonly name: string;
  readonly sink: Sink;
  readonly route?: Route;
}

/** idle: nothing to send; sending: a batch is on its way; waiting: a failure is waited out, or sent again. */
export type WorkerState = "idle" | "sending" | "waiting";

export const BATCH_ALERTS = 500;
export const BATCH_BYTES = 1 << 20;
const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 60_000;
/** What a receiver asks for is believed up to here. */
const RETRY_AFTER_MAX_MS = 3_600_000;
/** How long a sink that is asked to stop, or to send one alert of its own, may take. */
const PATIENCE_MS = 5000;
const TEST_PATIENCE_MS = 30_000;

/**
 * Milliseconds to wait after the nth failure in a row: at random between half and all of 2, 4, 8 … 60 seconds, so that
 * many senders do not come back to a receiver at the same moment.
 *
 * @param random 0 to below 1
 */
export function backoffMs(failures: number, random: number): number {
  const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures);
  return Math.round(most / 2 + (most / 2) * random);
}

/** An alert of a batch that the sink gets. */
interface Addressed {
  readonly queued: QueuedBody;
  readonly alert: Alert;
}

/** What is done with a batch: alerts are sent up to the first that is unreadable, which nobody can take. */
interface Plan {
  readonly batch: QueueBatch;
  readonly addressed: readonly Addressed[];
  /** The unreadable one, if there is. */
  readonly broken?: QueuedBody;
  /** Number after the last alert the plan speaks of. */
  readonly nextSeq: number;
}

/**
 * Brings the alerts of the queue to one sink, in order, a batch at a time.
 *
 *     idle ──wake──► sending ──► settled ──► … ──► idle
 *                       │ failure
 *                       └──► waiting (1 to 60 s, or what the receiver asks for) ──► sending
 */
export class SinkWorker {
  readonly name: string;
  readonly #queue: DeliveryQueue;
  readonly #sink: Sink;
  readonly #matches: (alert: Alert) => boolean;
  readonly #timing: Timing;
  #state: WorkerState = "idle";
  #isScheduled = false;
  #isStopped = false;
  /** Failures in a row. */
  #failures = 0;
  #cancelWait: (() => void) | undefined;
  /** The end of the latest send: a sink takes one call at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Sends that failed and were, or will be, tried again, since the start. */
  retries = 0;
  /** What went wrong last with the queue itself. */
  readError: string | undefined;

  /** @throws {NemeanError} ERR_PARAM for a route that cannot be */
  constructor(queue: DeliveryQueue, { name, sink, route }: NamedSink, timing = machineTiming) {
    this.name = name;
    this.#queue = queue;
    this.#sink = sink;
    this.#matches = matcherOf(route);
    this.#timing = timing;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#state !== "idle" || this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    // Never at once: a sink that needs no waiting would keep everything else from running.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#sendBatch();
    });
  }

  /** Send one alert past the queue, after the batch that is on its way. */
  async test(alert: Alert): Promise<SendResult> {
    const late = { accepted: 0, failure: `no answer in ${TEST_PATIENCE_MS / 1000} s` };
    return await this.#within(TEST_PATIENCE_MS, this.#send([alert]), late);
  }

  /** Send nothing more, wait for what is on its way for a while, and let go of the connection. */
  async close(): Promise<void> {
    this.#isStopped = true;
    this.#cancelWait?.();
    await this.#within(PATIENCE_MS, this.#turn, undefined);
    await this.#within(PATIENCE_MS, this.#closeSink(), undefined);
  }

  async #closeSink(): Promise<void> {
    try {
      await this.#sink.close();
    } catch {
      // There is nobody left to tell, and nothing is lost: the queue has what was not taken.
    }
  }

  #sendBatch(): void {
    if (this.#isStopped) return;
    let plan: Plan | undefined;
    try {
      const batch = this.#queue.take(this.name, BATCH_ALERTS, BATCH_BYTES);
      plan = batch && this.#planOf(batch);
      this.readError = undefined;
    } catch (error) {
      this.readError = messageOf(error);
      this.#wait(undefined);
      return;
    }
    this.#state = "idle";
    if (plan) this.#carryOut(plan);
  }

  #planOf(batch: QueueBatch): Plan {
    const addressed: Addressed[] = [];
    for (const queued of batch.alerts) {
      const alert = readAlert(queued.body);
      if (!alert) return { batch, addressed, broken: queued, nextSeq: queued.seq + 1 };
      if (this.#matches(alert)) addressed.push({ queued, alert });
    }
    return { batch, addressed, nextSeq: batch.nextSeq };
  }

  #carryOut(plan: Plan): void {
    const { addressed } = plan;
    // Who hangs at each attempt is no better while it does.
    this.#state = this.#failures > 0 ? "waiting" : "sending";
    const sent =
      addressed.length === 0
        ? Promise.resolve({ accepted: 0 })
        : this.#send(addressed.map(({ alert }) => alert));
    void sent.then((result) => this.#settle(plan, result));
  }

  /** Never rejects, whatever the sink does, and never has two sends at a time. */
  #send(alerts: readonly Alert[]): Promise<SendResult> {
    const result = this.#turn.then(async () => {
      try {
        return soundResult(await this.#sink.send(alerts), alerts.length);
      } catch (error) {
        return { accepted: 0, failure: messageOf(error) };
      }
    });
    this.#turn = result;
    return result;
  }

  #settle(plan: Plan, result: SendResult): void {
    const settlement = settlementOf(plan, result);
    this.#queue.settle(this.name, settlement);
    this.#state = "idle";
    const isTaken = settlement.delivered.length > 0 || settlement.letters.length > 0;
    if (isTaken || settlement.error === undefined) this.#failures = 0;
    if (settlement.error === undefined) this.wake();
    else this.#wait(result.retryAfter);
  }

  #wait(retryAfter: number | undefined): void {
    if (this.#isStopped) return;
    this.#failures++;
    this.retries++;
    this.#state = "waiting";
    const asked = Math.max(BACKOFF_MIN_MS, Math.min(retryAfter ?? 0, RETRY_AFTER_MAX_MS));
    const delay =
      retryAfter === undefined ? backoffMs(this.#failures, this.#timing.random()) : asked;
    this.#cancelWait = this.#timing.after(delay, () => this.#sendBatch());
  }

  async #within<T>(ms: number, promise: Promise<T>, late: T): Promise<T> {
    let cancel: (() => void) | undefined;
    const end = new Promise<T>((resolve) => {
      cancel = this.#timing.after(ms, () => resolve(late));
    });
    const first = await Promise.race([promise, end]);
    cancel?.();
    return first;
  }
}

function readAlert(body: string): Alert | undefined {
  try {
    return alertOfJson(body);
  } catch {
    return undefined;
  }
}

/** A sink's word, as far as it can be true. */
function soundResult(result: SendResult, most: number): SendResult {
  const accepted = Math.min(Math.max(Math.trunc(result.accepted) || 0, 0), most);
  const retryAfter = Number.isFinite(result.retryAfter) ? result.retryAfter : undefined;
  const isStuck =
    accepted === 0 && result.refused === undefined && result.failure === undefined && most > 0;
  return {
    accepted,
    ...(accepted === most || result.refused === undefined ? {} : { refused: result.refused }),
    ...(result.failure === undefined ? {} : { failure: result.failure }),
    ...(isStuck ? { failure: "the sink took nothing and did not say why" } : {}),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** How far a sink has come with a batch by what its receiver said. */
function settlementOf(plan: Plan, { accepted, refused, failure }: SendResult): Settlement {
  const { batch, addressed, broken } = plan;
  const letters: { seq: number; id: string; body: string; reason: string }[] = [];
  const refusedAlert = refused === undefined ? undefined : addressed[accepted]?.queued;
  if (refusedAlert) letters.push({ ...refusedAlert, reason: refused! });
  // Alerts that the route does not want are passed with the wanted ones before them.
  const rest = addressed[accepted + letters.length];
  if (!rest && broken) letters.push({ ...broken, reason: "cannot be read" });
  const nextSeq = rest?.queued.seq ?? plan.nextSeq;
  const sent = new Set(addressed.slice(0, accepted).map(({ queued }) => queued.seq));
  const passed = batch.alerts.map(({ seq }) => seq).filter((seq) => seq < nextSeq);
  const isDead = (seq: number): boolean => letters.some((letter) => letter.seq === seq);
  return {
    nextSeq,
    delivered: [...sent],
    filtered: passed.filter((seq) => !sent.has(seq) && !isDead(seq)),
    letters,
    ...(failure === undefined ? {} : { error: failure }),
  };
}
