// SPDX-License-Identifier: BSD-3-Clause
import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { MigrationMeta } from "drizzle-orm/migrator";

/** What `drizzle-kit generate` writes beside the SQL. */
interface Journal {
  readonly entries: readonly {
    readonly tag: string;
    readonly when: number;
    readonly breakpoints: boolean;
  }[];
}

/**
 * Migrations as Drizzle reads them from their folder. Their SQL is imported, by tag, since a bundle or a compiled binary
 * has no folder.
 */
export const migrationsOf = (
  { entries }: Journal,
  sql: Readonly<Record<string, string>>,
): MigrationMeta[] =>
  entries.map(({ tag, when, breakpoints }) => ({
    sql: sql[tag]!.split("--> statement-breakpoint"),
    bps: breakpoints,
    folderMillis: when,
    hash: createHash("sha256").update(sql[tag]!).digest("hex"),
  }));

/** What drizzle-orm/bun-sqlite/migrator calls once it has read a folder; its types leave these two out. */
interface Migrator {
  readonly dialect: { migrate(migrations: MigrationMeta[], session: unknown): void };
  readonly session: unknown;
}

/** Apply the migrations that the database does not have yet, by Drizzle's own migrator. */
export function migrate(orm: BunSQLiteDatabase, migrations: MigrationMeta[]): void {
  const { dialect, session } = orm as unknown as Migrator;
  dialect.migrate(migrations, session);
}

/** Whether a database has migrations that are newer than these. */
export const isNewer = (raw: Database, migrations: readonly MigrationMeta[]): boolean =>
  numberOf(raw, "SELECT max(created_at) FROM __drizzle_migrations") >
  (migrations.at(-1)?.folderMillis ?? 0);

/** The first number of a PRAGMA or a query's only row. */
export const numberOf = (raw: Database, query: string): number =>
  Number(raw.query<Record<string, number>, []>(query).values()[0]?.[0] ?? 0);
