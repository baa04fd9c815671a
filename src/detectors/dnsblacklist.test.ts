// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { testDetector } from "../core/testing/detector-kit.ts";
import { testGolden } from "../core/testing/golden.ts";
import { Play, play } from "../core/testing/play.ts";
import type { Row } from "../core/testing/run-module.ts";
import { sharedPath } from "../core/testing/shared.ts";
import { ListFolder } from "../core/threat-list/testing/list-folder.ts";
import { SECOND } from "../core/unirec/time.ts";
import dnsblacklist from "./dnsblacklist.ts";

const START = 1_704_067_200 * SECOND;
const folder = new ListFolder();
afterAll(() => folder.remove());

folder.write("dns.blist", "evil.example\\1", "bad.test\\6", "a.b.c.deep.example\\2");
const config = folder.write(
  "conf.xml",
  '<configuration><struct name="main struct">',
  `<element name="blacklist_file">${folder.path}/dns.blist</element>`,
  "</struct></configuration>",
);

/** A look-up by 10.0.0.5, one a minute. */
const query = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.5",
  DST_IP: "192.0.2.53",
  SRC_PORT: 40_000 + i,
  DST_PORT: 53,
  PROTOCOL: 17,
  PACKETS: 1,
  PACKETS_REV: 1,
  BYTES: 60,
  BYTES_REV: 90,
  DNS_NAME: "evil.example",
  DNS_QTYPE: 1,
  TIME_FIRST: START + i * 60 * SECOND,
  TIME_LAST: START + (i * 60 + 1) * SECOND,
  ...more,
});
const queries = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => query(i, more));

testDetector(dnsblacklist, {
  alert: queries(9),
  quiet: ["xevil.example", "evil.example.org", "example", "deep.example", ""].flatMap((name) =>
    queries(9, { DNS_NAME: name }),
  ),
  // Hosts that ask once: an event would take two.
  other: (i) => query(0, { SRC_IP: `10.1.${i >>> 8}.${i & 255}` }),
  params: { config, flowsMin: 2 },
  small: { contactsMax: 16 },
  evicted: "contacts_evicted",
  stateMax: 12_000_000,
  compat: {
    // Nothing is remembered, so nothing has to make room: a counter that is never 0 stands in.
    other: (i) => query(0, { DNS_NAME: `host${i}.example` }),
    evicted: "list_entries",
  },
});

testGolden("dnsblacklist", dnsblacklist, {
  basic: { config: sharedPath("golden/detectors/dnsblacklist/conf.xml") },
});

describe("dnsblacklist", () => {
  const botnet = folder.write("botnet.txt", "evil.example", "c2.Test.");
  const phish = folder.write("phish.txt", "login.evil.example");
  const lists = `botnet=${botnet};severity=9,phish=${phish};severity=5`;
  const found = (name: string, more: Row = {}) =>
    play(dnsblacklist, [query(0, { DNS_NAME: name, ...more })], { params: { lists } });

  test("dnsblacklist names host, listed name, list and sums, and shows what was asked", () => {
    const rows = [...queries(2), query(2, { DNS_NAME: "a.b.EVIL.example", DNS_RCODE: 3 })];
    const { alerts, out } = play(dnsblacklist, rows, { params: { lists, flowsMin: 3 } });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_110,
      title: "Look-up of a listed name",
      key: "dnsblacklist:10.0.0.5>evil.example",
      reason: "10.0.0.5 looked up evil.example, which is on the list botnet: 3 flows (limit 3)",
      severity: 9,
      observed: 3,
      threshold: 3,
      packets: 6,
      bytes: 450,
      source: { ip: "10.0.0.5" },
      target: { ip: "192.0.2.53", port: 53 },
    });
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({
      DNS_NAME: "a.b.EVIL.example",
      DNS_RCODE: 3,
    });
    expect(out["alerts"]).toMatchObject([
      {
        SRC_IP: "10.0.0.5",
        DST_IP: "192.0.2.53",
        BLACKLIST: 1,
        DNS_NAME: "evil.example",
        PACKETS: 6,
      },
    ]);
  });

  test.each([
    "evil.example",
    "WWW.evil.example",
    "EVIL.Example",
    "sub.evil.example",
    "evil.example.",
    "C2.test",
  ])("dnsblacklist finds %s, whatever its case, dots and labels", (name) => {
    expect(found(name).alerts).toHaveLength(1);
  });

  test.each(["xevil.example", "evil.example.org", "example", "good.example", "", "."])(
    "dnsblacklist keeps quiet about %p",
    (name) => {
      expect(found(name).alerts).toEqual([]);
    },
  );

  test("dnsblacklist joins the lists of a name and of those it is below, under the longest", () => {
    const { alerts, out } = found("www.login.evil.example");
    expect(alerts).toMatchObject([
      {
        key: "dnsblacklist:10.0.0.5>login.evil.example",
        severity: 9,
        reason: expect.stringContaining("on the list botnet, phish"),
      },
    ]);
    expect(out["alerts"]).toMatchObject([{ BLACKLIST: 3 }]);
  });

  test("dnsblacklist takes the side that is not at port 53 for the host that asked", () => {
    const answer = { SRC_IP: "192.0.2.53", SRC_PORT: 53, DST_IP: "10.0.0.5", DST_PORT: 40_000 };
    expect(found("evil.example", answer).alerts).toMatchObject([
      { source: { ip: "10.0.0.5" }, target: { ip: "192.0.2.53" } },
    ]);
    expect(found("evil.example", { SRC_PORT: 53 }).alerts).toMatchObject([
      { source: { ip: "10.0.0.5" } },
    ]);
  });

  test("dnsblacklist keeps hosts and names apart, and updates the event of each", () => {
    const rows = [0, 1, 2].flatMap((i) => [
      query(i),
      query(i, { SRC_IP: "10.0.0.6" }),
      query(i, { DNS_NAME: "c2.test" }),
    ]);
    const { alerts } = play(dnsblacklist, rows, { params: { lists } });
    expect(new Set(alerts.map(({ key }) => key)).size).toBe(3);
    expect(alerts.filter(({ update }) => update === 0)).toHaveLength(3);
  });

  test("dnsblacklist takes a new list in the middle of a stream", () => {
    const path = folder.write("swap.txt", "other.example");
    const played = new Play(dnsblacklist, { params: { lists: path } }).rows([query(0)]);
    folder.write("swap.txt", "evil.example");
    played.runner.ask();
    expect(played.rows([query(1)]).end().alerts).toMatchObject([{ observed: 1 }]);
  });

  test("dnsblacklist without lists looks nothing up, and its counters say so", () => {
    const { alerts, runner } = play(dnsblacklist, queries(9));
    expect([alerts, runner.counters.get("lists")]).toEqual([[], 0]);
  });

  test("dnsblacklist in compat mode misses what the original misses, and without a file all", () => {
    const names = ["WWW.evil.example", "sub.evil.example", "evil.example.", "www.evil.example"];
    const rows = names.map((name, i) => query(i, { DNS_NAME: name }));
    const { out } = play(dnsblacklist, rows, { params: { compat: "nemea", config } });
    expect(out["alerts"]!.map(({ DNS_NAME }) => DNS_NAME)).toEqual(["www.evil.example"]);
    expect(play(dnsblacklist, rows, { params: { compat: "nemea" } }).alerts).toEqual([]);
  });
});
