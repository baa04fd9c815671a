// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { NemeanError } from "../../core/errors.ts";
import { TestFolder } from "../store/testing/alerts.ts";
import { Delivery } from "./delivery.ts";
import { DeliveryQueue } from "./queue.ts";
import { FakeSink, numbered, settled } from "./testing/sinks.ts";

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Alerts by number, all committed and sent as far as sinks take them. */
async function put(delivery: Delivery, from: number, to: number): Promise<void> {
  for (const n of range(from, to)) delivery.put(numbered(n, { severity: n % 10 }));
  expect(await delivery.committed()).toBeTrue();
  await settled();
}

test("Delivery brings alerts to all sinks, each by its route", async () => {
  using folder = new TestFolder();
  const [all, grave] = [new FakeSink(), new FakeSink()];
  const delivery = Delivery.start(folder.file("q.sqlite"), [
    { name: "all", sink: all },
    { name: "grave", sink: grave, route: { severity: 8 } },
  ]);
  await put(delivery, 1, 30);
  expect(all.taken).toEqual(range(1, 30));
  expect(grave.taken).toEqual([8, 9, 18, 19, 28, 29]);
  expect(delivery.stats()).toMatchObject({
    queue: { state: "ok", alerts: 0, pending: 0 },
    sinks: [
      { name: "all", state: "idle", delivered: 30, filtered: 0, waiting: 0, retries: 0 },
      { name: "grave", state: "idle", delivered: 6, filtered: 24, waiting: 0, retries: 0 },
    ],
  });
  await delivery.close();
  expect([all.isClosed, grave.isClosed]).toEqual([true, true]);
});

test("Delivery leaves what a sink did not take to the next start, in order", async () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const [up, down] = [new FakeSink(), new FakeSink()];
  down.answers.push({ accepted: 3, failure: "connection reset" });
  const first = Delivery.start(path, [
    { name: "up", sink: up },
    { name: "down", sink: down },
  ]);
  await put(first, 1, 10);
  expect(first.stats().sinks[1]).toMatchObject({
    state: "waiting",
    waiting: 7,
    retries: 1,
    lastError: "connection reset",
  });
  await put(first, 11, 12);
  first.put(numbered(13)); // committed by close()
  await first.close();
  expect(up.taken).toEqual(range(1, 12));

  const later = Delivery.start(path, [
    { name: "up", sink: up },
    { name: "down", sink: down },
  ]);
  await settled();
  expect(up.taken).toEqual(range(1, 13));
  expect(down.taken).toEqual(range(1, 13));
  expect(later.stats().sinks[1]).toMatchObject({ delivered: 13, lastError: "connection reset" });
  await later.close();
});

test("Delivery sends a test alert as the queue would, to the sink of that name", async () => {
  using folder = new TestFolder();
  const sink = new FakeSink();
  let seen: unknown;
  sink.answers.push((alerts) => {
    seen = alerts[0]!.evidence;
    return { accepted: 1 };
  });
  const named = { name: "siem", sink, route: { severity: 10 } };
  const delivery = Delivery.start(folder.file("q.sqlite"), [named]);
  const alert = numbered(1, { evidence: [{ LINK: 5n, DATA: Uint8Array.of(7) }] });
  expect(await delivery.test("siem", alert)).toEqual({ accepted: 1 });
  expect(seen).toEqual([{ LINK: "5", DATA: "07" }]);
  expect(await delivery.test("other", alert)).toBeUndefined();
  expect(delivery.stats().sinks[0]).toMatchObject({ delivered: 0, waiting: 0 });
  await delivery.close();
});

test("Delivery tells what a receiver refused", async () => {
  using folder = new TestFolder();
  const sink = new FakeSink();
  sink.answers.push({ accepted: 1, refused: "mapping" });
  const delivery = Delivery.start(folder.file("q.sqlite"), [{ name: "siem", sink }]);
  await put(delivery, 1, 3);
  expect(sink.taken).toEqual([1, 3]);
  expect(delivery.deadLetters("siem")).toMatchObject([{ seq: 2, reason: "mapping" }]);
  await delivery.close();
});

test("Delivery closes its file when a route cannot be", () => {
  using folder = new TestFolder();
  const path = folder.file("q.sqlite");
  const wrong = { name: "siem", sink: new FakeSink(), route: { prefixes: ["10.0.0.0/40"] } };
  expect(() => Delivery.start(path, [wrong])).toThrow(NemeanError);
  using queue = DeliveryQueue.open(path, { sinks: [] }); // nobody holds it
  expect(queue.stats().state).toBe("ok");
});

test("Delivery that is closed ignores what comes and can be closed again", async () => {
  using folder = new TestFolder();
  const sink = new FakeSink();
  const delivery = Delivery.start(folder.file("q.sqlite"), [{ name: "siem", sink }]);
  await delivery.close();
  delivery.put(numbered(1));
  await delivery.close();
  expect(delivery.stats()).toMatchObject({ queue: { alerts: 0, bytes: 0, pending: 0 } });
  expect(sink.batches).toEqual([]);
});
