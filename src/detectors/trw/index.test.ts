// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import trw from "./index.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600;
const SYN = 2;
const ANSWERED = { TCP_FLAGS: 0x1b, TCP_FLAGS_REV: 0x1b, PACKETS_REV: 5 };
const REFUSED = { TCP_FLAGS_REV: 0x14, PACKETS_REV: 1 };

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
const address = (i: number): string => `192.0.${2 + (i >>> 8)}.${i & 255}`;
/** A SYN that nobody answers, from 10.0.0.1 to the i-th address, one a second. */
const syn = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: address(i),
  DST_PORT: 22,
  PROTOCOL: 6,
  TCP_FLAGS: SYN,
  PACKETS: 1,
  TCP_FLAGS_REV: 0,
  PACKETS_REV: 0,
  ...at(i),
  ...more,
});
const syns = (count: number, more: (i: number) => Row = () => ({})): Row[] =>
  Array.from({ length: count }, (_, i) => syn(i, more(i)));

testDetector(trw, {
  alert: syns(60),
  quiet: [
    ...syns(3), // one short of a verdict
    ...syns(60, (i) => ({ SRC_IP: "10.0.0.2", ...(i % 3 === 0 ? {} : ANSWERED) })), // a third fails
    ...syns(60, () => ({ SRC_IP: "10.0.0.3", DST_IP: "192.0.2.1" })), // again and again
    ...syns(60, () => ({ SRC_IP: "10.0.0.4", PROTOCOL: 17 })),
    ...syns(60, () => ({ SRC_IP: "10.0.0.5", TCP_FLAGS: 0x18 })), // slices
    ...syns(60, (i) => ({ SRC_IP: `10.0.6.${i}`, DST_IP: "192.0.2.200" })), // all try the same
  ],
  other: (i) =>
    syn(0, {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
      DST_IP: `198.${18 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
    }),
  small: { sourcesMax: 16 },
  evicted: "sources_evicted",
  stateMax: 28_000_000,
});

describe("trw", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(trw, rows, { params }).alerts;
  const told = (rows: readonly Row[], params = {}) =>
    alertsOf(rows, params).map(({ rule, severity, state }) => [rule, severity, state]);

  test("trw gives a verdict of low severity at four failures, of medium at twenty addresses", () => {
    const { alerts, out } = play(trw, syns(60));
    const severities = alerts.map(({ severity }) => severity);
    expect(severities).toEqual([3, 3, 3, 5, 5, 5]);
    const contacts = alerts.map(({ flows }) => flows!);
    expect(contacts.slice(0, 3)).toEqual([4, 8, 16]);
    // Addresses are an estimate.
    expect(contacts[3]).toBeWithin(20, 25);
    expect(contacts.slice(4)).toEqual([contacts[3]! * 2, 60]);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_260,
      key: "trw:10.0.0.1",
      confidence: 0.4,
      reason:
        "4 of 4 first contacts of 10.0.0.1 by TCP have failed, with about 4 addresses and 1 port in 3 s: a scanner, by the sequential test alone",
      observed: 4,
      threshold: 4,
      source: { ip: "10.0.0.1" },
      target: { port: 22, count: 4 },
    });
    expect(alerts[3]!.reason).toEndWith("by the sequential test (limit 20 addresses)");
    expect(out["alerts"]![0]).toMatchObject({
      SRC_IP: "10.0.0.1",
      DST_PORT: 22,
      ADDR_CNT: 4,
      FAILED: 4,
      SUCCEEDED: 0,
    });
  });

  test("trw takes refusals as failures, and sees IPv6", () => {
    expect(told(syns(4, () => REFUSED))).toEqual([[9_000_260, 3, "open"]]);
    const v6 = syns(4, (i) => ({ SRC_IP: "2001:db8::1", DST_IP: `2001:db8:1::${i}` }));
    expect(told(v6)).toEqual([[9_000_260, 3, "open"]]);
  });

  test("trw credits successes before the first failure", () => {
    const usual = Array.from({ length: 30 }, (_, i) =>
      syn(i, { DST_IP: address(1000 + i), ...ANSWERED }),
    );
    const after = (failures: number) =>
      alertsOf([...usual, ...syns(failures, (i) => at(30 + i))]).length;
    expect(after(6)).toBe(0);
    expect(after(7)).toBe(1);
  });

  test("trw counts the first contact only, whether it failed or not", () => {
    const known = syns(20, () => ANSWERED);
    expect(alertsOf([...known, ...syns(20, (i) => at(30 + i))])).toEqual([]);
  });

  test("trw counts dead peers once each, however often they are tried among how many others", () => {
    const dead = (second: number) => syns(3, (i) => ({ DST_IP: address(900 + i), ...at(second) }));
    /** More pairs than there are places to remember them. */
    const others = (round: number) =>
      Array.from({ length: 60_000 }, (_, i) =>
        syn(0, {
          SRC_IP: `10.${1 + round}.0.9`,
          DST_IP: `198.18.${i >>> 8}.${i & 255}`,
          ...ANSWERED,
          ...at(round + 1),
        }),
      );
    const played = new Play(trw);
    for (let round = 0; round < 12; round++) played.rows(dead(round)).rows(others(round));
    expect(played.end().alerts).toEqual([]);
  });

  test("trw closes the event when successes outweigh", () => {
    const good = Array.from({ length: 8 }, (_, i) =>
      syn(0, { DST_IP: address(500 + i), ...ANSWERED, ...at(10 + i) }),
    );
    expect(told([...syns(4), ...good])).toEqual([
      [9_000_260, 3, "open"],
      [9_000_260, 3, "closed"],
    ]);
    // And opens another one when failures outweigh again.
    const again = syns(7, (i) => ({ DST_IP: address(300 + i), ...at(20 + i) }));
    expect(told([...syns(4), ...good, ...again]).slice(2)).toEqual([[9_000_260, 3, "open"]]);
  });

  test("trw leaves a source at low severity that has not three failures for each success", () => {
    const severities = (failuresOf: number) => {
      const rows = syns(200, (i) => (i > 3 && i % 10 >= failuresOf ? ANSWERED : {}));
      return Math.max(...alertsOf(rows).map(({ severity }) => severity));
    };
    expect(severities(6)).toBe(3);
    expect(severities(8)).toBe(5);
  });

  test("trw leaves peers of many ports at low severity", () => {
    const peers = syns(200, (i) => ({ DST_PORT: 10_000 + ((i * 7919) % 50_000) }));
    const severities = alertsOf(peers).map(({ severity }) => severity);
    expect(new Set(severities)).toEqual(new Set([3]));
    const botnet = syns(200, (i) => ({ DST_PORT: [23, 2323, 8080][i % 3] }));
    expect(alertsOf(botnet).at(-1)).toMatchObject({ severity: 5 });
  });

  test("trw finds a slow scan over days, as an event of its own", () => {
    const slow = syns(60, (i) => at(i * 2 * HOUR));
    expect(told(slow)).toEqual([
      [9_000_260, 3, "open"],
      [9_000_260, 3, "open"],
      [9_000_260, 3, "open"],
      [9_000_260, 3, "closed"],
      [9_000_261, 5, "open"],
      [9_000_261, 5, "open"],
      [9_000_261, 5, "open"],
    ]);
    const { reason, key } = alertsOf(slow).at(-1)!;
    expect(key).toBe("trw:10.0.0.1:slow");
    expect(reason).toContain("in 4.9 days");
  });

  test("trw counts addresses of seven days", () => {
    // One in eight hours: 21 a week, however long it goes on.
    const slower = syns(200, (i) => at(i * 8 * HOUR));
    const counts = alertsOf(slower, { addressesMin: 1000 }).map(({ target }) => target.count!);
    expect(counts.at(-1)).toBeWithin(16, 27);
  });

  test("trw closes the event of a source that was silent for seven days", () => {
    const { alerts } = new Play(trw)
      .rows([...syns(4), syn(0, { SRC_IP: "10.0.0.9", ...at(200 * HOUR) })])
      .advance(START + 200 * HOUR * SECOND)
      .outcome();
    expect(alerts.at(-1)).toMatchObject({
      state: "closed",
      detectTime: START + (3 + 7 * 24 * HOUR) * SECOND,
    });
  });

  test("trw is not filled by a flood of one host from forged sources", () => {
    const forged = Array.from({ length: 5000 }, (_, i) =>
      syn(0, {
        SRC_IP: `203.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`,
        DST_IP: "10.0.0.80",
        ...at(3 + i / 1000),
      }),
    );
    const { alerts, runner } = play(trw, [...syns(3), ...forged, ...syns(4, () => at(9))], {
      params: { sourcesMax: 256 },
    });
    expect(alerts).toHaveLength(1);
    expect(runner.counters.get("sources_evicted")).toBe(0);
  });
});
