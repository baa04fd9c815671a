// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { MIGRATIONS } from "./migrations.ts";

test("MIGRATIONS are what Drizzle reads from their folder", () => {
  const migrationsFolder = join(import.meta.dir, "migrations");
  expect(MIGRATIONS.length).toBeGreaterThan(0);
  expect(MIGRATIONS).toEqual(readMigrationFiles({ migrationsFolder }));
});
