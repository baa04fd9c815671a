// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../core/testing/detector-kit.ts";
import { testGolden } from "../core/testing/golden.ts";
import { play } from "../core/testing/play.ts";
import type { Row } from "../core/testing/run-module.ts";
import { SECOND } from "../core/unirec/time.ts";
import vportscan from "./vportscan.ts";

const START = 1_704_067_200 * SECOND;
const SYN = 2;
const RST = 4;

/** A SYN from 10.0.0.1 to the i-th port of 192.0.2.1, one a second. */
const syn = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  SRC_PORT: 40_000 + (i & 1023),
  DST_PORT: 1 + i,
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

testDetector(vportscan, {
  alert: syns(120),
  quiet: [
    ...syns(49, { DST_IP: "192.0.2.2" }), // one short of the limit
    ...syns(60, { DST_IP: "192.0.2.3", TCP_FLAGS: SYN | 16 }), // answered
    ...syns(60, { DST_IP: "192.0.2.4", PROTOCOL: 17 }),
    ...syns(60, { DST_IP: "192.0.2.5", PACKETS: 5 }),
    ...syns(60, { DST_IP: "192.0.2.6", DST_PORT: 80 }), // a flood of one service
    ...syns(60).map((row, i) => ({ ...row, DST_IP: `198.51.100.${i}` })), // a horizontal scan
  ],
  other: (i) => syn(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 30_000_000,
});

testGolden("vportscan", vportscan, {}, { clockRates: { idle_not_pruned_without_tick_time: 1 } });

describe("vportscan", () => {
  const counts = (rows: readonly Row[], params = {}): unknown[] =>
    play(vportscan, rows, { params }).out["alerts"]!.map((record) => record["PORT_CNT"]);

  test("vportscan opens at the limit, updates at doublings and says the end of the stream", () => {
    expect(counts(syns(49))).toEqual([]);
    expect(counts(syns(50))).toEqual([50]);
    expect(counts(syns(230))).toEqual([50, 100, 200, 230]);
  });

  test("vportscan counts all 65,536 ports one by one", () => {
    const rows = Array.from({ length: 65_536 }, (_, i) => syn(i, { DST_PORT: i, ...at(i / 1000) }));
    expect(counts([...rows, ...rows]).at(-1)).toBe(65_536);
  });

  test("vportscan sends the original's record and names what it saw", () => {
    const { out, alerts } = play(vportscan, syns(50));
    expect(out["alerts"]![0]).toEqual({
      DST_IP: "192.0.2.1",
      SRC_IP: "10.0.0.1",
      TIME_FIRST: START,
      TIME_LAST: START + 49 * SECOND,
      PORT_CNT: 50,
      DST_PORT: 50,
      SRC_PORT: 40_049,
      EVENT_TYPE: 1,
      PROTOCOL: 6,
    });
    expect(alerts[0]).toMatchObject({
      rule: 9_000_001,
      key: "vportscan:10.0.0.1>192.0.2.1",
      observed: 50,
      threshold: 50,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1" },
    });
    expect(alerts[0]!.evidence).toHaveLength(20);
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({ DST_PORT: 50, TCP_FLAGS: SYN });
  });

  test("vportscan keeps a port that is tried twice, which the original takes out", () => {
    const twice = syns(50).flatMap((row) => [row, row]);
    expect(counts(twice)).toEqual([50]);
    expect(counts(twice, { compat: "nemea" })).toEqual([]);
  });

  test("vportscan counts a SYN that the scanner resets, and no connection", () => {
    expect(counts(syns(50, { TCP_FLAGS: SYN | RST, PACKETS: 2 }))).toEqual([50]);
    for (const flags of [SYN | 16, SYN | 1, 16, RST, 0])
      expect(counts(syns(50, { TCP_FLAGS: flags }))).toEqual([]);
  });

  test("vportscan sees IPv6", () => {
    const [record] = play(vportscan, syns(50, { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::2" }))
      .out["alerts"]!;
    expect(record).toMatchObject({ SRC_IP: "2001:db8::1", DST_IP: "2001:db8::2", PORT_CNT: 50 });
  });

  test("vportscan closes the event when the scan has paused for longer than the timeout", () => {
    const rows = [...syns(60), syn(0, { SRC_IP: "10.9.9.9", ...at(1000) })];
    const { alerts } = play(vportscan, rows);
    expect(alerts.map(({ state, observed }) => [state, observed])).toEqual([
      ["open", 50],
      ["closed", 60],
    ]);
    expect(alerts[1]!.detectTime).toBe(START + (59 + 300) * SECOND);
  });

  test("vportscan forgets what came before a pause longer than the timeout", () => {
    const two = [...syns(49), ...syns(49).map((_, i) => syn(i + 100, at(400 + i)))];
    expect(counts(two)).toEqual([]);
    expect(counts(two, { idleTimeout: 500 })).toEqual([50, 98]);
  });

  test("vportscan marks ports in the bitmaps of scans that have ended, and counts those it takes away", () => {
    const scans = (count: number, start: number): Row[] =>
      Array.from({ length: count * 2 }, (_, i) =>
        syn(i & 1, { SRC_IP: `10.1.${i >>> 9}.${(i >>> 1) & 255}`, ...at(start) }),
      );
    const reused = (rows: readonly Row[]): number =>
      play(vportscan, rows, { params: { portsMax: 2 } }).runner.counters.get("bitmaps_reused");
    expect(reused([...scans(1000, 0), ...scans(1000, 1000)])).toBe(0);
    expect(reused(scans(1030, 0))).toBe(6);
  });

  test("vportscan takes the first and last time of flows in any order", () => {
    const [record] = play(vportscan, syns(50).toReversed()).out["alerts"]!;
    expect(record).toMatchObject({ TIME_FIRST: START, TIME_LAST: START + 49 * SECOND });
  });
});
