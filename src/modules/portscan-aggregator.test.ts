// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { RECORD_MAX } from "../core/batch.ts";
import { ManualClock } from "../core/clock.ts";
import type { OutputPort } from "../core/port.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { packed } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import aggregator from "./portscan-aggregator.ts";

testModule(aggregator);

/** A multiple of five minutes. */
const START = 1_704_067_200;
const alerts = aggregator.inputs.alerts;
type Row = Readonly<Record<string, unknown>>;

/** An alert about ports of 10.0.0.2, which 10.0.0.1 has tried from `from` to `to` (seconds). */
const alert = (from: number, to: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "10.0.0.2",
  PROTOCOL: 6,
  PORT_CNT: 50,
  TIME_FIRST: (START + from) * SECOND,
  TIME_LAST: (START + to) * SECOND,
  ...more,
});

/** JSON that an output sends from now on. */
function collected(output: OutputPort): unknown[] {
  const messages: unknown[] = [];
  output.link({
    receive({ bytes, view, start, length }) {
      for (let at = start; at < start + length; ) {
        const size = view.getUint16(at);
        messages.push(JSON.parse(new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + size))));
        expect(size).toBeLessThanOrEqual(RECORD_MAX);
        at += 2 + size;
      }
    },
    advance: () => {},
    end: () => messages.push("end"),
  });
  return messages;
}

function running(params: Row = {}) {
  const clock = new ManualClock(START * SECOND);
  const runner = new ModuleRunner(aggregator, { params, clock });
  const messages = collected(runner.outputs["scans"]!);
  const input = runner.inputs["alerts"]!;
  input.announce(alerts);
  return {
    runner,
    input,
    take(...rows: Row[]) {
      for (let i = 0; i < rows.length; i += 500)
        input.receive(packed(alerts, rows.slice(i, i + 500)));
    },
    /** What is sent until event time has come so far. */
    at(seconds: number) {
      input.advance((START + seconds) * SECOND);
      return messages.splice(0);
    },
    /** What is sent until the wall clock has come so far. */
    wall(seconds: number) {
      runner.tick((START + seconds) * SECOND);
      return messages.splice(0);
    },
    end() {
      input.end();
      return messages.splice(0);
    },
    sent: () => messages.splice(0),
  };
}

const event = (more: Row = {}) => ({
  src_ip: "10.0.0.1",
  dst_ips: { "10.0.0.2": 50 },
  ts_first: START + 10,
  ts_last: START + 20,
  protocol: 6,
  ...more,
});

describe("events", () => {
  test("portscan-aggregator makes one event of all targets of a source", () => {
    const { take, end } = running();
    take(
      alert(10, 20),
      alert(5, 15, { DST_IP: "2001:db8::1", PORT_CNT: 70 }),
      alert(12, 30, { DST_IP: "10.0.0.3" }),
    );
    expect(end()).toEqual([
      event({
        dst_ips: { "10.0.0.2": 50, "2001:db8::1": 70, "10.0.0.3": 50 },
        ts_first: START + 5,
        ts_last: START + 30,
      }),
      "end",
    ]);
  });

  test("portscan-aggregator keeps sources and protocols apart", () => {
    const { take, end } = running();
    take(alert(10, 20), alert(10, 20, { SRC_IP: "10.0.0.9" }), alert(10, 20, { PROTOCOL: 17 }));
    expect(end()).toEqual([event(), event({ src_ip: "10.0.0.9" }), event({ protocol: 17 }), "end"]);
  });

  test("portscan-aggregator makes an event of each pair when it is told to", () => {
    const { take, end } = running({ noblockscans: true });
    take(alert(10, 20), alert(10, 20, { DST_IP: "10.0.0.3" }));
    expect(end()).toEqual([event(), event({ dst_ips: { "10.0.0.3": 50 } }), "end"]);
  });

  test("portscan-aggregator adds the ports of scans that began one after the other", () => {
    const { take, end } = running();
    take(alert(10, 20), alert(20.5, 30), alert(31, 40));
    expect(end()).toEqual([event({ dst_ips: { "10.0.0.2": 150 }, ts_last: START + 40 }), "end"]);
  });

  test("portscan-aggregator takes updates of one scan for what they are", () => {
    const { take, end } = running();
    const counts = [50, 100, 200, 233, 233];
    take(...counts.map((PortCnt, i) => alert(10, 20 + i, { PORT_CNT: PortCnt })));
    take(alert(100, 110, { PORT_CNT: 60 }), alert(100, 120, { PORT_CNT: 120 }));
    expect(end()).toEqual([
      event({ dst_ips: { "10.0.0.2": 233 + 120 }, ts_last: START + 120 }),
      "end",
    ]);
  });

  test("portscan-aggregator keeps fractions of a second", () => {
    const { take, end } = running();
    take(alert(10.25, 20.000001));
    expect(end()).toEqual([event({ ts_first: START + 10.25, ts_last: START + 20.000001 }), "end"]);
  });

  test("portscan-aggregator divides what has more targets than one message holds", () => {
    const { take, end } = running();
    const target = (i: number) => `2001:db8:ffff:ffff:ffff:ffff:${(i >>> 8) + 4096}:${i & 255}`;
    take(
      ...Array.from({ length: 2001 }, (_, i) =>
        alert(10, 20, { DST_IP: target(i), PORT_CNT: 0xffff_ffff }),
      ),
    );
    const parts = end().slice(0, -1) as { dst_ips: object }[];
    expect(parts.map(({ dst_ips }) => Object.keys(dst_ips).length)).toEqual([1000, 1000, 1]);
    expect(new Set(parts.flatMap(({ dst_ips }) => Object.keys(dst_ips))).size).toBe(2001);
  });
});

describe("windows", () => {
  test("portscan-aggregator sends an event when event time leaves the window", () => {
    const { take, at, end } = running();
    at(0);
    take(alert(10, 20));
    expect(at(299.9)).toEqual([]);
    expect(at(300)).toEqual([event()]);
    take(alert(310, 320, { PORT_CNT: 80 }));
    expect(at(599)).toEqual([]);
    expect(at(3000)).toEqual([
      event({ dst_ips: { "10.0.0.2": 80 }, ts_first: START + 310, ts_last: START + 320 }),
    ]);
    expect(at(9000)).toEqual([]);
    expect(end()).toEqual(["end"]);
  });

  test("portscan-aggregator takes as many minutes as it is told", () => {
    const { take, at } = running({ minutes: 1 });
    at(0);
    take(alert(10, 20));
    expect(at(59)).toEqual([]);
    expect(at(60)).toHaveLength(1);
  });

  test("portscan-aggregator is not led astray by an alert of the future", () => {
    const { take, at } = running();
    at(0);
    take(alert(10, 20), alert(1e8, 1e8, { SRC_IP: "10.0.0.9" }));
    expect(at(300)).toHaveLength(2);
    take(alert(310, 320));
    expect(at(600)).toHaveLength(1);
  });

  test("portscan-aggregator sends what it has once nothing has come for a window of wall time", () => {
    const { take, wall } = running();
    expect(wall(0)).toEqual([]);
    take(alert(10, 20));
    expect(wall(1)).toEqual([]);
    expect(wall(299)).toEqual([]);
    take(alert(10, 20));
    expect(wall(302)).toEqual([]);
    expect(wall(601)).toEqual([]);
    expect(wall(602)).toEqual([event()]);
    expect(wall(5000)).toEqual([]);
  });

  test("portscan-aggregator passes the end of a stream without alerts on", () => {
    expect(running().end()).toEqual(["end"]);
  });
});

describe("bounds", () => {
  test("portscan-aggregator sends the pair that waited longest when there are too many, and loses none", () => {
    const { runner, take, end, sent } = running({ pairsMax: 16 });
    const bytes = runner.state.byteLength;
    take(...Array.from({ length: 100 }, (_, i) => alert(10, 20, { DST_IP: `10.0.1.${i}` })));
    const early = sent();
    expect(early).toHaveLength(84);
    expect(early[0]).toEqual(event({ dst_ips: { "10.0.1.0": 50 } }));
    expect(runner.counters.get("pairs_evicted")).toBe(84);
    expect(runner.state.byteLength).toBe(bytes);
    const [rest] = end() as { dst_ips: object }[];
    expect(Object.keys(rest!.dst_ips)).toEqual(
      Array.from({ length: 16 }, (_, i) => `10.0.1.${84 + i}`),
    );
  });
});

describe("layouts", () => {
  test("portscan-aggregator announces JSON of its name", () => {
    const { runner } = running();
    expect(runner.outputs["scans"]!.template).toMatchObject({
      format: "json",
      spec: "aggregated_portscan",
    });
  });

  test("portscan-aggregator reads alerts of a layout with other fields, and says what is missing", () => {
    const { input, end } = running();
    const layout = parseTemplate(`${alerts.spec},uint16 DST_PORT,uint8 EVENT_TYPE,string NOTE`);
    input.announce(layout);
    input.receive(packed(layout, [{ ...alert(10, 20), NOTE: "a note" }]));
    expect(end()).toEqual([event(), "end"]);
    expect(() => input.announce(parseTemplate("ipaddr SRC_IP"))).toThrow("PORT_CNT");
  });
});
