// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { FOREIGN, NEWER, openError, storeError } from "../sqlite/errors.ts";
import { isNewer, migrate, numberOf } from "../sqlite/migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What it is to the operator. */
const FILE = "alert store";

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
    // An alert that was shown is there after a power cut: alerts are written in groups, each of which costs one fsync.
    raw.run("PRAGMA synchronous = FULL");
    raw.run("PRAGMA foreign_keys = ON");
    raw.run(`PRAGMA journal_size_limit = ${WAL_SIZE_MAX}`);
    // Alerts of many addresses write all over the indexes; small caches write the same pages many times.
    raw.run(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`);
    raw.run(`PRAGMA cache_size = -${CACHE_KIB}`);
    // Journals of single statements in files take half of the time of a commit.
    raw.run("PRAGMA temp_store = MEMORY");
    const orm = drizzle({ client: raw });
    migrate(orm, MIGRATIONS);
    raw.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return { raw, orm };
  } catch (error) {
    raw?.close();
    throw openError({ file: FILE, path }, error);
  }
}

const TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
const MIGRATED = `${TABLES} AND name = '__drizzle_migrations'`;

function refuseForeign(raw: Database, path: string): void {
  const id = numberOf(raw, "PRAGMA application_id");
  if (id === APPLICATION_ID) return;
  // Without an id but with our migrations, a first start was cut off before it was through.
  if (id === 0 && (numberOf(raw, TABLES) === 0 || numberOf(raw, MIGRATED) > 0)) return;
  throw storeError({ file: FILE, path }, FOREIGN);
}

function refuseNewer(raw: Database, path: string): void {
  if (numberOf(raw, MIGRATED) > 0 && isNewer(raw, MIGRATIONS))
    throw storeError({ file: FILE, path }, NEWER);
}
