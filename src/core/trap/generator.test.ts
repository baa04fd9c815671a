// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Batch } from "../batch.ts";
import { OutputPort } from "../port.ts";
import { messages } from "../unirec/template.ts";
import { Blackhole } from "./blackhole.ts";
import { Generator } from "./generator.ts";
import { Kept, Loop } from "./testing/wire.ts";

test("Generator sends its text for ever as raw messages, and counts them", () => {
  using loop = new Loop();
  const kept = new Kept();
  const generator = new Generator("x".repeat(255), kept, loop.env);
  loop.poller.turn(0);
  loop.poller.turn(0);
  expect(kept.layouts).toEqual([messages("raw")]);
  expect(new Set(kept.messages.map((message) => Buffer.from(message).toString()))).toEqual(
    new Set(["x".repeat(255)]),
  );
  expect(generator.stats).toMatchObject({ messages: kept.messages.length, buffers: 2 });
  generator[Symbol.dispose]();
  expect(loop.poller.turn(0)).toBe(0);
});

test("Blackhole takes everything and counts it", () => {
  const output = new Blackhole();
  const port = new OutputPort("flows", messages("raw"));
  output.attach(port);
  const batch = new Batch();
  for (let i = 0; i < 3; i++) batch.push(5);
  port.pass(batch);
  port.end();
  expect(output.stats).toMatchObject({ messages: 3, buffers: 1, dropped: 0, clientCount: 1 });
});
