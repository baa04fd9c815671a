// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { alertOf } from "../store/testing/alerts.ts";
import { AlertStream, CLIENTS_MAX } from "./stream.ts";

const view = ({ id, update }: { id: string; update: number }) => ({ id, update });

/** Reads what has come so far. */
class Reader {
  readonly #reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

  constructor(response: Response) {
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    this.#reader = response.body!.getReader();
  }

  async next(): Promise<string> {
    const { value } = await this.#reader.read();
    return new TextDecoder().decode(value);
  }

  async ended(): Promise<boolean> {
    for (;;) if ((await this.#reader.read()).done) return true;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

const idOf = (text: string): string => /^id: (\S+)$/m.exec(text)![1]!;

test("AlertStream hands alerts on as events, a line each whatever they hold", async () => {
  const stream = new AlertStream();
  const reader = new Reader(stream.open(null));
  expect(await reader.next()).toBe("retry: 2000\n\n");
  stream.put(alertOf({ id: "a\nb" }), view);
  const text = await reader.next();
  expect(text.split("\n")[1]).toBe("event: alert");
  expect(text.split("\n")[2]).toBe('data: {"id":"a\\nb","update":0}');
  expect(text.endsWith("\n\n")).toBe(true);
});

test("AlertStream gives one who comes back what was missed, once", async () => {
  const stream = new AlertStream();
  const first = new Reader(stream.open(null));
  await first.next();
  stream.put(alertOf({ id: "1" }), view);
  const last = idOf(await first.next());
  await first.cancel();
  expect(stream.clients).toBe(0);
  stream.put(alertOf({ id: "2" }), view);
  stream.put(alertOf({ id: "3" }), view);
  const missed = await new Reader(stream.open(last)).next();
  expect([...missed.matchAll(/"id":"(\d)"/g)].map(([, id]) => id)).toEqual(["2", "3"]);
});

test("AlertStream says reset to one who missed more than is kept, or comes from another start", async () => {
  const stream = new AlertStream();
  const first = new Reader(stream.open(null));
  await first.next();
  stream.put(alertOf(), view);
  const last = idOf(await first.next());
  await first.cancel();
  for (let i = 0; i < 1001; i++) stream.put(alertOf(), view);
  for (const id of [last, "1-1", "x", last.replace(/\d+$/, "999999")])
    expect(await new Reader(stream.open(id)).next()).toContain("event: reset");
});

test("AlertStream lets go of one who does not read, and of all at its end", async () => {
  const stream = new AlertStream();
  const slow = new Reader(stream.open(null));
  for (let i = 0; i < 1500; i++) stream.put(alertOf(), view);
  expect(stream.clients).toBe(0);
  expect(await slow.ended()).toBe(true);
  const other = new Reader(stream.open(null));
  stream.close();
  expect(await other.ended()).toBe(true);
});

test("AlertStream refuses more listeners than its bound", () => {
  const stream = new AlertStream();
  for (let i = 0; i < CLIENTS_MAX; i++) expect(stream.open(null).status).toBe(200);
  expect(stream.open(null).status).toBe(503);
  stream.close();
  expect(stream.open(null).status).toBe(200);
  stream.close();
});
