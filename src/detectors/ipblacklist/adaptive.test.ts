// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { Play, play, said } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { ListFolder } from "../../core/threat-list/testing/list-folder.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { basic } from "./fields.ts";
import ipblacklist from "./index.ts";

const START = 1_704_067_200 * SECOND;
const A = 1;
const AAAA = 28;
const folder = new ListFolder();
afterAll(() => folder.remove());
const names = folder.write("names.txt", "evil.example", "bad.test");
const domains = `c2names=${names};severity=9`;

const at = (seconds: number) => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
/** 10.0.0.5 asks for a name, and has this answer. */
const answer = (seconds: number, address: string, name = "evil.example", more: Row = {}): Row => ({
  SRC_IP: "10.0.0.5",
  DST_IP: "10.0.0.53",
  SRC_PORT: 40_000,
  DST_PORT: 53,
  PROTOCOL: 17,
  PACKETS: 1,
  PACKETS_REV: 1,
  BYTES: 60,
  BYTES_REV: 90,
  DNS_NAME: name,
  DNS_QTYPE: address.includes(":") ? AAAA : A,
  DNS_RR_TTL: 60,
  DNS_RDATA: Buffer.from(address),
  ...at(seconds),
  ...more,
});
const contact = (seconds: number, address: string, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.5",
  DST_IP: address,
  SRC_PORT: 41_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 5,
  PACKETS_REV: 4,
  BYTES: 500,
  BYTES_REV: 1500,
  ...at(seconds),
  ...more,
});
const run = (rows: readonly Row[], params: Row = {}) =>
  play(ipblacklist, rows, { params: { domains, ...params } });
const alertsOf = (rows: readonly Row[], params: Row = {}) => run(rows, params).alerts;
const C2 = "203.0.113.7";

describe("ipblacklist", () => {
  test("ipblacklist tells of contact with an address that a listed name resolved to, and by which answer", () => {
    const { alerts, out } = run([answer(0, C2), contact(12, C2)]);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_102,
      title: "Contact with an address of a listed name",
      key: "ipblacklist:*>203.0.113.7 adaptive",
      reason:
        "10.0.0.5 contacted 203.0.113.7, which listed evil.example (c2names) resolved to 12 s ago: 1 flow, port 443 (limit 1)",
      severity: 9,
      confidence: 0.7,
      techniques: ["T1071", "T1568"],
      observed: 1,
      threshold: 1,
      source: { ip: "10.0.0.5" },
      target: { ip: C2, port: 443 },
    });
    expect(alerts[0]!.evidence).toMatchObject([
      { DST_PORT: 53, DNS_NAME: "evil.example", DNS_QTYPE: A, DNS_RR_TTL: 60 },
      { DST_PORT: 443, DST_IP: C2 },
    ]);
    expect(JSON.parse(JSON.stringify(alerts))).toEqual(alerts);
    expect(out["alerts"]).toMatchObject([
      { ADAPTIVE_IDS: "evil.example", SRC_BLACKLIST: 0, DST_BLACKLIST: 0, DST_IP: C2 },
    ]);
  });

  test("ipblacklist watches addresses of names below a listed one, of either version, and no others", () => {
    const v6 = "2606:4700::7";
    const rows = [
      answer(0, C2, "CC.Evil.Example."),
      answer(1, v6, "bad.test"),
      answer(2, C2, "bad.test"),
      answer(3, "198.51.100.1", "good.example"),
      answer(3, "198.51.100.2", "notevil.example"),
      contact(10, C2),
      contact(11, v6),
      contact(12, "198.51.100.1"),
      contact(12, "198.51.100.2"),
      contact(12, "2606:4700::8"),
    ];
    const ids = run(rows).out["alerts"]!.map(({ DST_IP, ADAPTIVE_IDS }) => [DST_IP, ADAPTIVE_IDS]);
    expect(ids).toEqual([
      [C2, "evil.example,bad.test"],
      [v6, "bad.test"],
    ]);
  });

  test("ipblacklist looks back at flows that are over before the flow with the answer is", () => {
    const rows = [
      contact(-5, C2),
      contact(3, C2),
      contact(4, "198.51.100.1"),
      answer(0, C2),
      contact(8, C2, { SRC_IP: "10.0.0.6" }),
      answer(9, C2),
    ];
    const [first, ...more] = alertsOf(rows, { updateInterval: 0 });
    // That which was over before the answer had nothing to do with it.
    expect(first).toMatchObject({ observed: 1, firstTime: START + 3 * SECOND });
    expect(first!.evidence).toHaveLength(2);
    expect(more).toMatchObject([{ observed: 2, source: { count: 2 } }]);
  });

  test("ipblacklist watches an address for so long, longer where the answer may be kept, at most a day", () => {
    const seen = (ttl: number, seconds: number): number =>
      alertsOf([answer(0, C2, "evil.example", { DNS_RR_TTL: ttl }), contact(seconds, C2)]).length;
    expect([seen(60, 600), seen(60, 601)]).toEqual([1, 0]);
    expect([seen(7200, 7200), seen(7200, 7201)]).toEqual([1, 0]);
    expect([seen(0xffff_ffff, 86_400), seen(0xffff_ffff, 86_401)]).toEqual([1, 0]);
    const again = [answer(0, C2), answer(500, C2), contact(1000, C2)];
    expect(alertsOf(again)[0]!.reason).toContain("resolved to 500 s ago");
  });

  test("ipblacklist takes an address with other names for shared, and leaves one out that has many", () => {
    const others = (count: number, seconds = 0): Row[] =>
      Array.from({ length: count }, (_, i) => answer(seconds, C2, `site${i}.example`));
    const seen = (rows: readonly Row[]) => {
      const { alerts, runner } = run([...rows, answer(5, C2), contact(10, C2)]);
      return [alerts[0]?.confidence, runner.counters.get("contacts_shared")];
    };
    expect(seen([])).toEqual([0.7, 0]);
    expect(seen([...others(1), ...others(1)])).toEqual([0.3, 0]);
    expect(seen(others(8))).toEqual([0.3, 0]);
    expect(seen(others(9))).toEqual([undefined, 1]);
    // An hour ago is not lately.
    expect(seen(others(9, -3601))).toEqual([0.7, 0]);
    const [alert] = alertsOf([...others(1), answer(5, C2), contact(10, C2)]);
    expect(alert!.reason).toContain("resolved to 5 s ago, as names do that no list has: ");
  });

  test("ipblacklist watches no address that is no host elsewhere, nor the server that answered", () => {
    const addresses =
      "0.0.0.0 127.0.0.1 10.9.9.9 172.31.0.1 192.168.1.1 169.254.1.1 100.64.0.1 224.0.0.1 ::1 fe80::1";
    const rows = addresses
      .split(" ")
      .flatMap((address) => [answer(0, address), contact(1, address)]);
    const own = { DST_IP: "198.51.100.53" };
    rows.push(answer(0, "198.51.100.53", "evil.example", own), contact(1, "198.51.100.53"));
    expect(alertsOf(rows)).toEqual([]);
  });

  test("ipblacklist counts answers that begin with an alias, and passes over other types and none", () => {
    const { alerts, runner } = run([
      answer(0, "edge.cdn.example"),
      answer(0, C2, "evil.example", { DNS_QTYPE: 16 }),
      answer(0, ""),
      contact(1, C2),
    ]);
    expect([alerts.length, runner.counters.get("answers_unread")]).toEqual([0, 1]);
  });

  test("ipblacklist takes contact from such an address for less than contact to it", () => {
    const inbound = contact(9, "10.0.0.5", { SRC_IP: C2, DST_PORT: 22, PACKETS_REV: 0 });
    expect(alertsOf([answer(0, C2), inbound])).toMatchObject([
      {
        rule: 9_000_102,
        severity: 3,
        source: { ip: C2 },
        target: { ip: "10.0.0.5", port: 22 },
        reason: expect.stringContaining(
          "203.0.113.7, which listed evil.example (c2names) resolved to 9 s ago, contacted 10.0.0.5",
        ),
      },
    ]);
  });

  test("ipblacklist names the lists of an address and the names that led to it in events of their own", () => {
    const lists = folder.write("addresses.txt", C2);
    const alerts = alertsOf([answer(0, C2), contact(1, C2)], { lists });
    expect(alerts.map(({ rule }) => rule)).toEqual([9_000_100, 9_000_102]);
  });

  test("ipblacklist without lists of names, or without DNS in its flows, watches nothing", () => {
    const rows = [answer(0, C2), contact(1, C2)];
    const none = play(ipblacklist, rows, { params: {} });
    expect(none.alerts).toEqual([]);
    const bare = rows.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([field]) => !field.startsWith("DNS_"))),
    );
    const { alerts } = play(ipblacklist, bare, { params: { domains }, layout: basic });
    expect(alerts).toEqual([]);
  });

  test("ipblacklist reserves memory for names only where there are lists of them", () => {
    const bytes = (params: Row): number =>
      new Play(ipblacklist, { params }).runner.state.byteLength;
    expect(bytes({})).toBeLessThan(8_000_000);
    expect(bytes({ domains })).toBeLessThan(18_000_000);
  });

  test("ipblacklist watches so many addresses, and one in contact makes no room for others", () => {
    const flood = (from: number): Row[] =>
      Array.from({ length: 12 }, (_, i) => answer(from + i, `198.51.100.${from + i}`));
    const rows = [answer(0, C2), contact(1, C2), ...flood(2), contact(20, C2), ...flood(21)];
    const { alerts, runner } = run([...rows, contact(40, C2), contact(41, C2)], {
      watchedMax: 16,
      updateInterval: 0,
    });
    expect(alerts.map(({ observed }) => observed)).toEqual([1, 2, 4]);
    expect(runner.counters.get("watched_evicted")).toBe(9);
    // The address had to make room: what is left of the event says so.
    const gone = run(
      [
        answer(0, C2),
        contact(1, C2),
        ...flood(2),
        ...flood(21),
        ...flood(41),
        contact(9000, "198.51.100.250"),
      ],
      { watchedMax: 16 },
    );
    expect(gone.alerts.at(-1)).toMatchObject({
      state: "closed",
      reason: expect.stringContaining("which a listed name resolved to"),
    });
  });

  test("ipblacklist looks back so far, and so often in a second", () => {
    const other = (i: number): Row => contact(1, `198.51.100.${i % 200}`);
    const pushed = [
      contact(1, C2),
      ...Array.from({ length: 16 }, (_, i) => other(i)),
      answer(0, C2),
    ];
    expect(alertsOf(pushed, { recentMax: 16 })).toEqual([]);
    expect(alertsOf(pushed, { recentMax: 17 })).toHaveLength(1);
    const burst = Array.from({ length: 20 }, (_, i) => answer(0, `198.51.100.${i}`));
    const { runner } = run([...burst, answer(1, C2)]);
    expect(runner.counters.get("looks_back_skipped")).toBe(4);
  });

  test("ipblacklist says the same of watched addresses whatever the borders of batches, and after a restart", () => {
    const rows = [
      contact(2, C2),
      answer(0, C2),
      answer(3, C2, "site.example"),
      contact(4, C2),
      answer(5, "198.51.100.1", "bad.test"),
      contact(6, "198.51.100.1"),
      contact(700, C2),
      contact(90_000, "198.51.100.1"),
      contact(200_000, C2),
    ];
    const params = { domains, updateInterval: 0 };
    const whole = said(play(ipblacklist, rows, { params }));
    const cuts = rows.map((_, i) => i);
    expect(said(play(ipblacklist, rows, { params, cuts }))).toEqual(whole);
    for (const at of [1, 3, 5]) {
      const steady = said(play(ipblacklist, rows, { params, cuts: [at - 1] }), { restarted: true });
      const former = new Play(ipblacklist, { params }).rows(rows, { to: at, cuts: [at - 1] });
      const next = new Play(ipblacklist, { params });
      expect(next.runner.state.restore(former.runner.state.save())).toBe(true);
      next.rows(rows, { from: at }).advance(START + 200_000 * SECOND);
      expect(said([former.outcome(), next.end()], { restarted: true })).toEqual(steady);
    }
  });

  test("ipblacklist takes new names in the middle of a stream, when asked", () => {
    const path = folder.write("swap.txt", "other.example");
    const played = new Play(ipblacklist, { params: { domains: path } });
    played.rows([answer(0, C2), contact(1, C2)]);
    folder.write("swap.txt", "evil.example");
    played.runner.ask();
    expect(played.rows([answer(2, C2), contact(3, C2)]).end().alerts).toHaveLength(1);
    expect(() => new Play(ipblacklist, { params: { domains: "a=;x=1" } })).toThrow(
      "domains: lists:",
    );
  });
});
