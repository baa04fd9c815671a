// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { ManualClock } from "../core/clock.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { packed, rowsOf } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import flowcounter from "./flowcounter.ts";

testModule(flowcounter);

const START = 1_704_067_200;
const flows = flowcounter.inputs.flows;
type Row = Readonly<Record<string, unknown>>;

/** A counter that takes the rows of each call as one batch. */
function counter(params: Readonly<Record<string, unknown>> = {}) {
  const clock = new ManualClock(START * SECOND);
  const printed: string[] = [];
  const sent: Row[] = [];
  const runner = new ModuleRunner(flowcounter, {
    params,
    clock,
    print: (text) => printed.push(text),
  });
  const output = runner.outputs["counts"]!;
  output.link({
    receive: (batch) => sent.push(...rowsOf(batch, output.template)),
    advance: () => {},
    end: () => {},
  });
  const input = runner.inputs["flows"]!;
  return {
    runner,
    sent,
    take: (...rows: Row[]) => input.receive(packed(flows, rows)),
    end: () => input.end(),
    printed: () => printed.splice(0).join(""),
    /** The wall clock is so many seconds past the start. */
    at(seconds: number) {
      clock.set((START + seconds) * SECOND);
      runner.tick(clock.now());
      output.flush();
      return sent.splice(0);
    },
  };
}

const one = { PACKETS: 2, BYTES: 100 };

describe("flowcounter prints", () => {
  test("flowcounter prints three right-aligned sums at the end", () => {
    const { take, end, printed } = counter();
    take(one, { PACKETS: 1, BYTES: 1400 });
    take(one);
    expect(printed()).toBe("");
    end();
    expect(printed()).toBe(
      [
        "Flows:                      3",
        "Packets:                    5",
        "Bytes:                   1600",
        "",
      ].join("\n"),
    );
  });

  test("flowcounter prints the time and the sums when it is asked, and goes on", () => {
    const { runner, take, at, end, printed } = counter();
    take(one);
    at(61.9);
    runner.ask();
    expect(printed()).toMatch(/^Time: 1704067261\nFlows: +1\nPackets: +2\nBytes: +100\n$/);
    take(one);
    end();
    expect(printed()).toMatch(/^Flows: +2\nPackets: +4\nBytes: +200\n$/);
  });

  test("flowcounter adds exactly past 32 bits", () => {
    const { take, end, printed } = counter();
    const large = { PACKETS: 0xffff_ffff, BYTES: 2n ** 51n + 1n };
    take(large, large, large);
    end();
    expect(printed()).toMatch(/^Flows: +3\nPackets: +12884901885\nBytes: +6755399441055747\n$/);
  });

  test("flowcounter counts flows of a sender with more fields than it asks for", () => {
    const { runner, end, printed } = counter();
    const layout = parseTemplate("uint64 BYTES,time TIME_LAST,uint32 PACKETS,string NOTE");
    runner.inputs["flows"]!.announce(layout);
    runner.inputs["flows"]!.receive(packed(layout, [{ ...one, NOTE: "a note" }, one]));
    end();
    expect(printed()).toMatch(/^Flows: +2\nPackets: +4\nBytes: +200\n$/);
  });

  test("flowcounter prints a dot each so many flows, whatever the batches", () => {
    const { take, end, printed } = counter({ dotEvery: 3, dot: "#" });
    take(one, one);
    expect(printed()).toBe("");
    take(one);
    expect(printed()).toBe("#");
    take(one, one, one, one, one, one, one);
    expect(printed()).toBe("##");
    end();
    expect(printed()).toMatch(/^\nFlows: +10\n/);
  });

  test.each(["", "ab"])("flowcounter refuses %j as a dot", (dot) => {
    expect(() => counter({ dot })).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });
});

describe("flowcounter sends", () => {
  test("flowcounter sends all so far each period, also when no flow comes", () => {
    const { take, at } = counter({ sendPeriod: 10 });
    take(one);
    expect(at(9)).toEqual([]);
    expect(at(10)).toEqual([{ FLOWS: 1, PACKETS: 2, BYTES: 100 }]);
    expect(at(10.5)).toEqual([]);
    take(one);
    expect(at(19)).toEqual([]);
    expect(at(20)).toEqual([{ FLOWS: 2, PACKETS: 4, BYTES: 200 }]);
    expect(at(30)).toEqual([{ FLOWS: 2, PACKETS: 4, BYTES: 200 }]);
  });

  test("flowcounter sends what came since the last record", () => {
    const { take, at, end, printed } = counter({ sendPeriod: 1, sinceLast: true });
    take(one);
    expect(at(1)).toEqual([{ FLOWS: 1, PACKETS: 2, BYTES: 100 }]);
    expect(at(2)).toEqual([{ FLOWS: 0, PACKETS: 0, BYTES: 0 }]);
    take(one, one);
    expect(at(3)).toEqual([{ FLOWS: 2, PACKETS: 4, BYTES: 200 }]);
    end();
    expect(printed()).toMatch(/^Flows: +3\n/);
  });

  test("flowcounter keeps its period when the clock is set back or on", () => {
    const { at } = counter({ sendPeriod: 10 });
    expect(at(10)).toHaveLength(1);
    expect(at(-3600)).toEqual([]);
    expect(at(-3591)).toEqual([]);
    expect(at(-3590)).toHaveLength(1);
    expect(at(3600)).toHaveLength(1);
    expect(at(3601)).toEqual([]);
  });

  test("flowcounter keeps its period when it is told of the time late, and sends once after a sleep", () => {
    const { at } = counter({ sendPeriod: 10 });
    expect(at(13)).toHaveLength(1);
    expect(at(20)).toHaveLength(1);
    expect(at(95)).toHaveLength(1);
    expect(at(96)).toEqual([]);
    expect(at(99)).toEqual([]);
    expect(at(100)).toHaveLength(1);
  });

  test("flowcounter sends no more packets than 32 bits hold instead of few", () => {
    const { take, at } = counter({ sendPeriod: 1 });
    take({ PACKETS: 0xffff_ffff, BYTES: 2n ** 40n }, one);
    expect(at(1)).toEqual([{ FLOWS: 2, PACKETS: 0xffff_ffff, BYTES: 2 ** 40 + 100 }]);
  });

  test("flowcounter sends nothing unless it is told how often", () => {
    const { take, at } = counter();
    take(one);
    expect(at(5000)).toEqual([]);
  });
});
