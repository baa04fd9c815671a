// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { RECORD_MAX } from "./batch.ts";
import { JsonMessages } from "./json-messages.ts";
import type { AnyReader } from "./unirec/reader.ts";
import { messages } from "./unirec/template.ts";

/** What goes out, a list of texts for each batch. */
function sent(send: (json: JsonMessages) => void): string[][] {
  const batches: string[][] = [];
  const forward = (cursor: AnyReader): void => {
    const texts: string[] = [];
    while (cursor.next())
      texts.push(
        Buffer.from(cursor.batch.bytes.subarray(cursor.at, cursor.at + cursor.size)).toString(),
      );
    batches.push(texts);
  };
  const json = new JsonMessages({ forward: forward as never }, messages("json", "x"));
  send(json);
  json.flush();
  return batches;
}

test("JsonMessages go out in their order, as many in a batch as have room", () => {
  const texts = Array.from({ length: 3000 }, (_, i) => ({ n: i, text: "é".repeat(30) }));
  const batches = sent((json) => {
    for (const value of texts) expect(json.send(value)).toBe(true);
  });
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.flat().map((text) => JSON.parse(text))).toEqual(texts);
});

test("JsonMessages refuse a text that no record can hold, and go on", () => {
  const batches = sent((json) => {
    expect(json.send({ a: "x".repeat(RECORD_MAX - 8) })).toBe(true);
    expect(json.send({ a: "x".repeat(RECORD_MAX - 7) })).toBe(false);
    expect(json.send({ b: 1 })).toBe(true);
  });
  expect(batches.flat().map((text) => text.length)).toEqual([RECORD_MAX, 7]);
});

test("JsonMessages send no empty batch", () => {
  expect(sent(() => {})).toEqual([]);
});
