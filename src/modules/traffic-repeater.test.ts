// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ManualClock } from "../core/clock.ts";
import type { Receiver } from "../core/port.ts";
import { OutputPort } from "../core/port.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { messages, parseTemplate, type Template } from "../core/unirec/template.ts";
import { batchOf, packed } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import repeater from "./traffic-repeater.ts";

testModule(repeater);

/** A repeater between a sender and a receiver that writes down what it is given. */
function relay() {
  const clock = new ManualClock(100 * SECOND);
  const events: unknown[] = [];
  const printed: string[] = [];
  const runner = new ModuleRunner(repeater, { clock, print: (text) => printed.push(text) });
  const receiver: Receiver = {
    announce: ({ format = "unirec", spec }) => events.push(`${format} ${spec}`),
    receive: ({ bytes, start, length }) => events.push(bytes.slice(start, start + length)),
    advance: () => {},
    end: () => events.push("end"),
  };
  runner.outputs["flows"]!.link(receiver);
  const input = runner.inputs["flows"]!;
  const send = (layout: Template, batch: ReturnType<typeof batchOf>): Uint8Array => {
    new OutputPort("sender", layout).link(input);
    input.receive(batch);
    return batch.bytes.slice(batch.start, batch.start + batch.length);
  };
  return { runner, clock, events, printed, send, input };
}

const ports = parseTemplate("uint16 DST_PORT,string NOTE");
const rows = [
  { DST_PORT: 80, NOTE: "one" },
  { DST_PORT: 443, NOTE: "" },
];

test("traffic-repeater hands batches on as they are, each layout announced once before its records", () => {
  const { events, send, input } = relay();
  expect(events).toEqual([]);
  const first = send(ports, packed(ports, rows));
  input.receive(packed(ports, rows));
  const bytes = parseTemplate("uint64 BYTES");
  const other = send(bytes, packed(bytes, [{ BYTES: 7 }]));
  input.end();
  expect(events).toEqual([
    "unirec uint16 DST_PORT,string NOTE",
    first,
    first,
    "unirec uint64 BYTES",
    other,
    "end",
  ]);
});

test("traffic-repeater relays JSON and raw messages", () => {
  const { events, send } = relay();
  const json = send(messages("json", "IDEA"), batchOf(Buffer.from('{"Format":"IDEA0"}')));
  const raw = send(messages("raw"), batchOf(Uint8Array.of(1, 2, 255), Uint8Array.of(0)));
  expect(events).toEqual(["json IDEA", json, "raw ", raw]);
});

test("traffic-repeater prints at the end what it received, what it sent and how long it ran", () => {
  const { send, printed, clock, input } = relay();
  send(ports, packed(ports, rows));
  clock.set(162.5 * SECOND);
  expect(printed).toEqual([]);
  input.end();
  const lines = printed.join("").split("\n");
  expect(lines).toEqual([
    "Flows received:                     2",
    "Flows sent:                         2",
    "Elapsed seconds:               62.500",
    "",
  ]);
});
