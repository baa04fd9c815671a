// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import icmptunnel from "./index.ts";

const START = 1_704_067_200 * SECOND;
const REQUEST = 8 << 8;
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 1) * SECOND,
});

/** An echo message: type, identifier and sequence number 1, and data, cut as the meter cuts it. */
const message = (type: number, data: readonly number[]): Uint8Array =>
  Uint8Array.from([type, 0, 0, 0, 0, 7, 0, 1, ...data].slice(0, 100));
/** What iputils sends: the time, then bytes that count up. */
const filling = (size: number): number[] => Array.from({ length: size }, (_, i) => i & 255);

/** An IPv4 packet of UDP from 10.95.1.1 to 10.95.1.2, with its checksum. */
function packet(size: number): number[] {
  const header = [0x45, 0, size >>> 8, size & 255, 0, 0, 0x40, 0, 64, 17, 0, 0];
  const bytes = [...header, 10, 95, 1, 1, 10, 95, 1, 2];
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + bytes[i + 1]!;
  const checksum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  bytes[10] = checksum >>> 8;
  bytes[11] = checksum & 255;
  return [...bytes, ...Array.from({ length: size - 20 }, (_, i) => (i * 37) & 255)];
}

/** A flow of `ping`: constant size, everything answered. */
const ping = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  PROTOCOL: 1,
  L4_ICMP_TYPE_CODE: REQUEST,
  PACKETS: 30,
  PACKETS_REV: 30,
  BYTES: 30 * 84,
  BYTES_REV: 30 * 84,
  IDP_CONTENT: message(8, filling(56)),
  IDP_CONTENT_REV: message(0, filling(56)),
  ...at(i * 60),
  ...more,
});
const pings = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => ping(i, more));

/** A flow of a tunnel: packets of many sizes. */
const tunnelled = (i: number, more: Row = {}): Row =>
  ping(i, {
    BYTES: 3713,
    BYTES_REV: 9241,
    IDP_CONTENT: message(8, packet(84)),
    IDP_CONTENT_REV: message(0, packet(131)),
    ...more,
  });
const tunnel = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => tunnelled(i, more));

/** The same where each direction is a record. */
const uniflows = (rows: readonly Row[]): Row[] =>
  rows.flatMap((row) => [
    { ...row, PACKETS_REV: 0, BYTES_REV: 0, IDP_CONTENT_REV: new Uint8Array(0) },
    {
      ...row,
      SRC_IP: row["DST_IP"],
      DST_IP: row["SRC_IP"],
      L4_ICMP_TYPE_CODE: 0,
      PACKETS: row["PACKETS_REV"],
      PACKETS_REV: 0,
      BYTES: row["BYTES_REV"],
      BYTES_REV: 0,
      IDP_CONTENT: row["IDP_CONTENT_REV"],
      IDP_CONTENT_REV: new Uint8Array(0),
    },
  ]);

const noContent = { IDP_CONTENT: new Uint8Array(0), IDP_CONTENT_REV: new Uint8Array(0) };

testDetector(icmptunnel, {
  alert: uniflows(tunnel(20)),
  quiet: [
    ...pings(20, { SRC_IP: "10.0.0.2" }),
    ...pings(20, { SRC_IP: "10.0.0.3", BYTES: 30 * 1428, BYTES_REV: 30 * 1428 }),
    ...pings(20, { SRC_IP: "10.0.0.4", BYTES: 30 * 1428, BYTES_REV: 30 * 92 }), // answers cut off
  ],
  other: (i) =>
    ping(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`, ...noContent }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 4_000_000,
});

describe("icmptunnel", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(icmptunnel, rows, { params }).alerts;
  const rulesOf = (rows: readonly Row[]) => [...new Set(alertsOf(rows).map(({ rule }) => rule))];

  test("icmptunnel says who tunnels what, updates at doublings and closes when it is over", () => {
    const alerts = alertsOf([...tunnel(5), ping(60, { SRC_IP: "10.0.0.9" })]);
    expect(alerts.map(({ packets, state }) => [packets, state])).toEqual([
      [60, "open"],
      [120, "open"],
      [240, "open"],
      [300, "closed"],
    ]);
    expect(alerts[3]!.detectTime).toBe(START + (4 * 60 + 1 + 600) * SECOND);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_290,
      key: "icmptunnel:10.0.0.1>192.0.2.1",
      observed: 60,
      threshold: 20,
      severity: 6,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1" },
      reason:
        "10.0.0.1 sent 192.0.2.1 30 echo requests of 124 bytes and got 30 answers of 308 (limit 20 packets): packets lie in the data; more bytes came back than were sent; sizes vary, and differently each way (of 10.95.1.1 for 10.95.1.2)",
    });
  });

  test("icmptunnel takes the sender of requests for the client, whichever came first", () => {
    const turned = tunnel(2).map((row) => ({
      ...row,
      SRC_IP: row["DST_IP"],
      DST_IP: row["SRC_IP"],
      L4_ICMP_TYPE_CODE: 0,
    }));
    expect(alertsOf(turned)[0]!.source.ip).toBe("10.0.0.1");
  });

  test("icmptunnel sees ICMPv6, and IPv6 inside", () => {
    const head = [0x60, 0, 0, 0, 0, 12, 17, 64];
    const address = (last: number) => [0xfd, ...Array<number>(14).fill(0), last];
    const inner = [...head, ...address(1), ...address(2), ...filling(12)];
    const rows = tunnel(2, {
      SRC_IP: "2001:db8::1",
      DST_IP: "2001:db8::2",
      PROTOCOL: 58,
      L4_ICMP_TYPE_CODE: 128 << 8,
      IDP_CONTENT: message(128, inner),
      IDP_CONTENT_REV: message(129, filling(56)),
    });
    expect(alertsOf(rows)[0]).toMatchObject({ rule: 9_000_290, source: { ip: "2001:db8::1" } });
    // Of ICMPv6 8 is no echo.
    expect(alertsOf(rows.map((row) => ({ ...row, L4_ICMP_TYPE_CODE: REQUEST })))).toEqual([]);
  });

  test("icmptunnel finds packets behind a tunnel's own header, and the mark of ptunnel", () => {
    const behind = { IDP_CONTENT: message(8, [1, 2, 3, 4, 5, ...packet(60)]) };
    expect(rulesOf(pings(1, behind))).toEqual([9_000_290]);
    const mark = { IDP_CONTENT: message(8, [0xd5, 0x20, 0x08, 0x80, ...filling(60)]) };
    expect(rulesOf(pings(1, mark))).toEqual([9_000_290]);
    const wrong = packet(60).with(10, 1);
    expect(rulesOf(pings(1, { IDP_CONTENT: message(8, wrong), ...alike(wrong) }))).toEqual([]);
  });
  const alike = (data: readonly number[]) => ({ IDP_CONTENT_REV: message(0, data) });

  test("icmptunnel finds answers with other data than was sent, of the same number only", () => {
    const other = message(0, filling(56).reverse());
    expect(rulesOf(pings(1, { IDP_CONTENT_REV: other }))).toEqual([9_000_291]);
    expect(rulesOf(pings(1, { IDP_CONTENT_REV: other.with(7, 2) }))).toEqual([]);
    const zeros = message(0, Array<number>(56).fill(0));
    expect(rulesOf(pings(1, { IDP_CONTENT_REV: zeros }))).toEqual([]);
    const cut = message(0, filling(20));
    expect(rulesOf(pings(1, { IDP_CONTENT_REV: cut }))).toEqual([]);
  });

  test("icmptunnel finds a tunnel by sizes and numbers where there is no content", () => {
    expect(rulesOf(tunnel(1, noContent))).toEqual([9_000_291]);
    expect(rulesOf(uniflows(tunnel(1, noContent)))).toEqual([9_000_291]);
  });

  test.each([
    ["a flood", pings(1, { PACKETS: 1e6, PACKETS_REV: 9e5, BYTES: 84e6, BYTES_REV: 756e5 })],
    ["a flood that nobody answers", pings(1, { PACKETS: 1e6, PACKETS_REV: 0, BYTES_REV: 0 })],
    [
      "hours of monitoring",
      pings(600, { PACKETS: 300, PACKETS_REV: 299, BYTES: 300 * 84, BYTES_REV: 299 * 84 }),
    ],
    [
      "the path's MTU tried out",
      pings(1, { PACKETS: 24, PACKETS_REV: 13, BYTES: 29_011, BYTES_REV: 12_207 }),
    ],
    [
      "two sizes at once, some lost",
      pings(9, { PACKETS: 60, PACKETS_REV: 51, BYTES: 45_361, BYTES_REV: 34_441 }),
    ],
    [
      "answers to forged addresses",
      pings(9, { L4_ICMP_TYPE_CODE: 0, PACKETS_REV: 0, BYTES_REV: 0 }),
    ],
    ["errors of many sizes", tunnel(9, { L4_ICMP_TYPE_CODE: 0x0301 })],
    [
      "random filling, echoed",
      Array.from({ length: 9 }, (_, i) => {
        const data = Array.from(
          { length: 56 },
          (__, j) => Math.imul(j + i * 64 + 1, 0x9e3779b1) >>> 24,
        );
        return ping(i, { IDP_CONTENT: message(8, data), IDP_CONTENT_REV: message(0, data) });
      }),
    ],
  ] as const)("icmptunnel keeps quiet about %s", (_, rows) => {
    expect(alertsOf(rows)).toEqual([]);
  });

  test("icmptunnel waits for as many packets as it is told", () => {
    const short = tunnel(1, { PACKETS: 5, PACKETS_REV: 5, BYTES: 613, BYTES_REV: 1541 });
    expect(alertsOf(short)).toEqual([]);
    expect(alertsOf(short, { packetsMin: 10 })).toHaveLength(1);
  });
});
