// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import volumetric from "./index.ts";

const START = 1_704_067_200 * SECOND;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const VICTIM = "198.51.100.7";

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
const forged = (i: number): string => `10.${(i >>> 14) & 255}.${(i >>> 7) & 127}.${i & 127}`;

/** So many SYNs a second, each of another source. */
const syn = (i: number, rate: number, more: Row = {}): Row => ({
  SRC_IP: forged(i),
  DST_IP: VICTIM,
  SRC_PORT: 1024 + (i % 60_000),
  DST_PORT: 25_565,
  PROTOCOL: 6,
  TCP_FLAGS: SYN,
  PACKETS: 1,
  BYTES: 40,
  ...at(i / rate),
  ...more,
});
const syns = (count: number, rate: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => syn(i, rate, more));
/** Datagrams of 1,000 bytes. */
const udp = (count: number, rate: number, more: Row = {}): Row[] =>
  syns(count, rate, { PROTOCOL: 17, TCP_FLAGS: 0, BYTES: 1000, DST_PORT: 443, ...more });
const from = (rows: readonly Row[], sources: number): Row[] =>
  rows.map((row, i) => ({ ...row, SRC_IP: forged(i % sources) }));
const spread = (rows: readonly Row[], hosts: number): Row[] =>
  rows.map((row, i) => ({ ...row, DST_IP: `198.51.100.${i % hosts}` }));
const moved = (rows: readonly Row[], seconds: number): Row[] =>
  rows.map((row) => ({
    ...row,
    TIME_FIRST: Number(row["TIME_FIRST"]) + seconds * SECOND,
    TIME_LAST: Number(row["TIME_LAST"]) + seconds * SECOND,
  }));
const mixed = (...rows: readonly Row[][]): Row[] =>
  rows.flat().sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));

const alertsOf = (rows: readonly Row[], params: Row = {}) =>
  play(volumetric, rows, { params }).alerts;
const titles = (rows: readonly Row[], params: Row = {}): string[] => [
  ...new Set(alertsOf(rows, params).map(({ title }) => title)),
];
const SYN_FLOOD = "SYN flood from many sources";
const UDP_FLOOD = "UDP flood from many sources";

testDetector(volumetric, {
  alert: syns(2500, 1000),
  quiet: [
    ...syns(1000, 100, { DST_IP: "198.51.100.1" }), // too slow
    ...from(syns(2500, 1000, { DST_IP: "198.51.101.1" }), 40), // few sources
    ...syns(2500, 1000, { DST_IP: "198.51.102.1", TCP_FLAGS: SYN | ACK | 0x18, PACKETS: 9 }),
    ...udp(2500, 1500, { DST_IP: "198.51.103.1", PACKETS_REV: 1 }), // answered
    ...udp(2500, 1500, { DST_IP: "239.1.2.3" }), // a group
  ],
  other: (i) => syn(0, 1, { DST_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { victimsMax: 16, countersMax: 16 },
  evicted: "victims_evicted",
  stateMax: 9_000_000,
});

describe("volumetric", () => {
  test("volumetric opens at its limit, updates at doublings and closes after a calm", () => {
    const { alerts } = new Play(volumetric)
      .rows(syns(4000, 2000))
      .advance(START + 1000 * SECOND)
      .end();
    expect(alerts.map(({ state, packets }) => [state, packets])).toEqual([
      ["open", 800],
      ["open", 1600],
      ["open", 3200],
      ["closed", 3801], // less those by which the suspect was found
    ]);
    expect(alerts.at(-1)!.detectTime).toBe(START + (1.9995 + 120) * SECOND);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  test("volumetric names the victim with its port, and counts sources", () => {
    const last = alertsOf(syns(40_000, 2000)).at(-1)!;
    expect(last).toMatchObject({
      ...{ rule: 9_000_220, title: SYN_FLOOD, key: `volumetric:${VICTIM}<syn` },
      ...{ target: { ip: VICTIM, port: 25_565 }, threshold: 200, observed: 2000 },
      ...{ protocol: 6, confidence: 0.7 },
    });
    expect(Math.abs(last.source.count! / 40_000 - 1)).toBeLessThan(0.05);
    expect(last.source.ip).toBeUndefined();
    expect(last.reason).toMatch(
      /^198\.51\.100\.7 received \d+ SYNs without a connection \(\d+ bytes\) from an estimated \d+ sources within 19\.9 s, up to 2000 packets a second over 4 s; what is usual is not known yet \(limits 200 packets a second and 50 sources\)$/,
    );
  });

  test("volumetric tells floods of other protocols apart", () => {
    const ack = { TCP_FLAGS: ACK };
    expect(titles(syns(8000, 4000, ack))).toEqual(["TCP flood from many sources"]);
    expect(titles(udp(8000, 4000))).toEqual([UDP_FLOOD]);
    expect(titles(udp(8000, 4000, { PROTOCOL: 1 }))).toEqual(["ICMP flood from many sources"]);
    expect(titles(udp(8000, 4000, { PROTOCOL: 58 }))).toEqual(["ICMP flood from many sources"]);
    expect(titles(udp(8000, 4000, { PROTOCOL: 47 }))).toEqual([
      "Flood of another protocol from many sources",
    ]);
  });

  test("volumetric finds a flood by its bytes, however few packets it has", () => {
    const large = udp(6400, 800, { BYTES: 1500 });
    expect(titles(large)).toEqual([]);
    expect(titles(large, { rateMin: 8000 })).toEqual([UDP_FLOOD]);
    const [alert] = alertsOf(large, { rateMin: 8000 });
    expect(alert!.threshold).toBe(8000);
    expect(alert!.reason).toContain("kb/s over 4 s");
  });

  test("volumetric sees IPv6", () => {
    const rows = syns(4000, 2000).map((row, i) => ({
      ...row,
      ...{ SRC_IP: `2001:db8:1::${i.toString(16)}`, DST_IP: "2001:db8::7" },
    }));
    expect(alertsOf(rows)[0]!.target.ip).toBe("2001:db8::7");
  });

  test("volumetric counts SYNs that are answered, refused or reset, and no connections", () => {
    for (const more of [
      { PACKETS_REV: 1 },
      { TCP_FLAGS: SYN | RST, PACKETS: 2, PACKETS_REV: 1 },
      { TCP_FLAGS: SYN | 0xc0 },
    ])
      expect(titles(syns(4000, 2000, more))).toEqual([SYN_FLOOD]);
    for (const more of [
      { TCP_FLAGS: SYN | ACK, PACKETS: 4 },
      { TCP_FLAGS: ACK, PACKETS_REV: 1 },
      { TCP_FLAGS: ACK, PACKETS: 4 },
    ])
      expect(titles(syns(8000, 4000, more))).toEqual([]);
  });

  test("volumetric counts of a long flow what came in the time of a window", () => {
    const long = syns(1000, 1000, { PACKETS: 100 }).map((row) => ({
      ...row,
      TIME_FIRST: START - 400 * SECOND,
    }));
    expect(titles(long)).toEqual([]);
    expect(titles(long.map((row) => ({ ...row, TIME_FIRST: START - 50 * SECOND })))).toEqual([
      SYN_FLOOD,
    ]);
  });

  test("volumetric takes datagrams with one in 32 in return for unanswered, and no download", () => {
    const more = (sent: number): Row => ({ PACKETS: 64, BYTES: 64_000, PACKETS_REV: sent });
    expect(titles(udp(2000, 1000, more(2)))).toEqual([UDP_FLOOD]);
    expect(titles(udp(2000, 1000, more(3)))).toEqual([]);
  });

  test("volumetric knows a conversation in flows of one direction, whichever comes first", () => {
    const there = udp(8000, 4000);
    const back = there.map((row, i) => ({
      ...row,
      ...{ SRC_IP: VICTIM, DST_IP: row["SRC_IP"], PACKETS: i % 16 === 0 ? 1 : 0 },
    }));
    expect(titles(mixed(back, there))).toEqual([]);
    expect(titles(mixed(there, back))).toEqual([]);
    expect(
      titles(
        mixed(
          there,
          back.filter((_, i) => i % 48 === 0),
        ),
      ),
    ).toEqual([UDP_FLOOD]);
  });
});

describe("volumetric, its baseline:", () => {
  /** Ten minutes of a rate, then a flood. */
  const usual = (rate: number): Row[] => udp(rate * 600, rate, { BYTES: 60 });
  const flood = (rate: number): Row[] => moved(udp(rate * 6, rate, { BYTES: 60 }), 600);

  test("volumetric asks for several times what is usual", () => {
    expect(titles([...usual(300), ...flood(1100)])).toEqual([]);
    expect(titles([...usual(300), ...flood(1100)], { growth: 2 })).toEqual([UDP_FLOOD]);
    const [alert] = alertsOf([...usual(300), ...flood(1500)]);
    expect(Math.abs(alert!.baseline! / 300 - 1)).toBeLessThan(0.01);
    expect(alert!.threshold).toBe(4 * alert!.baseline!);
    expect(alert!.confidence).toBe(0.9);
  });

  test("volumetric never takes a flood for usual", () => {
    const twice = [...flood(2000), ...moved(flood(2000), 200), ...moved(flood(2000), 400)];
    const { alerts } = new Play(volumetric)
      .rows([...udp(1, 1), ...twice])
      .advance(START + 2000 * SECOND)
      .end();
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(3);
    expect(alerts.at(-1)!.baseline).toBe(0);
  });

  test("volumetric finds a flood that grows over its first windows", () => {
    const slow = moved(syns(750, 200), 0.25);
    expect(titles([...slow, ...moved(syns(1200, 300), 4)])).toEqual([SYN_FLOOD]);
  });
});

describe("volumetric, of networks:", () => {
  test("volumetric finds a flood spread over the hosts of a network, and names it", () => {
    const [alert] = alertsOf(spread(syns(8000, 4000), 200));
    expect(alert).toMatchObject({
      ...{ rule: 9_000_225, key: "volumetric:198.51.100.0/24<syn", threshold: 800 },
      ...{ target: { ip: "198.51.100.0", port: 25_565 } },
    });
    expect(Math.abs(alert!.target.count! / 200 - 1)).toBeLessThan(0.2);
    expect(alert!.reason).toContain("hosts of 198.51.100.0/24 received");
    const six = syns(8000, 4000).map((row, i) => ({ ...row, DST_IP: `2001:db8::${i % 200}:1` }));
    expect(alertsOf(six)[0]!.key).toBe("volumetric:2001:db8::/48<syn");
    expect(alertsOf(six, { networkMask6: 44 })[0]!.key).toBe("volumetric:2001:db8::/44<syn");
  });

  test("volumetric tells of a flood of one host as that alone", () => {
    const rows = mixed(syns(20_000, 4000), spread(syns(400, 80), 200));
    expect(titles(rows)).toEqual([SYN_FLOOD]);
  });

  test("volumetric asks for several times as much of a network, among some hosts", () => {
    expect(titles(spread(syns(3000, 700), 200))).toEqual([]);
    expect(titles(spread(syns(8000, 1000), 7))).toEqual([]);
    expect(titles(spread(syns(8000, 1000), 20)).length).toBe(1);
    expect(titles(from(spread(syns(8000, 4000), 200), 40))).toEqual([]);
  });

  test("volumetric knows a network's conversations in flows of one direction", () => {
    const there = spread(udp(20_000, 10_000), 200);
    const back = there.map((row) => ({ ...row, SRC_IP: row["DST_IP"], DST_IP: row["SRC_IP"] }));
    expect(titles(there).length).toBe(1);
    expect(titles(mixed(there, back))).toEqual([]);
  });
});

describe("volumetric, in time:", () => {
  test("volumetric names the victim within 5 s of the first packet, wherever in a window it begins", () => {
    for (const begin of [0, 1, 2, 3, 3.5, 3.9]) {
      const [alert] = alertsOf(moved(syns(4000, 400), begin));
      expect(alert!.detectTime - (START + begin * SECOND)).toBeLessThanOrEqual(5 * SECOND);
    }
  });

  test("volumetric goes on where the sender's clock was set back, and raises nothing for that", () => {
    const ahead = moved(syns(300, 300), 86_400);
    expect(titles([...ahead, ...syns(3000, 150)])).toEqual([]);
    expect(titles([...ahead, ...syns(3000, 1000)])).toEqual([SYN_FLOOD]);
  });

  test("volumetric passes over a flow that ended before it began, and counts it", () => {
    const wrong = syns(3000, 1000, { PACKETS: 2 }).map((row) => ({
      ...row,
      TIME_FIRST: Number(row["TIME_LAST"]) + 1,
    }));
    const { alerts, runner } = play(volumetric, wrong);
    expect(alerts).toEqual([]);
    expect(runner.counters.get("flows_ended_before_begun")).toBe(3000);
  });
});
