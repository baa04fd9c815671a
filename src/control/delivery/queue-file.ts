// SPDX-License-Identifier: BSD-3-Clause
import type { Database, Statement } from "bun:sqlite";
import { numberOf } from "../sqlite/migrate.ts";
import { FATES_KEPT, type Fate, RUN_MAX, type Run } from "./fates.ts";
import { BUSY_TIMEOUT_MS, openQueue } from "./queue-schema.ts";

/** Dead letters kept, of all sinks together; past it the oldest leave. */
const LETTERS_MAX = 10_000;

/** An alert to be queued. */
export interface NewAlert {
  readonly id: string;
  readonly update: number;
  readonly size: number;
  readonly at: number;
  readonly body: string;
}

/** Where an alert stands in the queue. */
export interface Edge {
  readonly size: number;
  readonly bytesBefore: number;
  readonly at: number;
}

export interface QueuedBody {
  readonly seq: number;
  readonly id: string;
  readonly body: string;
}

/** What a sink had and has to get. */
export interface SinkRow {
  readonly name: string;
  /** Number of the first alert it has not passed. */
  nextSeq: number;
  delivered: number;
  /** Passed by, since the sink's route does not want them. */
  filtered: number;
  /** Lost at a bound of the queue before the sink had them. */
  dropped: number;
  dead: number;
  lastError: string | null;
  /** Milliseconds since 1970. */
  lastErrorAt: number | null;
  lastDelivery: number | null;
}

/** An alert that a sink's receiver will never take. */
export interface DeadLetter {
  readonly sink: string;
  readonly seq: number;
  readonly id: string;
  readonly reason: string;
  readonly at: number;
  readonly body: string;
}

/** A sink as it is to be written, and what became of its alerts meanwhile. */
export interface SinkChange extends Readonly<SinkRow> {
  readonly runs: readonly Run[];
}

/** An event's latest alert. */
export interface Trace {
  readonly seq: number;
  readonly update: number;
}

/** What one transaction changes. */
export interface Changes {
  readonly alerts: readonly NewAlert[];
  /** Number of the first of them, and bytes queued before it. */
  readonly seq: number;
  readonly bytes: number;
  /** Alerts below this number leave. */
  readonly firstSeq: number;
  readonly sinks: readonly SinkChange[];
  /** Sinks of another configuration, with nothing to get any more. */
  readonly goneSinks: readonly string[];
  readonly letters: readonly DeadLetter[];
}

type Value = string | number | null;

const SINK_COLUMNS = `name, next_seq AS nextSeq, delivered, filtered, dropped, dead, last_error AS lastError,
  last_error_at AS lastErrorAt, last_delivery AS lastDelivery`;

/** The queue's file: what is on disk, and the statements that read and change it. */
export class QueueFile {
  protected readonly raw: Database;
  readonly #insert: Statement<unknown, Value[]>;
  readonly #remove: Statement<unknown, [number]>;
  readonly #saveSink: Statement<unknown, Value[]>;
  readonly #removeSink: Statement<unknown, [string]>;
  readonly #bury: Statement<unknown, Value[]>;
  readonly #forget: Statement<unknown, []>;
  readonly #edge: Statement<Edge, [number]>;
  readonly #read: Statement<QueuedBody, [number, number, number]>;
  readonly #letters: Statement<DeadLetter, [string, number]>;
  readonly #trace: Statement<unknown, [number, string]>;
  readonly #untrace: Statement<unknown, [number]>;
  readonly #latest: Statement<{ first: number; events: string }, [string]>;
  readonly #saveRun: Statement<unknown, [string, number, number, string]>;
  readonly #forgetRuns: Statement<unknown, [string, number]>;
  readonly #fate: Statement<{ fate: Fate }, [string, number]>;
  readonly #reason: Statement<{ reason: string }, [string, number]>;

  /**
   * @param patienceMs how long to wait for another process that has the file
   * @throws {NemeanError} ERR_STORE when the path cannot be used
   */
  constructor(path: string, patienceMs = BUSY_TIMEOUT_MS) {
    const raw = openQueue(path, patienceMs);
    this.raw = raw;
    this.#insert = raw.prepare(
      "INSERT INTO alert (seq, id, update_no, size, bytes_before, at, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#remove = raw.prepare("DELETE FROM alert WHERE seq < ?");
    this.#saveSink = raw.prepare("INSERT OR REPLACE INTO sink VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#removeSink = raw.prepare("DELETE FROM sink WHERE name = ?");
    this.#bury = raw.prepare(
      "INSERT INTO dead_letter (sink, seq, id, reason, at, body) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#forget = raw.prepare(
      `DELETE FROM dead_letter WHERE number <= (SELECT max(number) FROM dead_letter) - ${LETTERS_MAX}`,
    );
    this.#edge = raw.prepare(
      "SELECT size, bytes_before AS bytesBefore, at FROM alert WHERE seq = ?",
    );
    // Bounds of the number end the walk, where those of bytes alone would go on to the table's end.
    this.#read = raw.prepare(
      `SELECT seq, id, body FROM alert WHERE seq >= ?1 AND seq < ?1 + ?2 AND (seq = ?1 OR
       bytes_before + size <= ?3 + (SELECT bytes_before FROM alert WHERE seq = ?1)) ORDER BY seq`,
    );
    this.#letters = raw.prepare(
      "SELECT sink, seq, id, reason, at, body FROM dead_letter WHERE sink = ? ORDER BY number DESC LIMIT ?",
    );
    this.#trace = raw.prepare("INSERT INTO trail VALUES (?, ?)");
    // The latest row that begins at or before the number may hold later ones.
    this.#untrace = raw.prepare(
      "DELETE FROM trail WHERE first_seq < (SELECT max(first_seq) FROM trail WHERE first_seq <= ?)",
    );
    this.#latest = raw.prepare(
      "SELECT first_seq AS first, events FROM trail WHERE instr(events, ?) ORDER BY first_seq DESC LIMIT 1",
    );
    this.#saveRun = raw.prepare("INSERT OR REPLACE INTO fate VALUES (?, ?, ?, ?)");
    this.#forgetRuns = raw.prepare("DELETE FROM fate WHERE sink = ? AND first_seq < ?");
    this.#fate = raw.prepare(
      `SELECT fate FROM (SELECT * FROM fate WHERE sink = ?1 AND first_seq <= ?2 ORDER BY first_seq DESC LIMIT 1)
       WHERE first_seq + count > ?2`,
    );
    this.#reason = raw.prepare("SELECT reason FROM dead_letter WHERE sink = ? AND seq = ?");
  }

  /** Numbers of the oldest alert and of the next one to come: the same when there is none. */
  range(): { firstSeq: number; nextSeq: number } {
    const given = `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'alert'), 0) + 1`;
    const nextSeq = this.#number(given);
    return { nextSeq, firstSeq: this.#number("SELECT min(seq) FROM alert") || nextSeq };
  }

  sinks(): SinkRow[] {
    return this.raw.query<SinkRow, []>(`SELECT ${SINK_COLUMNS} FROM sink`).all();
  }

  edge(seq: number): Edge | undefined {
    return this.#edge.get(seq) ?? undefined;
  }

  /** Alerts from a number on: at least one where there is one, else as many as both bounds let through. */
  read(seq: number, alertsMax: number, bytesMax: number): QueuedBody[] {
    return this.#read.all(seq, alertsMax, bytesMax);
  }

  /** Of a sink, the latest first. */
  letters(sink: string, most: number): DeadLetter[] {
    return this.#letters.all(sink, most);
  }

  /** The latest alert of an event that was queued; undefined once many others came. */
  latest(id: string): Trace | undefined {
    const row = this.#latest.get(`${id} `);
    if (!row) return undefined;
    const events = row.events.split(";");
    const at = events.findLastIndex((event) => event.startsWith(`${id} `));
    return at < 0
      ? undefined
      : { seq: row.first + at, update: Number(events[at]!.slice(id.length)) };
  }

  /** What became of an alert that a sink has passed; undefined once many others came. */
  fate(sink: string, seq: number): Fate | undefined {
    return this.#fate.get(sink, seq)?.fate;
  }

  /** Why a sink's receiver refused an alert. */
  reason(sink: string, seq: number): string | undefined {
    return this.#reason.get(sink, seq)?.reason;
  }

  /** Write all changes in one transaction: all of them, or throw and none. */
  write(changes: Changes): void {
    this.raw.run("BEGIN IMMEDIATE");
    try {
      this.#append(changes);
      for (const { sink, seq, id, reason, at, body } of changes.letters)
        this.#bury.run(sink, seq, id, reason, at, body);
      if (changes.letters.length > 0) this.#forget.run();
      const kept = changes.seq + changes.alerts.length - FATES_KEPT;
      for (const sink of changes.sinks) {
        this.#saveSink.run(...valuesOf(sink));
        for (const { first, count, fate } of sink.runs)
          this.#saveRun.run(sink.name, first, count, fate);
        this.#forgetRuns.run(sink.name, kept - RUN_MAX);
      }
      for (const name of changes.goneSinks) {
        this.#removeSink.run(name);
        this.#forgetRuns.run(name, Number.MAX_SAFE_INTEGER);
      }
      this.#untrace.run(kept);
      this.#remove.run(changes.firstSeq);
      this.raw.run("COMMIT");
    } catch (error) {
      // SQLite rolls back by itself when the disk is full.
      if (this.raw.inTransaction) this.raw.run("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    const ofAlerts = [this.#insert, this.#remove, this.#edge, this.#read];
    const ofSinks = [this.#saveSink, this.#removeSink, this.#bury, this.#forget, this.#letters];
    const ofTraces = [this.#trace, this.#untrace, this.#latest];
    const ofFates = [this.#saveRun, this.#forgetRuns, this.#fate, this.#reason];
    for (const statement of [...ofAlerts, ...ofSinks, ...ofTraces, ...ofFates])
      statement.finalize();
    this.raw.close();
  }

  #append({ alerts, seq, bytes }: Changes): void {
    if (alerts.length === 0) return;
    let number = seq;
    let before = bytes;
    let events = "";
    for (const { id, update, size, at, body } of alerts) {
      this.#insert.run(number++, id, update, size, before, at, body);
      events += `${id} ${update};`;
      before += size;
    }
    this.#trace.run(seq, events);
  }

  #number(query: string): number {
    return numberOf(this.raw, query);
  }
}

const valuesOf = (sink: Readonly<SinkRow>): Value[] => [
  sink.name,
  sink.nextSeq,
  sink.delivered,
  sink.filtered,
  sink.dropped,
  sink.dead,
  sink.lastError,
  sink.lastErrorAt,
  sink.lastDelivery,
];
