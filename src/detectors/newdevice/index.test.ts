// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import newdevice from "./index.ts";

const START = 1_704_067_200 * SECOND;
const HOUR = 3600;
const DAY = 24 * HOUR;
const ALL = "ff:ff:ff:ff:ff:ff";
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 1) * SECOND,
});
const mac = (i: number): string => `00:16:3e:00:${(i >> 8).toString(16)}:${(i & 255).toString(16)}`;

/** An answered connection of a host to one elsewhere. */
const flow = (seconds: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 12,
  PACKETS_REV: 10,
  TCP_FLAGS_REV: 0x1b,
  SRC_MAC: mac(1),
  DST_MAC: mac(2),
  ...at(seconds),
  ...more,
});
/** An answer of a DHCP server to a client. */
const lease = (seconds: number, more: Row = {}): Row =>
  flow(seconds, {
    SRC_IP: "10.0.0.254",
    DST_IP: "10.0.0.9",
    SRC_PORT: 67,
    DST_PORT: 68,
    PROTOCOL: 17,
    PACKETS: 2,
    PACKETS_REV: 0,
    TCP_FLAGS_REV: 0,
    SRC_MAC: mac(254),
    DST_MAC: mac(9),
    ...more,
  });
/** An answered query. */
const query = (seconds: number, client: number, server: string): Row =>
  flow(seconds, {
    SRC_IP: `10.0.1.${client}`,
    SRC_MAC: mac(1000 + client),
    DST_IP: server,
    DST_PORT: 53,
    PROTOCOL: 17,
    TCP_FLAGS_REV: 0,
  });
const ROGUE = { SRC_IP: "192.168.1.1", SRC_MAC: mac(66) };
/** The server, and another one a second later, answer clients. */
const both = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const client = { DST_IP: `10.0.0.${i}`, DST_MAC: mac(i) };
    return [lease(i * 60, client), lease(i * 60 + 1, { ...client, ...ROGUE })];
  }).flat();

testDetector(newdevice, {
  alert: both(20),
  quiet: [
    ...Array.from({ length: 20 }, (_, i) => lease(i * 60, { DST_MAC: mac(300 + i) })),
    // A client moves to another network.
    lease(100, { DST_MAC: mac(500) }),
    lease(150, { SRC_IP: "10.7.0.254", DST_MAC: mac(500) }),
    ...Array.from({ length: 20 }, (_, i) => query(i, i, "10.0.0.53")),
    ...Array.from({ length: 20 }, (_, i) => flow(i, { DST_IP: `10.0.2.${i}`, DST_PORT: 22 })),
  ],
  other: (i) => lease(0, { DST_IP: `10.9.${(i >>> 8) & 255}.${i & 255}`, DST_MAC: mac(5000 + i) }),
  small: { clientsMax: 16, serversMax: 16 },
  evicted: "dhcpClients_evicted",
  stateMax: 6_000_000,
});

/** What there is for some days, seen every half an hour, then other rows. */
const after = (days: number, ...rows: readonly Row[]): Row[] => [
  ...Array.from({ length: days * 48 + 1 }, (_, i) => flow(i * 1800)),
  ...rows,
];
const alertsOf = (rows: readonly Row[], params = {}) => play(newdevice, rows, { params }).alerts;
const rulesOf = (rows: readonly Row[], params = {}) =>
  alertsOf(rows, params).map(({ rule }) => rule);

describe("newdevice, of devices:", () => {
  const guest = flow(DAY + 10, { SRC_IP: "10.0.0.77", SRC_MAC: "02:16:3e:00:00:77" });

  test("newdevice tells of a new MAC address once, after the time to learn", () => {
    const alerts = alertsOf(after(1, guest, { ...guest, ...at(DAY + 99) }));
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_322,
      severity: 3,
      state: "closed",
      key: "newdevice:device 02:16:3e:00:00:77",
      observed: 1,
      threshold: 1,
      baseline: 1,
      source: { ip: "10.0.0.77" },
      reason:
        "02:16:3e:00:00:77, which is made up and not its maker's, at 10.0.0.77 is a new device: about 1 were known (limit 1 new one)",
    });
    expect(alerts[0]!.evidence).toHaveLength(1);
    expect(alertsOf([guest, ...after(1)])).toEqual([]);
    expect(alertsOf(after(1, guest), { learnTime: 2 * DAY })).toEqual([]);
    // Another address of a known device is none.
    expect(alertsOf(after(1, { ...guest, SRC_MAC: mac(1) }))).toEqual([]);
  });

  test("newdevice goes by IPv4 addresses of one's own where there are no others, or as told", () => {
    const bare = (row: Row): Row => ({ ...row, SRC_MAC: "00:00:00:00:00:00" });
    const rows = after(1, guest).map(bare);
    expect(alertsOf(rows)[0]!.reason).toBe(
      "10.0.0.77 is a new device: about 1 were known (limit 1 new one)",
    );
    const strangers = [{ SRC_IP: "203.0.113.9" }, { SRC_IP: "2001:db8::9" }, { SRC_IP: "fd00::9" }];
    for (const one of strangers)
      expect(alertsOf(after(1, { ...guest, ...one }).map(bare))).toEqual([]);
    const routed = after(1, { ...guest, SRC_MAC: mac(1) });
    expect(rulesOf(routed, { identity: "address" })).toEqual([9_000_322]);
  });

  test("newdevice takes no address of a group for a device", () => {
    expect(alertsOf(after(1, { ...guest, SRC_MAC: "01:00:5e:00:00:01" }))).toEqual([]);
  });

  test("newdevice does not count hours without a flow as learned", () => {
    const pause = [flow(0), { ...guest, ...at(3 * DAY) }, flow(3 * DAY + 5)];
    expect(alertsOf(pause)).toEqual([]);
  });

  test("newdevice looks at so many flows of a second, and at the others of the next one", () => {
    const second = Array.from({ length: 30 }, (_, i) => ({
      ...flow(DAY + 10, { SRC_MAC: mac(3000 + i) }),
    }));
    expect(alertsOf(after(1, ...second), { flowsMax: 10 })).toHaveLength(10);
    const next = flow(DAY + 12, { SRC_MAC: mac(3029) });
    // A flow that ended before is no new second.
    const late = flow(DAY + 5, { SRC_MAC: mac(4000) });
    expect(alertsOf(after(1, ...second, late, next), { flowsMax: 10 })).toHaveLength(11);
  });

  test("newdevice says no more than it is told to in an hour, and counts the rest", () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      flow(DAY + 1 + i, { SRC_MAC: mac(3000 + i) }),
    );
    const { alerts, runner } = play(newdevice, after(1, ...many), { params: { newsMax: 10 } });
    expect(alerts).toHaveLength(10);
    expect(runner.counters.get("news_held")).toBe(20);
    const next = flow(DAY + 2 * HOUR, { SRC_MAC: mac(4000) });
    expect(alertsOf(after(1, ...many, next), { newsMax: 10 })).toHaveLength(11);
  });
});

describe("newdevice, of services:", () => {
  const served = (more: Row = {}): Row =>
    flow(DAY + 10, { DST_IP: "10.0.0.5", DST_PORT: 4444, ...more });

  test("newdevice tells of a port that begins to answer, TCP or UDP, IPv4 or IPv6", () => {
    const [alert] = alertsOf(after(1, served(), served(at(DAY + 20))));
    expect(alert).toMatchObject({
      rule: 9_000_323,
      severity: 3,
      key: "newdevice:service 10.0.0.5 TCP 4444",
      source: { ip: "10.0.0.5", port: 4444 },
      target: { ip: "10.0.0.1" },
      reason:
        "10.0.0.5 answers at TCP port 4444, to 10.0.0.1, which it did not before (limit 1 new service)",
    });
    expect(alertsOf(after(1, served(), served(at(DAY + 20))))).toHaveLength(1);
    expect(rulesOf(after(1, served({ DST_IP: "fd00::5" })))).toEqual([9_000_323]);
    expect(rulesOf(after(1, served({ PROTOCOL: 17, DST_PORT: 123 })))).toEqual([9_000_323]);
    expect(alertsOf([served(at(0)), ...after(1, served())])).toEqual([]);
  });

  test("newdevice takes high ports that a server changes with each client for one service", () => {
    const passive = [30_800, 31_000, 31_743, 31_744].map((DstPort, i) =>
      served({ DST_PORT: DstPort, ...at(DAY + i) }),
    );
    expect(alertsOf(after(1, ...passive)).map(({ source }) => source.port)).toEqual([
      30_800, 31_744,
    ]);
    const low = [9000, 9001].map((DstPort) => served({ DST_PORT: DstPort }));
    expect(alertsOf(after(1, ...low))).toHaveLength(2);
  });

  test.each([
    ["a refusal", { TCP_FLAGS_REV: 0x14, PACKETS_REV: 1 }],
    ["no answer", { TCP_FLAGS_REV: 0, PACKETS_REV: 0 }],
    ["a port that programs take for a while", { DST_PORT: 50_000 }],
    ["a call over UDP", { PROTOCOL: 17, DST_PORT: 16_400 }],
    ["a query that nobody answers", { PROTOCOL: 17, DST_PORT: 161, PACKETS_REV: 0 }],
    ["a server elsewhere", { DST_IP: "203.0.113.5" }],
    ["ping", { PROTOCOL: 1, DST_PORT: 0 }],
  ])("newdevice keeps quiet about %s", (_, more) => {
    expect(alertsOf(after(1, served(more)))).toEqual([]);
  });
});

describe("newdevice, of DHCP:", () => {
  test("newdevice tells of a second server while it learns, and says which two", () => {
    const [alert] = alertsOf(both(1));
    expect(alert).toMatchObject({
      rule: 9_000_320,
      severity: 6,
      key: "newdevice:192.168.1.1 dhcp",
      source: { ip: "192.168.1.1", port: 67 },
      observed: 1,
      threshold: 1,
      reason: "192.168.1.1 answers DHCP requests at the same time as 10.0.0.254: 1 times (limit 1)",
    });
    const broadcast = { DST_IP: "255.255.255.255", DST_MAC: ALL };
    const near = { ...broadcast, SRC_IP: "10.0.0.7" };
    expect(rulesOf([lease(0, broadcast), lease(1, near)])).toEqual([9_000_320]);
    // Networks of their own, seen by one sensor.
    expect(alertsOf([lease(0, broadcast), lease(1, { ...near, SRC_IP: "10.0.1.7" })])).toEqual([]);
    const renewal = { SRC_IP: "10.0.0.9", SRC_PORT: 68, SRC_MAC: mac(9), DST_PORT: 67 };
    const turned = lease(1, { ...renewal, DST_IP: "10.0.0.66", PACKETS_REV: 1 });
    expect(alertsOf([lease(0), turned])[0]!.source.ip).toBe("10.0.0.66");
    expect(alertsOf([lease(0), { ...turned, PACKETS_REV: 0 }])).toEqual([]);
  });

  test("newdevice tells of a server that nobody knew after the time to learn", () => {
    const known = lease(60);
    const rows = [known, ...after(1, lease(DAY + 60), lease(DAY + 120, ROGUE))];
    const [alert, ...others] = alertsOf(rows).filter(({ rule }) => rule === 9_000_320);
    expect(others).toEqual([]);
    expect(alert!.reason).toBe(
      "192.168.1.1, no DHCP server before, answered DHCP requests 1 times (limit 1)",
    );
    const own = alertsOf(rows, { dhcpServers: "192.168.0.0/16" });
    expect(own.filter(({ rule }) => rule === 9_000_320)).toEqual([]);
    expect(() => alertsOf(rows, { dhcpServers: "server" })).toThrow(
      'newdevice: dhcpServers: "server" is no address',
    );
  });

  test("newdevice sees DHCPv6, of which several servers may answer", () => {
    const six = { DST_IP: "fe80::9", SRC_PORT: 547, DST_PORT: 546 };
    const [one, two] = ["fe80::1", "fe80::2"].map((SrcIp) => ({ ...six, SRC_IP: SrcIp }));
    expect(alertsOf([lease(0, one), lease(1, two)])).toEqual([]);
    const rows = [lease(0, one), ...after(1, lease(DAY + 1, one), lease(DAY + 2, two))];
    const [alert] = alertsOf(rows);
    expect(alert).toMatchObject({ rule: 9_000_320, source: { ip: "fe80::2", port: 547 } });
  });

  test("newdevice keeps quiet about a flood of requests", () => {
    const request = { SRC_IP: "0.0.0.0", SRC_PORT: 68, DST_IP: "255.255.255.255", DST_PORT: 67 };
    const flood = Array.from({ length: 500 }, (_, i) =>
      lease(i, { ...request, SRC_MAC: mac(i), DST_MAC: ALL, PACKETS: 10_000 }),
    );
    expect(alertsOf(flood)).toEqual([]);
  });
});

describe("newdevice, of DNS:", () => {
  const before = Array.from({ length: 9 }, (_, i) => query(i, i, "10.0.0.53"));
  const moved = (count: number, server: string): Row[] =>
    Array.from({ length: count }, (_, i) => query(DAY + 60 + i, i, server));
  const dnsOf = (rows: readonly Row[], params = {}) =>
    alertsOf(rows, params).filter(({ rule }) => rule === 9_000_321);

  test("newdevice tells of a host that begins to answer clients which had another server", () => {
    const alerts = dnsOf([...before, ...after(1, ...moved(7, "10.0.0.66"))]);
    expect(alerts.map(({ observed, update }) => [observed, update])).toEqual([
      [3, 0],
      [6, 1],
      [7, 2],
    ]);
    expect(alerts[0]).toMatchObject({
      severity: 5,
      key: "newdevice:10.0.0.66 dns",
      threshold: 3,
      source: { ip: "10.0.0.66", port: 53 },
      target: { ip: "10.0.1.2", count: 3 },
      reason:
        "10.0.0.66, no DNS server before, answers 3 clients (limit 3) that had another; one had 10.0.0.53",
    });
  });

  test.each([
    ["few clients", moved(2, "10.0.0.66"), {}],
    ["a server elsewhere", moved(7, "9.9.9.9"), {}],
    ["a server that is named", moved(7, "10.0.0.66"), { dnsServers: "10.0.0.66" }],
    [
      "clients that had none",
      moved(7, "10.0.0.66").map((row, i) => ({ ...row, SRC_IP: `10.0.8.${i}` })),
      {},
    ],
    [
      "queries that nobody answers",
      moved(7, "10.0.0.66").map((row) => ({ ...row, PACKETS_REV: 0 })),
      {},
    ],
  ] as const)("newdevice keeps quiet about %s", (_, rows, params) => {
    expect(dnsOf([...before, ...after(1, ...rows)], params)).toEqual([]);
  });

  test("newdevice keeps quiet about a server that was there while it learned", () => {
    const other = query(20, 77, "10.0.0.66");
    expect(dnsOf([...before, other, ...after(1, ...moved(7, "10.0.0.66"))])).toEqual([]);
  });
});
