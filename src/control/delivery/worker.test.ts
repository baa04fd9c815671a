// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { array, assert, asyncProperty, integer, record } from "fast-check";
import { alertOfJson } from "../alert-json.ts";
import { TestFolder } from "../store/testing/alerts.ts";
import { DeliveryQueue } from "./queue.ts";
import { ManualTiming } from "./testing/manual-timing.ts";
import { FakeSink, numbered, SmallFile, settled } from "./testing/sinks.ts";
import { backoffMs, type NamedSink, SinkWorker } from "./worker.ts";

/** A queue with one sink, its worker, and time that stands. */
class Bench implements Disposable {
  readonly timing = new ManualTiming();
  /** The queue's own, which stands: its timers are not the worker's. */
  readonly clock = new ManualTiming();
  readonly sink = new FakeSink();
  readonly queue: DeliveryQueue;
  readonly worker: SinkWorker;

  constructor({ route, file }: Pick<NamedSink, "route"> & { file?: SmallFile } = {}) {
    const options = { sinks: ["a"], timing: this.clock };
    this.queue = file ? new DeliveryQueue(file, options) : DeliveryQueue.open(":memory:", options);
    const named = { name: "a", sink: this.sink, ...(route ? { route } : {}) };
    this.worker = new SinkWorker(this.queue, named, this.timing);
    this.queue.onCommit = () => this.worker.wake();
  }

  put(from: number, to: number, severityOf = (_n: number): number => 5): void {
    for (let n = from; n <= to; n++) this.queue.put(numbered(n, { severity: severityOf(n) }));
    this.queue.flush();
  }

  get counts() {
    return this.queue.counts("a")!;
  }

  /** Let time pass to the next attempt; how long that was. */
  async retry(): Promise<number> {
    const wait = this.timing.next!;
    this.timing.advance(wait);
    await settled();
    return wait;
  }

  [Symbol.dispose](): void {
    this.queue.close();
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("SinkWorker sends what is queued in order, in batches of 500", async () => {
  using bench = new Bench();
  bench.put(1, 1203);
  await settled();
  expect(bench.sink.taken).toEqual(range(1, 1203));
  // The first group wakes the worker, which runs when all are put.
  expect(bench.sink.batches.map(({ length }) => length)).toEqual([500, 500, 203]);
  expect(bench.counts).toMatchObject({
    delivered: 1203,
    waiting: 0,
    lastError: null,
    lastDelivery: bench.clock.now(),
  });
  expect(bench.worker.state).toBe("idle");
});

test("SinkWorker sends no more than a mebibyte at a time", async () => {
  using bench = new Bench();
  for (let n = 1; n <= 5; n++)
    bench.queue.put(numbered(n, { reason: "x".repeat(n === 5 ? 2 << 20 : 400_000) }));
  bench.queue.flush();
  await settled();
  expect(bench.sink.batches).toEqual([[1, 2], [3, 4], [5]]);
});

test("SinkWorker goes on where the receiver stopped taking", async () => {
  using bench = new Bench();
  bench.sink.answers.push({ accepted: 2 }, { accepted: 1, failure: "gone" });
  bench.put(1, 5);
  await settled();
  expect(bench.sink.batches).toEqual([range(1, 5), range(3, 5)]);
  expect(bench.worker.state).toBe("waiting");
  expect(bench.counts).toMatchObject({ delivered: 3, waiting: 2, lastError: "gone" });
  await bench.retry();
  expect(bench.sink.taken).toEqual(range(1, 5));
});

test("SinkWorker is still waiting while the receiver hangs at another attempt", async () => {
  using bench = new Bench();
  const { promise: hangs, resolve: end } = Promise.withResolvers<void>();
  bench.sink.answers.push({ accepted: 0, failure: "gone" }, async () => {
    await hangs;
    return { accepted: 1 };
  });
  bench.put(1, 1);
  await settled();
  await bench.retry();
  expect([bench.sink.batches.length, bench.worker.state]).toEqual([2, "waiting"]);
  end();
  await settled();
  expect([bench.counts.delivered, bench.worker.state]).toEqual([1, "idle"]);
});

test("SinkWorker puts what is refused to the dead letters and goes on at once", async () => {
  using bench = new Bench();
  bench.sink.answers.push(
    { accepted: 1, refused: "field too long" },
    { accepted: 0, refused: "no such index" },
  );
  bench.put(1, 4);
  await settled();
  expect(bench.sink.taken).toEqual([1, 4]);
  expect(bench.counts).toMatchObject({ delivered: 2, dead: 2, waiting: 0 });
  const letters = bench.queue.deadLetters("a");
  expect(letters.map(({ body, reason }) => [alertOfJson(body).observed, reason])).toEqual([
    [3, "no such index"],
    [2, "field too long"],
  ]);
});

test("SinkWorker passes over what the route does not want, before, between and behind", async () => {
  using bench = new Bench({ route: { severity: 7 } });
  bench.sink.answers.push({ accepted: 1, failure: "busy" });
  bench.put(1, 9, (n) => ([3, 5, 6].includes(n) ? 8 : 2));
  await settled();
  expect(bench.sink.batches).toEqual([[3, 5, 6]]);
  expect(bench.counts).toMatchObject({ delivered: 1, filtered: 3, waiting: 5 });
  await bench.retry();
  expect(bench.sink.batches[1]).toEqual([5, 6]);
  expect(bench.counts).toMatchObject({ delivered: 3, filtered: 6, waiting: 0 });
  bench.put(10, 12);
  await settled();
  expect(bench.sink.batches).toHaveLength(2);
  expect(bench.counts).toMatchObject({ delivered: 3, filtered: 9, waiting: 0 });
});

test("backoffMs doubles from 1 to 60 seconds, with jitter within its bounds", () => {
  const bounds = range(1, 8).map((n) => [backoffMs(n, 0), backoffMs(n, 1 - 2 ** -53)]);
  expect(bounds).toEqual([
    [1000, 2000],
    [2000, 4000],
    [4000, 8000],
    [8000, 16_000],
    [16_000, 32_000],
    [30_000, 60_000],
    [30_000, 60_000],
    [30_000, 60_000],
  ]);
  expect(backoffMs(5000, 0.5)).toBe(45_000);
});

test("SinkWorker waits longer after each failure and begins anew after a success", async () => {
  using bench = new Bench();
  bench.timing.chance = 0.5;
  const down = { accepted: 0, failure: "connection refused" };
  bench.sink.answers.push(down, down, down, { accepted: 1, failure: "reset" });
  bench.put(1, 2);
  await settled();
  const waits = [await bench.retry(), await bench.retry(), await bench.retry()];
  expect(waits).toEqual([1500, 3000, 6000]);
  expect(bench.counts).toMatchObject({ delivered: 1, lastError: "reset" });
  expect(await bench.retry()).toBe(1500);
  expect(bench.worker).toMatchObject({ state: "idle", retries: 4 });
  expect(bench.sink.taken).toEqual([1, 2]);
});

test("SinkWorker is not woken out of its waiting by new alerts", async () => {
  using bench = new Bench();
  bench.sink.answers.push({ accepted: 0, failure: "down" });
  bench.put(1, 1);
  await settled();
  bench.put(2, 3);
  await settled();
  expect(bench.sink.batches).toEqual([[1]]);
  await bench.retry();
  expect(bench.sink.batches[1]).toEqual([1, 2, 3]);
});

test.each([
  [30_000, 30_000],
  [0, 1000],
  [-5, 1000],
  [7 * 86_400_000, 3_600_000],
  [Number.NaN, 1000], // no time at all: the usual one
])("SinkWorker that is asked to wait %p ms waits %p ms", async (retryAfter, expected) => {
  using bench = new Bench();
  bench.sink.answers.push({ accepted: 0, failure: "slow down", retryAfter });
  bench.put(1, 1);
  await settled();
  expect(await bench.retry()).toBe(expected);
});

test("SinkWorker takes no word of a sink that cannot be true", async () => {
  using bench = new Bench();
  bench.sink.answers.push(
    () => Promise.reject(new Error("thrown")),
    { accepted: 0 },
    { accepted: Number.NaN },
    { accepted: -3, refused: "no" },
    { accepted: 99, refused: "there is no such alert" },
  );
  bench.put(1, 3);
  await settled();
  expect(bench.counts.lastError).toBe("thrown");
  await bench.retry();
  expect(bench.counts.lastError).toBe("the sink took nothing and did not say why");
  await bench.retry();
  await bench.retry();
  expect(bench.counts).toMatchObject({ delivered: 2, dead: 1, waiting: 0 });
});

test("SinkWorker buries what cannot be read and delivers the rest", async () => {
  using folder = new TestFolder();
  const file = new SmallFile(folder.file("q.sqlite"));
  using bench = new Bench({ file });
  bench.worker.close();
  bench.put(1, 4);
  file.run("UPDATE alert SET body = '{' WHERE seq IN (1, 3)");
  const sink = new FakeSink();
  const worker = new SinkWorker(bench.queue, { name: "a", sink }, bench.timing);
  worker.wake();
  await settled();
  expect(sink.taken).toEqual([2, 4]);
  expect(bench.counts).toMatchObject({ delivered: 2, dead: 2, waiting: 0 });
});

test("SinkWorker waits and says why when the file cannot be read", async () => {
  using folder = new TestFolder();
  const file = new SmallFile(folder.file("q.sqlite"));
  using bench = new Bench({ file });
  file.run("ALTER TABLE alert RENAME COLUMN body TO lost");
  bench.worker.wake();
  await settled();
  expect(bench.worker.state).toBe("idle"); // there is nothing to read
  file.run("ALTER TABLE alert RENAME COLUMN lost TO body");
  bench.put(1, 1);
  file.run("ALTER TABLE alert RENAME COLUMN body TO lost");
  await settled();
  expect(bench.worker).toMatchObject({
    state: "waiting",
    readError: expect.stringContaining("no such column"),
  });
  file.run("ALTER TABLE alert RENAME COLUMN lost TO body");
  await bench.retry();
  expect(bench.worker).toMatchObject({ state: "idle", readError: undefined });
  expect(bench.sink.taken).toEqual([1]);
});

test("SinkWorker lets other work run between batches of a sink that never waits", async () => {
  using bench = new Bench();
  bench.put(1, 2000);
  let turns = 0;
  const count = (): void => {
    turns++;
    if (bench.counts.waiting > 0) setImmediate(count);
  };
  setImmediate(count);
  while (bench.counts.waiting > 0) await settled();
  expect(turns).toBeGreaterThanOrEqual(4);
});

test("SinkWorker sends a test alert past the queue and never beside a batch", async () => {
  using bench = new Bench();
  let letGo = (): void => {};
  bench.sink.answers.push(async (alerts) => {
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    return { accepted: alerts.length };
  });
  bench.put(1, 2);
  await settled();
  expect(bench.worker.state).toBe("sending");
  bench.sink.answers.push({ accepted: 0, failure: "bad token" });
  const tried = bench.worker.test(numbered(99));
  await settled();
  expect(bench.sink.batches).toEqual([[1, 2]]);
  letGo();
  expect(await tried).toEqual({ accepted: 0, failure: "bad token" });
  expect(bench.sink.batches).toEqual([[1, 2], [99]]);
  expect(bench.counts).toMatchObject({ delivered: 2, waiting: 0, lastError: null });
  expect(bench.worker).toMatchObject({ state: "idle", retries: 0 });
});

test("SinkWorker does not wait for ever for the answer to a test alert", async () => {
  using bench = new Bench();
  bench.sink.answers.push(() => new Promise(() => {}));
  const tried = bench.worker.test(numbered(1));
  await settled();
  bench.timing.advance(30_000);
  expect(await tried).toEqual({ accepted: 0, failure: "no answer in 30 s" });
});

test("SinkWorker settles what is on its way before it closes, and starts nothing more", async () => {
  using bench = new Bench();
  bench.sink.answers.push(async (alerts) => {
    await settled();
    return { accepted: alerts.length };
  });
  bench.put(1, 700);
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(bench.worker.state).toBe("sending");
  await bench.worker.close();
  await settled();
  expect(bench.counts).toMatchObject({ delivered: 500, waiting: 200 });
  expect(bench.sink.isClosed).toBeTrue();
});

test("SinkWorker closes beside a sink that never answers", async () => {
  using bench = new Bench();
  bench.sink.answers.push(() => new Promise(() => {}));
  bench.put(1, 1);
  await settled();
  const closed = bench.worker.close();
  await settled();
  bench.timing.advance(5000);
  await closed;
  expect(bench.sink.isClosed).toBeTrue();
});

test("SinkWorker brings every alert once and in order to a sink that answers anything", async () => {
  const answer = record({
    accepted: integer({ min: 0, max: 9 }),
    kind: integer({ min: 0, max: 3 }),
  });
  await assert(
    asyncProperty(
      array(answer, { maxLength: 12 }),
      integer({ min: 0, max: 9 }),
      async (all, least) => {
        using bench = new Bench({ route: { severity: least } });
        const refused: number[] = [];
        for (const { accepted, kind } of all)
          bench.sink.answers.push((alerts) => {
            const taken = Math.min(accepted, alerts.length);
            const next = alerts[taken];
            if (kind > 1 && next) refused.push(next.observed!);
            return {
              accepted: taken,
              ...(kind > 1 && next ? { refused: "no" } : {}),
              ...(kind % 2 === 1 ? { failure: "later" } : {}),
            };
          });
        bench.put(1, 30, (n) => n % 10);
        await settled();
        while (bench.worker.state === "waiting") await bench.retry();
        const wanted = range(1, 30).filter((n) => n % 10 >= least);
        expect([...bench.sink.taken, ...refused].sort((a, b) => a - b)).toEqual(wanted);
        expect(bench.sink.taken).toEqual(wanted.filter((n) => !refused.includes(n)));
        expect(bench.counts).toMatchObject({
          delivered: wanted.length - refused.length,
          dead: refused.length,
          filtered: 30 - wanted.length,
          waiting: 0,
          dropped: 0,
        });
      },
    ),
    { seed: 4, numRuns: 60 },
  );
});
