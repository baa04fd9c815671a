// SPDX-License-Identifier: BSD-3-Clause
import type { Database } from "bun:sqlite";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { Alert } from "../../core/alert.ts";
import { messageOf } from "../../core/errors.ts";
import {
  type AlertPage,
  type AlertQuery,
  readEvent,
  readPage,
  type StoredAlert,
} from "./alert-query.ts";
import { fold, type Pending, pendingOf } from "./alert-row.ts";
import { AlertWriter } from "./alert-writer.ts";
import { type OpenDatabase, openDatabase } from "./database.ts";
import { tally } from "./schema.ts";
import { type Triage, TriageTable } from "./triage.ts";

export interface AlertStoreOptions {
  /** Events kept; past it the oldest leave. */
  readonly alertsMax?: number;
  /** Milliseconds an alert waits for others to be committed with. */
  readonly commitEveryMs?: number;
  /** Alerts of one transaction; when so many wait, they are committed at once. */
  readonly batchMax?: number;
  /** Events that may wait while the database cannot be written; past it the oldest are dropped. */
  readonly queueMax?: number;
}

export interface StoredCount {
  readonly detector: string;
  readonly severity: number;
  readonly events: number;
}

export interface AlertStoreCounts {
  /** Events stored now, by detector and severity, and all together. */
  readonly stored: readonly StoredCount[];
  readonly total: number;
  /** Events that wait for their commit. */
  readonly queued: number;
  /** Alerts taken since the start, updates included. */
  readonly received: number;
  /** Of those: folded into a waiting alert of the same event, and written as a row. */
  readonly folded: number;
  readonly committed: number;
  readonly commits: number;
  /** Of those: refused by the schema, and lost since too many waited. */
  readonly rejected: number;
  readonly dropped: number;
  /** Stored events that left since there were more than alertsMax. */
  readonly evicted: number;
  /** Commits that failed and were tried again. */
  readonly failures: number;
}

const RETRY_MS = 500;

/**
 * Keeps alerts as events in SQLite.
 *
 *     put ──► queue by event id ──► one transaction per group ──► event rows ──► page, get
 *
 * `put` never throws and never waits for a disk that fails: alerts then stay queued within a bound, are
 * tried again, and what that costs is counted. Pages show what is committed, at most `commitEveryMs` late.
 *
 * @example
 * using store = new AlertStore(":memory:");
 * store.put(alert);
 * store.flush();
 * const { items, next } = store.page({ detector: "vportscan", limit: 10 });
 */
export class AlertStore implements Disposable {
  readonly #commitEveryMs: number;
  readonly #batchMax: number;
  readonly #queueMax: number;
  readonly #raw: Database;
  readonly #orm: BunSQLiteDatabase;
  readonly #writer: AlertWriter;
  readonly #triage: TriageTable;
  /** In the order of arrival, so that the first key is the oldest event. */
  readonly #queue = new Map<string, Pending>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failing: string | undefined;
  #retryAt = 0;
  #closed = false;
  readonly #counts = {
    received: 0,
    folded: 0,
    committed: 0,
    commits: 0,
    rejected: 0,
    dropped: 0,
    evicted: 0,
    failures: 0,
  };

  /** Open or create the database at a path; throws `ERR_STORE` when it cannot be used. */
  constructor(database: string | OpenDatabase, options: AlertStoreOptions = {}) {
    this.#commitEveryMs = options.commitEveryMs ?? 50;
    this.#batchMax = options.batchMax ?? 500;
    this.#queueMax = Math.max(options.queueMax ?? 20_000, this.#batchMax);
    const { raw, orm } = typeof database === "string" ? openDatabase(database) : database;
    this.#raw = raw;
    this.#orm = orm;
    this.#triage = new TriageTable(orm);
    this.#writer = new AlertWriter(raw, options.alertsMax ?? 1_000_000);
  }

  /** Take an alert; it is committed with others soon. */
  put(alert: Alert): void {
    if (this.#closed) return;
    this.#counts.received++;
    const pending = pendingOf(alert);
    const waiting = this.#queue.get(alert.id);
    if (waiting) this.#counts.folded++;
    else if (this.#queue.size >= this.#queueMax) this.#dropOldest();
    this.#queue.set(alert.id, waiting ? fold(waiting, pending) : pending);
    if (this.#queue.size >= this.#batchMax && !this.#mustWait()) this.#commitBatch();
    this.#schedule();
  }

  /** Commit all that waits; true when nothing waits any more. */
  flush(): boolean {
    if (this.#closed) return this.#queue.size === 0;
    while (this.#queue.size > 0 && this.#commitBatch());
    this.#schedule();
    return this.#queue.size === 0;
  }

  /** The committed events that match, newest first; pages continue by `next` whatever comes in between. */
  page(query: AlertQuery = {}): AlertPage {
    const { items, next } = readPage(this.#orm, query);
    const said = this.#triage.of(items.map(({ id }) => id));
    return { items: items.map((alert) => withTriage(alert, said)), next };
  }

  get(id: string): StoredAlert | undefined {
    const alert = readEvent(this.#orm, id);
    return alert && withTriage(alert, this.#triage.of([id]));
  }

  /** Say what is made of an event; false when there is none of that id. */
  triage(id: string, said: Triage): boolean {
    return this.#triage.put(id, said);
  }

  /** Whether somebody wants to hear no more of an event. */
  isMuted(id: string): boolean {
    return this.#triage.isMuted(id);
  }

  counts(): AlertStoreCounts {
    const stored = this.#orm
      .select()
      .from(tally)
      .all()
      .filter(({ events }) => events > 0);
    const total = stored.reduce((sum, { events }) => sum + events, 0);
    return { stored, total, queued: this.#queue.size, ...this.#counts };
  }

  /** What is wrong now, in words; empty when alerts are committed as they come. */
  health(): readonly string[] {
    return this.#failing === undefined
      ? []
      : [
          `alert store: ${this.#failing}; ${this.#queue.size} alerts wait, ${this.#counts.dropped} lost`,
        ];
  }

  /** Commit all that waits and close the file; later calls of `put` are ignored. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#writer.close();
    this.#raw.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #mustWait(): boolean {
    return this.#failing !== undefined && performance.now() < this.#retryAt;
  }

  #dropOldest(): void {
    const { value } = this.#queue.keys().next();
    if (value !== undefined && this.#queue.delete(value)) this.#counts.dropped++;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#queue.size === 0) return;
    const delay = this.#failing === undefined ? this.#commitEveryMs : RETRY_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, delay);
    // What waits is committed by close(); a timer must not keep a process that is done.
    this.#timer.unref();
  }

  /** Commit the oldest that wait in one transaction; false when it failed and they still wait. */
  #commitBatch(): boolean {
    const group = [...this.#queue.values().take(this.#batchMax)];
    try {
      const { rejected, evicted } = this.#writer.write(group);
      this.#counts.rejected += rejected;
      this.#counts.committed += group.length - rejected;
      this.#counts.evicted += evicted;
      this.#counts.commits++;
      this.#failing = undefined;
      for (const { alert } of group) this.#queue.delete(alert.id);
      return true;
    } catch (error) {
      this.#counts.failures++;
      this.#failing = messageOf(error);
      this.#retryAt = performance.now() + RETRY_MS;
      return false;
    }
  }
}

function withTriage(alert: StoredAlert, said: ReadonlyMap<string, Triage>): StoredAlert {
  const triage = said.get(alert.id);
  return triage ? { ...alert, triage } : alert;
}
