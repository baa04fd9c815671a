// SPDX-License-Identifier: BSD-3-Clause
import { createHash } from "node:crypto";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { MigrationMeta } from "drizzle-orm/migrator";
import events from "./migrations/0000_events.sql" with { type: "text" };
import configRevision from "./migrations/0001_config_revision.sql" with { type: "text" };
import triage from "./migrations/0002_triage.sql" with { type: "text" };
import journal from "./migrations/meta/_journal.json";

/** Each migration of the journal by its tag. A test fails when one is missing here. */
const SQL: Readonly<Record<string, string>> = {
  "0000_events": events,
  "0001_config_revision": configRevision,
  "0002_triage": triage,
};

/**
 * The migrations as Drizzle reads them from their folder. They are imported, since a bundle or a compiled binary
 * has no folder.
 */
export const MIGRATIONS: MigrationMeta[] = journal.entries.map(({ tag, when, breakpoints }) => ({
  sql: SQL[tag]!.split("--> statement-breakpoint"),
  bps: breakpoints,
  folderMillis: when,
  hash: createHash("sha256").update(SQL[tag]!).digest("hex"),
}));

/** What drizzle-orm/bun-sqlite/migrator calls once it has read a folder; its types leave these two out. */
interface Migrator {
  readonly dialect: { migrate(migrations: MigrationMeta[], session: unknown): void };
  readonly session: unknown;
}

/** Apply the migrations that the database does not have yet, by Drizzle's own migrator. */
export function migrate(orm: BunSQLiteDatabase): void {
  const { dialect, session } = orm as unknown as Migrator;
  dialect.migrate(MIGRATIONS, session);
}
