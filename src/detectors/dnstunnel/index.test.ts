// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { later, play } from "../../core/testing/play.ts";
import { type Row, runText } from "../../core/testing/run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import dnstunnel from "./index.ts";

const START = 1_704_067_200 * SECOND;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const HEX = "0123456789abcdef";

/** Text that looks random, the same in every run. */
function noise(seed: number, length: number, alphabet = BASE32): string {
  let state = (seed + 1) * 2_654_435_761;
  let text = "";
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += alphabet[Math.floor((state / 2 ** 32) * alphabet.length)];
  }
  return text;
}

const query = (i: number, name: string, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.53",
  SRC_PORT: 40_000 + (i % 1000),
  DST_PORT: 53,
  BYTES: 46 + name.length,
  PACKETS: 1,
  DNS_QTYPE: 16,
  DNS_NAME: name,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  ...more,
});
/** Queries of so many bytes below the domain, in labels of up to 50. */
const tunnel = (count: number, size = 90, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const text = noise(i, size);
    const labels = text.match(/.{1,50}/g)!.join(".");
    return query(i, `${labels}.t.example.com`, more);
  });
const response = (i: number, answer: string, more: Row = {}): Row =>
  query(i, "a.example.com", {
    SRC_IP: "192.0.2.53",
    DST_IP: "10.0.0.1",
    SRC_PORT: 53,
    DST_PORT: 40_000,
    DNS_RDATA: new TextEncoder().encode(answer),
    ...more,
  });

testDetector(dnstunnel, {
  alert: tunnel(160, 100),
  quiet: [
    ...tunnel(20, 90), // not enough bytes
    ...Array.from({ length: 400 }, (_, i) => query(i, `${noise(i % 10, 100)}.example.net`)), // the same again
    ...Array.from({ length: 400 }, (_, i) =>
      query(i, `mail-server-of-department-${i}.internal.example.org`),
    ),
    ...Array.from({ length: 400 }, (_, i) => query(i, `host${i}.example.org`)),
  ],
  other: (i) =>
    query(0, `some-printer-in-the-office.example-${i}.org`, {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
    }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 16_000_000,
  compat: { replica: true, evicted: "clients_evicted" },
});

testGolden("dns_tunnel", dnstunnel, {}, { masked: ["TIME_FIRST", "TIME_LAST"] });

const folder = mkdtempSync(join(tmpdir(), "dnstunnel-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("dnstunnel", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(dnstunnel, rows, { params }).alerts;
  const observed = (rows: readonly Row[], params = {}): unknown[] =>
    alertsOf(rows, params).map((alert) => alert.observed);

  /** What default mode says to the recorded cases: alerts, and why where the original says otherwise. */
  const EXPECTED: Readonly<Record<string, readonly [events: number, why: string]>> = {
    benign_cdn: [0, ""],
    req_above151: [1, ""],
    req_below150_wide_and30_close: [1, "30 names, which carry more than 2,500 bytes"],
    req_closer31: [1, ""],
    req_repeating: [0, ""],
    req_short99: [1, "names of 97 characters, which the original does not see"],
    resp_reqname51: [1, ""],
    resp_txt50: [1, "50 answers, which carry 10,000 bytes"],
    resp_txt51: [1, ""],
  };
  const GOLDEN = "golden/detectors/dns_tunnel";
  test.skipIf(!hasShared(GOLDEN)).each(Object.entries(EXPECTED))(
    `dnstunnel finds tunnels in the recorded cases by what they carry: %s${hasShared(GOLDEN) ? "" : ` (${NO_SHARED})`}`,
    (item, [events]) => {
      const csv = readFileSync(sharedPath(GOLDEN, `${item}.in.csv`), "utf8");
      const { alerts } = runText(dnstunnel, csv);
      expect(new Set(alerts.map(({ id }) => id)).size).toBe(events);
      for (const alert of alerts) expect(alert.source.ip).toBe("10.0.0.1");
    },
  );

  test("dnstunnel opens an event at the limit, updates it at doublings and when the pair is idle", () => {
    const rows = [...tunnel(120, 50), query(2000, "www.example.org")];
    const alerts = alertsOf(rows);
    expect(alerts.map(({ observed, state }) => [observed, state])).toEqual([
      [2550, "open"],
      [5100, "open"],
      [6120, "closed"],
    ]);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_080,
      key: "dnstunnel:10.0.0.1>example.com:names",
      reason:
        "10.0.0.1 asked for about 50 different names below example.com, with 2550 bytes in 49 s (limit 2500); 10 % of the pairs of letters are usual, of words it is 75 %, of random text up to 16 %",
      threshold: 2500,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.53", port: 53 },
    });
    expect(alerts[2]!.detectTime).toBe(START + (119 + 600) * SECOND);
  });

  test("dnstunnel sends the original's record, with the domain", () => {
    const [record] = play(dnstunnel, tunnel(50, 50)).out["alerts"]!;
    expect(record).toMatchObject({
      SRC_IP: "10.0.0.1",
      EVENT_ID: 0,
      TUNNEL_CNT_PACKET: 50,
      TUNNEL_PER_NEW_DOMAIN: 1,
      TUNNEL_PER_SUBDOMAIN: 1,
      TUNNEL_TYPE: 1,
      TUNNEL_DOMAIN: "example.com",
      TIME_FIRST: START,
      TIME_LAST: START + 49 * SECOND,
    });
  });

  test("dnstunnel sees IPv6 clients, and may pass them over as those of IPv4", () => {
    const file = join(folder, "clients");
    writeFileSync(file, "10.0.0.1; 2001:db8::1\nnonsense\n");
    const v6 = tunnel(60, 90, { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::53" });
    expect(alertsOf(v6)[0]!.source.ip).toBe("2001:db8::1");
    expect(alertsOf([...v6, ...tunnel(60)], { clientsFile: file })).toEqual([]);
    expect(
      alertsOf(tunnel(200, 100, { SRC_IP: "2001:db8::1" }), { clientsFile: file, compat: "nemea" }),
    ).toEqual([]);
    expect(
      alertsOf(tunnel(60, 90, { SRC_IP: "10.0.0.2" }), { clientsFile: file }).length,
    ).toBeGreaterThan(0);
  });

  test("dnstunnel passes over domains and what is below them, and no others", () => {
    const file = join(folder, "domains");
    writeFileSync(file, "t.example.com\n");
    expect(alertsOf(tunnel(60), { ignored: "" }).length).toBeGreaterThan(0);
    expect(alertsOf(tunnel(60), { ignored: "example.com" })).toEqual([]);
    expect(alertsOf(tunnel(60), { ignored: "a.org, t.Example.com." })).toEqual([]);
    expect(alertsOf(tunnel(60), { ignored: "ample.com,le.com" }).length).toBeGreaterThan(0);
    expect(alertsOf(tunnel(60), { domainsFile: file })).toEqual([]);
    expect(alertsOf(tunnel(200, 100), { domainsFile: file, compat: "nemea" })).toEqual([]);
    expect(() => alertsOf(tunnel(1), { domainsFile: join(folder, "none") })).toThrow("cannot read");
  });

  test("dnstunnel counts by registered domain", () => {
    const spread = tunnel(60).map((row, i) => ({
      ...row,
      DNS_NAME: String(row["DNS_NAME"]).replace("t.example.com", `shop-${i}.co.uk`),
    }));
    expect(alertsOf(spread)).toEqual([]);
    const below = spread.map((row) => ({
      ...row,
      DNS_NAME: String(row["DNS_NAME"]).replace("co.uk", "example.co.uk"),
    }));
    expect(alertsOf(below)[0]!.key).toBe("dnstunnel:10.0.0.1>example.co.uk:names");
  });

  test("dnstunnel takes a name in any case as the same, with a dot at its end or without", () => {
    const same = Array.from({ length: 200 }, (_, i) => {
      const name = `${noise(1, 60)}.example.com`;
      return query(i, i % 2 === 0 ? name : `${name.toUpperCase()}.`);
    });
    expect(alertsOf(same)).toEqual([]);
  });

  test("dnstunnel knows the domain of long names, where the original puts a tail in place of their end", () => {
    const rows = tunnel(200, 180);
    const [record] = play(dnstunnel, rows).out["alerts"]!;
    expect(record!["TUNNEL_DOMAIN"]).toBe("example.com");
    const [original] = play(dnstunnel, rows, { params: { compat: "nemea" } }).out["alerts"]!;
    expect(original!["TUNNEL_DOMAIN"]).toEndWith(".t.example.max_length_domain");
  });

  test("dnstunnel is not misled by ordinary names of the same client", () => {
    const mixed = tunnel(60).flatMap((row, i) =>
      [row].concat(Array.from({ length: 20 }, (_, k) => query(i, `www${k}.example-${k}.org`))),
    );
    expect(observed(mixed)[0]).toBeGreaterThanOrEqual(2500);
  });

  test("dnstunnel counts queries of a flow that are as long as in a tunnel, though it has one name", () => {
    const name = `${noise(1, 56, HEX)}.example.org`;
    const flow = (octets: number): Row => query(0, name, { PACKETS: 200, BYTES: octets });
    expect(observed([flow(200 * 240)])).toEqual([34_284]);
    // All of them for that name, with and without EDNS; short ones.
    for (const each of [114, 125, 145]) expect(observed([flow(200 * each)])).toEqual([]);
    expect(observed([flow(200 * 75)])).toEqual([]);
  });

  test("dnstunnel takes the packets of the side that asked", () => {
    const name = `${noise(1, 56, HEX)}.example.org`;
    const turned = query(0, name, {
      SRC_IP: "192.0.2.53",
      DST_IP: "10.0.0.1",
      SRC_PORT: 53,
      DST_PORT: 40_000,
      PACKETS_REV: 200,
      BYTES_REV: 200 * 240,
    });
    expect(alertsOf([turned])[0]!.source.ip).toBe("10.0.0.1");
  });

  test("dnstunnel finds data in answers of texts, names and unknown types", () => {
    const kinds: readonly (readonly [number, (i: number) => string, number])[] = [
      [16, (i) => noise(i, 80), 5],
      [5, (i) => `${noise(i, 60)}.${noise(i + 1, 30)}.example.com`, 6],
      [15, (i) => `10 ${noise(i, 60)}.${noise(i + 1, 30)}.example.com`, 7],
      [2, (i) => `${noise(i, 60)}.${noise(i + 1, 30)}.example.com`, 8],
      [10, (i) => `\\# 90 ${noise(i, 180, HEX)}`, 9],
      [65_399, (i) => `\\# 90 ${noise(i, 180, HEX)}`, 9],
    ];
    for (const [type, answer, told] of kinds) {
      const rows = Array.from({ length: 60 }, (_, i) =>
        response(i, answer(i), { DNS_QTYPE: type }),
      );
      const { out, alerts } = play(dnstunnel, rows);
      expect(alerts[0]).toMatchObject({ rule: 9_000_081, source: { ip: "10.0.0.1" } });
      expect(out["alerts"]![0]).toMatchObject({ TUNNEL_TYPE: told });
    }
  });

  test("dnstunnel keeps quiet about answers that say the same, are words, or addresses", () => {
    const spf = (i: number): string =>
      `v=spf1 include:mail-${i}.example.com include:office.example.com -all`;
    const rows = [
      ...Array.from({ length: 200 }, (_, i) => response(i, noise(i % 5, 200))),
      ...Array.from({ length: 200 }, (_, i) => response(i, spf(i), { DNS_NAME: "b.example.org" })),
      ...Array.from({ length: 200 }, (_, i) =>
        response(i, noise(i, 200), { DNS_NAME: "c.example.net", DNS_QTYPE: 28 }),
      ),
    ];
    expect(alertsOf(rows)).toEqual([]);
  });

  test("dnstunnel tells of a single encoded name with characters of no host, once", () => {
    const name = `${noise(1, 50, `${BASE32}*=`)}=.test.example.com`;
    const alerts = alertsOf([query(0, name), query(1, name)]);
    expect(alerts.map(({ rule, severity, update }) => [rule, severity, update])).toEqual([
      [9_000_082, 2, 0],
      [9_000_082, 2, 1],
    ]);
    expect(
      alertsOf([
        query(0, "office\\032printer\\032of\\032the\\032second\\032floor._ipp._tcp.example.com"),
      ]),
    ).toEqual([]);
    expect(alertsOf([query(0, `${noise(1, 60)}.example.com`)])).toEqual([]);
  });

  test("dnstunnel counts an escaped byte as one and keeps its text out of the reason", () => {
    const name = (i: number): string =>
      `${noise(i, 20)}${"\\200\\007\\255".repeat(15)}.x\\010y.example.com`;
    const alerts = alertsOf(Array.from({ length: 40 }, (_, i) => query(i, name(i))));
    expect(alerts.find(({ rule }) => rule === 9_000_080)!.observed).toBe(2516);
    const raw = alertsOf(
      tunnel(60).map((row) => ({
        ...row,
        DNS_NAME: String(row["DNS_NAME"]).replace("example", "ex\u0007\nple"),
      })),
    );
    expect(raw[0]!.reason).toContain("below ex\\007\\010ple.com");
  });

  test("dnstunnel leaves queries of the link alone and reads nothing into malformed names", () => {
    expect(alertsOf(tunnel(100, 90, { DST_PORT: 5355 }))).toEqual([]);
    for (const name of [
      "",
      ".",
      "..",
      "\\",
      "....................",
      `${"\\".repeat(40)}`,
      `${".".repeat(60)}com`,
    ])
      expect(alertsOf(Array.from({ length: 50 }, (_, i) => query(i, name)))).toEqual([]);
  });

  test("dnstunnel counts anew when the window is over, but not while an event is open", () => {
    const slow = tunnel(100, 30).map((row, i) => ({
      ...row,
      ...query(i * 100, String(row["DNS_NAME"])),
    }));
    expect(alertsOf(slow)).toEqual([]);
    expect(alertsOf(slow, { window: 86_400 }).length).toBeGreaterThan(0);
    const fast = [
      ...tunnel(100, 30),
      ...later(tunnel(100, 31), 300),
      ...later(tunnel(100, 32), 700),
    ];
    const events = new Set(alertsOf(fast, { window: 200 }).map(({ id }) => id));
    expect(events.size).toBe(1);
  });
});

describe("dnstunnel, compat nemea:", () => {
  const nemea = (rows: readonly Row[], params = {}): Row[] =>
    play(dnstunnel, rows, { params: { compat: "nemea", ...params } }).out["alerts"]!;

  test("dnstunnel goes on with the EVENT_ID of its file and keeps the next one there", () => {
    const file = join(folder, "event");
    const ids = (): unknown[] =>
      nemea(tunnel(200, 100), { eventFile: file }).map((row) => row["EVENT_ID"]);
    expect([ids(), readFileSync(file, "utf8")]).toEqual([[0], "1\n"]);
    expect([ids(), readFileSync(file, "utf8")]).toEqual([[1], "2\n"]);
    writeFileSync(file, "nonsense");
    expect(ids()).toEqual([0]);
  });

  test("dnstunnel finds few names that are asked for very often, as the original does", () => {
    const few = Array.from({ length: 60 }, (_, i) =>
      query(i, "pizza.example.com", { BYTES: 63, DNS_QTYPE: 255 }),
    );
    const paced = (rows: readonly Row[]): string => {
      const lines = rows.map(
        (row, i) =>
          `2024-01-01T00:0${Math.floor(i / 20) * 2}:00.000,10.0.0.1,192.0.2.53,${row["BYTES"]},2024-01-01T00:00:00.000,2024-01-01T00:00:00.000,53,255,${row["DNS_NAME"]},`,
      );
      return [
        "time,ipaddr SRC_IP,ipaddr DST_IP,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint16 DST_PORT,uint16 DNS_QTYPE,string DNS_NAME,bytes DNS_RDATA",
        ...lines,
      ].join("\n");
    };
    const params = { compat: "nemea", requestsMin: "10,150", once: "0.9,0.2" };
    const { out } = runText(dnstunnel, paced(few), { params });
    expect(out["alerts"]).toMatchObject([
      { TUNNEL_TYPE: 2, TUNNEL_DOMAIN: "pizza.example.com", EVENT_ID: 0 },
      { TUNNEL_TYPE: 2, TUNNEL_DOMAIN: "pizza.example.com", EVENT_ID: 0 },
    ]);
  });

  test("dnstunnel orders a capture for a host with tunnels in both directions", () => {
    const both = [
      ...tunnel(200, 100),
      ...Array.from({ length: 60 }, (_, i) => response(i, noise(i, 200, `${BASE32}0189`))),
    ];
    const { out } = play(dnstunnel, both, { params: { compat: "nemea" } });
    expect(out["alerts"]!.map((row) => row["TUNNEL_TYPE"])).toEqual([1, 5]);
    expect(out["sdm"]).toEqual([
      {
        SRC_IP: "10.0.0.1",
        PACKETS: 1000,
        TIMEOUT: 300,
        SDM_CAPTURE_FILE_ID: "tunnel_detection_0",
      },
    ]);
  });

  test("dnstunnel refuses lists of numbers that are none", () => {
    expect(() => nemea(tunnel(1), { letters: "25" })).toThrow("letters: expected 2 numbers");
    expect(() => nemea(tunnel(1), { requestSizes: "1,2,x,4" })).toThrow("requestSizes");
  });
});
