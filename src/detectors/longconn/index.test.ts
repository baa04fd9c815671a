// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import longconn from "./index.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600;
const ACTIVE = 300;
const SYN_ACK_PSH = 0x1a;
const ACK_PSH = 0x18;
const FIN = 1;

/** The i-th slice of a connection that an active timeout cuts. */
const slice = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.1",
  SRC_PORT: 50_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  TCP_FLAGS: i === 0 ? SYN_ACK_PSH : ACK_PSH,
  TCP_FLAGS_REV: i === 0 ? SYN_ACK_PSH : ACK_PSH,
  PACKETS: 20,
  PACKETS_REV: 20,
  BYTES: 2000,
  BYTES_REV: 3000,
  TIME_FIRST: START + i * ACTIVE * SECOND,
  TIME_LAST: START + (i * ACTIVE + 299) * SECOND,
  ...more,
});
const slices = (count: number, more: (i: number) => Row = () => ({})): Row[] =>
  Array.from({ length: count }, (_, i) => slice(i, more(i)));
/** Slices of so many hours. */
const hours = (count: number, more: Row = {}): Row[] => slices((count * HOUR) / ACTIVE, () => more);

testDetector(longconn, {
  alert: hours(3),
  quiet: [
    ...slices(11, () => ({ SRC_IP: "10.0.0.2" })), // a little less than an hour
    ...hours(9).map((row) => ({ ...row, DST_IP: "10.0.0.9" })), // inside
    ...hours(9).map((row) => ({ ...row, SRC_IP: "10.0.0.3", DST_PORT: 5223 })),
    ...slices(60, (i) => ({ SRC_IP: "10.0.0.4", SRC_PORT: 40_000 + i })), // a new one each time
    ...slices(60, () => ({ SRC_IP: "10.0.0.5", TCP_FLAGS: SYN_ACK_PSH | FIN })),
  ],
  other: (i) =>
    slice(1, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`, SRC_PORT: 40_000 }),
  small: { connectionsMax: 16 },
  evicted: "connections_evicted",
  stateMax: 16_000_000,
});

describe("longconn", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(longconn, rows, { params }).alerts;

  test("longconn opens an event after an hour, grades it by duration, and updates it at doublings", () => {
    const { alerts, out } = play(longconn, hours(20));
    expect(alerts.map(({ observed, severity }) => [observed, severity])).toEqual([
      [3899, 2], // the thirteenth slice ends
      [7799, 2],
      [14_699, 3],
      [29_099, 4],
      [43_499, 5],
      [71_999, 5],
    ]);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_250,
      key: "longconn:10.0.0.1:50000>198.51.100.1:443",
      threshold: 3600,
      source: { ip: "10.0.0.1", port: 50_000 },
      target: { ip: "198.51.100.1", port: 443 },
      flows: 13,
      reason:
        "10.0.0.1 has had a connection (TCP) to 198.51.100.1 port 443 for 1.1 h (limit 1.0 h), and sent 26 kB, received 39 kB",
    });
    expect(alerts[0]!.evidence.length).toBeGreaterThan(5);
    expect(out["alerts"]![0]).toMatchObject({ DURATION: 3899, BYTES: 26_000, BYTES_REV: 39_000 });
  });

  test("longconn puts together flows that pauses cut, and what is left of them", () => {
    const pings = Array.from({ length: 100 }, (_, i) =>
      slice(i, {
        TIME_FIRST: START + i * 60 * SECOND,
        TIME_LAST: START + (i * 60 + 1) * SECOND,
      }),
    );
    expect(alertsOf(pings)[0]!.observed).toBe(3601);
    expect(alertsOf(pings, { pauseMax: 30 })).toEqual([]);
  });

  test("longconn sees IPv6 and UDP", () => {
    for (const more of [
      { SRC_IP: "2001:db8::1", DST_IP: "2001:db8:1::2" },
      { PROTOCOL: 17, TCP_FLAGS: 0, TCP_FLAGS_REV: 0 },
    ])
      expect(alertsOf(hours(3, more)).length).toBeGreaterThan(0);
  });

  test("longconn closes the event at FIN, at a new connection with the same ports, and after silence", () => {
    const last = (more: Row) => alertsOf([...hours(2), slice(24, more)]).at(-1)!;
    expect(last({ TCP_FLAGS: ACK_PSH | FIN })).toMatchObject({ state: "closed", observed: 7499 });
    expect(last({ TCP_FLAGS: SYN_ACK_PSH })).toMatchObject({ state: "closed", observed: 7199 });
    const { alerts } = new Play(longconn)
      .rows(hours(2))
      .advance(START + 3 * HOUR * SECOND)
      .outcome();
    expect(alerts.at(-1)).toMatchObject({
      state: "closed",
      detectTime: START + (2 * HOUR - 1 + 900) * SECOND,
    });
  });

  test("longconn is not above low for a network that three hosts have connections to", () => {
    const severities = (hosts: number) => {
      const rows = hours(13).flatMap((row) =>
        Array.from({ length: hosts }, (_, i) => ({
          ...row,
          SRC_IP: `10.0.1.${i + 1}`,
          DST_IP: `198.51.100.${i + 1}`,
        })),
      );
      return Math.max(...alertsOf(rows).map(({ severity }) => severity));
    };
    expect(severities(3)).toBe(3);
    expect(severities(2)).toBe(5);
  });

  test("longconn looks at what goes on between own networks and outside, where they are named", () => {
    const from = (SrcIp: string, DstIp: string) =>
      alertsOf(hours(3, { SRC_IP: SrcIp, DST_IP: DstIp }), { ownNetworks: "203.0.113.0/24" })
        .length;
    expect(from("203.0.113.1", "198.51.100.1")).toBeGreaterThan(0);
    expect(from("203.0.113.1", "203.0.113.2")).toBe(0);
    expect(from("192.0.2.1", "198.51.100.1")).toBe(0);
    expect(() => alertsOf(hours(1), { ownNetworks: "here" })).toThrow(
      'longconn: ownNetworks: "here" is no address',
    );
    expect(() => alertsOf(hours(1), { ignoredPorts: "70000" })).toThrow(
      'longconn: ignoredPorts: "70000" is no port',
    );
  });
});

describe("longconn's volumes", () => {
  const GIGABYTE = 1e9;
  const LEARNED = 24;
  /** A connection of a minute that sends so much, `hour` hours after the start. */
  const upload = (hour: number, bytes: number, more: Row = {}): Row =>
    slice(0, {
      TCP_FLAGS: 0x1b,
      BYTES: bytes,
      TIME_FIRST: START + hour * HOUR * SECOND,
      TIME_LAST: START + (hour * HOUR + 59) * SECOND,
      ...more,
    });
  /** What a host sends usually: 20 MB an hour to a peer of its own, for two days. */
  const usual = Array.from({ length: 48 }, (_, i) => upload(i, 2e7, { DST_IP: "198.51.100.200" }));
  const alertsOf = (rows: readonly Row[], params = {}) =>
    play(longconn, rows, { params }).alerts.filter(({ rule }) => rule === 9_000_251);

  test("longconn tells of far more than a host sends usually, against what that is", () => {
    const [alert, ...more] = alertsOf([...usual, upload(48, GIGABYTE)]);
    expect(more).toEqual([]);
    expect(alert).toMatchObject({
      key: "longconn:10.0.0.1>198.51.100.1:volume",
      severity: 5,
      observed: GIGABYTE,
      threshold: 5e8,
      source: { ip: "10.0.0.1" },
      target: { ip: "198.51.100.1" },
      bytes: GIGABYTE,
    });
    // The mean of 48 windows of 20 MB, from 0 on: 20 MB x (1 - 0.9^48).
    expect(alert!.baseline).toBeCloseTo(2e7 * (1 - 0.9 ** 48), -3);
    expect(alert!.reason).toBe(
      "10.0.0.1 has sent 1.0 GB to 198.51.100.1 in 59 s (limit 500.0 MB); it sends 19.9 MB to all hosts in 3600 s otherwise, and has sent this one nothing before",
    );
  });

  test("longconn sums up flows to a peer in a window, and updates at doublings", () => {
    const parts = Array.from({ length: 12 }, (_, i) => upload(48 + i / 100, 1.5e8));
    expect(alertsOf([...usual, ...parts]).map(({ observed }) => observed)).toEqual([
      6e8, 1.2e9, 1.8e9,
    ]);
    const spread = Array.from({ length: 12 }, (_, i) => upload(48 + i, 1.5e8));
    expect(alertsOf([...usual, ...spread])).toEqual([]);
    const many = Array.from({ length: 12 }, (_, i) =>
      upload(48 + i / 100, 1.5e8, { DST_IP: `198.51.100.${i + 1}` }),
    );
    expect(alertsOf([...usual, ...many])).toEqual([]);
  });

  test("longconn keeps quiet about a backup to a usual peer, and about a host that sends much", () => {
    const backups = Array.from({ length: 10 }, (_, day) => upload(2 + day * 24, 5 * GIGABYTE));
    expect(alertsOf(backups)).toEqual([]);
    expect(alertsOf([...backups, upload(250, 60 * GIGABYTE)])).toHaveLength(1);
    const busy = Array.from({ length: 48 }, (_, i) => upload(i, GIGABYTE));
    expect(alertsOf([...busy, upload(48, 5 * GIGABYTE, { DST_IP: "192.0.2.1" })])).toEqual([]);
  });

  test("longconn only learns at first, and closes an event in a later window", () => {
    expect(alertsOf([upload(0, 1), upload(LEARNED - 1, GIGABYTE)])).toEqual([]);
    const said = alertsOf([slice(0), upload(LEARNED + 1, GIGABYTE), upload(LEARNED + 5, 50_000)]);
    expect(said.map(({ state }) => state)).toEqual(["open", "closed"]);
    expect(said[1]!.detectTime).toBe(START + (LEARNED + 2) * HOUR * SECOND);
  });

  test("longconn counts what a host of one's own answers to one outside", () => {
    const asked = { SRC_IP: "198.51.100.7", DST_IP: "10.0.0.1", BYTES: 1000, BYTES_REV: GIGABYTE };
    const [alert] = alertsOf([...usual, upload(48, 0, asked)]);
    expect(alert).toMatchObject({ source: { ip: "10.0.0.1" }, target: { ip: "198.51.100.7" } });
    const transit = { ...asked, DST_IP: "192.0.2.9" };
    expect(alertsOf([...usual, upload(48, 0, transit)])).toEqual([]);
  });

  test("longconn leaves out flows of less than 32 kB, or of three packets", () => {
    const few = upload(48, GIGABYTE, { PACKETS: 2, PACKETS_REV: 1 });
    expect(alertsOf([...usual, few])).toEqual([]);
    const small = Array.from({ length: 1000 }, (_, i) => upload(48 + i / 10_000, 32_000));
    expect(alertsOf([...usual, ...small], { megabytesMin: 1 })).toEqual([]);
  });
});
