// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { Batch } from "./batch.ts";
import { Merge } from "./merge.ts";
import type { Receiver } from "./port.ts";
import { parseTemplate, template } from "./unirec/template.ts";
import { batchOf, packed, type Row, recordOf, rowsOf } from "./unirec/test-kit.ts";

const flow = template("time TIME_FIRST, time TIME_LAST, uint32 ID, string NOTE");
const flowOf = (last: number, id = 0, first = 0, note = ""): Row => ({
  TIME_FIRST: first,
  TIME_LAST: last,
  ID: id,
  NOTE: note,
});

/** Everything that comes out of a merge, in order: rows, watermarks, the end. */
function outcome(merge: Merge): { events: unknown[]; rows: () => Row[] } {
  const events: unknown[] = [];
  merge.flows.link({
    receive: (batch) => events.push(...rowsOf(batch, flow)),
    advance: (watermark) => events.push(watermark),
    end: () => events.push("end"),
  });
  return { events, rows: () => events.filter((event) => typeof event === "object") as Row[] };
}

test("Merge sorts a stretch by TIME_LAST, TIME_FIRST and the records' bytes", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const input = merge.input();
  const [a, b, c, d, e] = [
    flowOf(5, 9),
    flowOf(6, 1, 3),
    flowOf(6, 0, 4),
    flowOf(6, 1, 4),
    flowOf(7),
  ];
  input.receive(packed(flow, [e!, d!, b!]));
  input.receive(packed(flow, [c!, a!]));
  expect(events).toEqual([]);
  input.advance(3);
  expect(events).toEqual([a, b, c, d, e, 3]);
  input.end();
  expect(events.at(-1)).toBe("end");
});

test("Merge waits for the input that is behind, and takes only what belongs to its time", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const [ahead, behind] = [merge.input(), merge.input()];
  ahead.receive(packed(flow, [flowOf(1, 1)]));
  ahead.advance(10);
  ahead.receive(packed(flow, [flowOf(2, 2)]));
  ahead.advance(20);
  expect(events).toEqual([]);
  behind.receive(packed(flow, [flowOf(4, 4)]));
  behind.advance(10);
  expect(events).toEqual([flowOf(1, 1), flowOf(4, 4), 10]);
  behind.receive(packed(flow, [flowOf(3, 3)]));
  behind.advance(20);
  expect(events.slice(3)).toEqual([flowOf(2, 2), flowOf(3, 3), 20]);
});

test("Merge lets an input that ended hold nothing back, and keeps its last records to the end", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const [short, long] = [merge.input(), merge.input()];
  short.receive(packed(flow, [flowOf(1, 1)]));
  short.advance(10);
  short.receive(packed(flow, [flowOf(9, 9)]));
  short.end();
  short.end();
  expect(events).toEqual([]);
  long.advance(30);
  expect(events).toEqual([flowOf(1, 1), 10, 30]);
  long.receive(packed(flow, [flowOf(8, 8)]));
  long.end();
  expect(events.slice(3)).toEqual([flowOf(8, 8), flowOf(9, 9), "end"]);
});

test("Merge does not wait for an input that rests, until it has something to say, and goes by all where all rest", () => {
  const merge = new Merge(flow);
  const { events, rows } = outcome(merge);
  const [busy, quiet] = [merge.input(), merge.input()];
  busy.receive(packed(flow, [flowOf(5, 1)]));
  busy.advance(4);
  expect(events).toEqual([]);
  quiet.rest();
  expect(events).toEqual([flowOf(5, 1), 4]);
  quiet.receive(packed(flow, [flowOf(6, 2)]));
  busy.receive(packed(flow, [flowOf(7, 3)]));
  busy.advance(6);
  expect(rows()).toHaveLength(1);
  quiet.advance(6);
  expect(rows().map((row) => row["ID"])).toEqual([1, 2, 3]);
  busy.rest();
  quiet.rest();
  busy.advance(9);
  quiet.advance(8);
  expect(events.at(-1)).toBe(8);
});

test("Merge lets go of what is over when it has waited for long, and keeps event time where it is", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const [busy, late] = [merge.input(), merge.input()];
  late.advance(1);
  busy.receive(packed(flow, [flowOf(5, 1)]));
  busy.advance(4);
  busy.receive(packed(flow, [flowOf(6, 2)]));
  merge.relieve(Number.NEGATIVE_INFINITY);
  expect(events).toEqual([1]);
  merge.relieve(performance.now());
  // What is not over yet stays.
  expect(events).toEqual([1, flowOf(5, 1)]);
  late.advance(9);
  busy.advance(7);
  expect(events).toEqual([1, flowOf(5, 1), 4, flowOf(6, 2), 7]);
});

test("Merge closes all inputs at once", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const [first, second] = [merge.input(), merge.input()];
  second.receive(packed(flow, [flowOf(2)]));
  first.receive(packed(flow, [flowOf(1)]));
  merge.close();
  expect(events).toEqual([flowOf(1), flowOf(2), "end"]);
});

test("Merge goes on when an input's time goes back, which its own does not", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const input = merge.input();
  input.advance(100);
  input.receive(packed(flow, [flowOf(7)]));
  input.advance(50);
  expect(events).toEqual([100, flowOf(7)]);
});

test("Merge passes event time on once", () => {
  const merge = new Merge(flow);
  const { events } = outcome(merge);
  const [first, second] = [merge.input(), merge.input()];
  first.advance(5);
  second.advance(4);
  second.advance(4);
  second.advance(9);
  expect(events).toEqual([4, 5]);
});

test("Merge counts when it is full, sends what it has and goes on", () => {
  const merge = new Merge(flow, 1000);
  const { rows } = outcome(merge);
  const input = merge.input();
  const flows = Array.from({ length: 100 }, (_, i) => flowOf(100 - i, i));
  for (const row of flows) input.receive(packed(flow, [row]));
  expect(merge.overflows).toBeGreaterThan(0);
  expect(rows().length).toBeGreaterThan(0);
  input.end();
  expect(new Set(rows().map(({ ID }) => ID)).size).toBe(100);
});

test("Merge holds many megabytes within its bound", () => {
  const merge = new Merge(flow);
  const { rows } = outcome(merge);
  const input = merge.input();
  const full = new Batch();
  const bytes = recordOf(flow, flowOf(1, 1, 0, "n".repeat(1000)));
  while (full.fits(bytes.length)) full.bytes.set(bytes, full.push(bytes.length));
  for (let i = 0; i < 30; i++) input.receive(full);
  input.advance(1);
  expect(rows()).toHaveLength(30 * full.count);
  expect(merge.overflows).toBe(0);
});

test("Merge drops and counts records that are too short to have a time", () => {
  const merge = new Merge(flow);
  const { rows } = outcome(merge);
  const input = merge.input();
  const good = recordOf(flow, flowOf(1));
  input.receive(batchOf(good.subarray(0, 5), good, new Uint8Array(0)));
  input.advance(1);
  expect(rows()).toEqual([flowOf(1)]);
  expect(merge.malformed).toBe(2);
});

test("Merge wants records with times", () => {
  expect(() => new Merge(parseTemplate("time TIME_FIRST,uint64 TIME_LAST"))).toThrow(
    expect.objectContaining({ code: "ERR_TEMPLATE" }),
  );
});

describe("Merge's order", () => {
  /** A flow that leaves its meter in a second, through one of several Workers. */
  const anyFlow = record({
    second: integer({ min: 0, max: 5 }),
    last: integer({ min: 0, max: 6 }),
    id: integer({ min: 0, max: 3 }),
    note: constantFrom("", "a", "ab"),
    worker: integer({ min: 0, max: 2 }),
  });
  const SECONDS = [0, 1, 2, 3, 4, 5];

  /** What a Worker has to say, in its own order: a batch or a watermark at a time. */
  function saying(flows: readonly Row[][], batchSize: number, input: Receiver): (() => void)[] {
    return SECONDS.flatMap((second) => {
      const rows = flows[second]!;
      const batches = Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, i) =>
        packed(flow, rows.slice(i * batchSize, (i + 1) * batchSize)),
      );
      return [
        ...batches.map((batch) => () => input.receive(batch)),
        () => input.advance(second + 1),
      ];
    }).concat(() => input.end());
  }

  test("depends on the records alone: not on batches, inputs or which input runs ahead", () => {
    const anyRun = record({
      batchSize: integer({ min: 1, max: 5 }),
      turns: array(integer({ min: 0, max: 2 }), { minLength: 60, maxLength: 60 }),
    });
    assert(
      property(array(anyFlow, { maxLength: 25 }), anyRun, (flows, { batchSize, turns }) => {
        const rowsIn = (second: number, worker?: number): Row[] =>
          flows
            .filter((made) => made.second === second && (worker ?? made.worker) === made.worker)
            .map(({ last, id, note }) => flowOf(last, id, 0, note));
        const alone = new Merge(flow);
        const expected = outcome(alone);
        const perSecond = SECONDS.map((second) => rowsIn(second).reverse());
        for (const say of saying(perSecond, 100, alone.input())) say();

        const merge = new Merge(flow);
        const got = outcome(merge);
        const inputs = [0, 1, 2].map(() => merge.input());
        const queues = inputs.map((input, worker) =>
          saying(
            SECONDS.map((second) => rowsIn(second, worker)),
            batchSize,
            input,
          ),
        );
        for (const turn of turns) queues[turn]!.shift()?.();
        for (const queue of queues) for (const say of queue) say();
        expect(got.rows()).toEqual(expected.rows());
        expect(got.events.at(-1)).toBe("end");
        expect(merge.malformed + merge.overflows).toBe(0);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
