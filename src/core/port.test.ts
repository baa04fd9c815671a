// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Batch, HEADROOM, PAYLOAD_MAX, RECORD_MAX } from "./batch.ts";
import { OutputPort } from "./port.ts";
import { parseTemplate } from "./unirec/template.ts";

const template = parseTemplate("bytes B");

/** A port and what it delivers: sizes of batches, watermarks, the end. */
function watched(): { port: OutputPort; events: unknown[] } {
  const port = new OutputPort("flows", template);
  const events: unknown[] = [];
  port.link({
    receive: ({ count, length }) => events.push([count, length]),
    advance: (watermark) => events.push(watermark),
    end: () => events.push("end"),
  });
  return { port, events };
}

const push = (port: OutputPort, size: number): number => port.room(size).push(size);

test("Batch keeps room in front for TRAP's header and lengths in network order", () => {
  const batch = new Batch();
  expect(batch.push(0x1234)).toBe(HEADROOM + 2);
  expect([...batch.bytes.subarray(HEADROOM, HEADROOM + 2)]).toEqual([0x12, 0x34]);
  expect(batch.push(1)).toBe(HEADROOM + 2 + 0x1234 + 2);
  expect([batch.count, batch.length]).toEqual([2, 0x1235 + 4]);
  batch.clear();
  expect([batch.count, batch.length]).toEqual([0, 0]);
});

test("Batch holds records to the last of TRAP's 100,000 bytes", () => {
  const batch = new Batch();
  expect(batch.bytes).toHaveLength(100_000);
  batch.push(RECORD_MAX);
  const rest = PAYLOAD_MAX - RECORD_MAX - 4;
  expect(batch.fits(rest + 1)).toBe(false);
  expect(batch.fits(rest)).toBe(true);
  expect(batch.push(rest) + rest).toBe(100_000);
});

test("OutputPort delivers a batch when the next record does not fit, and at a flush", () => {
  const { port, events } = watched();
  expect(port.linked).toBe(true);
  push(port, 60_000);
  push(port, 30_000);
  expect(events).toEqual([]);
  push(port, 20_000);
  expect(events).toEqual([[2, 90_004]]);
  expect(port.records).toBe(3);
  port.flush();
  port.flush();
  expect(events).toEqual([
    [2, 90_004],
    [1, 20_002],
  ]);
  expect(port.records).toBe(3);
});

test("OutputPort delivers its records before event time, and before the end, which comes once", () => {
  const { port, events } = watched();
  push(port, 4);
  port.advance(7);
  push(port, 4);
  port.end();
  port.end();
  expect(events).toEqual([[1, 6], 7, [1, 6], "end"]);
});

test("OutputPort delivers the same batch to all that are linked", () => {
  const { port, events } = watched();
  port.link({ receive: ({ count }) => events.push(count), advance: () => {}, end: () => {} });
  push(port, 4);
  port.flush();
  expect(events).toEqual([[1, 6], 1]);
});

test("OutputPort takes a record of 65,534 bytes and refuses a longer one", () => {
  const { port } = watched();
  push(port, RECORD_MAX);
  expect(() => port.room(RECORD_MAX + 1)).toThrow(
    expect.objectContaining({ code: "ERR_RECORD_SIZE", exitCode: 65 }),
  );
  expect(port.records).toBe(1);
});
