// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { NemeanError } from "../../core/errors.ts";
import { openDatabase } from "../store/database.ts";
import { openControl } from "./database.ts";
import { MIGRATIONS } from "./migrations.ts";
import { TestFolder } from "./testing/folder.ts";

test("MIGRATIONS are what Drizzle reads from their folder", () => {
  const migrationsFolder = join(import.meta.dir, "migrations");
  expect(MIGRATIONS.length).toBeGreaterThan(0);
  expect(MIGRATIONS).toEqual(readMigrationFiles({ migrationsFolder }));
});

test("openControl makes a file that nobody else may read, its log included", () => {
  using folder = new TestFolder();
  const path = folder.file("control.sqlite");
  const before = process.umask(0);
  const { raw } = openControl(path);
  process.umask(before);
  raw.run("INSERT INTO setting VALUES ('a', 'b')");
  for (const end of ["", "-wal", "-shm"]) expect(statSync(path + end).mode & 0o777).toBe(0o600);
  raw.close();
  chmodSync(path, 0o644);
  openControl(path).raw.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("openControl keeps commits through a power cut and has its other modes", () => {
  using folder = new TestFolder();
  const { raw } = openControl(folder.file("a.sqlite"));
  const mode = (name: string) => Object.values(raw.query(`PRAGMA ${name}`).get() as object)[0];
  expect(mode("journal_mode")).toBe("wal");
  expect(mode("synchronous")).toBe(2);
  expect(mode("foreign_keys")).toBe(1);
  expect(mode("secure_delete")).toBe(1);
  raw.close();
});

/** What a test does to a path before it is opened, and what the operator reads then. */
const UNUSABLE: readonly [string, (path: string) => void, RegExp, number][] = [
  ["a folder", (path) => mkdirSync(path), /folder must exist, be writable/, 73],
  ["a text file", (path) => writeFileSync(path, "hello ".repeat(999)), /not a database/, 78],
  ["the file with the alerts", (path) => openDatabase(path).raw.close(), /another program/, 78],
  [
    "another program's database",
    (path) => new Database(path).run("CREATE TABLE bookmarks (url)"),
    /another program/,
    78,
  ],
  [
    "a newer version's database",
    (path) => {
      const { raw } = openControl(path);
      raw.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e15)");
      raw.close();
    },
    /newer version of Nemean/,
    78,
  ],
];

test.each(UNUSABLE)("openControl refuses %s with one message", (_, make, text, exitCode) => {
  using folder = new TestFolder();
  const path = folder.file("a.sqlite");
  make(path);
  try {
    openControl(path).raw.close();
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(NemeanError);
    expect(error).toMatchObject({ code: "ERR_STORE", exitCode });
    expect((error as Error).message).toMatch(text);
    expect((error as Error).message).toStartWith(`control database: ${path} `);
  }
});

test("openControl finishes a first start that was cut off", () => {
  using folder = new TestFolder();
  const path = folder.file("a.sqlite");
  const { raw } = openControl(path);
  raw.run("PRAGMA application_id = 0");
  raw.close();
  openControl(path).raw.close();
  expect(new Database(path).query("PRAGMA application_id").get()).toEqual({
    application_id: 0x4e454d43,
  });
});
