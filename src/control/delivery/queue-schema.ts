// SPDX-License-Identifier: BSD-3-Clause
/** The tables of the queue's file, and how it is opened. @module */
import { Database } from "bun:sqlite";
import { FOREIGN, NEWER, openError, storeError } from "../sqlite/errors.ts";
import { numberOf } from "../sqlite/migrate.ts";

/** What it is to the operator. */
const FILE = "delivery queue";

/** "NEMQ": tells our files from those of other programs that use SQLite as well. */
const APPLICATION_ID = 0x4e45_4d51;
/** At the start another process may be at its end; later nobody else can have the file. */
export const BUSY_TIMEOUT_MS = 5000;
/** Of a new file: most alerts fit into a page, and need no chain of them. */
const PAGE_BYTES = 8192;
/** Bytes the write-ahead log may keep after a checkpoint, and pages that bring one about. */
const WAL_SIZE_MAX = 64 << 20;
const WAL_PAGES = 6000;

/**
 * Numbers of alerts have no gaps and are never given twice, also when the table was empty in between: what a sink
 * still has to get is told by one number. `bytes_before` counts on from alert to alert, so that the bytes between two
 * of them are a difference.
 */
const ALERTS = `
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
PRAGMA user_version = 1;`;

/**
 * What became of the latest alerts, which outlives them: which events they were of, and for each sink runs of alerts that
 * went the same way. Of the alerts of a transaction there is one row, `id update;` for each in turn: a row and an entry of
 * an index for each alert made writing them dearer by half, and hardly anybody asks.
 */
const TRAIL = `
CREATE TABLE trail (first_seq INTEGER PRIMARY KEY, events TEXT NOT NULL);
CREATE TABLE fate (
  sink TEXT NOT NULL, first_seq INTEGER NOT NULL, count INTEGER NOT NULL, fate TEXT NOT NULL,
  PRIMARY KEY (sink, first_seq)) WITHOUT ROWID;
CREATE INDEX dead_letter_of_alert ON dead_letter (sink, seq);
PRAGMA user_version = 2;`;

/** From each version to the next, beginning with none. */
const STEPS = [ALERTS, TRAIL];

/** Open or create the file, with the tables of today. */
export function openQueue(path: string, patienceMs: number): Database {
  let raw: Database | undefined;
  try {
    raw = new Database(path, { create: true, readwrite: true });
    raw.run(`PRAGMA busy_timeout = ${patienceMs}`);
    // Two processes with one queue would both send all of it, and give the same numbers.
    raw.run("PRAGMA locking_mode = EXCLUSIVE");
    refuseForeign(raw, path);
    raw.run(`PRAGMA page_size = ${PAGE_BYTES}`);
    raw.run("PRAGMA journal_mode = WAL");
    // What is acknowledged has to outlive a power cut.
    raw.run("PRAGMA synchronous = FULL");
    raw.run(`PRAGMA journal_size_limit = ${WAL_SIZE_MAX}`);
    raw.run(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
    // The lock is there from the first write on, also where there is no step to take.
    const steps = STEPS.slice(numberOf(raw, "PRAGMA user_version"));
    raw.run(`BEGIN IMMEDIATE;${steps.join("")}\nCOMMIT;`);
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
  if (numberOf(raw, "PRAGMA user_version") > STEPS.length)
    throw storeError({ file: FILE, path }, NEWER);
}
