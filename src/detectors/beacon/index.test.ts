// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { OwnNetworks } from "../../core/threat-list/own-networks.ts";
import { parseIp } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import beacon from "./index.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600;

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 0.5) * SECOND,
});
/** The i-th call of a host to its operator, once a minute. */
const call = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.1",
  SRC_PORT: 40_000 + (i % 20_000),
  DST_PORT: 443,
  PROTOCOL: 6,
  TCP_FLAGS: 0x1b,
  PACKETS: 10,
  BYTES: 1577,
  ...at(60 * i),
  ...more,
});
const calls = (count: number, more: (i: number) => Row = () => ({})): Row[] =>
  Array.from({ length: count }, (_, i) => call(i, more(i)));
/** Calls every 20 s. */
const fast = (count: number, more: (i: number) => Row = () => ({})): Row[] =>
  calls(count, (i) => ({ ...at(20 * i), ...more(i) }));
/** The same for each of some hosts. */
const byHosts = (hosts: number, rows: readonly Row[]): Row[] =>
  rows.flatMap((row) =>
    Array.from({ length: hosts }, (_, i) => ({ ...row, SRC_IP: `10.0.1.${i + 1}` })),
  );
/** Seconds of the i-th of some visits at chance times, always the same: its square makes the gaps uneven. */
const chance = (i: number): number => i * 60 + ((i * i * 7919) % 7) * ((i * 31) % 40);

testDetector(beacon, {
  alert: calls(50),
  quiet: [
    ...calls(31, () => ({ DST_IP: "198.51.100.2" })), // tracked from the third on: one short of the limit
    ...calls(50, (i) => ({ DST_IP: "198.51.100.3", BYTES: 500 + ((i * i * 7919) % 40_000) })),
    ...calls(50, (i) => ({ DST_IP: "198.51.100.4", ...at(chance(i)) })),
    ...calls(50, () => ({ DST_IP: "10.0.0.9" })), // inside
    ...calls(50, () => ({ DST_IP: "198.51.100.5", DST_PORT: 123, PROTOCOL: 17 })),
    ...calls(50, () => ({ DST_IP: "198.51.100.6", TCP_FLAGS: 0x18 })), // slices of one connection
    ...calls(50, (i) => ({ DST_IP: `198.51.100.${100 + i}` })),
  ],
  other: (i) =>
    call(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`, SRC_PORT: 50_000 }),
  small: { pairsMax: 16, trackedAt: 1 },
  evicted: "pairs_evicted",
  stateMax: 41_000_000,
});

describe("beacon", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(beacon, rows, { params }).alerts;

  test("beacon opens an event at the thirtieth connection it tracks, and updates it at doublings", () => {
    const { alerts, out } = play(beacon, fast(70));
    expect(alerts.map(({ flows, state }) => [flows, state])).toEqual([
      [30, "open"],
      [60, "open"],
      [68, "open"],
    ]);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_240,
      key: "beacon:10.0.0.1>198.51.100.1",
      severity: 6,
      reason:
        "10.0.0.1 connected to 198.51.100.1 port 443 30 times in 10 min, every 20 s (median, deviation 0 s) with 1577 bytes (deviation 0): score 1.00 (limit 0.9), the mean of timing 1.00, size 1.00; 1 of about 1 hosts do so",
      observed: 1,
      threshold: 0.9,
      source: { ip: "10.0.0.1" },
      target: { ip: "198.51.100.1", port: 443 },
    });
    expect(out["alerts"]![0]).toMatchObject({
      SRC_IP: "10.0.0.1",
      DST_IP: "198.51.100.1",
      DST_PORT: 443,
      BEACON_NAME: "",
      BEACON_SCORE: 1,
      BEACON_PERIOD: 20,
      CONNECTIONS: 30,
    });
  });

  test("beacon closes the event when the pair has been silent for a day", () => {
    const stranger = call(0, { SRC_IP: "10.0.0.2", ...at(30 * HOUR) });
    const { alerts } = new Play(beacon)
      .rows([...calls(50), stranger])
      .advance(START + 30 * HOUR * SECOND)
      .outcome();
    expect(alerts.at(-1)).toMatchObject({
      state: "closed",
      detectTime: START + (49 * 60 + 0.5 + 24 * HOUR) * SECOND,
    });
  });

  test("beacon tolerates some jitter of times and sizes", () => {
    const jittered = calls(50, (i) => ({
      ...at(60 * i + ((i * 7919) % 7)),
      BYTES: 1500 + ((i * 31) % 100),
    }));
    const [alert] = alertsOf(jittered);
    expect(alert!.observed).toBeWithin(0.95, 1);
  });

  test("beacon sees UDP, IPv6, and exporters that do not know TCP's flags", () => {
    for (const more of [
      { PROTOCOL: 17, TCP_FLAGS: 0 },
      { SRC_IP: "2001:db8::1", DST_IP: "2001:db8:1::2" },
      { TCP_FLAGS: 0 },
    ])
      expect(alertsOf(fast(40, () => more)).length).toBeGreaterThan(0);
  });

  test("beacon takes slices of a flow for one connection", () => {
    const slices = calls(50, (i) => ({
      PROTOCOL: 17,
      TCP_FLAGS: 0,
      SRC_PORT: 50_000,
      TIME_FIRST: START + 300 * i * SECOND,
      TIME_LAST: START + (300 * i + 299) * SECOND,
    }));
    expect(alertsOf(slices)).toEqual([]);
  });

  test("beacon knows a server by its name, whichever addresses it has", () => {
    const layout = { TLS_SNI: "C2.Example", HTTP_REQUEST_HOST: "" };
    const moving = fast(40, (i) => ({ ...layout, DST_IP: `198.51.100.${1 + i}` }));
    const [alert] = alertsOf(moving);
    expect(alert).toMatchObject({
      rule: 9_000_241,
      key: "beacon:10.0.0.1>c2.example",
      target: { ip: "198.51.100.32" },
    });
    const host = moving.map((row) => ({ ...row, TLS_SNI: "", HTTP_REQUEST_HOST: "c2.example" }));
    expect(alertsOf(host)[0]!.key).toBe("beacon:10.0.0.1>c2.example");
    const many = moving.map((row, i) => ({ ...row, TLS_SNI: `n${i}.example` }));
    expect(alertsOf(many)).toEqual([]);
  });

  test("beacon takes a host that calls many destinations equally often for a monitor, and tells of it at low severity", () => {
    const many = (destinations: number) =>
      Array.from({ length: destinations }, (_, i) =>
        fast(40, () => ({ DST_IP: `198.51.100.${1 + i}` })),
      )
        .flat()
        .sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));
    const severities = (destinations: number) =>
      new Set(alertsOf(many(destinations)).map(({ severity }) => severity));
    expect([...severities(2)].every((severity) => severity >= 5)).toBe(true);
    expect(severities(8)).toEqual(new Set([3]));
    // A server of an attacker's among seven others that are called at other rates.
    const others = Array.from({ length: 7 }, (_, i) =>
      calls(40, (n) => ({ ...at((5 + 20 * i) * n), DST_IP: `198.51.100.${10 + i}` })),
    ).flat();
    const mixed = [...fast(40), ...others].sort(
      (a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]),
    );
    const worst = alertsOf(mixed).map(({ severity }) => severity);
    expect(Math.max(...worst)).toBeGreaterThanOrEqual(5);
  });

  test("beacon shows of a name what is a name's, and not more than 64 bytes", () => {
    const odd = `a"b<script>\u0007.example.${"x".repeat(300)}`;
    const [alert] = alertsOf(fast(40, () => ({ TLS_SNI: odd })));
    expect(alert!.key).toStartWith("beacon:10.0.0.1>a?b?script??.example.xxxx");
    expect(alert!.key).toHaveLength("beacon:10.0.0.1>".length + 64);
  });

  test("beacon looks at what goes from own networks to outside, where they are named", () => {
    const ownNetworks = "203.0.113.0/24, 2001:db8::/32";
    const from = (SrcIp: string, DstIp = "198.51.100.1") =>
      alertsOf(
        fast(40, () => ({ SRC_IP: SrcIp, DST_IP: DstIp })),
        { ownNetworks },
      ).length;
    expect(from("203.0.113.9")).toBeGreaterThan(0);
    expect(from("2001:db8::9", "2001:db9::9")).toBeGreaterThan(0);
    expect(from("203.0.113.9", "203.0.113.10")).toBe(0);
    expect(from("198.51.100.7")).toBe(0);
    expect(() => alertsOf(calls(1), { ownNetworks: "203.0.113.0/33" })).toThrow(
      'beacon: ownNetworks: "203.0.113.0/33" is no prefix',
    );
    expect(() => alertsOf(calls(1), { ignoredPorts: "123,http" })).toThrow(
      'beacon: ignoredPorts: "http" is no port',
    );
  });

  test("beacon is not above low for a destination that three hosts, and a tenth of ten or more, call", () => {
    const severities = (hosts: number, strangers: number) => {
      const idle = Array.from({ length: strangers }, (_, i) =>
        call(0, { SRC_IP: `10.0.2.${i + 1}`, DST_IP: "198.51.100.9" }),
      );
      const said = alertsOf([...idle, ...byHosts(hosts, fast(40))]);
      return new Set(said.map(({ severity }) => severity));
    };
    expect(severities(12, 0)).toEqual(new Set([3]));
    expect(severities(1, 12)).toEqual(new Set([6]));
    expect(severities(3, 12)).toEqual(new Set([3]));
    expect(severities(2, 12)).toEqual(new Set([6]));
    // Of four hosts a share says nothing.
    expect(severities(4, 0)).toEqual(new Set([6]));
  });

  test("beacon scores histogram and duration as well from an hour on, and takes fewer connections", () => {
    const said = alertsOf(calls(200, (i) => at(600 * i)));
    expect(said[0]).toMatchObject({ flows: 20, severity: 6 });
    expect(said[0]!.reason).toContain(
      "score 1.00 (limit 0.9), the mean of timing 1.00, size 1.00, histogram 1.00, duration 1.00",
    );
  });

  test("beacon does not take visits at chance times for calls, though all are of one size", () => {
    // The gaps are exponential, by the middle of each of 97 equal shares; their order is the same in each run.
    const gaps = Array.from({ length: 97 }, (_, i) => -60 * Math.log(1 - (i + 0.5) / 97));
    const visits = (count: number, mean: number): Row[] => {
      let time = 0;
      return calls(count, (i) => {
        time += 1 + (gaps[(i * 31) % 97]! * mean) / 60;
        return at(time);
      });
    };
    expect(alertsOf(visits(97, 20))).toEqual([]);
    expect(alertsOf(visits(97, 200))).toEqual([]);
    expect(alertsOf(visits(97, 900))).toEqual([]);
  });

  test("beacon leaves out who comes nearly every second, of which seconds tell nothing", () => {
    const busy = calls(800, (i) => at(i + (i % 9 === 0 ? 0.9 : 0.1)));
    expect(alertsOf(busy)).toEqual([]);
    expect(alertsOf(calls(400, (i) => at(i * 2)))).not.toEqual([]);
  });

  test("beacon gives an early word on a pair that comes late in a long stream, which then grows", () => {
    const before = call(0, { SRC_IP: "10.0.0.9", DST_IP: "198.51.100.9" });
    const late = calls(24 * 60, (i) => at(40 * HOUR + 60 * i));
    const said = alertsOf([before, ...late]);
    expect(said[0]).toMatchObject({ severity: 3 });
    expect(said[0]!.reason).toContain("score 1.00 so far");
    const grown = said.find(({ severity }) => severity > 3)!;
    expect(grown.reason).toContain("histogram");
    // Eleven hours of twelve, or a little more: judged each eighth more.
    const hours = (grown.detectTime - START) / SECOND / HOUR - 40;
    expect(hours).toBeWithin(10, 13);
  });

  test("beacon counts pairs that had more connections than it keeps", () => {
    const { runner } = play(beacon, calls(50), { params: { samplesMax: 16 } });
    expect(runner.counters.get("pairs_sampled")).toBe(1);
  });

  test("beacon's networks outside are not private ones", () => {
    const all = new OwnNetworks("", "x", "y");
    for (const ip of ["198.51.100.1", "8.8.8.8", "100.1.2.3", "172.15.0.1", "2001:db8::1"])
      expect([ip, all.isOutside(parseIp(ip)!)]).toEqual([ip, true]);
    for (const ip of [
      "10.1.2.3",
      "172.31.0.1",
      "192.168.1.1",
      "100.64.0.1",
      "169.254.1.1",
      "127.0.0.1",
      "224.0.0.251",
      "255.255.255.255",
      "0.0.0.0",
      "fe80::1",
      "fd00::1",
      "ff02::fb",
      "::1",
      "::",
    ])
      expect([ip, all.isOutside(parseIp(ip)!)]).toEqual([ip, false]);
  });
});
