// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { NemeanError } from "../../core/errors.ts";
import { newer, UNUSABLE } from "../sqlite/testing/unusable.ts";
import { AlertStore } from "./alert-store.ts";
import { openDatabase } from "./database.ts";
import { alertOf, TestFolder } from "./testing/alerts.ts";

function errorOf(run: () => void): NemeanError {
  try {
    run();
  } catch (error) {
    if (error instanceof NemeanError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const NEWER = newer((path) => {
  const { raw } = openDatabase(path);
  raw.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e15)");
  raw.close();
});

test.each([...UNUSABLE, NEWER])(
  "openDatabase refuses %s with one message",
  (_, make, text, exitCode) => {
    using folder = new TestFolder();
    const path = folder.file("a.sqlite");
    make(path);
    const error = errorOf(() => openDatabase(path));
    expect(error).toMatchObject({ code: "ERR_STORE", exitCode });
    expect(error.message).toMatch(text);
    expect(error.message).toStartWith(`alert store: ${path} `);
    expect(error.message).not.toContain("\n");
  },
);

test("openDatabase refuses a path in no folder, and leaves other programs' files as they were", async () => {
  using folder = new TestFolder();
  expect(errorOf(() => openDatabase(folder.file("no/a.sqlite"))).code).toBe("ERR_STORE");
  const foreign = folder.file("foreign.sqlite");
  new Database(foreign).run("CREATE TABLE bookmarks (url)");
  const before = await Bun.file(foreign).bytes();
  errorOf(() => openDatabase(foreign));
  expect(await Bun.file(foreign).bytes()).toEqual(before);
});

test("openDatabase finishes a first start that was cut off", () => {
  using folder = new TestFolder();
  const path = folder.file("a.sqlite");
  const { raw } = openDatabase(path);
  raw.run("PRAGMA application_id = 0");
  raw.close();
  const again = openDatabase(path).raw;
  expect(again.query("PRAGMA application_id").get()).toEqual({ application_id: 0x4e454d45 });
  again.close();
});

test("openDatabase has the modes that its promises need", () => {
  using folder = new TestFolder();
  const { raw } = openDatabase(folder.file("a.sqlite"));
  const mode = (name: string) => Object.values(raw.query(`PRAGMA ${name}`).get() as object)[0];
  expect(mode("journal_mode")).toBe("wal");
  expect(mode("synchronous")).toBe(2);
  expect(mode("foreign_keys")).toBe(1);
  raw.close();
});

test("AlertStore says degraded while its file is locked, loses nothing, and recovers by itself", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.sqlite");
  using store = new AlertStore(path, { batchMax: 2, commitEveryMs: 1 });
  using other = new Database(path);
  other.run("BEGIN IMMEDIATE");
  for (let i = 0; i < 7; i++) store.put(alertOf());
  expect(store.flush()).toBeFalse();
  expect(store.health()).toHaveLength(1);
  expect(store.health()[0]).toContain("7 alerts wait, 0 lost");
  expect(store.page().items).toEqual([]);
  other.run("COMMIT");
  while (store.health().length > 0) await Bun.sleep(10);
  expect(store.counts()).toMatchObject({ total: 7, queued: 0, dropped: 0 });
});

test("AlertStore drops the oldest past its queue while the disk is full, counts them, and recovers", () => {
  using folder = new TestFolder();
  const database = openDatabase(folder.file("a.sqlite"));
  using store = new AlertStore(database, { batchMax: 10, queueMax: 30 });
  database.raw.run("PRAGMA max_page_count = 60");
  const alerts = Array.from({ length: 400 }, () => alertOf({ reason: "x".repeat(900) }));
  for (const alert of alerts) store.put(alert);
  expect(store.flush()).toBeFalse();
  const full = store.counts();
  expect(full).toMatchObject({ queued: 30, received: 400 });
  expect(full.total).toBeGreaterThan(0);
  expect(full.committed + full.dropped + full.queued).toBe(400);
  expect(full.dropped).toBeGreaterThan(0);
  expect(store.health()[0]).toContain(`full; 30 alerts wait, ${full.dropped} lost`);
  database.raw.run("PRAGMA max_page_count = 10000");
  expect(store.flush()).toBeTrue();
  expect(store.health()).toEqual([]);
  expect(store.counts()).toMatchObject({ queued: 0, total: 400 - full.dropped });
  // The latest are the ones that were kept.
  for (const { id } of alerts.slice(-30)) expect(store.get(id)).toBeDefined();
});

/** Kill the writer at a random time; the ids it has acknowledged. */
async function killedWriter(path: string, afterMs: number): Promise<string[]> {
  const script = Bun.fileURLToPath(new URL("./testing/ack-writer.ts", import.meta.url));
  const child = Bun.spawn([process.execPath, script, path], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    if (chunks.length === 1) setTimeout(() => child.kill("SIGKILL"), afterMs);
  }
  await child.exited;
  // A line that the kill cut off was not acknowledged.
  return Buffer.concat(chunks).toString().split("\n").slice(0, -1);
}

/** `bun run soak store` asks for more. */
const KILLS = Number(process.env["NEMEAN_SOAK"] ?? 5);

test(
  `AlertStore killed ${KILLS} times while it writes has every alert it acknowledged, and a sound file`,
  async () => {
    using folder = new TestFolder();
    const path = folder.file("a.sqlite");
    const acked = new Set<string>();
    let slowest = 0;
    const checked = (ids: Iterable<string>): void => {
      const began = performance.now();
      using store = new AlertStore(path);
      slowest = Math.max(slowest, performance.now() - began);
      for (const id of ids) if (store.get(id) === undefined) throw new Error(`${id} is lost`);
      using raw = new Database(path);
      expect(raw.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      expect(store.counts().total).toBe(
        raw.query("SELECT count(*) FROM event").values()[0]![0] as number,
      );
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const ids = await killedWriter(path, 1 + Math.random() * 150);
      checked(ids);
      for (const id of ids) acked.add(id);
    }
    checked(acked);
    expect(acked.size).toBeGreaterThan(100 * KILLS);
    process.stdout.write(
      `${KILLS} kills, ${acked.size} alerts acknowledged, 0 lost; opened in ${Math.round(slowest)} ms at most\n`,
    );
  },
  10_000 + KILLS * 5000,
);
