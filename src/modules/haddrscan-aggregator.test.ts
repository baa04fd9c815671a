// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { ManualClock } from "../core/clock.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { packed, rowsOf } from "../core/unirec/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import aggregator from "./haddrscan-aggregator.ts";

testModule(aggregator);

/** A multiple of five minutes. */
const START = 1_704_067_200;
const alerts = aggregator.inputs.alerts;
type Row = Readonly<Record<string, unknown>>;

const times = (from: number, to: number): Row => ({
  TIME_FIRST: (START + from) * SECOND,
  TIME_LAST: (START + to) * SECOND,
});

/** The first addresses of a network, as an alert or an aggregate names them. */
const named = (network: string, hosts: readonly number[]): Row =>
  Object.fromEntries(hosts.map((host, i) => [`DST_IP${i}`, `${network}${host}`]));

/** An alert about 50 addresses of 192.0.2.0/24, which 10.0.0.1 has tried from `from` to `to` (seconds). */
const alert = (from: number, to: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_PORT: 22,
  PROTOCOL: 6,
  EVENT_TYPE: 1,
  ADDR_CNT: 50,
  ADDR_THRSD: 50,
  ...named("192.0.2.", [1, 2, 3, 4]),
  ...times(from, to),
  ...more,
});

const NONE = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`DST_IP${i}`, "::"]));

/** What is sent for such an alert. */
const scan = (from: number, to: number, more: Row = {}): Row => ({
  ...NONE,
  ...alert(from, to, more),
});

function running(params: Row = {}) {
  const clock = new ManualClock(START * SECOND);
  const runner = new ModuleRunner(aggregator, { params, clock });
  const output = runner.outputs["scans"]!;
  const sent: unknown[] = [];
  output.link({
    receive: (batch) => sent.push(...rowsOf(batch, output.template)),
    advance: () => {},
    end: () => sent.push("end"),
  });
  const input = runner.inputs["alerts"]!;
  input.announce(alerts);
  return {
    runner,
    input,
    take: (...rows: Row[]) => input.receive(packed(alerts, rows)),
    /** What is sent until event time has come so far. */
    at(seconds: number) {
      input.advance((START + seconds) * SECOND);
      return sent.splice(0);
    },
    /** What is sent until the wall clock has come so far. */
    wall(seconds: number) {
      runner.tick((START + seconds) * SECOND);
      output.flush();
      return sent.splice(0);
    },
    end() {
      input.end();
      return sent.splice(0);
    },
  };
}

describe("scans", () => {
  test("haddrscan-aggregator makes one record for each source and port", () => {
    const { take, end } = running();
    take(
      alert(10, 20),
      alert(15, 20, { DST_PORT: 23 }),
      alert(30, 40, named("2001:db8::", [1, 2, 3, 4])),
      alert(15, 20, { SRC_IP: "2001:db8::9" }),
    );
    expect(end()).toEqual([
      scan(10, 40, {
        ADDR_CNT: 100,
        ...Object.fromEntries(
          [1, 2, 3, 4].map((host) => [`DST_IP${host + 3}`, `2001:db8::${host}`]),
        ),
      }),
      scan(15, 20, { DST_PORT: 23 }),
      scan(15, 20, { SRC_IP: "2001:db8::9" }),
      "end",
    ]);
  });

  test("haddrscan-aggregator names the first sixteen addresses, each once", () => {
    const { take, end } = running();
    for (const i of [0, 1, 2, 3, 4, 5]) {
      const hosts = [0, 1, 2, 3].map((host) => 1 + i * 3 + host); // the last one is the next one's first
      take(alert(10 * i, 10 * i + 9, named("192.0.2.", hosts)));
    }
    const sixteen = Array.from({ length: 16 }, (_, i) => i + 1);
    expect(end()).toEqual([scan(0, 59, { ADDR_CNT: 300, ...named("192.0.2.", sixteen) }), "end"]);
  });

  test("haddrscan-aggregator leaves out the places that an alert of few addresses does not fill", () => {
    const { take, end } = running();
    const few = { ADDR_CNT: 2, DST_IP2: "::", DST_IP3: "0.0.0.0" };
    take(
      alert(10, 20, few),
      alert(30, 40, { ADDR_CNT: 3, ...named("192.0.3.", [1, 2, 3]), DST_IP3: "::" }),
    );
    expect(end()).toEqual([
      scan(10, 40, {
        ADDR_CNT: 5,
        ...named("192.0.2.", [1, 2]),
        ...{ DST_IP2: "192.0.3.1", DST_IP3: "192.0.3.2", DST_IP4: "192.0.3.3" },
      }),
      "end",
    ]);
  });

  test("haddrscan-aggregator takes updates of one scan for what they are", () => {
    const { take, end } = running();
    const counts = [50, 100, 200, 233, 233];
    take(...counts.map((AddrCnt, i) => alert(10, 20 + i, { ADDR_CNT: AddrCnt })));
    take(alert(100, 110, { ADDR_CNT: 60 }));
    expect(end()).toEqual([scan(10, 110, { ADDR_CNT: 293 }), "end"]);
  });

  test("haddrscan-aggregator makes nothing of an alert of no addresses", () => {
    const { take, end } = running();
    const empty = { ADDR_CNT: 0, ...named("0.0.0.", [0, 0, 0, 0]) };
    take(
      alert(10, 20, empty),
      alert(10, 20, { DST_PORT: 23 }),
      alert(10, 20, { DST_PORT: 23, ...empty }),
    );
    expect(end()).toEqual([scan(10, 20, { DST_PORT: 23 }), "end"]);
  });

  test("haddrscan-aggregator stays at the most that 32 bits hold instead of beginning anew", () => {
    const { take, end } = running();
    const most = { ADDR_CNT: 0xffff_ffff };
    take(alert(10, 20, most), alert(30, 40, most));
    expect(end()).toEqual([scan(10, 40, most), "end"]);
  });

  test("haddrscan-aggregator tells of ports and protocols of any number", () => {
    const { take, end } = running();
    const odd = { DST_PORT: 65_535, PROTOCOL: 255, EVENT_TYPE: 2, ADDR_THRSD: 0xffff_ffff };
    take(alert(10, 20, odd));
    expect(end()).toEqual([scan(10, 20, odd), "end"]);
  });
});

describe("windows", () => {
  test("haddrscan-aggregator sends a record when event time leaves the window", () => {
    const { take, at, end } = running();
    at(0);
    take(alert(10, 20));
    expect(at(299.9)).toEqual([]);
    expect(at(300)).toEqual([scan(10, 20)]);
    take(alert(310, 320));
    expect(at(599)).toEqual([]);
    expect(at(3000)).toEqual([scan(310, 320)]);
    expect(end()).toEqual(["end"]);
  });

  test("haddrscan-aggregator takes as many minutes as it is told", () => {
    const { take, at } = running({ minutes: 10 });
    at(0);
    take(alert(10, 20));
    expect(at(599)).toEqual([]);
    expect(at(600)).toHaveLength(1);
  });

  test("haddrscan-aggregator sends what it has once nothing has come for a window of wall time", () => {
    const { take, wall } = running();
    expect(wall(0)).toEqual([]);
    take(alert(10, 20));
    expect(wall(1)).toEqual([]);
    expect(wall(300)).toEqual([]);
    expect(wall(301)).toEqual([scan(10, 20)]);
    expect(wall(5000)).toEqual([]);
  });
});

describe("bounds and layouts", () => {
  test("haddrscan-aggregator sends the scan that waited longest when there are too many, and loses none", () => {
    const { runner, take, end } = running({ scansMax: 16 });
    const bytes = runner.state.byteLength;
    take(...Array.from({ length: 100 }, (_, i) => alert(10, 20, { DST_PORT: i })));
    expect(runner.counters.get("scans_evicted")).toBe(84);
    expect(runner.state.byteLength).toBe(bytes);
    expect(end()).toEqual([
      ...Array.from({ length: 100 }, (_, i) => scan(10, 20, { DST_PORT: i })),
      "end",
    ]);
  });

  test("haddrscan-aggregator keeps its output's layout when the sender's changes", () => {
    const { runner, take, input, end } = running();
    const before = runner.outputs["scans"]!.template;
    take(alert(10, 20));
    const layout = parseTemplate(`${alerts.spec},uint16 SRC_PORT,string NOTE`);
    input.announce(layout);
    input.receive(packed(layout, [{ ...alert(30, 40), NOTE: "a note" }]));
    expect(runner.outputs["scans"]!.template).toBe(before);
    expect(end()).toEqual([scan(10, 40, { ADDR_CNT: 100 }), "end"]);
    expect(() => input.announce(parseTemplate("ipaddr SRC_IP"))).toThrow("ADDR_CNT");
  });
});
