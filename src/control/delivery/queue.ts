// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { messageOf } from "../../core/errors.ts";
import { alertJson } from "../alert-json.ts";
import { type Fate, Fates } from "./fates.ts";
import {
  type DeadLetter,
  type NewAlert,
  type QueuedBody,
  QueueFile,
  type SinkRow,
  type Trace,
} from "./queue-file.ts";
import { machineTiming, type Timing } from "./timing.ts";

export interface QueueOptions {
  /** Names of the sinks. A new one gets what comes from now on; one that is gone has nothing to get any more. */
  readonly sinks: readonly string[];
  /** Bytes of alerts kept; past it the oldest leave. */
  readonly maxBytes?: number;
  /** Milliseconds an alert is kept. */
  readonly maxAge?: number;
  /** Milliseconds an alert waits for others to be committed with. */
  readonly commitEveryMs?: number;
  /** Alerts of one transaction; when so many wait, they are committed at once. */
  readonly groupMax?: number;
  /** Alerts kept in memory while the file cannot be written; past it the oldest are dropped. */
  readonly memoryMax?: number;
  readonly timing?: Timing;
}

/** What a worker may send in one go. */
export interface QueueBatch {
  readonly alerts: readonly QueuedBody[];
  /** Number after the last of them. */
  readonly nextSeq: number;
}

/** What became of the alerts of a sink up to a number. */
export interface Settlement {
  /** The first alert that the sink still has to get. */
  readonly nextSeq: number;
  /** Numbers of the alerts that the receiver has, and of those that the route does not want. */
  readonly delivered: readonly number[];
  readonly filtered: readonly number[];
  readonly letters: readonly Omit<DeadLetter, "sink" | "at">[];
  /** Why it does not go on. */
  readonly error?: string;
}

export interface SinkCounts extends Readonly<SinkRow> {
  /** Alerts it still has to get, those in memory included. */
  readonly waiting: number;
}

export interface QueueStats {
  readonly state: "ok" | "failed";
  /** Why the file cannot be written. */
  readonly reason?: string;
  /** Alerts in the file, and their bytes. */
  readonly alerts: number;
  readonly bytes: number;
  /** Alerts that wait for their commit. */
  readonly pending: number;
  /** Alerts lost in memory while the file could not be written, since the start. */
  readonly lost: number;
}

interface SinkState extends SinkRow {
  /** A worker has alerts of it in hand: what became of them is told by settle(). */
  isSending: boolean;
  /** The file does not have the row as it is. */
  isDirty: boolean;
  readonly fates: Fates;
}

const DAY_MS = 86_400_000;
/** A clock that stands before this has not been set since the machine was started: it tells no age. */
const CLOCK_SET = Date.UTC(2025, 0);
const RETRY_MS = 500;
const MEMORY_BYTES = 64 << 20;
/** Dead letters that wait for their commit: past it the letter is lost, not its count. */
const LETTERS_WAITING_MAX = 1000;
/** What a row costs beside its text. */
const ROW_BYTES = 64;

/**
 * Keeps alerts until all sinks passed them, over restarts and crashes: one row an alert, one number a sink.
 *
 *     put ──► memory ──► one transaction a group ──► alert rows ──► take, settle by each sink
 *
 * Memory is the truth and the file follows: what could not be written is written by the next transaction. `put` never
 * throws and never waits for a disk that fails. Past the bounds the oldest leave and are counted for the sinks that
 * did not have them: put = delivered + filtered + dropped + dead + waiting, for each sink, always.
 */
export class DeliveryQueue implements Disposable {
  readonly #file: QueueFile;
  readonly #options: Required<QueueOptions>;
  readonly #sinks = new Map<string, SinkState>();
  /** Numbers of the oldest alert and of the next to come. */
  #firstSeq: number;
  #nextSeq: number;
  /** Bytes of all alerts so far, counted from the oldest that was there at the start. */
  #end = 0;
  #pending: NewAlert[] = [];
  #pendingBytes = 0;
  #letters: DeadLetter[] = [];
  #removedSeq: number;
  /** When the file was opened, less {@link Timing.elapsed} at that time. */
  readonly #origin: number;
  #lost = 0;
  #goneSinks: string[] = [];
  /** Why the last transaction failed: until the timer's next attempt nothing else tries. */
  #failing: string | undefined;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;
  /** Called when alerts were committed. */
  onCommit: () => void = () => {};
  /** Alerts that were put, and those of them that do not wait in memory any more. */
  #put = 0;
  readonly #waiters: { upTo: number; lost: number; resolve: (kept: boolean) => void }[] = [];

  /**
   * Open or create the file at a path.
   * @throws {NemeanError} ERR_STORE when it cannot be used
   */
  static open(path: string, options: QueueOptions): DeliveryQueue {
    return new DeliveryQueue(new QueueFile(path), options);
  }

  constructor(file: QueueFile, options: QueueOptions) {
    this.#file = file;
    this.#options = {
      maxBytes: 256 << 20,
      maxAge: 7 * DAY_MS,
      commitEveryMs: 50,
      groupMax: 200,
      memoryMax: 10_000,
      timing: machineTiming,
      ...options,
    };
    const { firstSeq, nextSeq } = file.range();
    this.#firstSeq = firstSeq;
    this.#removedSeq = firstSeq;
    this.#nextSeq = nextSeq;
    const last = file.edge(nextSeq - 1);
    if (last) this.#end = last.bytesBefore + last.size;
    const { timing } = this.#options;
    this.#origin = Math.max(timing.now(), last?.at ?? 0) - timing.elapsed();
    this.#loadSinks(options.sinks);
    this.#save();
    this.#schedule();
  }

  /** Take an alert; it is committed with others soon. */
  put(alert: Alert): void {
    if (this.#isClosed || this.#sinks.size === 0) return;
    this.#put++;
    const body = textOf(alert);
    if (body === undefined) {
      this.#countLost();
      return;
    }
    const size = Buffer.byteLength(body) + ROW_BYTES;
    this.#pending.push({ id: alert.id, update: alert.update, size, at: this.#time(), body });
    this.#pendingBytes += size;
    if (this.#pending.length >= this.#options.groupMax) this.#save();
    while (this.#pending.length > this.#options.memoryMax || this.#pendingBytes > MEMORY_BYTES)
      this.#dropPending();
    this.#schedule();
  }

  /** Wait until all that was put is committed; false when some of it was dropped instead. */
  committed(): Promise<boolean> {
    if (this.#pending.length === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#waiters.push({ upTo: this.#put, lost: this.#lost, resolve });
    });
  }

  /** Write all that waits; true when nothing waits any more. */
  flush(): boolean {
    return this.#save(true);
  }

  /**
   * The next alerts of a sink, until they are settled the same. Undefined when there are none.
   * @throws when the file cannot be read
   */
  take(name: string, alertsMax: number, bytesMax: number): QueueBatch | undefined {
    const sink = this.#sinks.get(name);
    if (!sink || this.#isClosed) return undefined;
    this.#expire();
    if (sink.nextSeq >= this.#nextSeq) return undefined;
    const alerts = this.#file.read(sink.nextSeq, alertsMax, bytesMax);
    sink.isSending = true;
    // Rows that are missing from a damaged file are passed over, and settled as dropped.
    const last = alerts.at(-1)?.seq ?? Math.min(sink.nextSeq + alertsMax, this.#nextSeq) - 1;
    return { alerts, nextSeq: last + 1 };
  }

  /** Say what became of a batch. */
  settle(name: string, { nextSeq, delivered, filtered, letters, error }: Settlement): void {
    const sink = this.#sinks.get(name);
    if (!sink || this.#isClosed) return;
    const now = this.#options.timing.now();
    sink.isSending = false;
    const fates = new Map<number, Fate>();
    for (const seq of delivered) fates.set(seq, "delivered");
    for (const seq of filtered) fates.set(seq, "filtered");
    for (const { seq } of letters) fates.set(seq, "dead");
    for (let seq = sink.nextSeq; seq < nextSeq; seq++) {
      const fate = fates.get(seq) ?? "dropped";
      sink[fate]++;
      sink.fates.add(seq, 1, fate);
    }
    if (delivered.length > 0) sink.lastDelivery = now;
    const reason = error ?? letters.at(-1)?.reason;
    if (reason !== undefined) Object.assign(sink, { lastError: reason, lastErrorAt: now });
    for (const letter of letters) this.#letters.push({ ...letter, sink: name, at: now });
    if (this.#letters.length > LETTERS_WAITING_MAX)
      this.#letters.splice(0, this.#letters.length - LETTERS_WAITING_MAX);
    const hasMoved = nextSeq > sink.nextSeq;
    sink.nextSeq = nextSeq;
    sink.isDirty = true;
    this.#pass();
    // A failure alone can wait: it moves no cursor, and the next transaction takes it along.
    if (hasMoved) this.#save();
    this.#schedule();
  }

  /** What a sink's receiver refused, the latest first. */
  deadLetters(sink: string, most = 100): DeadLetter[] {
    return this.#isClosed ? [] : this.#file.letters(sink, most);
  }

  /** The latest alert of an event that was put: its number is `Infinity` while it waits in memory. */
  latest(id: string): Trace | undefined {
    const pending = this.#pending.findLast((alert) => alert.id === id);
    if (pending) return { seq: Number.POSITIVE_INFINITY, update: pending.update };
    return this.#isClosed ? undefined : this.#file.latest(id);
  }

  /** What became of an alert at a sink, or "waiting"; undefined when nobody knows any more. */
  fate(name: string, seq: number): Fate | "waiting" | undefined {
    const sink = this.#sinks.get(name);
    if (!sink || this.#isClosed) return undefined;
    if (seq >= sink.nextSeq) return "waiting";
    return sink.fates.of(seq) ?? this.#file.fate(name, seq);
  }

  /** Why a sink's receiver refused an alert; undefined when it did not, or when nobody knows any more. */
  deadReason(name: string, seq: number): string | undefined {
    if (this.#isClosed) return undefined;
    const letter = this.#letters.find((each) => each.sink === name && each.seq === seq);
    return letter?.reason ?? this.#file.reason(name, seq);
  }

  counts(name: string): SinkCounts | undefined {
    const sink = this.#sinks.get(name);
    if (!sink) return undefined;
    const { isSending: _, isDirty: __, fates: ___, ...row } = sink;
    return { ...row, waiting: this.#nextSeq - sink.nextSeq + this.#pending.length };
  }

  stats(): QueueStats {
    return {
      state: this.#failing === undefined ? "ok" : "failed",
      ...(this.#failing === undefined ? {} : { reason: this.#failing }),
      alerts: this.#nextSeq - this.#firstSeq,
      bytes: this.#bytes(),
      pending: this.#pending.length,
      lost: this.#lost,
    };
  }

  /** Commit all that waits and close the file; later calls do nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    this.#cancelTimer?.();
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #loadSinks(names: readonly string[]): void {
    const stored = new Map(this.#file.sinks().map((sink) => [sink.name, sink]));
    this.#goneSinks = [...stored.keys()].filter((name) => !names.includes(name));
    const nothing = { delivered: 0, filtered: 0, dropped: 0, dead: 0 };
    const never = { lastError: null, lastErrorAt: null, lastDelivery: null };
    for (const name of names) {
      const row = stored.get(name) ?? { name, nextSeq: this.#nextSeq, ...nothing, ...never };
      const fates = new Fates();
      // What came before it is not for it.
      if (!stored.has(name)) fates.add(1, this.#nextSeq - 1, "filtered");
      this.#sinks.set(name, { ...row, isSending: false, isDirty: !stored.has(name), fates });
    }
    this.#pass();
  }

  /** Let go of alerts that all sinks passed, and take sinks past those that are gone. */
  #pass(): void {
    let least = this.#nextSeq;
    for (const sink of this.#sinks.values()) {
      if (sink.nextSeq < this.#firstSeq && !sink.isSending) {
        sink.dropped += this.#firstSeq - sink.nextSeq;
        sink.fates.add(sink.nextSeq, this.#firstSeq - sink.nextSeq, "dropped");
        sink.nextSeq = this.#firstSeq;
        sink.isDirty = true;
      }
      least = Math.min(least, sink.nextSeq);
    }
    this.#firstSeq = Math.max(this.#firstSeq, least);
  }

  /** The time by which alerts age. Nobody who sets the clock makes them old, or young for ever. */
  #time(): number {
    return this.#origin + this.#options.timing.elapsed();
  }

  #bytes(): number {
    const first = this.#isClosed ? undefined : this.#file.edge(this.#firstSeq);
    return first ? this.#end - first.bytesBefore : 0;
  }

  /** Drop the oldest past the bounds, to have room for the group that is to be written. */
  #trim(groupBytes: number): void {
    const before = this.#firstSeq;
    const oldest = this.#time() - this.#options.maxAge;
    for (; this.#firstSeq < this.#nextSeq; this.#firstSeq++) {
      const edge = this.#file.edge(this.#firstSeq);
      const isKept =
        edge &&
        (edge.at >= oldest || edge.at < CLOCK_SET) &&
        this.#end - edge.bytesBefore + groupBytes <= this.#options.maxBytes;
      if (isKept) break;
    }
    if (this.#firstSeq > before) this.#pass();
  }

  #expire(): void {
    const before = this.#firstSeq;
    this.#trim(0);
    if (this.#firstSeq > before) this.#save();
  }

  /** Drop the oldest alert that waits in memory: no sink will have it. */
  #dropPending(): void {
    const dropped = this.#pending.shift();
    if (!dropped) return;
    this.#pendingBytes -= dropped.size;
    this.#countLost();
    this.#tellWaiters();
  }

  #countLost(): void {
    this.#lost++;
    for (const sink of this.#sinks.values()) {
      sink.dropped++;
      sink.isDirty = true;
    }
  }

  #schedule(): void {
    if (this.#cancelTimer || this.#isClosed || !this.#hasChanges()) return;
    const delay = this.#failing === undefined ? this.#options.commitEveryMs : RETRY_MS;
    this.#cancelTimer = this.#options.timing.after(delay, () => {
      this.#cancelTimer = undefined;
      this.#save(true);
      this.#schedule();
    });
  }

  #hasChanges(): boolean {
    return (
      this.#pending.length > 0 ||
      this.#letters.length > 0 ||
      this.#goneSinks.length > 0 ||
      this.#removedSeq < this.#firstSeq ||
      this.#sinks.values().some(({ isDirty }) => isDirty)
    );
  }

  /** Write what the file does not have yet; false when it could not be written. */
  #save(isRetry = false): boolean {
    if (this.#isClosed) return !this.#hasChanges();
    if (this.#failing !== undefined && !isRetry) return false;
    try {
      while (this.#hasChanges()) this.#saveGroup();
      this.#failing = undefined;
      return true;
    } catch (error) {
      this.#failing = messageOf(error);
      return false;
    }
  }

  #saveGroup(): void {
    const { groupMax, maxBytes } = this.#options;
    let bytes = sizeOf(this.#pending, groupMax);
    this.#trim(bytes);
    while (bytes > maxBytes) {
      this.#dropPending();
      bytes = sizeOf(this.#pending, groupMax);
    }
    const alerts = this.#pending.slice(0, groupMax);
    const sinks = [...this.#sinks.values().filter(({ isDirty }) => isDirty)];
    this.#file.write({
      alerts,
      seq: this.#nextSeq,
      bytes: this.#end,
      firstSeq: this.#firstSeq,
      sinks: sinks.map((sink) => ({ ...sink, runs: sink.fates.unsaved })),
      goneSinks: this.#goneSinks,
      letters: this.#letters,
    });
    this.#letters = [];
    this.#goneSinks = [];
    this.#removedSeq = this.#firstSeq;
    for (const sink of sinks) {
      sink.isDirty = false;
      sink.fates.saved();
    }
    this.#pending = this.#pending.slice(alerts.length);
    this.#pendingBytes -= bytes;
    this.#nextSeq += alerts.length;
    this.#end += bytes;
    if (alerts.length === 0) return;
    this.#tellWaiters();
    this.onCommit();
  }

  #tellWaiters(): void {
    const done = this.#put - this.#pending.length;
    while (this.#waiters[0] && this.#waiters[0].upTo <= done) {
      const { lost, resolve } = this.#waiters.shift()!;
      resolve(lost === this.#lost);
    }
  }
}

/** Nothing for what cannot be written down, such as evidence that holds itself. */
function textOf(alert: Alert): string | undefined {
  try {
    return alertJson(alert);
  } catch {
    return undefined;
  }
}

function sizeOf(alerts: readonly NewAlert[], most: number): number {
  let bytes = 0;
  for (let i = 0; i < Math.min(alerts.length, most); i++) bytes += alerts[i]!.size;
  return bytes;
}
