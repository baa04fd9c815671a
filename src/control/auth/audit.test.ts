// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { decodeCursor } from "../store/cursor.ts";
import { AuditLog } from "./audit.ts";
import { openControl } from "./database.ts";

function logOf(max?: number) {
  const database = openControl(":memory:");
  const log = new AuditLog(database, { ...(max === undefined ? {} : { max }), now: () => 1000 });
  return { database, log };
}

test("AuditLog gives entries back newest first, page by page, whatever is added meanwhile", () => {
  const { log } = logOf();
  for (let i = 0; i < 7; i++) log.append({ actor: "ann", action: "user.create", target: `${i}` });
  const seen: string[] = [];
  let page = log.page({ limit: 3 });
  for (;;) {
    seen.push(...page.items.map(({ target }) => target));
    if (page.next === null) break;
    log.append({ actor: "bob", action: "login" });
    page = log.page({ limit: 3, cursor: decodeCursor(page.next)! });
  }
  expect(seen).toEqual(["6", "5", "4", "3", "2", "1", "0"]);
  expect(log.page({ limit: 4 }).items.map(({ seq }) => seq)).toEqual([9, 8, 7, 6]);
});

test("AuditLog keeps an entry as it was", () => {
  const { log } = logOf();
  const entry = {
    actor: "ann",
    action: "user.role",
    target: "bob",
    detail: { from: "viewer", to: "admin" },
    address: "192.0.2.1",
  };
  log.append(entry);
  log.append({ actor: "ann", action: "logout" });
  expect(log.page().items[1]).toEqual({ seq: 1, at: 1000, ...entry });
  expect(log.page().items[0]).toMatchObject({ target: "", detail: {}, address: "" });
});

test("AuditLog keeps so many entries and no more, and never uses a number twice", () => {
  const { database, log } = logOf(5);
  for (let i = 0; i < 12; i++) log.append({ actor: "ann", action: "a" });
  expect(log.page().items.map(({ seq }) => seq)).toEqual([12, 11, 10, 9, 8]);
  database.raw.run("DELETE FROM audit");
  log.append({ actor: "ann", action: "a" });
  expect(log.page().items[0]?.seq).toBe(13);
});

test("AuditLog takes any string, within a bound", () => {
  const { log } = logOf();
  assert(
    property(string({ unit: "binary", maxLength: 400 }), (text) => {
      log.append({ actor: text, action: text, target: text, detail: { text }, address: text });
      const [last] = log.page({ limit: 1 }).items;
      expect(last!.actor).toBe(text.slice(0, 256).toWellFormed());
      expect(last!.detail).toEqual({ text });
    }),
    { seed: 8, numRuns: 100 },
  );
  log.append({ actor: "\ud800'; DROP TABLE audit; --", action: "a", detail: { n: 5n } });
  expect(log.page().items[0]).toMatchObject({
    actor: "\ufffd'; DROP TABLE audit; --",
    detail: { n: "5" },
  });
  log.append({ actor: "x".repeat(70_000), action: "a", detail: { long: "y".repeat(70_000) } });
  expect(log.page().items[0]).toMatchObject({
    actor: "x".repeat(256),
    detail: { cut: true, length: 70_011 },
  });
});
