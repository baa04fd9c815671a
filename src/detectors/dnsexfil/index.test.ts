// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { later, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { Random } from "../../core/traffic/rng.ts";
import { SECOND } from "../../core/unirec/time.ts";
import dnsexfil from "./index.ts";
import { TUNNELS } from "./testing/tunnels.ts";

const ROOT = join(import.meta.dir, "../../..");
const START = 1_704_067_200 * SECOND;
const NO_SUCH_NAME = 3;
const TXT = 16;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const query = (i: number, name: string, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.53",
  SRC_PORT: 40_000 + (i % 1000),
  DST_PORT: 53,
  BYTES: 46 + name.length,
  PACKETS: 1,
  DNS_QTYPE: 1,
  DNS_NAME: name,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  ...more,
});
/** Queries of a tool, one a second. */
function tunnel(tool: string, count: number, more: Row = {}, domain = "t.example.com"): Row[] {
  const dice = new Random(1);
  return Array.from({ length: count }, (_, i) => {
    const { name, type } = TUNNELS[tool]!(dice, i, domain);
    return query(i, name, { DNS_QTYPE: type, ...more });
  });
}
const HEX = "0123456789abcdef";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
/** Text that looks random, the same in every run. */
function noise(seed: number, length: number, alphabet = HEX): string {
  const dice = new Random(seed);
  return Array.from({ length }, () => alphabet[dice.below(alphabet.length)]).join("");
}
const queries = (count: number, name: (i: number) => string, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => query(i, name(i), more));
const alertsOf = (rows: readonly Row[], params = {}) => play(dnsexfil, rows, { params }).alerts;
/** Alerts about many names, not about single ones. */
const namesOf = (rows: readonly Row[], params = {}) =>
  alertsOf(rows, params).filter(({ rule }) => rule === 9_000_270);
const isQuiet = (rows: readonly Row[], params = {}): boolean => alertsOf(rows, params).length === 0;

testDetector(dnsexfil, {
  alert: tunnel("dnscat2", 150),
  quiet: [
    ...tunnel("dnscat2", 15, {}, "t.example.net"), // not enough
    ...queries(400, (i) => `${noise(i % 10, 60)}.example.org`, { DNS_QTYPE: TXT }), // the same again
    ...queries(400, (i) => `mail-server-of-department-${i}.internal.example.net`),
    ...queries(100, (i) => `${noise(i, 60)}.delivery.example.edu`), // names of content
  ],
  other: (i) => query(0, `${noise(i, 20)}.example-${i}.org`),
  small: { domainsMax: 16 },
  evicted: "domains_evicted",
  stateMax: 8_000_000,
});

describe("dnsexfil", () => {
  test.each(Object.keys(TUNNELS))("dnsexfil finds a tunnel of %s", (tool) => {
    const missing = tool === "thief" ? { DNS_RCODE: NO_SUCH_NAME } : {};
    const rows = tunnel(tool, 400, missing);
    const first = rows.findIndex((_, i) => namesOf(rows.slice(0, i + 1)).length > 0);
    say(`dnsexfil: ${tool} found at query ${first + 1}`);
    const [alert] = namesOf(rows);
    expect(alert).toMatchObject({
      rule: 9_000_270,
      severity: 6,
      key: "dnsexfil:example.com",
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.53", port: 53 },
    });
    expect(first).toBeWithin(10, 100);
  });

  test("dnsexfil opens an event at the limit, updates it at doublings and when the domain is idle", () => {
    const rows = [...tunnel("ozymandns", 60), query(4000, "www.example.org")];
    const alerts = alertsOf(rows);
    expect(alerts.map(({ state }) => state)).toEqual(["open", "open", "closed"]);
    const [first, second, last] = alerts.map(({ observed }) => observed!);
    expect(first).toBeWithin(2000, 3000);
    expect(second).toBeWithin(2 * first!, 3 * first!);
    expect(last).toBeWithin(6000, 7500);
    expect(alerts[0]!.reason).toMatch(
      /^10\.0\.0\.1 asked for about \d+ different names below example\.com that look encoded \(6\.\d bits a character, of names of hosts it is 4\.3\), with \d+ bytes in \d+ s \(limit 2000 with long labels, types whose answers carry data\)$/,
    );
    expect(alerts[2]!.detectTime).toBe(START + (59 + 900) * SECOND);
  });

  test("dnsexfil names a client only if it moved most, and counts them otherwise", () => {
    const from = (clients: number): Row[] =>
      tunnel("ozymandns", 2000).map((row, i) => ({
        ...row,
        SRC_IP: `10.0.0.${1 + (i % clients)}`,
      }));
    expect(alertsOf(from(8)).at(-1)!.source.count).toBeWithin(7, 10);
    expect(alertsOf(from(8)).at(-1)!.reason).toContain("bytes from each in");
    const mixed = tunnel("ozymandns", 300).map((row, i) =>
      i % 4 === 0 ? { ...row, SRC_IP: `10.0.1.${i % 200}` } : row,
    );
    expect(alertsOf(mixed).at(-1)!.source).toEqual({ ip: "10.0.0.1" });
  });

  test("dnsexfil takes more bytes to be sure, the fewer other signs there are", () => {
    const limits = (length: number, more: Row): unknown =>
      alertsOf(queries(4000, (i) => `${noise(i, length, BASE32)}.example.com`, more))[0]?.threshold;
    expect(limits(40, { DNS_QTYPE: TXT })).toBe(2000);
    expect(limits(40, { DNS_RCODE: NO_SUCH_NAME })).toBe(2000);
    expect(limits(16, { DNS_QTYPE: TXT, DNS_RCODE: NO_SUCH_NAME })).toBe(2000);
    expect(limits(40, {})).toBe(16_000);
    expect(limits(16, { DNS_QTYPE: TXT })).toBe(16_000);
    expect(limits(20, {})).toBeUndefined();
    expect(limits(31, {})).toBeUndefined();
  });

  test("dnsexfil sees IPv6 clients, and responses that come as flows of their own", () => {
    const v6 = { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::53" };
    expect(alertsOf(tunnel("dns2tcp", 100, v6))[0]!.source.ip).toBe("2001:db8::1");
    const turned = tunnel("dns2tcp", 100).map((row) => ({
      ...row,
      ...{ SRC_IP: "192.0.2.53", DST_IP: "10.0.0.1", SRC_PORT: 53, DST_PORT: 40_000 },
      ...{ PACKETS_REV: 1, BYTES_REV: row["BYTES"] },
    }));
    expect(alertsOf(turned)[0]!.source.ip).toBe("10.0.0.1");
    expect(isQuiet(tunnel("dns2tcp", 100, { DST_PORT: 5355 }))).toBe(true);
  });

  test("dnsexfil counts by registered domain, each customer of a host alone", () => {
    const below = (domain: (i: number) => string): boolean =>
      isQuiet(queries(100, (i) => `${noise(i, 60)}.${domain(i)}`, { DNS_QTYPE: TXT }));
    expect(below((i) => `shop-${i}.co.uk`)).toBe(true);
    expect(below((i) => `user-${i}.github.io`)).toBe(true);
    expect(below((i) => `host-${i}.example.co.uk`)).toBe(false);
    expect(below(() => "one.github.io")).toBe(false);
    expect(below(() => "nonsense")).toBe(true);
    expect(below(() => "pirate.sea")).toBe(false);
  });

  test("dnsexfil passes over domains and what is below them, and no others", () => {
    const rows = tunnel("ozymandns", 100);
    expect(isQuiet(rows, { ignored: "example.com" })).toBe(true);
    expect(isQuiet(rows, { ignored: "a.org, T.Example.com" })).toBe(true);
    expect(isQuiet(rows, { ignored: "ample.com,le.com" })).toBe(false);
    expect(isQuiet(rows, { ignored: "" })).toBe(false);
  });

  test("dnsexfil takes a name in any case as the same, with a dot at its end or without", () => {
    const name = `${noise(1, 60)}.example.com`;
    const rows = queries(200, (i) => (i % 2 === 0 ? name : `${name.toUpperCase()}.`), {
      DNS_QTYPE: TXT,
    });
    expect(isQuiet(rows)).toBe(true);
  });

  test("dnsexfil counts queries of a flow that are as long as in a tunnel, though it has one name", () => {
    const name = `${noise(1, 56)}.example.org`;
    const flow = (octets: number): Row[] => [
      query(0, name, { PACKETS: 200, BYTES: octets, DNS_QTYPE: TXT }),
    ];
    expect(alertsOf(flow(200 * 240))[0]!.observed).toBeWithin(30_000, 40_000);
    // All of them for that name, with and without EDNS; short ones.
    for (const each of [114, 125, 145, 75]) expect(isQuiet(flow(200 * each))).toBe(true);
  });

  test("dnsexfil keeps quiet about lists that are asked through DNS", () => {
    const missing = { DNS_RCODE: NO_SUCH_NAME };
    const quiet = [
      queries(3000, (i) => `${i % 250}.${i >> 8}.0.192.bl.example.org`, missing),
      queries(3000, (i) => `${[...noise(i, 32)].join(".")}.bl.example.org`, missing),
      queries(3000, (i) => `${[...noise(i, 32)].join(".")}.ip6.arpa`, missing),
      queries(3000, (i) => `${i % 250}.${i >> 8}.0.192.in-addr.arpa`),
      queries(3000, (i) => `${noise(i, 40)}.p.03.s.sophosxl.net`, { DNS_QTYPE: TXT }),
      queries(
        3000,
        (i) => `a-0.19-2301.8081.1518.19d4.3ea1.210.0.${noise(i, 26, BASE32)}.avts.mcafee.com`,
        missing,
      ),
    ];
    for (const rows of quiet) expect(isQuiet(rows)).toBe(true);
  });

  test("dnsexfil tells of a list that it does not know at low severity, by its answers", () => {
    const answer = new TextEncoder().encode("127.0.0.4");
    const rows = queries(2000, (i) => `${noise(i, 40)}.hash.example.org`, { DNS_RDATA: answer });
    const alerts = alertsOf(rows);
    expect(alerts.map(({ severity }) => severity)).not.toContain(6);
    expect(alerts[0]).toMatchObject({ severity: 2 });
    expect(alerts[0]!.reason).toEndWith(
      "; most were answered by 127.0.0.0/8, as reputation lists do",
    );
  });

  test("dnsexfil keeps quiet about mail's names, services, clouds and a browser's probes", () => {
    const probe = (i: number): string =>
      `${noise(i, 7 + (i % 9), BASE32.slice(0, 26))}.corp.example.com`;
    const quiet = [
      queries(2000, (i) => `selector${i}._domainkey.example-${i % 40}.com`, { DNS_QTYPE: TXT }),
      queries(600, (i) => `${noise(i % 12, 32, BASE32)}._domainkey.example.com`, {
        DNS_QTYPE: TXT,
      }),
      queries(2000, (i) => `${i % 250}.${i >> 8}.0.192.in-addr.example.com.spf.example.net`, {
        DNS_QTYPE: TXT,
      }),
      queries(2000, (i) => `_dmarc.department-${i}.example.com`, { DNS_QTYPE: TXT }),
      queries(2000, (i) => `_ldap._tcp.site-${i}._sites.dc._msdcs.example.com`, { DNS_QTYPE: 33 }),
      queries(2000, (i) => `203-0-113-${i}.dynamic.example.net`),
      queries(2000, (i) => `ip-10-${i >> 8}-${i & 255}-7.eu-west-1.compute.example.net`),
      queries(
        500,
        (i) =>
          `office\\032printer\\032number\\032${i}\\032of\\032the\\032second\\032floor._ipp._tcp.example.com`,
      ),
      // Three for each of 500 hosts, each hour some of them.
      queries(3000, probe, { DNS_RCODE: NO_SUCH_NAME }).map((row, i) => ({
        ...row,
        SRC_IP: `10.0.${(i % 500) >> 8}.${i % 250}`,
      })),
    ];
    for (const rows of quiet) expect(isQuiet(rows)).toBe(true);
  });

  test("dnsexfil keeps quiet about all hosts that pages of the web load from, asked for within an hour", () => {
    const hosts = readFileSync(
      join(ROOT, "node_modules/third-party-web/dist/domain-map.csv"),
      "utf8",
    )
      .split("\n")
      .map((line) => line.slice(0, Math.max(0, line.indexOf(","))))
      .filter((host) => host !== "");
    const rows = hosts.map((host, i) => ({
      ...query(0, host),
      ...times((i * 3600) / hosts.length),
    }));
    const alerts = alertsOf(rows);
    say(
      `dnsexfil: ${alerts.length} alerts about ${hosts.length} hosts of the web, asked for by one client in an hour`,
    );
    expect(alerts.map(({ reason }) => reason)).toEqual([]);
  });

  test("dnsexfil has its tables as they are made, and finds the domain of each rule of the Public Suffix List", () => {
    const command = [process.execPath, "scripts/train-dnsexfil.ts", "--check"];
    const { exitCode, stderr } = Bun.spawnSync(command, { cwd: ROOT });
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  }, 60_000);

  test("dnsexfil tells of a single encoded name with characters of no host, once", () => {
    const name = `${noise(1, 50, `${BASE32}ABCDEFGHIJ0189*=`)}=.test.example.com`;
    const alerts = alertsOf([query(0, name), query(1, name)]);
    expect(alerts.map(({ rule, severity, update }) => [rule, severity, update])).toEqual([
      [9_000_271, 2, 0],
      [9_000_271, 2, 1],
    ]);
    expect(isQuiet([query(0, `${noise(1, 60)}.example.com`)])).toBe(true);
  });

  test("dnsexfil keeps what is not printed out of its words", () => {
    const rows = tunnel("ozymandns", 60, {}, "t.ex\u0007\nple.com");
    expect(alertsOf(rows)[0]!.reason).toContain("below ex\\007\\010ple.com");
  });

  test("dnsexfil reads nothing into malformed names", () => {
    for (const name of [
      "",
      ".",
      "..",
      "\\",
      `${noise(1, 40)}..com`,
      "\\".repeat(40),
      `${".".repeat(60)}com`,
    ])
      expect(isQuiet(queries(200, () => name, { DNS_QTYPE: TXT }))).toBe(true);
  });

  test("dnsexfil counts anew when the window is over, but not while an event is open", () => {
    const slow = tunnel("ozymandns", 100).map((row, i) => ({ ...row, ...times(i * 400) }));
    expect(isQuiet(slow)).toBe(true);
    expect(isQuiet(slow, { window: 86_400 })).toBe(false);
    const fast = [...tunnel("dnscat2", 200), ...later(tunnel("dns2tcp", 200), 700)];
    expect(new Set(namesOf(fast, { window: 100 }).map(({ id }) => id)).size).toBe(1);
  });
});

const times = (seconds: number): Row => ({
  TIME_FIRST: START + Math.round(seconds * SECOND),
  TIME_LAST: START + Math.round(seconds * SECOND),
});
