// SPDX-License-Identifier: BSD-3-Clause
import { Database, type Statement } from "bun:sqlite";
import { FOREIGN, NEWER, openError, storeError } from "../sqlite/errors.ts";
import { numberOf } from "../sqlite/migrate.ts";

/** What it is to the operator. */
const FILE = "delivery queue";

/** "NEMQ": tells our files from those of other programs that use SQLite as well. */
const APPLICATION_ID = 0x4e45_4d51;
const VERSION = 1;
/** At the start another process may be at its end; later nobody else can have the file. */
const BUSY_TIMEOUT_MS = 5000;
/** Bytes the write-ahead log may keep after a checkpoint, and pages of 4 KiB that bring one about. */
const WAL_SIZE_MAX = 64 << 20;
const WAL_PAGES = 4000;
/** Dead letters kept, of all sinks together; past it the oldest leave. */
const LETTERS_MAX = 10_000;

/**
 * Numbers of alerts have no gaps and are never given twice, also when the table was empty in between: what a sink
 * still has to get is told by one number. `bytes_before` counts on from alert to alert, so that the bytes between two
 * of them are a difference.
 */
const SCHEMA = `
CREATE TABLE alert (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, update_no INTEGER, size INTEGER NOT NULL,
  bytes_before INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE sink (
  name TEXT PRIMARY KEY, next_seq INTEGER NOT NULL, delivered INTEGER NOT NULL, filtered INTEGER NOT NULL,
  dropped INTEGER NOT NULL, dead INTEGER NOT NULL, last_error TEXT, last_error_at INTEGER, last_delivery INTEGER);
CREATE TABLE dead_letter (
  number INTEGER PRIMARY KEY, sink TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT, reason TEXT NOT NULL,
  at INTEGER NOT NULL, body TEXT NOT NULL);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${VERSION};`;

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

/** What one transaction changes. */
export interface Changes {
  readonly alerts: readonly NewAlert[];
  /** Number of the first of them, and bytes queued before it. */
  readonly seq: number;
  readonly bytes: number;
  /** Alerts below this number leave. */
  readonly firstSeq: number;
  readonly sinks: readonly SinkRow[];
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

  /**
   * @param patienceMs how long to wait for another process that has the file
   * @throws {NemeanError} ERR_STORE when the path cannot be used
   */
  constructor(path: string, patienceMs = BUSY_TIMEOUT_MS) {
    const raw = openRaw(path, patienceMs);
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

  /** Write all changes in one transaction: all of them, or throw and none. */
  write(changes: Changes): void {
    this.raw.run("BEGIN IMMEDIATE");
    try {
      this.#append(changes);
      for (const { sink, seq, id, reason, at, body } of changes.letters)
        this.#bury.run(sink, seq, id, reason, at, body);
      if (changes.letters.length > 0) this.#forget.run();
      for (const sink of changes.sinks) this.#saveSink.run(...valuesOf(sink));
      for (const name of changes.goneSinks) this.#removeSink.run(name);
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
    for (const statement of [...ofAlerts, ...ofSinks]) statement.finalize();
    this.raw.close();
  }

  #append({ alerts, seq, bytes }: Changes): void {
    let number = seq;
    let before = bytes;
    for (const { id, update, size, at, body } of alerts) {
      this.#insert.run(number++, id, update, size, before, at, body);
      before += size;
    }
  }

  #number(query: string): number {
    return numberOf(this.raw, query);
  }
}

const valuesOf = (sink: SinkRow): Value[] => [
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

function openRaw(path: string, patienceMs: number): Database {
  let raw: Database | undefined;
  try {
    raw = new Database(path, { create: true, readwrite: true });
    raw.run(`PRAGMA busy_timeout = ${patienceMs}`);
    // Two processes with one queue would both send all of it, and give the same numbers.
    raw.run("PRAGMA locking_mode = EXCLUSIVE");
    refuseForeign(raw, path);
    raw.run("PRAGMA journal_mode = WAL");
    // What is acknowledged has to outlive a power cut.
    raw.run("PRAGMA synchronous = FULL");
    raw.run(`PRAGMA journal_size_limit = ${WAL_SIZE_MAX}`);
    raw.run(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
    if (numberOf(raw, "PRAGMA user_version") === 0) raw.run(`BEGIN IMMEDIATE;${SCHEMA}\nCOMMIT;`);
    // The lock is there from the first write on.
    else raw.run("BEGIN IMMEDIATE; COMMIT;");
    return raw;
  } catch (error) {
    raw?.close();
    throw openError({ file: FILE, path }, error);
  }
}

function refuseForeign(raw: Database, path: string): void {
  const id = numberOf(raw, "PRAGMA application_id");
  if (id !== APPLICATION_ID && numberOf(raw, "SELECT count(*) FROM sqlite_schema") > 0)
    throw storeError({ file: FILE, path }, FOREIGN);
  if (numberOf(raw, "PRAGMA user_version") > VERSION) throw storeError({ file: FILE, path }, NEWER);
}
