// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { ListFolder } from "../../core/threat-list/testing/list-folder.ts";
import { SECOND } from "../../core/unirec/time.ts";
import tlsintel from "./index.ts";
import { isRandomName } from "./random-name.ts";

const START = 1_704_067_200 * SECOND;
const DAY = 86_400;
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 1) * SECOND,
});
const TOR = "t10d360300_77f462745360_33a13ba74d1c";
const BROWSER = "t13d1516h2_8daaf6152771_e5627efa2ab1";

/** The i-th connection of a host, to one of five servers. */
const flow = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: `192.0.2.${1 + (i % 5)}`,
  SRC_PORT: 40_000 + i,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 12,
  PACKETS_REV: 10,
  BYTES: 1500,
  BYTES_REV: 3000,
  TLS_SNI: "www.example.com",
  TLS_JA4: BROWSER,
  QUIC_SNI: "",
  QUIC_JA4: "",
  ...at(i * 10),
  ...more,
});
const flows = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => flow(i, more));
/** A name as Tor makes one. */
const random = (i: number): string =>
  `www.k${2 + (i % 6)}q${(i * 7919 + 12_345).toString(32).replace(/[^a-z2-7]/g, "x")}v.com`;
const tor = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => flow(i, { TLS_SNI: random(i), TLS_JA4: TOR, ...more }));

testDetector(tlsintel, {
  alert: tor(40),
  quiet: [
    ...flows(40, { SRC_IP: "10.0.0.2" }),
    ...flows(40, { SRC_IP: "10.0.0.3", TLS_JA4: TOR }), // names of sites
    ...tor(40, { SRC_IP: "10.0.0.4", TLS_JA4: BROWSER }),
    ...tor(40, { SRC_IP: "10.0.0.5", TLS_SNI: "www.k2qv3x.com" }), // one name
    ...flows(40, { SRC_IP: "10.0.0.6", DST_IP: "8.8.8.8" }), // a name at a resolver's address
  ],
  other: (i) =>
    flow(0, {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
      TLS_SNI: random(i),
      TLS_JA4: TOR,
    }),
  small: { hostsMax: 16, clientsMax: 16, contactsMax: 16 },
  evicted: "tor.clients_evicted",
  stateMax: 17_000_000,
});

const alertsOf = (rows: readonly Row[], params = {}) => play(tlsintel, rows, { params }).alerts;

describe("tlsintel, of Tor:", () => {
  test("tlsintel names the relays, updates at doublings of the names and closes", () => {
    const alerts = alertsOf([...tor(7), flow(0, { SRC_IP: "10.9.9.9", ...at(9000) })]);
    expect(alerts.map(({ observed, state }) => [observed, state])).toEqual([
      [3, "open"],
      [6, "open"],
      [7, "closed"],
    ]);
    expect(alerts[2]).toMatchObject({
      rule: 9_000_310,
      severity: 5,
      key: `tlsintel:10.0.0.1 tor ${TOR}`,
      threshold: 3,
      detectTime: START + (61 + 3600) * SECOND,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1", port: 443, count: 5 },
      reason: `10.0.0.1 used 7 random server names (limit 3), as Tor invents them, in 7 flows with the fingerprint ${TOR} to 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5`,
    });
  });

  test("tlsintel takes a program that uses as many other names for none of Tor", () => {
    const crawler = tor(12).flatMap((row, i) => [
      row,
      ...flows(2, { TLS_JA4: TOR, ...at(i * 10) }),
    ]);
    expect(alertsOf(crawler)).toEqual([]);
    expect(alertsOf(tor(2))).toEqual([]);
    expect(alertsOf(tor(4), { torNamesMin: 5 })).toEqual([]);
  });

  test.each([
    ["www.ct7ctrgb6cr7.com", true],
    ["www.t3i3ru.com", true],
    ["www.q4cyamnc6mtokjurvdclt.com", true],
    ["www.example.com", false],
    ["www.example2.com", false],
    ["www.2example.com", false],
    ["www.a1b1c.com", false], // 1 is no character of base32
    ["www.T3i3ru.com", false],
    ["www.t3i3ru.net", false],
    ["t3i3ru.com", false],
    ["www.a2b.com", false],
    [`www.${"a2".repeat(13)}.com`, false],
    ["www.a2b.a2b.com", false],
    ["", false],
  ])("tlsintel takes %p for random: %p", (name, expected) => {
    const bytes = Buffer.from(name);
    expect(isRandomName(bytes, 0, bytes.length)).toBe(expected);
  });
});

describe("tlsintel, of encrypted DNS:", () => {
  const known = "a known public resolver";
  const port = "at the port of DNS over TLS and QUIC";
  test.each([
    ["by the resolver's name", known, { TLS_SNI: "chrome.Cloudflare-DNS.com" }],
    ["without a server name", known, { TLS_SNI: "", DST_IP: "1.1.1.1" }],
    ["without a server name", known, { TLS_SNI: "", DST_IP: "2620:fe::9" }],
    [port, known, { DST_PORT: 853, DST_IP: "9.9.9.9" }],
    [port, "a server elsewhere", { DST_PORT: 853, TLS_SNI: "" }],
  ])("tlsintel finds it %s, to %s", (how, whose, more) => {
    const [alert] = alertsOf([flow(0, more)]);
    expect(alert).toMatchObject({ rule: 9_000_313, severity: 2, observed: 1, threshold: 1 });
    expect(alert!.reason).toEndWith(`1 flows (limit 1), ${how}`);
    expect(alert!.reason).toStartWith(`10.0.0.1 sent encrypted DNS to ${whose}, `);
  });

  test("tlsintel finds DNS over QUIC, and counts the flows of a host with a resolver", () => {
    const quic = { TLS_JA4: "", TLS_SNI: "", QUIC_JA4: "q13d0312dq_55b375c5d22e_06cda9e17597" };
    const alerts = alertsOf(
      flows(5, { ...quic, PROTOCOL: 17, DST_PORT: 853, DST_IP: "94.140.14.14" }),
    );
    expect(alerts.map(({ flows: count, update }) => [count, update])).toEqual([
      [1, 0],
      [2, 1],
      [4, 2],
      [5, 3],
    ]);
    expect(alerts[0]!.reason).toContain("94.140.14.14 at UDP port 853");
    const named = flow(0, { ...quic, QUIC_SNI: "dns.google", PROTOCOL: 17 });
    expect(alertsOf([named])[0]!.reason).toEndWith("by the resolver's name");
  });

  test("tlsintel keeps quiet about a resolver of one's own, and about those that are left out", () => {
    expect(alertsOf([flow(0, { DST_PORT: 853, DST_IP: "10.0.0.53" })])).toEqual([]);
    expect(alertsOf([flow(0, { TLS_SNI: "dns.google" })], { resolvers: "1.1.1.1" })).toEqual([]);
    expect(alertsOf([flow(0, { TLS_SNI: "", DST_IP: "203.0.113.1" })])).toEqual([]);
    expect(() => alertsOf([flow(0)], { resolvers: "1.1.1.1, resolver" })).toThrow(
      'tlsintel: resolvers: "resolver" is no address, prefix or name',
    );
  });
});

describe("tlsintel, of lists:", () => {
  const folder = new ListFolder();
  afterAll(() => folder.remove());

  test("tlsintel finds listed names with all below them, and listed fingerprints, by the lists' severity", () => {
    const names = folder.write("names.txt", "bad.example");
    const prints = folder.write("prints.txt", "# of a loader", TOR);
    const params = { lists: `c2=${names};severity=8`, ja4Lists: `loader=${prints};severity=6` };
    const [name] = alertsOf(flows(2, { TLS_SNI: "a.BAD.example" }), params);
    expect(name).toMatchObject({
      rule: 9_000_311,
      severity: 8,
      key: "tlsintel:10.0.0.1>bad.example",
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1" },
      reason:
        "10.0.0.1 used the server name bad.example in TLS, which is on the list c2: 1 flow (limit 1)",
    });
    const [print] = alertsOf(flows(2, { TLS_JA4: TOR }), params);
    expect(print).toMatchObject({
      rule: 9_000_312,
      severity: 6,
      reason: `10.0.0.1 used the fingerprint ${TOR} in TLS, which is on the list loader: 1 flow (limit 1)`,
    });
    expect(alertsOf(flows(2), params)).toEqual([]);
    const quic = {
      TLS_JA4: "",
      TLS_SNI: "",
      QUIC_SNI: "bad.example",
      QUIC_JA4: `q${TOR.slice(1)}`,
    };
    expect(alertsOf([flow(0, quic)], params)).toHaveLength(1);
  });

  test("tlsintel refuses lines that are no fingerprint, and counts them", () => {
    const prints = folder.write("more.txt", TOR, BROWSER, "33a13ba74d1c");
    const { runner } = play(tlsintel, flows(1), { params: { ja4Lists: prints } });
    expect(runner.counters.get("list_entries")).toBe(2);
    expect(runner.counters.get("list_bad_lines")).toBe(1);
  });
});

describe("tlsintel, of new fingerprints:", () => {
  const NEW = "t12d190600_d83cc789557e_2dae41c691ec";
  const daily = (days: number, more: Row = {}): Row[] =>
    Array.from({ length: days * 4 }, (_, i) => flow(i, { ...at(i * 21_600), ...more }));

  test("tlsintel tells of a fingerprint that is new to a host after a day", () => {
    const rows = [...daily(2), flow(1, { TLS_JA4: NEW, TLS_SNI: 'x"\n.example', ...at(2 * DAY) })];
    const alerts = alertsOf(rows);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_314,
      severity: 2,
      observed: 0,
      threshold: 3,
      baseline: 1,
      reason: `10.0.0.1 shows the TLS fingerprint ${NEW} for the first time in 48 h, which no other host has (limit 3), to 192.0.2.2 by the name "x...example"; it had 1`,
    });
    const again = [...rows, flow(2, { TLS_JA4: NEW, ...at(2 * DAY + 9000) })];
    expect(alertsOf(again)).toHaveLength(1);
    expect(alertsOf(rows, { learnTime: 3 * DAY })).toEqual([]);
  });

  test("tlsintel learns of a host that is new itself, and of hosts of one's own alone", () => {
    const guest = { SRC_IP: "10.0.0.77", ...at(2 * DAY) };
    expect(alertsOf([...daily(2), flow(1, guest), flow(2, { ...guest, TLS_JA4: NEW })])).toEqual(
      [],
    );
    const outside = { SRC_IP: "203.0.113.7" };
    const rows = [...daily(2, outside), flow(1, { ...outside, TLS_JA4: NEW, ...at(2 * DAY) })];
    expect(alertsOf(rows)).toEqual([]);
    expect(alertsOf(rows, { networks: "203.0.113.0/24" })).toHaveLength(1);
  });

  test("tlsintel keeps quiet about a fingerprint that others have", () => {
    const hosts = Array.from({ length: 5 }, (_, i) => ({ SRC_IP: `10.0.1.${i}` }));
    const before = hosts.flatMap((host) => daily(2, host));
    const update = hosts.map((host, i) => flow(i, { ...host, TLS_JA4: NEW, ...at(2 * DAY + i) }));
    const told = alertsOf([...before, ...update]).map(({ source }) => source.ip);
    expect(told).toEqual(["10.0.1.0", "10.0.1.1", "10.0.1.2"]);
  });

  test("tlsintel says nothing of a host that had to make room for others", () => {
    const others = Array.from({ length: 40 }, (_, i) =>
      flow(i, { SRC_IP: `10.3.0.${i}`, ...at(DAY + i) }),
    );
    const rows = [...daily(1), ...others, flow(9, { TLS_JA4: NEW, ...at(2 * DAY) })];
    expect(alertsOf(rows)).toHaveLength(1);
    const { alerts, runner } = play(tlsintel, rows, { params: { hostsMax: 16 } });
    expect(alerts).toEqual([]);
    expect(runner.counters.get("ja4.hosts_evicted")).toBeGreaterThan(0);
  });
});
