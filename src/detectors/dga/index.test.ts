// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { later, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { Random } from "../../core/traffic/rng.ts";
import { SECOND } from "../../core/unirec/time.ts";
import dga from "./index.ts";
import { type Family, LEARNT, UNSEEN } from "./testing/families.ts";

const START = 1_704_067_200 * SECOND;
const NO_SUCH_NAME = 3;

const lookup = (i: number, name: string, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.53",
  SRC_PORT: 40_000 + (i % 1000),
  DST_PORT: 53,
  DNS_NAME: name,
  DNS_RCODE: NO_SUCH_NAME,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  ...more,
});
const familyOf = (name: string): Family =>
  [...LEARNT, ...UNSEEN].find((family) => family.name === name)!;
/** Names of a family, one a second. */
function search(name: string, count: number, more: Row = {}, seed = 1): Row[] {
  const { label, ends } = familyOf(name);
  const dice = new Random(seed);
  return Array.from({ length: count }, (_, i) =>
    lookup(i, `${label(dice)}.${ends[i % ends.length]}`, more),
  );
}
/** Names that people make, none of them twice. */
const ordinary = (i: number): string =>
  `${["garden", "coffee", "school", "travel", "sport", "music"][i % 6]}-${["shop", "house", "club", "online", "market"][i % 5]}${i}.com`;
const alertsOf = (rows: readonly Row[], params = {}) => play(dga, rows, { params }).alerts;
const isFound = (rows: readonly Row[], params = {}): boolean => alertsOf(rows, params).length > 0;

testDetector(dga, {
  alert: search("cryptolocker", 60),
  quiet: [
    ...search("tinba", 9, { SRC_IP: "10.0.0.2" }), // too few
    ...search("tinba", 200, { SRC_IP: "10.0.0.3", DNS_RCODE: 0, DNS_ANSWERS: 1 }), // they exist
    ...Array.from({ length: 400 }, (_, i) => lookup(i, ordinary(i), { SRC_IP: "10.0.0.4" })),
    ...search("ranbyus", 1).flatMap(({ DNS_NAME }) =>
      Array.from({ length: 100 }, (_, i) => lookup(i, `${DNS_NAME}`, { SRC_IP: "10.0.0.5" })),
    ), // the same again
  ],
  other: (i) =>
    lookup(0, ordinary(i), { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { clientsMax: 16 },
  evicted: "clients_evicted",
  stateMax: 8_000_000,
});

describe("dga", () => {
  test("dga opens an event at the limit, updates it at doublings and when the client is quiet", () => {
    const alerts = alertsOf([
      ...search("ranbyus", 60),
      lookup(5000, "www.example.org", { SRC_IP: "10.0.0.2" }),
    ]);
    expect(alerts.map(({ state }) => state)).toEqual(["open", "open", "open", "closed"]);
    const numbers = alerts.map(({ observed }) => observed!);
    expect(numbers[0]).toBe(10);
    expect(numbers[1]).toBeWithin(20, 23);
    expect(numbers[2]).toBeWithin(40, 46);
    expect(numbers[3]).toBeWithin(48, 66);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_280,
      severity: 5,
      threshold: 10,
      key: "dga:10.0.0.1",
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.53", port: 53 },
    });
    expect(alerts[0]!.reason).toMatch(
      /^10\.0\.0\.1 asked in \d+ s for about 10 different domains that do not exist and look made up by an algorithm \(limit 10\): \d+ % of the \d+ it asked for in vain, by chance it would be 0\.2; none of them was answered since$/,
    );
    expect(alerts[3]!.detectTime).toBe(START + (59 + 1800) * SECOND);
  });

  test("dga tells when a made-up name is answered, which may be the control server's", () => {
    const rows = search("ranbyus", 30);
    const [found] = search("ranbyus", 1, { DNS_RCODE: 0, DNS_ANSWERS: 1 }, 2);
    const alerts = alertsOf([...rows, ...later([found!], 31)]);
    const last = alerts.at(-1)!;
    expect([last.severity, last.reason.endsWith("; 1 answers about others")]).toEqual([6, true]);
    expect(last.evidence.at(-1)).toMatchObject({ DNS_RCODE: 0, DNS_NAME: found!["DNS_NAME"] });
    // Not of another client, nor of a name that people made, nor long after.
    for (const other of [
      { ...found!, SRC_IP: "10.0.0.9" },
      { ...found!, DNS_NAME: "www.wikipedia.org" },
      ...later([found!], 4000),
    ])
      expect(
        alertsOf([...rows, ...later([other], 31)]).every(({ severity }) => severity === 5),
      ).toBe(true);
  });

  test("dga sees IPv6 clients, and responses that come as flows of their own", () => {
    const v6 = { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::53" };
    expect(alertsOf(search("tinba", 30, v6))[0]!.source.ip).toBe("2001:db8::1");
    const turned = { SRC_IP: "192.0.2.53", DST_IP: "10.0.0.1", SRC_PORT: 53, DST_PORT: 40_000 };
    expect(alertsOf(search("tinba", 30, turned))[0]!.source.ip).toBe("10.0.0.1");
  });

  test("dga judges the label that was registered, not those in front of it", () => {
    const hosts = (domain: string) => (row: Row, i: number) =>
      lookup(i, String(row["DNS_NAME"]).replace(/\..*/, `.${domain}`));
    const rows = search("chinad", 200);
    for (const domain of ["cloudfront.net", "example.co.uk", "s3.amazonaws.com", "akamaiedge.net"])
      expect(isFound(rows.map(hosts(domain)))).toBe(false);
    for (const domain of ["co.uk", "com.br", "duckdns.org", "com", "XYZ", "com."])
      expect(isFound(rows.map(hosts(domain)))).toBe(true);
    expect(isFound(rows.map(hosts("duckdns.org")), { open: "" })).toBe(false);
  });

  test("dga keeps quiet about names of a network's own, about other scripts and a browser's probes", () => {
    const rows = search("chinad", 200);
    const named = (rename: (label: string, i: number) => string): Row[] =>
      rows.map((row, i) => lookup(i, rename(String(row["DNS_NAME"]).replace(/\..*/, ""), i)));
    expect(isFound(named((label) => label))).toBe(false);
    expect(isFound(named((label) => `${label}.local`))).toBe(false);
    expect(isFound(named((label) => `${label}.acme-intern`))).toBe(false);
    expect(isFound(named((label) => `${label}.corp.example.com`))).toBe(false);
    expect(isFound(named((label) => `xn--${label}.com`))).toBe(false);
    expect(isFound(named((label) => `${label}.4.3.10.in-addr.arpa`))).toBe(false);
    expect(isFound(named((_, i) => `_${i}._tcp.${i}.example.com`))).toBe(false);
    expect(isFound(named((_, i) => `203-0-113-${i}.dynamic.example.net`))).toBe(false);
    expect(isFound(named((_, i) => `${i % 250}.2.0.192.zen.spamhaus.org`))).toBe(false);
  });

  test("dga finds hosts of each family that it was not trained with, but those that put words together", () => {
    const errors = Array.from({ length: 20 }, (_, i) => lookup(i, ordinary(i)));
    const missed = UNSEEN.filter(({ name }) => !isFound([...errors, ...search(name, 300)]));
    expect(missed.map(({ name }) => name)).toEqual(["suppobox", "matsnu", "gozi"]);
  });

  test("dga takes many names in vain for a crawler's or a mail server's, if few look made up", () => {
    const crawl = Array.from({ length: 900 }, (_, i) => lookup(i, ordinary(i)));
    expect(isFound([...crawl, ...later(search("tinba", 30), 901)])).toBe(false);
    expect(isFound([...crawl, ...later(search("tinba", 30), 901)], { shareMin: 0.01 })).toBe(true);
  });

  test("dga counts anew when the window is over, but not while an event is open", () => {
    const slow = search("tinba", 40).map((row, i) => ({
      ...row,
      ...lookup(i * 500, String(row["DNS_NAME"])),
    }));
    expect(isFound(slow)).toBe(false);
    expect(isFound(slow, { window: 86_400 })).toBe(true);
    const fast = [...search("tinba", 60), ...later(search("tinba", 60, {}, 2), 900)];
    expect(new Set(alertsOf(fast, { window: 200 }).map(({ id }) => id)).size).toBe(1);
  });

  test("dga reads nothing into malformed names", () => {
    for (const name of [
      "",
      ".",
      "..",
      "com",
      ".com",
      "a..com",
      "\\000\\255\\.x.com",
      "-".repeat(300),
    ])
      expect(isFound(Array.from({ length: 50 }, (_, i) => lookup(i, name)))).toBe(false);
  });
});
