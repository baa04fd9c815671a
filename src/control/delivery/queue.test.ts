// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { NemeanError } from "../../core/errors.ts";
import { alertOfJson } from "../alert-json.ts";
import { newer, UNUSABLE } from "../sqlite/testing/unusable.ts";
import { alertOf, TestFolder } from "../store/testing/alerts.ts";
import { DeliveryQueue, type QueueBatch, type QueueOptions, type SinkCounts } from "./queue.ts";
import { type QueuedBody, QueueFile } from "./queue-file.ts";
import { ManualTiming } from "./testing/manual-timing.ts";
import { numbered, SmallFile } from "./testing/sinks.ts";

const HOUR = 3_600_000;
const BYTES = 1 << 20;
/** Bytes that the queue counts for an alert of {@link numbered}, up to 9. */
const SIZE = Buffer.byteLength(JSON.stringify(numbered(1))) + 64;

const open = (path: string, options: Partial<QueueOptions> = {}): DeliveryQueue =>
  DeliveryQueue.open(path, { sinks: ["a"], ...options });

function putAll(queue: DeliveryQueue, from: number, to: number): void {
  for (let n = from; n <= to; n++) queue.put(numbered(n));
}

/** Numbers of the next alerts of a sink, which stay in hand. */
const take = (queue: DeliveryQueue, sink = "a", most = 500): number[] =>
  queue.take(sink, most, BYTES)?.alerts.map(({ body }) => alertOfJson(body).observed!) ?? [];

/** Say that all of a batch is delivered. */
function settle(queue: DeliveryQueue, { alerts, nextSeq }: QueueBatch, sink = "a"): void {
  const delivered = alerts.map(({ seq }) => seq);
  queue.settle(sink, { nextSeq, delivered, filtered: [], letters: [] });
}

/** Take alerts of a sink and say that all are delivered. */
function deliver(queue: DeliveryQueue, sink = "a", most = 500): number {
  const batch = queue.take(sink, most, BYTES);
  if (!batch) return 0;
  settle(queue, batch, sink);
  return batch.alerts.length;
}

const accounted = (counts: SinkCounts): number =>
  counts.delivered + counts.filtered + counts.dropped + counts.dead + counts.waiting;

test("DeliveryQueue gives alerts back as they were put, in order, until they are settled", () => {
  using queue = open(":memory:");
  const alerts = [
    numbered(1, { evidence: [{ SRC_IP: "198.51.100.7", BYTES: 60 }], baseline: 3.5 }),
    numbered(2, { update: 1, state: "closed", source: { count: 900 } }),
  ];
  for (const alert of alerts) queue.put(alert);
  expect(queue.take("a", 500, BYTES)).toBeUndefined();
  expect(queue.flush()).toBeTrue();
  const batch = queue.take("a", 500, BYTES)!;
  expect(batch.alerts.map(({ body }) => alertOfJson(body))).toEqual(alerts);
  expect(batch.alerts.map(({ id }) => id)).toEqual(alerts.map(({ id }) => id));
  expect(take(queue)).toEqual([1, 2]);
  settle(queue, batch);
  expect(queue.take("a", 500, BYTES)).toBeUndefined();
});

test("DeliveryQueue writes what JSON has no word for: bytes, 64-bit integers, times that are none", () => {
  using queue = open(":memory:");
  queue.put(
    alertOf({
      evidence: [{ LINK: 2n ** 63n, DATA: Uint8Array.of(1, 255) }],
      lastTime: Number.NaN,
      detectTime: Number.POSITIVE_INFINITY,
    }),
  );
  queue.flush();
  const [queued] = queue.take("a", 1, BYTES)!.alerts;
  expect(alertOfJson(queued!.body)).toMatchObject({
    evidence: [{ LINK: "9223372036854775808", DATA: "01ff" }],
    lastTime: 0,
    detectTime: 0,
  });
});

test("DeliveryQueue counts an alert that cannot be written down as dropped and goes on", () => {
  using queue = open(":memory:");
  const evidence: Record<string, unknown> = {};
  evidence["self"] = evidence;
  queue.put(alertOf({ evidence: [evidence] }));
  putAll(queue, 2, 2);
  queue.flush();
  expect(take(queue)).toEqual([2]);
  expect(queue.counts("a")).toMatchObject({ dropped: 1, waiting: 1 });
});

test("DeliveryQueue commits after a while, and at once when a group is full", async () => {
  const timing = new ManualTiming();
  using queue = open(":memory:", { timing, groupMax: 3 });
  putAll(queue, 1, 2);
  const kept = queue.committed();
  timing.advance(49);
  expect(queue.stats()).toMatchObject({ pending: 2, alerts: 0 });
  timing.advance(1);
  expect(queue.stats()).toMatchObject({ pending: 0, alerts: 2 });
  expect(await kept).toBeTrue();
  putAll(queue, 3, 5);
  expect(queue.stats()).toMatchObject({ pending: 0, alerts: 5 });
  expect(await queue.committed()).toBeTrue();
});

test("DeliveryQueue bounds what is taken by number and by bytes, yet always gives one", () => {
  using queue = open(":memory:");
  putAll(queue, 1, 9);
  queue.flush();
  expect(take(queue, "a", 4)).toEqual([1, 2, 3, 4]);
  const within = (bytes: number): number => queue.take("a", 500, bytes)!.alerts.length;
  expect([1, SIZE, 2 * SIZE - 1, 2 * SIZE, 9 * SIZE].map(within)).toEqual([1, 1, 1, 2, 9]);
});

test("DeliveryQueue keeps one row an alert until the last sink has passed it", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const sinks = ["a", "b", "c"];
  {
    using queue = open(path, { sinks });
    putAll(queue, 1, 5);
    queue.flush();
    deliver(queue, "a", 4);
    deliver(queue, "b", 2);
    expect(queue.stats().alerts).toBe(5);
    deliver(queue, "c", 3);
    expect(queue.stats()).toMatchObject({ alerts: 3, bytes: 3 * SIZE });
  }
  using raw = new Database(path);
  const rows = raw.query<{ seq: number }, []>("SELECT seq FROM alert").all();
  expect(rows.map(({ seq }) => seq)).toEqual([3, 4, 5]);
});

test("DeliveryQueue continues over a restart where each sink was, with its counts", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const sinks = ["a", "b"];
  {
    using queue = open(path, { sinks });
    putAll(queue, 1, 4);
    queue.flush();
    deliver(queue, "a", 3);
    take(queue, "b");
    putAll(queue, 5, 5); // left to close()
  }
  using queue = open(path, { sinks });
  expect(take(queue, "a")).toEqual([4, 5]);
  expect(take(queue, "b")).toEqual([1, 2, 3, 4, 5]);
  expect(queue.counts("a")).toMatchObject({ delivered: 3, waiting: 2, dropped: 0 });
  expect(queue.counts("b")).toMatchObject({ delivered: 0, waiting: 5, dropped: 0 });
});

test("DeliveryQueue gives numbers on when all was delivered before a restart", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  for (let start = 0; start < 3; start++) {
    using queue = open(path);
    putAll(queue, start, start);
    queue.flush();
    expect(take(queue)).toEqual([start]);
    deliver(queue);
    expect(queue.stats()).toMatchObject({ alerts: 0, bytes: 0 });
  }
  using queue = open(path);
  expect(queue.counts("a")).toMatchObject({ delivered: 3, waiting: 0, dropped: 0 });
});

test("DeliveryQueue gives a new sink what comes from now on, and forgets one that is gone", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = open(path, { sinks: ["gone", "stays"] });
    putAll(queue, 1, 3);
    queue.flush();
    deliver(queue, "stays", 2);
  }
  {
    using queue = open(path, { sinks: ["new", "stays"] });
    expect(queue.stats().alerts).toBe(1);
    putAll(queue, 4, 4);
    queue.flush();
    expect(take(queue, "new")).toEqual([4]);
    expect(take(queue, "stays")).toEqual([3, 4]);
    expect(queue.counts("gone")).toBeUndefined();
  }
  using queue = open(path, { sinks: ["gone"] });
  expect(queue.counts("gone")).toMatchObject({ waiting: 0, delivered: 0, dropped: 0 });
});

test("DeliveryQueue without sinks keeps nothing", async () => {
  using queue = open(":memory:", { sinks: [] });
  putAll(queue, 1, 3);
  expect(await queue.committed()).toBeTrue();
  expect(queue.stats()).toMatchObject({ pending: 0, alerts: 0 });
});

test("DeliveryQueue past its bytes drops the oldest, for the sinks that did not have them", () => {
  using queue = open(":memory:", { sinks: ["fast", "slow"], maxBytes: 4 * SIZE });
  putAll(queue, 1, 4);
  queue.flush();
  deliver(queue, "fast", 3);
  putAll(queue, 5, 6);
  queue.flush();
  expect(queue.stats()).toMatchObject({ alerts: 4, bytes: 4 * SIZE });
  expect(queue.counts("fast")).toMatchObject({ delivered: 3, dropped: 0, waiting: 3 });
  expect(queue.counts("slow")).toMatchObject({ delivered: 0, dropped: 2, waiting: 4 });
  expect(take(queue, "fast")).toEqual([4, 5, 6]);
  expect(take(queue, "slow")).toEqual([3, 4, 5, 6]);
});

test("DeliveryQueue past its bytes by one group keeps the end of the group", () => {
  using queue = open(":memory:", { maxBytes: 4 * SIZE });
  putAll(queue, 1, 9);
  queue.flush();
  expect(take(queue)).toEqual([6, 7, 8, 9]);
  expect(queue.counts("a")).toMatchObject({ dropped: 5, waiting: 4 });
});

test("DeliveryQueue does not count as dropped what was on its way and arrived", () => {
  using queue = open(":memory:", { maxBytes: 3 * SIZE });
  putAll(queue, 1, 3);
  queue.flush();
  const batch = queue.take("a", 2, BYTES)!;
  putAll(queue, 4, 6);
  queue.flush(); // 1, 2 and 3 leave
  expect(accounted(queue.counts("a")!)).toBe(6);
  settle(queue, batch);
  expect(queue.counts("a")).toMatchObject({ delivered: 2, dropped: 1, waiting: 3 });
  expect(take(queue)).toEqual([4, 5, 6]);
});

test("DeliveryQueue counts as dropped what left while it was on its way and did not arrive", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = open(path, { maxBytes: 3 * SIZE });
    putAll(queue, 1, 3);
    queue.flush();
    take(queue); // what becomes of it is never told
    putAll(queue, 4, 5);
  }
  using queue = open(path, { maxBytes: 3 * SIZE });
  expect(queue.counts("a")).toMatchObject({ delivered: 0, dropped: 2, waiting: 3 });
});

test("DeliveryQueue drops what is too old when alerts come and when they are taken", () => {
  const timing = new ManualTiming();
  using queue = open(":memory:", { sinks: ["a", "b"], timing, maxAge: 2 * HOUR });
  putAll(queue, 1, 2);
  timing.advance(HOUR);
  putAll(queue, 3, 3);
  timing.advance(HOUR + 50);
  putAll(queue, 4, 4);
  timing.advance(50);
  expect(queue.counts("b")).toMatchObject({ dropped: 2, waiting: 2 });
  timing.advance(HOUR);
  expect(take(queue, "a")).toEqual([4]);
  expect(queue.counts("a")).toMatchObject({ dropped: 3, waiting: 1 });
  timing.advance(9 * HOUR);
  expect(take(queue, "b")).toEqual([]);
  expect(queue.counts("b")).toMatchObject({ dropped: 4, waiting: 0 });
});

test.each([
  ["back by an hour", (now: number) => now - HOUR],
  ["on by ten years", (now: number) => now + 87_600 * HOUR],
  ["to 1970", () => 0],
])("DeliveryQueue keeps alerts for their time when the clock is set %s", (_, set) => {
  const timing = new ManualTiming();
  using queue = open(":memory:", { sinks: ["a", "b", "c"], timing, maxAge: 2 * HOUR });
  putAll(queue, 1, 2);
  timing.advance(60);
  timing.set(set(timing.now()));
  putAll(queue, 3, 4);
  timing.advance(HOUR);
  expect(take(queue, "a")).toEqual([1, 2, 3, 4]);
  timing.advance(HOUR - 30);
  expect(take(queue, "b")).toEqual([3, 4]);
  timing.advance(HOUR);
  expect(take(queue, "c")).toEqual([]);
  expect(queue.counts("c")).toMatchObject({ dropped: 4, waiting: 0 });
});

test("DeliveryQueue keeps alerts of a start at which the clock had not been set yet", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = open(path, { timing: new ManualTiming(5000), maxAge: HOUR });
    putAll(queue, 1, 2);
  }
  const timing = new ManualTiming();
  using queue = open(path, { timing, maxAge: HOUR });
  putAll(queue, 3, 3);
  timing.advance(60);
  expect(take(queue)).toEqual([1, 2, 3]);
});

test("DeliveryQueue keeps dead letters in the transaction that passes the alert", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = open(path);
    putAll(queue, 1, 3);
    queue.flush();
    const { alerts } = queue.take("a", 500, BYTES)!;
    const letters = [{ ...alerts[1]!, reason: "field too long" }];
    const [{ seq: first }, , { seq: nextSeq }] = alerts as [QueuedBody, QueuedBody, QueuedBody];
    queue.settle("a", { nextSeq, delivered: [first], filtered: [], letters });
  }
  using queue = open(path);
  expect(take(queue)).toEqual([3]);
  expect(queue.counts("a")).toMatchObject({
    delivered: 1,
    dead: 1,
    waiting: 1,
    lastError: "field too long",
  });
  const [letter] = queue.deadLetters("a");
  expect(letter).toMatchObject({ sink: "a", seq: 2, reason: "field too long" });
  expect(alertOfJson(letter!.body).observed).toBe(2);
  expect(queue.deadLetters("b")).toEqual([]);
});

test("DeliveryQueue with a full disk keeps alerts in memory, tells why, and recovers by itself", async () => {
  using folder = new TestFolder();
  const file = new SmallFile(folder.file("q.sqlite"));
  const timing = new ManualTiming();
  using queue = new DeliveryQueue(file, { sinks: ["a", "b"], timing, memoryMax: 300 });
  putAll(queue, 1, 10);
  queue.flush();
  file.isFull = true;
  putAll(queue, 11, 250);
  expect(queue.stats()).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("full"),
    pending: 240,
  });
  const kept = queue.committed();
  putAll(queue, 251, 350); // 40 more than memory may have
  expect(queue.stats()).toMatchObject({ pending: 300, lost: 40 });
  expect(queue.counts("b")).toMatchObject({ dropped: 40, waiting: 310 });
  // What is in the file goes out meanwhile, though the file cannot be told.
  expect(deliver(queue, "a", 5)).toBe(5);
  expect(queue.counts("a")).toMatchObject({ delivered: 5, dropped: 40, waiting: 305 });
  timing.advance(5000);
  expect(queue.stats().state).toBe("failed");
  file.isFull = false;
  timing.advance(500);
  expect(queue.stats()).toMatchObject({ state: "ok", pending: 0, alerts: 310 });
  expect(await kept).toBeFalse();
  expect(await queue.committed()).toBeTrue();
  expect(take(queue, "a", 7)).toEqual([6, 7, 8, 9, 10, 51, 52]);
  queue.close();
  using again = open(folder.file("q.sqlite"), { sinks: ["a", "b"] });
  expect(again.counts("a")).toMatchObject({ delivered: 5, dropped: 40, waiting: 305 });
});

test("DeliveryQueue passes over rows that a damaged file has lost, and counts them", () => {
  using folder = new TestFolder();
  const file = new SmallFile(folder.file("q.sqlite"));
  using queue = new DeliveryQueue(file, { sinks: ["a"] });
  putAll(queue, 1, 9);
  queue.flush();
  deliver(queue, "a", 1);
  file.run("DELETE FROM alert WHERE seq IN (3, 6, 7)");
  expect(take(queue, "a", 4)).toEqual([2, 4, 5]);
  while (queue.counts("a")!.waiting > 0) deliver(queue, "a", 4);
  expect(queue.counts("a")).toMatchObject({ delivered: 6, dropped: 3, waiting: 0 });
});

test("DeliveryQueue accounts for every alert once for every sink, whatever comes", () => {
  const step = record({
    what: constantFrom("put", "put", "flush", "take", "settle", "full", "restart"),
    sink: constantFrom("a", "b"),
    n: integer({ min: 0, max: 6 }),
  });
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      using folder = new TestFolder();
      const path = folder.file("q.sqlite");
      const options = { sinks: ["a", "b"], groupMax: 4, memoryMax: 6, maxBytes: 8 * SIZE };
      let file = new SmallFile(path);
      let queue = new DeliveryQueue(file, options);
      let put = 0;
      const last = { a: 0, b: 0 };
      const hands = new Map<string, NonNullable<ReturnType<DeliveryQueue["take"]>>>();
      const run: Record<string, (sink: "a" | "b", n: number) => void> = {
        put: () => queue.put(numbered(++put % 10)),
        flush: () => queue.flush(),
        take: (sink, n) => {
          const batch = hands.get(sink) ?? queue.take(sink, n + 1, BYTES);
          if (batch) hands.set(sink, batch);
        },
        settle: (sink, n) => {
          const batch = hands.get(sink);
          if (!batch || batch.alerts.length === 0) return;
          const accepted = Math.min(n, batch.alerts.length);
          const nextSeq = batch.alerts[accepted]?.seq ?? batch.nextSeq;
          const delivered = batch.alerts.slice(0, accepted).map(({ seq }) => seq);
          for (const seq of delivered) {
            expect(seq).toBeGreaterThan(last[sink]);
            last[sink] = seq;
          }
          queue.settle(sink, { nextSeq, delivered, filtered: [], letters: [] });
          hands.delete(sink);
        },
        full: (_, n) => {
          file.isFull = n > 3;
        },
        restart: () => {
          file.isFull = false;
          queue.close();
          hands.clear();
          file = new SmallFile(path);
          queue = new DeliveryQueue(file, options);
        },
      };
      for (const { what, sink, n } of steps) {
        run[what]!(sink, n);
        for (const name of options.sinks) expect(accounted(queue.counts(name)!)).toBe(put);
        expect(queue.stats().bytes).toBeLessThanOrEqual(options.maxBytes);
      }
      queue.close();
    }),
    { seed: 5, numRuns: 60 },
  );
});

const NEWER = newer((path) => {
  open(path).close();
  using raw = new Database(path);
  raw.run("PRAGMA user_version = 3");
});

test.each([...UNUSABLE, NEWER])(
  "DeliveryQueue refuses %s with one message",
  (_, make, text, exitCode) => {
    using folder = new TestFolder();
    const path = folder.file("q.sqlite");
    make(path);
    try {
      open(path).close();
      throw new Error("nothing was thrown");
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      expect(error).toMatchObject({ code: "ERR_STORE", exitCode });
      expect(error.message).toMatch(text);
      expect(error.message).toStartWith(`delivery queue: ${path} `);
    }
  },
);

test("DeliveryQueue has its file alone: nobody else reads it, or opens it as a queue", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  {
    using queue = open(path);
    putAll(queue, 1, 1);
    queue.flush();
    using raw = new Database(path);
    expect(() => raw.query("SELECT * FROM alert").all()).toThrow("locked");
    expect(() => new QueueFile(path, 1)).toThrow(/is locked by another process; end that one/);
  }
  using next = open(path);
  expect(take(next)).toEqual([1]);
});
