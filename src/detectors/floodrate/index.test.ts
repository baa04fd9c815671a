// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import floodrate from "./index.ts";

const START = 1_704_067_200 * SECOND;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const ATTACKER = "203.0.113.9";
const VICTIM = "198.51.100.7";

const at = (seconds: number): Row => {
  const time = START + Math.floor(seconds * SECOND);
  return { TIME_FIRST: time, TIME_LAST: time };
};
/** So many SYNs a second from one host. */
const syns = (count: number, rate: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    SRC_IP: ATTACKER,
    DST_IP: VICTIM,
    SRC_PORT: 1024 + (i % 60_000),
    DST_PORT: 80,
    PROTOCOL: 6,
    TCP_FLAGS: SYN,
    PACKETS: 1,
    BYTES: 40,
    ...at(i / rate),
    ...more,
  }));
/** Ten datagrams a flow. */
const udp = (flows: number, rate: number, more: Row = {}): Row[] =>
  syns(flows, rate, { PROTOCOL: 17, TCP_FLAGS: 0, PACKETS: 10, BYTES: 1000, ...more });
const from = (rows: readonly Row[], sources: number): Row[] =>
  rows.map((row, i) => ({ ...row, SRC_IP: `203.0.${(i % sources) >>> 8}.${(i % sources) & 255}` }));
/** A flow that lasted so long, of so many packets. */
const lasting = (seconds: number, packets: number, more: Row = {}): Row[] =>
  syns(1, 1, { TIME_FIRST: START - seconds * SECOND, PACKETS: packets, ...more });

const alertsOf = (rows: readonly Row[], params: Row = {}) =>
  play(floodrate, rows, { params }).alerts;
const titles = (rows: readonly Row[], params: Row = {}): string[] => [
  ...new Set(alertsOf(rows, params).map(({ title }) => title)),
];

testDetector(floodrate, {
  alert: syns(5000, 1500),
  quiet: [
    ...syns(1500, 400, { DST_IP: "198.51.100.1" }), // too slow
    ...syns(5000, 1500, { DST_IP: "198.51.100.2" }).map((row, i) => ({ ...row, DST_PORT: i })), // a scan
    ...from(syns(5000, 1500, { DST_IP: "198.51.100.3" }), 1000), // volumetric's
    ...syns(5000, 1500, { DST_IP: "198.51.100.4", TCP_FLAGS: SYN | ACK, PACKETS: 9 }),
    ...udp(5000, 1500, { DST_IP: "198.51.100.5", PACKETS_REV: 1 }), // a download
    ...udp(5000, 1500, { DST_IP: "239.1.2.3" }), // a group
  ],
  other: (i) => ({
    ...syns(1, 1)[0],
    DST_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
  }),
  small: { victimsMax: 16, countersMax: 16 },
  evicted: "victims_evicted",
  stateMax: 4_000_000,
});

describe("floodrate", () => {
  test("floodrate opens at its limit, updates at doublings and closes after a calm", () => {
    const { alerts } = new Play(floodrate)
      .rows(syns(10_000, 5000))
      .advance(START + 1000 * SECOND)
      .end();
    expect(alerts.map(({ state, packets }) => [state, packets])).toEqual([
      ["open", 2000],
      ["open", 4000],
      ["open", 8000],
      ["closed", 9501], // less those by which the suspect was found
    ]);
    expect(alerts.at(-1)!.detectTime).toBe(START + (1.9998 + 120) * SECOND);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  test("floodrate names the victim and the one who floods it", () => {
    const { alerts, out } = play(floodrate, syns(10_000, 5000));
    expect(alerts[0]).toMatchObject({
      ...{ rule: 9_000_230, title: "SYN flood", key: `floodrate:${VICTIM}<syn` },
      ...{ source: { ip: ATTACKER, count: 1 }, target: { ip: VICTIM, port: 80 } },
      ...{ threshold: 500, packets: 2000, severity: 6 },
    });
    expect(alerts.at(-1)!.reason).toBe(
      `${VICTIM} received 9501 SYNs without a connection (380040 bytes) from ${ATTACKER}, within 1.9 s, up to 2375 a second over 4 s (limit 500)`,
    );
    expect(alerts[0]!.evidence).toHaveLength(20);
    expect(out["alerts"]![0]).toMatchObject({ SRC_IP: ATTACKER, EVENT_TYPE: 11, ADDR_CNT: 1 });
  });

  test("floodrate names who sends at least half, and counts the others", () => {
    const some = syns(10_000, 5000).map((row, i) =>
      i % 4 === 0 ? { ...row, SRC_IP: `192.0.2.${i % 7}` } : row,
    );
    const { source, reason } = alertsOf(some).at(-1)!;
    expect(source).toEqual({ ip: ATTACKER, count: 8 });
    expect(reason).toContain(`from an estimated 8 sources, most of them from ${ATTACKER}, within`);
    const even = play(floodrate, from(syns(10_000, 5000), 5));
    expect(even.alerts[0]!.source).toEqual({ count: 5 });
    expect(even.out["alerts"]![0]!["SRC_IP"]).toBe("::");
  });

  test("floodrate tells floods of SYNs, UDP and ICMP apart", () => {
    expect(titles(udp(10_000, 2000))).toEqual(["UDP flood"]);
    expect(titles(udp(10_000, 2000, { PROTOCOL: 1 }))).toEqual(["ICMP flood"]);
    expect(titles(udp(10_000, 2000, { PROTOCOL: 58 }))).toEqual(["ICMP flood"]);
    expect(titles(udp(10_000, 2000, { PROTOCOL: 47 }))).toEqual([]);
    expect(titles(udp(10_000, 900))).toEqual([]);
  });

  test("floodrate sees IPv6", () => {
    const rows = syns(10_000, 5000, { SRC_IP: "2001:db8::9", DST_IP: "2001:db8::7" });
    expect(alertsOf(rows)[0]).toMatchObject({
      source: { ip: "2001:db8::9" },
      target: { ip: "2001:db8::7" },
    });
  });

  test("floodrate counts SYNs that are answered, refused or reset, and no connections", () => {
    for (const more of [{ PACKETS_REV: 1 }, { TCP_FLAGS: SYN | RST }, { TCP_FLAGS: SYN | 0xc0 }])
      expect(titles(syns(10_000, 5000, more))).toEqual(["SYN flood"]);
    for (const flags of [SYN | ACK, ACK, RST, SYN | 1, 0])
      expect(titles(syns(10_000, 5000, { TCP_FLAGS: flags }))).toEqual([]);
  });

  test("floodrate leaves floods from many sources to volumetric, unless it is told to raise them", () => {
    const many = from(syns(10_000, 5000), 200);
    expect(titles(many)).toEqual([]);
    expect(titles(many, { sourcesMax: 0 })).toEqual(["SYN flood"]);
    expect(titles(from(syns(10_000, 5000), 45))).toEqual(["SYN flood"]);
  });

  test("floodrate leaves scans of ports to vportscan, however fast they are", () => {
    const scan = syns(60_000, 20_000).map((row, i) => ({ ...row, DST_PORT: i }));
    expect(titles(scan)).toEqual([]);
    const thrice = scan.map((row) => ({ ...row, PACKETS: 3 }));
    expect(titles(thrice)).toEqual([]);
    expect(titles(scan, { synsPerPort: 0 })).toEqual(["SYN flood"]);
    expect(titles(scan.map((row, i) => ({ ...row, DST_PORT: i % 500 })))).toEqual(["SYN flood"]);
  });

  test("floodrate takes the rate of a flow, however long it lasted", () => {
    expect(titles(lasting(300, 140_000))).toEqual([]);
    expect(titles(lasting(300, 160_000))).toEqual(["SYN flood"]);
    expect(titles(lasting(2, 2100))).toEqual(["SYN flood"]);
    expect(titles(lasting(2, 1900))).toEqual([]);
  });

  test("floodrate takes datagrams with one in 32 in return for unanswered", () => {
    expect(titles(udp(10_000, 2000, { PACKETS: 64, PACKETS_REV: 2 }))).toEqual(["UDP flood"]);
    expect(titles(udp(10_000, 2000, { PACKETS: 64, PACKETS_REV: 3 }))).toEqual([]);
  });

  test("floodrate takes whole packets from port 443 for a download, and small ones for none", () => {
    const quic = { SRC_PORT: 443, DST_PORT: 50_000, PACKETS: 100 };
    expect(titles(udp(4000, 2000, { ...quic, BYTES: 120_000 }))).toEqual([]);
    expect(titles(udp(4000, 2000, { ...quic, BYTES: 9_000 }))).toEqual(["UDP flood"]);
    expect(titles(udp(4000, 2000, { ...quic, DST_PORT: 80, BYTES: 120_000 }))).toEqual([
      "UDP flood",
    ]);
  });

  test("floodrate names the victim within 5 s of the first packet, wherever in a window it begins", () => {
    for (const begin of [0, 1, 2, 3, 3.5, 3.9]) {
      const rows = syns(6000, 1000).map((row, i) => ({ ...row, ...at(begin + i / 1000) }));
      const [alert] = alertsOf(rows);
      expect(alert!.detectTime - (START + begin * SECOND)).toBeLessThanOrEqual(5 * SECOND);
    }
  });

  test("floodrate goes on where the sender's clock was set back, and raises nothing for that", () => {
    const ahead = syns(700, 700, at(86_400));
    expect(titles([...ahead, ...syns(4000, 400)])).toEqual([]);
    expect(titles([...ahead, ...syns(4000, 2000)])).toEqual(["SYN flood"]);
  });

  test("floodrate passes over a flow that ended before it began, and counts it", () => {
    const wrong = syns(10_000, 5000, { PACKETS: 2 }).map((row) => ({
      ...row,
      TIME_FIRST: Number(row["TIME_LAST"]) + 1,
    }));
    const { alerts, runner } = play(floodrate, wrong);
    expect(alerts).toEqual([]);
    expect(runner.counters.get("flows_ended_before_begun")).toBe(10_000);
  });
});
