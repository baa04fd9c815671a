// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../core/testing/detector-kit.ts";
import { testGolden } from "../core/testing/golden.ts";
import { Play, play, said } from "../core/testing/play.ts";
import type { Row } from "../core/testing/run-module.ts";
import { SECOND } from "../core/unirec/time.ts";
import haddrscan from "./haddrscan.ts";

const START = 1_704_067_200 * SECOND;
const SYN = 2;
const RST = 4;

/** A SYN from 10.0.0.1 to port 22 of the i-th address, one a second. */
const syn = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: `192.0.${2 + (i >>> 8)}.${i & 255}`,
  DST_PORT: 22,
  PROTOCOL: 6,
  TCP_FLAGS: SYN,
  PACKETS: 1,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  ...more,
});
const syns = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => syn(i, more));
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});

testDetector(haddrscan, {
  alert: syns(120),
  quiet: [
    ...syns(49), // one short of the limit
    ...syns(49), // and the same again
    ...syns(49, { DST_PORT: 23 }), // on another port
    ...syns(60, { TCP_FLAGS: SYN | 16, DST_PORT: 80 }), // answered
    ...syns(60, { PROTOCOL: 17, DST_PORT: 53 }),
    ...syns(60, { PACKETS: 9, DST_PORT: 443 }),
    ...syns(60, { SRC_IP: "10.0.0.2", DST_IP: "192.0.2.1" }), // a flood of one host
  ],
  other: (i) => syn(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { scansMax: 16 },
  evicted: "scans_evicted",
  stateMax: 75_000_000,
});

testGolden("haddrscan", haddrscan, {
  n2: { addressesMax: 2 },
  n300_never: { addressesMax: 300 },
});

describe("haddrscan", () => {
  const counts = (rows: readonly Row[], params = {}): unknown[] =>
    play(haddrscan, rows, { params }).out["alerts"]!.map((record) => record["ADDR_CNT"]);

  test("haddrscan opens at the limit, updates at doublings and says the end of the stream", () => {
    expect(counts(syns(49))).toEqual([]);
    expect(counts(syns(50))).toEqual([50]);
    expect(counts(syns(230))).toEqual([50, 100, 200, 230]);
  });

  test("haddrscan sends the original's record and names what it saw", () => {
    const { out, alerts } = play(haddrscan, syns(50));
    expect(out["alerts"]![0]).toEqual({
      DST_IP0: "192.0.2.0",
      DST_IP1: "192.0.2.1",
      DST_IP2: "192.0.2.2",
      DST_IP3: "192.0.2.3",
      SRC_IP: "10.0.0.1",
      TIME_FIRST: START,
      TIME_LAST: START + 49 * SECOND,
      ADDR_CNT: 50,
      ADDR_THRSD: 50,
      DST_PORT: 22,
      EVENT_TYPE: 1,
      PROTOCOL: 6,
    });
    expect(alerts[0]).toMatchObject({
      rule: 9_000_002,
      title: "Horizontal TCP scan",
      key: "haddrscan:10.0.0.1>*:22",
      reason: "10.0.0.1 tried TCP port 22 of 50 addresses without making a connection (limit 50)",
      observed: 50,
      threshold: 50,
      source: { ip: "10.0.0.1" },
      target: { port: 22, count: 50 },
      update: 0,
      state: "open",
    });
    expect(alerts[0]!.evidence).toHaveLength(20);
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({ DST_IP: "192.0.2.49", TCP_FLAGS: SYN });
  });

  test("haddrscan closes the event when the scan has paused for longer than the timeout", () => {
    const rows = [...syns(60), syn(7, { SRC_IP: "10.9.9.9", ...at(1000) })];
    const { alerts } = play(haddrscan, rows);
    expect(alerts.map(({ state, observed }) => [state, observed])).toEqual([
      ["open", 50],
      ["closed", 60],
    ]);
    expect(alerts[1]!.detectTime).toBe(START + (59 + 300) * SECOND);
    expect(alerts[1]!.id).toBe(alerts[0]!.id);
  });

  test("haddrscan forgets what came before a pause longer than the timeout", () => {
    const two = [
      ...syns(49),
      ...syns(49, {}).map((row, i) => ({ ...row, ...at(400 + i), DST_IP: `198.51.100.${i}` })),
    ];
    expect(counts(two)).toEqual([]);
    expect(counts(two, { idleTimeout: 500 })).toEqual([50, 98]);
  });

  test("haddrscan counts repeated SYNs as one and retransmitted ones at all", () => {
    expect(counts([...syns(49), ...syns(49)])).toEqual([]);
    expect(counts(syns(50, { PACKETS: 8 }))).toEqual([50]);
    expect(counts(syns(50, { PACKETS: 9 }))).toEqual([]);
    expect(counts(syns(50, { PACKETS: 9 }), { packetsMax: 9 })).toEqual([50]);
  });

  test("haddrscan counts a SYN that the scanner resets, and no connection", () => {
    expect(counts(syns(50, { TCP_FLAGS: SYN | RST, PACKETS: 2 }))).toEqual([50]);
    for (const flags of [SYN | 16, SYN | 1, 16, RST, 0])
      expect(counts(syns(50, { TCP_FLAGS: flags }))).toEqual([]);
  });

  test("haddrscan sees IPv6", () => {
    const rows = syns(50).map((row, i) => ({
      ...row,
      SRC_IP: "2001:db8::1",
      DST_IP: `2001:db8:${i}::2`,
    }));
    const [record] = play(haddrscan, rows).out["alerts"]!;
    expect(record).toMatchObject({ SRC_IP: "2001:db8::1", DST_IP3: "2001:db8:3::2", ADDR_CNT: 50 });
  });

  test("haddrscan fires at a limit above 255, where the original never does", () => {
    expect(counts(syns(300), { addressesMax: 300 })).toEqual([300]);
    expect(counts(syns(600), { addressesMax: 300, compat: "nemea" })).toEqual([]);
    expect(counts(syns(1024), { addressesMax: 1024 })).toEqual([1024]);
  });

  test("haddrscan names only addresses it saw when the limit is below four", () => {
    const records = play(haddrscan, syns(5), { params: { addressesMax: 2 } }).out["alerts"]!;
    expect(records.map(({ ADDR_CNT, DST_IP1, DST_IP3 }) => [ADDR_CNT, DST_IP1, DST_IP3])).toEqual([
      [2, "192.0.2.1", "::"],
      [4, "192.0.2.1", "192.0.2.3"],
      [5, "192.0.2.1", "192.0.2.3"],
    ]);
  });

  test("haddrscan counts exactly up to 1,024 addresses, then estimates and says so", () => {
    const exact = play(haddrscan, syns(1024)).alerts.at(-1)!;
    expect(exact.observed).toBe(1024);
    expect(exact.reason).not.toContain("estimated");
    const rows = Array.from({ length: 20_000 }, (_, i) => syn(i, at(i / 100)));
    const last = play(haddrscan, rows).alerts.at(-1)!;
    expect(Math.abs(last.observed! / 20_000 - 1)).toBeLessThan(0.05);
    expect(last.reason).toContain(`an estimated ${last.observed} (standard error 1.6 %)`);
  });

  test("haddrscan decides by whole seconds whether a scan has ended, however event time comes", () => {
    const scan = syns(60, at(0.5));
    const once = new Play(haddrscan).rows(scan).advance(START + 300.9 * SECOND);
    const twice = new Play(haddrscan).rows(scan).advance(START + 300.2 * SECOND);
    expect(said(twice.advance(START + 300.9 * SECOND).end())).toEqual(said(once.end()));
    const later = new Play(haddrscan)
      .rows(scan)
      .advance(START + 301.1 * SECOND)
      .end();
    expect(later.alerts.at(-1)!.state).toBe("closed");
  });

  test("haddrscan keeps as evidence the first flow to each address", () => {
    const thrice = syns(50).flatMap((row) => [row, row, row]);
    const { evidence } = play(haddrscan, thrice).alerts[0]!;
    expect(new Set(evidence.map(({ DST_IP }) => DST_IP)).size).toBe(20);
  });

  /** Four addresses tried by each of so many sources. */
  const small = (sources: number, start: number): Row[] =>
    Array.from({ length: sources * 4 }, (_, i) =>
      syn(i & 3, { SRC_IP: `10.1.${i >>> 10}.${(i >>> 2) & 255}`, ...at(start) }),
    );

  test("haddrscan lets the count of a scan stand when too many newer ones are counted", () => {
    const rows = [...small(513, 0), syn(9, { SRC_IP: "10.1.0.0", ...at(1) })];
    const { alerts, runner } = play(haddrscan, rows, { params: { addressesMax: 2 } });
    expect(runner.counters.get("distinct_reused")).toBe(1);
    const first = alerts.filter(({ source }) => source.ip === "10.1.0.0");
    expect(first.map(({ observed }) => observed)).toEqual([2, 4]);
  });

  test("haddrscan counts with the slots of scans that have ended", () => {
    const params = { addressesMax: 2 };
    const { runner } = play(haddrscan, [...small(500, 0), ...small(500, 1000)], { params });
    expect(runner.counters.get("distinct_reused")).toBe(0);
  });

  test("haddrscan keeps quiet about a SYN flood of one host from many and from one", () => {
    const flood = Array.from({ length: 5000 }, (_, i) =>
      syn(0, { SRC_IP: `10.${i >>> 8}.${i & 255}.7`, ...at(i / 1000) }),
    );
    const one = Array.from({ length: 5000 }, (_, i) => syn(0, at(i / 1000)));
    expect(counts([...flood, ...one])).toEqual([]);
  });

  test("haddrscan keeps apart sources and ports", () => {
    const mixed = syns(98).map((row, i) => ({ ...row, DST_PORT: 22 + (i & 1) }));
    expect(counts(mixed)).toEqual([]);
    expect(counts(syns(98).map((row, i) => ({ ...row, SRC_IP: `10.0.0.${i & 1}` })))).toEqual([]);
  });
});
