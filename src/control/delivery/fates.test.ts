// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, tuple } from "fast-check";
import { alertOf, TestFolder } from "../store/testing/alerts.ts";
import { Delivery } from "./delivery.ts";
import { FATES, type Fate, Fates, RUN_MAX } from "./fates.ts";
import { DeliveryQueue } from "./queue.ts";
import { ManualTiming } from "./testing/manual-timing.ts";
import { FakeSink, numbered, settled } from "./testing/sinks.ts";

test("Fates knows what became of each alert until it is saved, in runs as long as they can be", () => {
  const part = tuple(integer({ min: 0, max: 3 * RUN_MAX }), constantFrom(...FATES));
  assert(
    property(array(part, { maxLength: 12 }), (parts) => {
      const fates = new Fates();
      const known = new Map<number, Fate>();
      let next = 1;
      for (const [count, fate] of parts) {
        fates.add(next, count, fate);
        for (const seq of [next, next + count - 1]) if (count > 0) known.set(seq, fate);
        next += count;
      }
      for (const [seq, fate] of known) expect(fates.of(seq)).toBe(fate);
      expect(fates.of(next)).toBeUndefined();
      const counted = fates.unsaved.reduce((sum, { count }) => sum + count, 0);
      expect(counted).toBe(next - 1);
      for (const { count } of fates.unsaved) expect(count).toBeLessThanOrEqual(RUN_MAX);
    }),
    { seed: 5, numRuns: 100 },
  );
});

test("Fates goes on with a run that is saved already, and loses the oldest past its bound", () => {
  const fates = new Fates();
  fates.add(1, 5, "delivered");
  fates.saved();
  fates.add(6, 1, "delivered");
  expect(fates.unsaved).toEqual([{ first: 1, count: 6, fate: "delivered" }]);
  for (let seq = 7; seq < 20_007; seq++) fates.add(seq, 1, seq % 2 ? "dead" : "delivered");
  expect(fates.unsaved).toHaveLength(10_000);
  expect([fates.of(7), fates.of(20_006)]).toEqual([undefined, "delivered"]);
});

const settleOne = (queue: DeliveryQueue, fate: "delivered" | "filtered"): void => {
  const batch = queue.take("a", 1, 1 << 20)!;
  const seqs = batch.alerts.map(({ seq }) => seq);
  const none = { delivered: [], filtered: [], letters: [] };
  queue.settle("a", { nextSeq: batch.nextSeq, ...none, [fate]: seqs });
};

test("DeliveryQueue remembers what became of an alert over restarts, and forgets it with its sink", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const open = (...sinks: string[]) => DeliveryQueue.open(path, { sinks });
  const first = alertOf();
  const second = alertOf();
  {
    using queue = open("a");
    queue.put(first);
    expect(queue.latest(first.id)).toEqual({ seq: Number.POSITIVE_INFINITY, update: 0 });
    expect(queue.fate("a", Number.POSITIVE_INFINITY)).toBe("waiting");
    queue.put({ ...first, update: 1 });
    queue.put(second);
    queue.flush();
    expect(queue.latest(first.id)).toEqual({ seq: 2, update: 1 });
    for (const fate of ["delivered", "delivered", "filtered"] as const) settleOne(queue, fate);
  }
  {
    using queue = open("a", "b");
    expect(queue.stats().alerts).toBe(0);
    expect(queue.latest(second.id)).toEqual({ seq: 3, update: 0 });
    expect([1, 2, 3, 4].map((seq) => queue.fate("a", seq))).toEqual([
      "delivered",
      "delivered",
      "filtered",
      "waiting",
    ]);
    expect(queue.fate("b", 3)).toBe("filtered");
    expect(queue.fate("c", 3)).toBeUndefined();
  }
  open("b").close();
  using queue = open("a", "b");
  expect(queue.fate("a", 1)).toBe("filtered");
});

test("DeliveryQueue tells what was dropped from what was delivered", () => {
  const timing = new ManualTiming();
  using queue = DeliveryQueue.open(":memory:", { sinks: ["a", "b"], maxAge: 1000, timing });
  queue.put(numbered(1));
  queue.put(numbered(2));
  queue.flush();
  settleOne(queue, "delivered");
  timing.advance(2000);
  queue.put(numbered(3));
  queue.flush();
  const fates = (sink: string) => [1, 2, 3].map((seq) => queue.fate(sink, seq));
  expect(fates("a")).toEqual(["delivered", "dropped", "waiting"]);
  expect(fates("b")).toEqual(["dropped", "dropped", "waiting"]);
});

test("DeliveryQueue forgets what became of alerts when 100,000 others came, and no table grows", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const first = alertOf();
  {
    using queue = DeliveryQueue.open(path, { sinks: ["a"], groupMax: 10_000 });
    queue.put(first);
    for (let i = 0; i < 130_000; i++) {
      queue.put({ ...first, id: `${i}` });
      if (i % 10_000 !== 9999) continue;
      queue.flush();
      for (let batch = queue.take("a", 500, 1 << 20); batch; ) {
        const seqs = batch.alerts.map(({ seq }) => seq);
        // As a route does that wants every other alert.
        const [delivered, filtered] = [0, 1].map((odd) => seqs.filter((seq) => seq % 2 === odd));
        const { nextSeq } = batch;
        queue.settle("a", { nextSeq, delivered: delivered!, filtered: filtered!, letters: [] });
        batch = queue.take("a", 500, 1 << 20);
      }
    }
    expect(queue.latest(first.id)).toBeUndefined();
    expect(queue.fate("a", 1)).toBeUndefined();
    expect(queue.latest("30002")).toEqual({ seq: 30_004, update: 0 });
    expect(queue.fate("a", 30_004)).toBe("delivered");
    expect(queue.fate("a", 30_005)).toBe("filtered");
  }
  using raw = new Database(path);
  const { traces, runs } = raw
    .query<{ traces: number; runs: number }, []>(
      "SELECT (SELECT count(*) FROM trail) AS traces, (SELECT count(*) FROM fate) AS runs",
    )
    .get()!;
  // A row a transaction, of 10,000 alerts here.
  expect(traces).toBe(10);
  expect(runs).toBeLessThanOrEqual(110_001);
});

test("DeliveryQueue takes a file of the version before, with what waits in it", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = DeliveryQueue.open(path, { sinks: ["a"] });
    queue.put(numbered(1));
  }
  {
    using raw = new Database(path);
    raw.run("DROP TABLE trail; DROP TABLE fate; DROP INDEX dead_letter_of_alert;");
    raw.run("PRAGMA user_version = 1");
  }
  using queue = DeliveryQueue.open(path, { sinks: ["a"] });
  expect(queue.fate("a", 1)).toBe("waiting");
  settleOne(queue, "delivered");
  expect(queue.fate("a", 1)).toBe("delivered");
});

test("Delivery tells how far an alert has got with each sink, and why", async () => {
  const sinks = {
    all: new FakeSink(),
    grave: new FakeSink(),
    down: new FakeSink(),
    strict: new FakeSink(),
  };
  sinks.down.answers.push({ accepted: 0, failure: "connection refused" });
  sinks.strict.answers.push({ accepted: 0, refused: "field too long" });
  const named = Object.entries(sinks).map(([name, sink]) => ({
    name,
    sink,
    ...(name === "grave" ? { route: { severity: 9 } } : {}),
  }));
  const delivery = Delivery.start(":memory:", named);
  const alert = alertOf({ severity: 3 });
  delivery.put(alert);
  await delivery.committed();
  await settled();
  expect(delivery.deliveriesOf(alert.id, 0)).toEqual([
    { sink: "all", state: "delivered" },
    { sink: "grave", state: "not routed", reason: expect.stringContaining("route") },
    { sink: "down", state: "waiting", reason: "connection refused" },
    { sink: "strict", state: "dead", reason: "field too long" },
  ]);
  for (const unknown of [delivery.deliveriesOf(alert.id, 1), delivery.deliveriesOf("none", 0)])
    expect(unknown.map(({ state }) => state)).toEqual(Array(4).fill("unknown"));
  await delivery.close();
});
