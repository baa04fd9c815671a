// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, integer, property, record } from "fast-check";
import { type AlertQuery, pageStatement } from "./alert-query.ts";
import { AlertStore } from "./alert-store.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { openDatabase } from "./database.ts";
import { alertOf, MONDAY } from "./testing/alerts.ts";

const next = (query: AlertQuery, token: string | null): AlertQuery => ({
  ...query,
  cursor: decodeCursor(token!)!,
});

/** All events of a query by pages; `between` is called after each page. */
function walk(store: AlertStore, query: AlertQuery, between: () => void): string[] {
  const ids: string[] = [];
  let page = store.page(query);
  for (;;) {
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === null) return ids;
    if (ids.length > 500) throw new Error("the pages have no end");
    between();
    page = store.page(next(query, page.next));
  }
}

const putAll = (store: AlertStore, changes: Parameters<typeof alertOf>[0][]): void => {
  for (const change of changes) store.put(alertOf(change));
  store.flush();
};

test("page gives the newest events first, of equal times the last to arrive", () => {
  using store = new AlertStore(":memory:");
  putAll(
    store,
    [3, 1, 2, 2].map((time, i) => ({ id: `${i}`, detectTime: MONDAY + time })),
  );
  expect(store.page().items.map(({ id }) => id)).toEqual(["0", "3", "2", "1"]);
  const page = store.page({ limit: 3 });
  expect(page.items.map(({ id }) => id)).toEqual(["0", "3", "2"]);
  expect(store.page(next({ limit: 3 }, page.next))).toMatchObject({
    items: [{ id: "1" }],
    next: null,
  });
  expect(store.page({ limit: 4 }).next).toBeNull();
});

test("page neither skips nor repeats an event that was there, whatever is put and updated meanwhile", () => {
  const events = array(integer({ min: 0, max: 6 }), { maxLength: 30 });
  const meanwhile = record({
    time: integer({ min: 0, max: 6 }),
    touched: integer({ min: 0, max: 29 }),
  });
  assert(
    property(events, array(meanwhile), integer({ min: 1, max: 4 }), (times, others, limit) => {
      using store = new AlertStore(":memory:");
      const old = times.map((time) => alertOf({ detectTime: MONDAY + time }));
      for (const alert of old) store.put(alert);
      store.flush();
      const todo = [...others];
      const seen = walk(store, { limit, detector: "vportscan" }, () => {
        for (const { time, touched } of todo.splice(0, 2)) {
          store.put(alertOf({ detectTime: MONDAY + time }));
          const update = old[touched];
          if (update) store.put({ ...update, update: 1, detectTime: MONDAY + 9 });
        }
        store.flush();
      });
      const ids = new Set(old.map(({ id }) => id));
      const expected = [...old.keys()]
        .sort((a, b) => times[b]! - times[a]! || b - a)
        .map((i) => old[i]!.id);
      expect(seen.filter((id) => ids.has(id))).toEqual(expected);
      expect(new Set(seen).size).toBe(seen.length);
    }),
    { seed: 11, numRuns: 60 },
  );
});

const ROWS = [
  { id: "scan", severity: 5, source: { ip: "10.0.0.1" }, target: { ip: "10.0.0.2" } },
  {
    id: "flood",
    severity: 9,
    detector: "ddos",
    category: "Availability.DDoS",
    rule: 9_000_020,
    source: { count: 900 },
    target: { ip: "10.0.0.3" },
  },
  { id: "back", severity: 2, source: { ip: "10.0.0.2" }, target: { ip: "10.0.0.1" } },
  { id: "self", severity: 1, source: { ip: "10.0.0.1" }, target: { ip: "10.0.0.1" } },
  { id: "wide", severity: 7, source: { ip: "10.0.0.1" }, target: { count: 300 } },
  { id: "done", severity: 4, state: "closed" },
].map((row, i) => ({ ...row, detectTime: MONDAY + i }) as Parameters<typeof alertOf>[0]);

test.each<[AlertQuery, string[]]>([
  [{}, ["done", "wide", "self", "back", "flood", "scan"]],
  [{ detector: "ddos" }, ["flood"]],
  [{ category: "Availability.DDoS" }, ["flood"]],
  [{ rule: 9_000_020 }, ["flood"]],
  [{ severity: 5 }, ["wide", "flood", "scan"]],
  [{ state: "closed" }, ["done"]],
  [{ state: "open", severity: 9 }, ["flood"]],
  [{ source: "10.0.0.1" }, ["wide", "self", "scan"]],
  [{ target: "10.0.0.1" }, ["self", "back"]],
  [{ ip: "10.0.0.1" }, ["wide", "self", "back", "scan"]],
  [{ ip: "10.0.0.1", severity: 5 }, ["wide", "scan"]],
  [{ ip: "10.0.0.1", source: "10.0.0.2" }, ["back"]],
  [{ ip: "10.0.0.3" }, ["flood"]],
  [{ ip: "203.0.113.9" }, []],
  [{ from: MONDAY + 2, to: MONDAY + 4 }, ["self", "back"]],
])("page filters by %j", (query, ids) => {
  using store = new AlertStore(":memory:");
  putAll(store, ROWS);
  expect(store.page(query).items.map(({ id }) => id)).toEqual(ids);
  // A page at a time it is the same.
  expect(walk(store, { ...query, limit: 1 }, () => {})).toEqual(ids);
});

const CURSOR = { openedAt: MONDAY, seq: 7 };

test.each<[AlertQuery, string]>([
  [{}, "event_by_time"],
  [{ from: MONDAY, to: MONDAY }, "event_by_time"],
  [{ severity: 8, rule: 9_000_001, state: "closed" }, "event_by_time"],
  [{ detector: "a" }, "event_by_detector"],
  [{ category: "a" }, "event_by_category"],
  [{ source: "a" }, "event_by_source"],
  [{ target: "a" }, "event_by_target"],
])("pageStatement of %j walks %s and sorts nothing, with and without a cursor", (query, index) => {
  const { raw, orm } = openDatabase(":memory:");
  for (const asked of [query, { ...query, cursor: CURSOR }]) {
    const { sql, params } = pageStatement(orm, asked).toSQL();
    const plan = raw
      .query<{ detail: string }, never[]>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...(params as never[]))
      .map(({ detail }) => detail);
    expect(plan).toHaveLength(1);
    expect(plan[0]).toContain(`USING INDEX ${index}`);
    if (asked.cursor && index !== "event_by_time") expect(plan[0]).toContain("opened_at<?");
  }
  raw.close();
});

test("decodeCursor takes what encodeCursor wrote and nothing else", () => {
  assert(
    property(integer({ min: -9, max: 2 ** 52 }), integer({ min: 0 }), (openedAt, seq) => {
      expect(decodeCursor(encodeCursor({ openedAt, seq }))).toEqual({ openedAt, seq });
    }),
    { seed: 3, numRuns: 50 },
  );
  const forged = (text: string): string => Buffer.from(text).toString("base64url");
  for (const text of [
    "",
    "x",
    "é",
    "a".repeat(65),
    forged("2,1,1"),
    forged("1,1"),
    forged("1,1,1 OR 1"),
  ])
    expect(decodeCursor(text)).toBeUndefined();
});
