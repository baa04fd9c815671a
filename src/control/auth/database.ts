// SPDX-License-Identifier: BSD-3-Clause
import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, closeSync, openSync } from "node:fs";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";

/** "NEMC": neither another program's file nor the one with the alerts is taken for this one. */
const APPLICATION_ID = 0x4e45_4d43;
/** Another process may be at its last commit at the start; later nobody may hold up a request so long. */
const BUSY_TIMEOUT_START_MS = 5000;
const BUSY_TIMEOUT_MS = 100;
/** Nobody but the product reads who may log in. */
const MODE = 0o600;

export interface ControlDatabase {
  readonly raw: Database;
  readonly orm: BunSQLiteDatabase;
}

/**
 * Open the database of users, sessions, tokens and settings; create it when there is none.
 * Throws `ERR_STORE` when the path cannot be used or holds anything that is not ours or newer.
 */
export function openControl(path: string): ControlDatabase {
  let raw: Database | undefined;
  try {
    makePrivate(path);
    raw = new Database(path, { create: true, readwrite: true, strict: true });
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_START_MS}`);
    refuseOthers(raw, path);
    raw.run("PRAGMA journal_mode = WAL");
    // A session that was revoked stays so at a power cut as well. There are few writes.
    raw.run("PRAGMA synchronous = FULL");
    raw.run("PRAGMA foreign_keys = ON");
    // What was deleted is overwritten: hashes of old passwords are nobody's business.
    raw.run("PRAGMA secure_delete = ON");
    const orm = drizzle({ client: raw });
    migrate(orm);
    raw.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (path !== ":memory:") chmodSync(path, MODE);
    return { raw, orm };
  } catch (error) {
    raw?.close();
    throw error instanceof NemeanError ? error : openError(path, error);
  }
}

/** Close the file with all of it in one piece: Drizzle's statements would leave the log beside it. */
export function closeControl({ raw }: ControlDatabase): void {
  try {
    raw.run("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // The log stays, and is read at the next start.
  }
  raw.close();
}

/** Make a new file before SQLite does, with a mode that its log files then take over. */
function makePrivate(path: string): void {
  if (path !== ":memory:") closeSync(openSync(path, "a", MODE));
}

const numberOf = (raw: Database, query: string): number =>
  Number(raw.query<Record<string, number>, []>(query).values()[0]?.[0] ?? 0);

const TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
const OURS = `${TABLES} AND name IN ('api_token', '__drizzle_migrations')`;

function refuseOthers(raw: Database, path: string): void {
  const id = numberOf(raw, "PRAGMA application_id");
  const ours = numberOf(raw, OURS) === 2;
  // Without an id but with our tables, a first start was cut off before it was through.
  const started = id === 0 && (ours || numberOf(raw, TABLES) === 0);
  if (id !== APPLICATION_ID && !started)
    throw storeError(path, "is the database of something else; choose another path", EXIT.config);
  const newest = MIGRATIONS.at(-1)?.folderMillis ?? 0;
  if (ours && numberOf(raw, "SELECT max(created_at) FROM __drizzle_migrations") > newest)
    throw storeError(
      path,
      "was written by a newer version of Nemean; run that version, or choose another path",
      EXIT.config,
    );
}

function openError(path: string, error: unknown): NemeanError {
  const code = error instanceof SQLiteError ? (error.code ?? "") : "";
  if (code === "SQLITE_NOTADB")
    return storeError(path, "is not a database; choose another path", EXIT.config, error);
  if (code === "SQLITE_CORRUPT")
    return storeError(path, "is damaged; bring it back from a backup", EXIT.io, error);
  if (code === "SQLITE_BUSY")
    return storeError(path, "is locked by another process; end that one first", EXIT.unavailable);
  return storeError(
    path,
    `cannot be opened (${messageOf(error)}); its folder must exist, be writable and have room`,
    EXIT.cannotCreate,
    error,
  );
}

const storeError = (path: string, what: string, exit: number, cause?: unknown): NemeanError =>
  new NemeanError("ERR_STORE", exit, `control database: ${path} ${what}`, cause);
