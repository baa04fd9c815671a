// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { Alert } from "./alert.ts";
import { ManualClock } from "./clock.ts";
import { defineModule, param } from "./module.ts";
import { ModuleRunner } from "./runner.ts";
import { ANY_RECORDS, parseTemplate, template } from "./unirec/template.ts";
import { packed, rowsOf } from "./unirec/test-kit.ts";
import { SECOND } from "./unirec/time.ts";

const flows = template("time TIME_LAST, ipaddr SRC_IP, uint16 DST_PORT, ?string NOTE");
const alerts = template("time TIME_LAST, ipaddr SRC_IP, uint64 BYTES, string NOTE");
const row = { TIME_LAST: 5 * SECOND, SRC_IP: "192.0.2.1", DST_PORT: 80 };

/** A module of two inputs that writes down what happens to it. */
function observed(clock = new ManualClock()) {
  const events: unknown[] = [];
  const def = defineModule({
    name: "observer",
    about: "Writes down what it is given.",
    rules: {
      seen: {
        id: 9_999_999,
        title: "Seen",
        category: "Test",
        severity: 1,
        confidence: 1,
        techniques: [],
      },
    },
    params: { label: param.text({ default: "seen", about: "Word for a record" }) },
    inputs: { left: flows, right: flows },
    outputs: { alerts },
    setup: ({ params, out, count }) => {
      const see = (batch: { next(): boolean; DST_PORT: number }) => {
        while (batch.next()) {
          count("seen");
          events.push(`${params.label} ${batch.DST_PORT}`);
        }
      };
      return {
        left: see,
        right(batch) {
          while (batch.next()) {
            out.alerts.send({
              TIME_LAST: batch.raw.TIME_LAST,
              SRC_IP: batch.SRC_IP,
              BYTES: 2n ** 60n,
              NOTE: batch.NOTE,
            });
          }
        },
        everySecond: (now) => events.push(now / SECOND),
        end: () => events.push("end"),
      };
    },
  });
  const raised: Alert[] = [];
  const runner = new ModuleRunner(def, {
    clock,
    onAlert: (alert) => raised.push(alert),
    sensor: "s1",
    interface: "eth0",
  });
  const { left, right } = runner.inputs as Record<
    "left" | "right",
    NonNullable<(typeof runner.inputs)[string]>
  >;
  const sent: unknown[] = [];
  runner.outputs["alerts"]!.link({
    receive: (batch) => sent.push(...rowsOf(batch, alerts)),
    advance: (watermark) => sent.push(watermark),
    end: () => sent.push("end"),
  });
  return { runner, left, right, events, raised, sent, clock };
}

describe("event time", () => {
  test("is the least of the inputs", () => {
    const { runner, left, right, events, sent } = observed();
    left.advance(30 * SECOND);
    expect(runner.now).toBe(Number.NEGATIVE_INFINITY);
    right.advance(10 * SECOND);
    expect(runner.now).toBe(10 * SECOND);
    right.advance(40 * SECOND);
    left.advance(20 * SECOND);
    expect(runner.now).toBe(30 * SECOND);
    expect(events).toEqual([10, 30]);
    expect(sent).toEqual([10 * SECOND, 30 * SECOND]);
  });

  test("wakes the module once per advance, at the second's begin, and not within a second", () => {
    const { left, right, events } = observed();
    right.end();
    for (const at of [1.25, 1.5, 1.999, 2, 3600.7, 3600.9]) left.advance(at * SECOND);
    expect(events).toEqual([1, 2, 3600]);
  });

  test("goes on without an input that is silent for more than 5 s of wall time, and takes it back", () => {
    const { runner, left, right, clock } = observed();
    right.advance(1 * SECOND);
    left.advance(10 * SECOND);
    clock.set(5 * SECOND);
    left.advance(11 * SECOND);
    expect(runner.now).toBe(1 * SECOND);
    clock.set(5 * SECOND + 1);
    left.advance(12 * SECOND);
    expect(runner.now).toBe(12 * SECOND);
    right.advance(2 * SECOND);
    left.advance(20 * SECOND);
    expect(runner.now).toBe(12 * SECOND);
    right.advance(15 * SECOND);
    expect(runner.now).toBe(15 * SECOND);
  });

  test("goes on without a silent input even when the other one only repeats its time", () => {
    const { runner, left, right, clock } = observed();
    right.advance(1 * SECOND);
    left.advance(10 * SECOND);
    clock.set(6 * SECOND);
    left.advance(10 * SECOND);
    expect(runner.now).toBe(10 * SECOND);
  });

  test("goes on without a silent input also when the clock was set back", () => {
    const { runner, left, right, clock } = observed(new ManualClock(3600 * SECOND));
    right.advance(1 * SECOND);
    clock.set(0);
    left.advance(10 * SECOND);
    expect(runner.now).toBe(10 * SECOND);
  });

  test("waits for an input that sends records, though no watermark", () => {
    const { runner, left, right, clock } = observed();
    right.advance(1 * SECOND);
    clock.set(4 * SECOND);
    right.receive(packed(flows, [row]));
    clock.set(8 * SECOND);
    left.advance(10 * SECOND);
    expect(runner.now).toBe(1 * SECOND);
  });

  test("never goes back", () => {
    const { runner, left, right, events } = observed();
    left.advance(10 * SECOND);
    right.advance(10 * SECOND);
    left.advance(4 * SECOND);
    right.advance(4 * SECOND);
    expect(runner.now).toBe(10 * SECOND);
    expect(events).toEqual([10]);
  });

  test("is no longer held back by an input that ended", () => {
    const { runner, left, right } = observed();
    left.advance(10 * SECOND);
    right.end();
    expect(runner.now).toBe(10 * SECOND);
  });
});

describe("ModuleRunner", () => {
  test("ends once all inputs have, after what they sent", () => {
    const { left, right, events, sent } = observed();
    left.end();
    expect(events).toEqual([]);
    right.receive(packed(flows, [row]));
    right.end();
    right.end();
    expect(events).toEqual(["end"]);
    expect(sent.at(-1)).toBe("end");
    expect(sent).toHaveLength(2);
  });

  test("counts records and gives parameters their defaults", () => {
    const { runner, left, events } = observed();
    left.receive(packed(flows, [row, { ...row, DST_PORT: 81 }]));
    expect(events).toEqual(["seen 80", "seen 81"]);
    expect(runner.records).toBe(2);
    expect(runner.counters.snapshot()).toEqual({ seen: 2 });
  });

  test("makes an alert of a record with raw 64 bits, and sends those", () => {
    const { right, raised, sent, runner } = observed();
    right.receive(packed(flows, [row]));
    runner.outputs["alerts"]!.flush();
    expect(sent).toEqual([
      { TIME_LAST: 5 * SECOND, SRC_IP: "192.0.2.1", BYTES: 2 ** 60, NOTE: "" },
    ]);
    expect(raised).toMatchObject([
      {
        detector: "observer",
        lastTime: 5 * SECOND,
        source: { ip: "192.0.2.1" },
        sensor: "s1",
        interface: "eth0",
      },
    ]);
  });

  test("counts a record that grows too long, and goes on", () => {
    const { runner, right, sent, left } = observed();
    const note = "n".repeat(65_534 - flows.fixedSize);
    right.receive(packed(flows, [{ ...row, NOTE: note }]));
    right.receive(packed(flows, [row]));
    left.end();
    right.end();
    expect(sent).toHaveLength(2);
    expect(runner.counters.get("records_too_long")).toBe(1);
  });

  test("names the module whose setup forgot an input", () => {
    const def = defineModule({
      name: "careless",
      about: "Forgets its input.",
      params: {},
      inputs: { flows },
      outputs: {},
      setup: () => ({}) as never,
    });
    expect(() => new ModuleRunner(def)).toThrow(
      "careless: setup returns no handler for the input flows",
    );
  });
});

describe("an output whose layout is left open", () => {
  /** A source whose layouts and records are given by the test. */
  function source() {
    const events: unknown[] = [];
    const layouts: string[] = [];
    const def = defineModule({
      name: "source",
      about: "Sends one record of each layout it is given.",
      params: {},
      inputs: {},
      outputs: { flows: ANY_RECORDS },
      setup: ({ out }) => ({
        produce() {
          const spec = layouts.shift();
          if (spec === undefined) return undefined;
          const record = out.flows.announce(parseTemplate(spec));
          record.begin().setAll({ NUMBER: layouts.length });
          expect(out.flows.record).toBe(record as never);
          out.flows.push();
          return 0;
        },
      }),
    });
    const runner = new ModuleRunner(def);
    runner.outputs["flows"]!.link({
      announce: ({ spec }) => events.push(spec),
      receive: (batch) => events.push(batch.length),
      advance: () => {},
      end: () => events.push("end"),
    });
    return { runner, events, layouts };
  }

  test("is announced by its module, and again when it changes, after the records before", () => {
    const { runner, events, layouts } = source();
    expect(events).toEqual([]);
    layouts.push("uint8 NUMBER", "uint64 NUMBER");
    while (runner.produce() !== undefined);
    runner.end();
    expect(events).toEqual(["uint8 NUMBER", 3, "uint64 NUMBER", 10, "end"]);
  });

  test("keeps its layout when the new one has a field that no writer can have", () => {
    const { runner, events, layouts } = source();
    layouts.push("uint8 NUMBER", "uint8 begin", "uint8 NUMBER");
    runner.produce();
    expect(() => runner.produce()).toThrow("a field cannot be called begin");
    runner.end();
    expect(events).toEqual(["uint8 NUMBER", 3, "end"]);
  });
});

describe("a module that throws", () => {
  const frail = defineModule({
    name: "frail",
    about: "Throws at port 0.",
    params: {},
    inputs: { flows },
    outputs: {},
    setup: ({ count }) => ({
      flows(batch) {
        while (batch.next()) {
          if (batch.DST_PORT === 0) throw new Error("port 0");
          count("seen");
        }
      },
      everySecond() {},
    }),
  });

  test("goes to whoever drives it, where nobody wants to be told", () => {
    const { inputs } = new ModuleRunner(frail);
    expect(() => inputs["flows"]!.receive(packed(flows, [{ ...row, DST_PORT: 0 }]))).toThrow(
      "port 0",
    );
  });

  test("is given nothing for a second, then begins anew; what it missed is counted", async () => {
    const told: string[] = [];
    const runner = new ModuleRunner(frail, { onFailure: (message) => told.push(message) });
    const send = (port: number): void =>
      runner.inputs["flows"]!.receive(packed(flows, [{ ...row, DST_PORT: port }]));
    send(1);
    send(0);
    expect([told, runner.failure]).toEqual([["port 0"], "port 0"]);
    send(2);
    expect(runner.counters.snapshot()).toEqual({ seen: 1, failures: 1, records_skipped: 1 });
    await Bun.sleep(1050);
    send(3);
    expect(runner.failure).toBeUndefined();
    expect(runner.counters.snapshot()).toMatchObject({ seen: 2 });
  });
});
