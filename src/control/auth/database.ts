// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { chmodSync, closeSync, openSync } from "node:fs";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { FOREIGN, NEWER, openError, storeError } from "../sqlite/errors.ts";
import { isNewer, migrate, numberOf } from "../sqlite/migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What it is to the operator. */
const FILE = "control database";

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
    migrate(orm, MIGRATIONS);
    raw.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    raw.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (path !== ":memory:") chmodSync(path, MODE);
    return { raw, orm };
  } catch (error) {
    raw?.close();
    throw openError({ file: FILE, path }, error, "bring it back from a backup");
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

const TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
const OURS = `${TABLES} AND name IN ('api_token', '__drizzle_migrations')`;

function refuseOthers(raw: Database, path: string): void {
  const id = numberOf(raw, "PRAGMA application_id");
  const ours = numberOf(raw, OURS) === 2;
  // Without an id but with our tables, a first start was cut off before it was through.
  const started = id === 0 && (ours || numberOf(raw, TABLES) === 0);
  if (id !== APPLICATION_ID && !started) throw storeError({ file: FILE, path }, FOREIGN);
  if (ours && isNewer(raw, MIGRATIONS)) throw storeError({ file: FILE, path }, NEWER);
}
