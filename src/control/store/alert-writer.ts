// SPDX-License-Identifier: BSD-3-Clause
import { type Database, SQLiteError, type Statement } from "bun:sqlite";
import {
  CONTENT,
  contentOf,
  type EventSpan,
  type Pending,
  type Value,
  widen,
} from "./alert-row.ts";

/** What one transaction did. */
export interface Written {
  /** Alerts that the schema refused: they must not hold up the others for ever. */
  readonly rejected: number;
  readonly evicted: number;
}

interface StoredSpan extends EventSpan {
  readonly seq: number;
  readonly detector: string;
  readonly severity: number;
}
type Place = Pick<StoredSpan, "detector" | "severity">;

const FIND = `SELECT seq, opened_at AS openedAt, updated_at AS updatedAt, first_time AS firstTime,
  last_time AS lastTime, updates, detector, severity FROM event WHERE id = ?`;
const INSERT = `INSERT INTO event (id, opened_at, updated_at, first_time, last_time, updates,
  ${CONTENT.join(", ")}) VALUES (?, ?, ?, ?, ?, ?, ${CONTENT.map(() => "?").join(", ")})`;
const WIDEN =
  "UPDATE event SET updated_at = ?, first_time = ?, last_time = ?, updates = ? WHERE seq = ?";
const REPLACE = `UPDATE event SET updated_at = ?, first_time = ?, last_time = ?, updates = ?,
  ${CONTENT.map((column) => `${column} = ?`).join(", ")} WHERE seq = ?`;
// The oldest in the order of pages: the subquery walks event_by_time from its other end.
const EVICT = `DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY opened_at, seq LIMIT ?)
  RETURNING detector, severity`;
const TOTAL = "SELECT coalesce(sum(events), 0) AS total FROM tally";
const TALLY = `INSERT INTO tally (detector, severity, events) VALUES (?, ?, ?)
  ON CONFLICT (detector, severity) DO UPDATE SET events = events + excluded.events`;

/**
 * Writes groups of alerts as rows, by prepared statements.
 *
 * Each alert is looked up first, so that the rules of folding stand once, in alert-row.ts, and the tally
 * learns what is new: triggers would keep it too, at a third of the speed.
 */
export class AlertWriter {
  readonly #raw: Database;
  readonly #eventsMax: number;
  readonly #find: Statement<StoredSpan, [string]>;
  readonly #insert: Statement<unknown, Value[]>;
  readonly #widen: Statement<unknown, Value[]>;
  readonly #replace: Statement<unknown, Value[]>;
  readonly #evict: Statement<Place, [number]>;
  readonly #total: Statement<{ total: number }, []>;
  readonly #tally: Statement<unknown, Value[]>;

  constructor(raw: Database, eventsMax: number) {
    this.#raw = raw;
    this.#eventsMax = eventsMax;
    this.#find = raw.prepare(FIND);
    this.#insert = raw.prepare(INSERT);
    this.#widen = raw.prepare(WIDEN);
    this.#replace = raw.prepare(REPLACE);
    this.#evict = raw.prepare(EVICT);
    this.#total = raw.prepare(TOTAL);
    this.#tally = raw.prepare(TALLY);
  }

  /** Write a group in one transaction: all of it, or throw and nothing of it. */
  write(group: readonly Pending[]): Written {
    this.#raw.run("BEGIN IMMEDIATE");
    try {
      const delta = new Tally();
      let rejected = 0;
      for (const pending of group) if (!this.#writeOne(pending, delta)) rejected++;
      const evicted = this.#evictPast(delta);
      for (const { detector, severity, events } of delta)
        this.#tally.run(detector, severity, events);
      this.#raw.run("COMMIT");
      return { rejected, evicted };
    } catch (error) {
      // SQLite rolls back by itself when the disk is full.
      if (this.#raw.inTransaction) this.#raw.run("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    const updates = [this.#insert, this.#widen, this.#replace, this.#tally];
    for (const statement of [...updates, this.#find, this.#evict, this.#total])
      statement.finalize();
  }

  #writeOne(pending: Pending, delta: Tally): boolean {
    const { alert } = pending;
    try {
      const stored = this.#find.get(alert.id);
      if (stored === null) {
        const { openedAt, updatedAt, firstTime, lastTime, updates } = pending;
        const span = [openedAt, updatedAt, firstTime, lastTime, updates];
        this.#insert.run(alert.id, ...span, ...contentOf(alert));
        delta.add(alert, 1);
      } else this.#update(stored, pending, delta);
      return true;
    } catch (error) {
      if (isFault(error)) throw error;
      return false;
    }
  }

  #update(stored: StoredSpan, pending: Pending, delta: Tally): void {
    const { updatedAt, firstTime, lastTime, updates } = widen(stored, pending);
    const span = [updatedAt, firstTime, lastTime, updates];
    if (pending.updates < stored.updates) this.#widen.run(...span, stored.seq);
    else {
      this.#replace.run(...span, ...contentOf(pending.alert), stored.seq);
      delta.add(stored, -1);
      delta.add(pending.alert, 1);
    }
  }

  #evictPast(delta: Tally): number {
    const excess = (this.#total.get()?.total ?? 0) + delta.sum - this.#eventsMax;
    if (excess <= 0) return 0;
    for (const place of this.#evict.all(excess)) delta.add(place, -1);
    return excess;
  }
}

interface TallyChange extends Place {
  events: number;
}

/** How the numbers of stored events change by a transaction. */
class Tally {
  readonly #changes = new Map<string, TallyChange>();
  sum = 0;

  add({ detector, severity }: Place, events: number): void {
    const key = `${severity} ${detector}`;
    const change = this.#changes.get(key);
    if (change) change.events += events;
    else this.#changes.set(key, { detector, severity, events });
    this.sum += events;
  }

  *[Symbol.iterator](): Iterator<TallyChange> {
    for (const change of this.#changes.values()) if (change.events !== 0) yield change;
  }
}

const ROW_ERROR = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;

/** A failure of the database, not of the one row: full, locked, unreadable. */
const isFault = (error: unknown): boolean =>
  error instanceof SQLiteError && !ROW_ERROR.test(error.code ?? "");
