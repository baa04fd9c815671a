// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Batch } from "../batch.ts";
import { ManualClock } from "../clock.ts";
import { defineModule } from "../module.ts";
import { ModuleRunner } from "../runner.ts";
import { parseTemplate, template, uniflow } from "../unirec/template.ts";
import { SECOND } from "../unirec/time.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { FlowIntake } from "./intake.ts";

const START = 1_700_000_000;
const FLOW = parseTemplate("ipaddr SRC_IP,time TIME_LAST,uint32 PACKETS");

/** A module that writes down what it is given, in order. */
function observed(input = uniflow("ipaddr SRC_IP, uint32 PACKETS")) {
  const seen: string[] = [];
  const def = defineModule({
    name: "observer",
    about: "Writes down what it is given.",
    params: {},
    inputs: { flows: input },
    outputs: {},
    setup: () => ({
      flows: (flow) => {
        while (flow.next()) seen.push(`${flow.SRC_IP} ${flow.PACKETS}`);
      },
      everySecond: (now) => seen.push(`second ${now / SECOND - START}`),
      end: () => seen.push("end"),
    }),
  });
  const clock = new ManualClock((START + 1000) * SECOND);
  const runner = new ModuleRunner(def, { clock });
  return { seen, intake: new FlowIntake(runner.inputs["flows"]!, { lateness: 0, clock }) };
}

type Sent = readonly [seconds: number, packets: number];

function batches(rows: readonly Sent[], cuts: readonly number[]): Batch[] {
  const writer = new RecordWriter(FLOW);
  const out = [new Batch()];
  for (const [i, [seconds, packets]] of rows.entries()) {
    if (cuts.includes(i)) out.push(new Batch());
    writer
      .begin()
      .setAll({ SRC_IP: "10.0.0.1", TIME_LAST: (START + seconds) * SECOND, PACKETS: packets });
    writer.end(out.at(-1)!);
  }
  return out.filter(({ count }) => count > 0);
}

test("FlowIntake gives a module event time by the records' TIME_LAST", () => {
  const { seen, intake } = observed();
  intake.announce(FLOW);
  for (const batch of batches(
    [
      [1, 1],
      [1.5, 2],
      [3.2, 3],
      [2, 4],
      [3.9, 5],
      [4, 6],
    ],
    [],
  ))
    intake.receive(batch);
  intake.end();
  const flow = (packets: number): string => `10.0.0.1 ${packets}`;
  expect(seen).toEqual([
    flow(1),
    "second 1",
    flow(2),
    flow(3),
    "second 3",
    flow(4),
    flow(5),
    flow(6),
    "second 4",
    "end",
  ]);
});

test("FlowIntake gives the same order of records and seconds for any packing into batches", () => {
  const rows = fc.array(fc.tuple(fc.double({ min: 0, max: 20, noNaN: true }), fc.nat(1000)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(rows, fc.array(fc.nat(60)), (sent, cuts) => {
      const [whole, cut] = [observed(), observed()];
      for (const [{ intake }, borders] of [
        [whole, []],
        [cut, cuts],
      ] as const) {
        intake.announce(FLOW);
        for (const batch of batches(sent, borders)) intake.receive(batch);
        intake.end();
      }
      expect(cut.seen).toEqual(whole.seen);
    }),
    { numRuns: 200, seed: 3 },
  );
});

test("FlowIntake does not believe a flow that ends in the future, and counts it", () => {
  const { seen, intake } = observed();
  intake.announce(FLOW);
  for (const batch of batches(
    [
      [1, 1],
      [1e6, 2],
      [2, 3],
    ],
    [],
  ))
    intake.receive(batch);
  expect(seen.filter((line) => line.startsWith("second"))).toEqual(["second 1", "second 2"]);
  expect(intake.future).toBe(1);
  expect(seen).toContain("10.0.0.1 2");
});

test("FlowIntake splits biflows for an input of uniflows, and only for those", () => {
  const biflows = parseTemplate(
    "ipaddr DST_IP,ipaddr SRC_IP,time TIME_LAST,uint32 PACKETS,uint32 PACKETS_REV",
  );
  const record = new RecordWriter(biflows);
  const batch = new Batch();
  record.begin().setAll({
    SRC_IP: "10.0.0.1",
    DST_IP: "10.0.0.2",
    TIME_LAST: START * SECOND,
    PACKETS: 5,
    PACKETS_REV: 3,
  });
  record.end(batch);
  const [uni, any] = [observed(), observed(template("ipaddr SRC_IP, uint32 PACKETS"))];
  for (const { intake } of [uni, any]) {
    intake.announce(biflows);
    intake.receive(batch);
  }
  expect(uni.seen).toEqual(["10.0.0.1 5", "10.0.0.2 3", "second 0"]);
  expect(any.seen).toEqual(["10.0.0.1 5", "second 0"]);
});

test("FlowIntake goes on when the sender changes its layout", () => {
  const { seen, intake } = observed();
  intake.announce(FLOW);
  for (const batch of batches([[1, 1]], [])) intake.receive(batch);
  const wider = parseTemplate("ipaddr SRC_IP,uint64 BYTES,uint32 PACKETS");
  intake.announce(wider);
  const record = new RecordWriter(wider);
  const batch = new Batch();
  record.begin().setAll({ SRC_IP: "10.0.0.9", PACKETS: 7 });
  record.end(batch);
  intake.receive(batch);
  expect(seen).toEqual(["10.0.0.1 1", "second 1", "10.0.0.9 7"]);
});

test("FlowIntake refuses a layout that lacks a field, by name", () => {
  expect(() => observed().intake.announce(parseTemplate("uint32 PACKETS"))).toThrow(
    "requires ipaddr SRC_IP; the sender offers uint32 PACKETS",
  );
});
