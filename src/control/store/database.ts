// SPDX-License-Identifier: BSD-3-Clause
import { Database, SQLiteError } from "bun:sqlite";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";

/** "NEME": tells our files from those of other programs that use SQLite as well. */
const APPLICATION_ID = 0x4e45_4d45;
/** At the start another process may be at its last commit; later nobody may hold up the API so long. */
const BUSY_TIMEOUT_START_MS = 5000;
const BUSY_TIMEOUT_MS = 100;
/** Bytes the write-ahead log may keep after a checkpoint. */
const WAL_SIZE_MAX = 64 << 20;
/** Pages of 4 KiB in the log before they are written back. */
const WAL_PAGES = 8000;
const CACHE_KIB = 16_384;

export interface OpenDatabase {
  readonly raw: Database;
  readonly orm: BunSQLiteDatabase;
}

/**
 * Open the product's database, create it when there is none, and bring its schema up to date.
 * Throws `ERR_STORE` when the path cannot be used or holds anything that is not ours or newer.
 */
export function openDatabase(path: string): OpenDatabase {
  let raw: Database | undefined;
  try {
    raw = new Database(path, { create: true, readwrite: true, strict: true });
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_START_MS}`);
    refuseForeign(raw, path);
    refuseNewer(raw, path);
    raw.run("PRAGMA journal_mode = WAL");
    // With a WAL, NORMAL keeps the file sound at a power cut and all commits at the death of the process.
    raw.run("PRAGMA synchronous = NORMAL");
    raw.run("PRAGMA foreign_keys = ON");
    raw.run(`PRAGMA journal_size_limit = ${WAL_SIZE_MAX}`);
    // Alerts of many addresses write all over the indexes; small caches write the same pages many times.
    raw.run(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
    raw.run(`PRAGMA cache_size = -${CACHE_KIB}`);
    // Journals of single statements in files take half of the time of a commit.
    raw.run("PRAGMA temp_store = MEMORY");
    const orm = drizzle({ client: raw });
    migrate(orm);
    raw.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return { raw, orm };
  } catch (error) {
    raw?.close();
    throw error instanceof NemeanError ? error : openError(path, error);
  }
}

/** The first number of a PRAGMA or a query's only row. */
const numberOf = (raw: Database, query: string): number =>
  Number(raw.query<Record<string, number>, []>(query).values()[0]?.[0] ?? 0);

const TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
const MIGRATED = `${TABLES} AND name = '__drizzle_migrations'`;

function refuseForeign(raw: Database, path: string): void {
  const id = numberOf(raw, "PRAGMA application_id");
  if (id === APPLICATION_ID) return;
  // Without an id but with our migrations, a first start was cut off before it was through.
  if (id === 0 && (numberOf(raw, TABLES) === 0 || numberOf(raw, MIGRATED) > 0)) return;
  throw storeError(path, "is the database of another program; choose another path", EXIT.config);
}

function refuseNewer(raw: Database, path: string): void {
  if (numberOf(raw, MIGRATED) === 0) return;
  const newest = MIGRATIONS.at(-1)?.folderMillis ?? 0;
  if (numberOf(raw, "SELECT max(created_at) FROM __drizzle_migrations") <= newest) return;
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
    return storeError(path, "is damaged; move it away to start anew", EXIT.io, error);
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
  new NemeanError("ERR_STORE", exit, `alert store: ${path} ${what}`, cause);
