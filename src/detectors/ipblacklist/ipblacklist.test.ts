// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { sharedPath } from "../../core/testing/shared.ts";
import { ListFolder } from "../../core/threat-list/testing/list-folder.ts";
import { parseTemplate } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import ipblacklist from "./index.ts";

const START = 1_704_067_200 * SECOND;
const folder = new ListFolder();
afterAll(() => folder.remove());

const v4File = folder.write("ip4.blist", "10.128.0.0/9,4", "198.51.100.0/24,1", "203.0.113.7,1");

/** A flow of 10.0.0.5 with a listed server, one a minute. */
const flow = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.5",
  DST_IP: "203.0.113.7",
  SRC_PORT: 40_000 + i,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 5,
  PACKETS_REV: 4,
  BYTES: 500,
  BYTES_REV: 1500,
  TIME_FIRST: START + i * 60 * SECOND,
  TIME_LAST: START + (i * 60 + 1) * SECOND,
  ...more,
});
const flows = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => flow(i, more));

testDetector(ipblacklist, {
  alert: flows(9),
  quiet: [
    ...flows(9, { DST_IP: "203.0.113.8" }),
    ...flows(9, { DST_IP: "198.51.101.1", SRC_IP: "10.127.255.255" }),
    ...flows(9, { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::cb00:7107" }),
  ],
  // Hosts of a listed network, one flow each: an event would take two.
  other: (i) => flow(0, { DST_IP: `10.${128 + (i >>> 14)}.${(i >>> 7) & 127}.${i & 127}` }),
  params: { v4File, flowsMin: 2 },
  small: { contactsMax: 16 },
  evicted: "contacts_evicted",
  stateMax: 8_000_000,
  compat: {
    // Nothing is remembered, so nothing has to make room: a counter that is never 0 stands in.
    other: (i) => flow(0, { DST_IP: `192.0.2.${i & 255}` }),
    evicted: "list_entries",
  },
});

const config = sharedPath("golden/detectors/ipblacklist/conf.xml");
const golden = (item: string, more: Row = {}): [string, Row] => [item, { config, ...more }];
testGolden(
  "ipblacklist",
  ipblacklist,
  Object.fromEntries([
    golden("basic"),
    golden("ipv6_nonoctet_prefix"),
    golden("nested_prefix_miss"),
    golden("nested_prefix_miss2"),
    golden("ports_errno_patched", { portsLeak: true }),
    golden("ports_leak"),
    golden("stale_other_side"),
  ]),
  { excluded: { ports_errno_patched: "recorded from a patched binary" } },
);

describe("ipblacklist", () => {
  const at = (seconds: number): Row => ({
    TIME_FIRST: START + seconds * SECOND,
    TIME_LAST: START + seconds * SECOND,
  });
  const alertsOf = (rows: readonly Row[], params = {}) =>
    play(ipblacklist, rows, { params }).alerts;
  /** Bitmaps of both sides in the first record. */
  const bitmaps = (row: Row, params: Row): unknown => {
    const [first] = play(ipblacklist, [row], { params }).out["alerts"]!;
    return first && [first["SRC_BLACKLIST"], first["DST_BLACKLIST"]];
  };
  const uniflow = parseTemplate(
    "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint32 PACKETS,uint64 BYTES,time TIME_FIRST,time TIME_LAST",
    "uniflow",
  );
  const withoutReverse = ({ PACKETS_REV: _, BYTES_REV: __, ...row }: Row): Row => row;

  const c2 = folder.write("c2.txt", "203.0.113.7", "198.51.100.0/24");
  const scanners = folder.write("scanners.txt", "198.51.100.7", "2001:db8:bad::/36");
  const lists = `c2=${c2};severity=9,scanners=${scanners};severity=4`;

  test("ipblacklist names host, address, list, ports and sums of contact to a listed address", () => {
    const rows = [...flows(2), flow(2, { SRC_IP: "10.0.0.6", DST_PORT: 8443 }), flow(3)];
    const { alerts, out } = play(ipblacklist, rows, { params: { lists, flowsMin: 4 } });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_100,
      title: "Contact with a listed address",
      key: "ipblacklist:*>203.0.113.7 c2",
      reason:
        "2 hosts (10.0.0.5, 10.0.0.6) contacted 203.0.113.7, which is on the list c2: 4 flows, ports 443, 8443 (limit 4)",
      severity: 9,
      observed: 4,
      threshold: 4,
      flows: 4,
      packets: 36,
      bytes: 8000,
      source: { count: 2 },
      target: { ip: "203.0.113.7", port: 443 },
    });
    expect(alerts[0]!.evidence).toHaveLength(4);
    expect(out["alerts"]).toEqual([
      {
        SRC_IP: "10.0.0.5",
        DST_IP: "203.0.113.7",
        SRC_PORT: 0,
        DST_PORT: 443,
        PROTOCOL: 6,
        PACKETS: 36,
        BYTES: 8000,
        TIME_FIRST: START,
        TIME_LAST: START + 181 * SECOND,
        SRC_BLACKLIST: 0,
        DST_BLACKLIST: 1,
        ADAPTIVE_IDS: "",
      },
    ]);
  });

  test("ipblacklist tells contact from a listed address, and whether anybody answered it", () => {
    const scan = (more: Row): Row[] =>
      flows(3, { SRC_IP: "198.51.100.7", DST_IP: "10.0.0.5", DST_PORT: 22, ...more });
    const of = (more: Row): unknown[] =>
      alertsOf(scan(more), { lists, flowsMin: 3 }).map(
        ({ rule, severity, source, target, reason }) => [
          rule,
          severity,
          source.ip,
          target.port,
          reason.slice(reason.indexOf("list ")),
        ],
      );
    expect(of({ PACKETS_REV: 0, BYTES_REV: 0 })).toEqual([
      [
        9_000_101,
        3,
        "198.51.100.7",
        22,
        "list c2, contacted 10.0.0.5: 3 flows, port 22 (limit 3), 0 of them answered",
      ],
      [
        9_000_101,
        3,
        "198.51.100.7",
        22,
        "list scanners, contacted 10.0.0.5: 3 flows, port 22 (limit 3), 0 of them answered",
      ],
    ]);
    expect(of({}).map((row) => (row as unknown[])[1])).toEqual([7, 2]);
  });

  test("ipblacklist takes the lower port of a uniflow as the one that was called", () => {
    const answer = { SRC_IP: "203.0.113.7", SRC_PORT: 443, DST_IP: "10.0.0.5", DST_PORT: 40_000 };
    const rows = [flow(0), flow(0, answer)].map(withoutReverse);
    const { alerts } = play(ipblacklist, rows, { params: { lists, flowsMin: 2 }, layout: uniflow });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ rule: 9_000_100, observed: 2, source: { ip: "10.0.0.5" } });
    const inbound = [flow(0, { ...answer, SRC_PORT: 40_000, DST_PORT: 443 })].map(withoutReverse);
    const other = play(ipblacklist, inbound, { params: { lists }, layout: uniflow });
    expect(other.alerts).toMatchObject([{ rule: 9_000_101, target: { port: 443 } }]);
  });

  test("ipblacklist looks both sides up in every flow, and never keeps what it found of another", () => {
    // The original's record keeps the bitmap of the side that it did not look up.
    const rows = [
      flow(0),
      flow(1, { SRC_IP: "198.51.100.77", DST_IP: "10.0.0.5" }),
      flow(2, { DST_IP: "198.51.100.7" }),
      flow(3, { SRC_IP: "203.0.113.7", DST_IP: "198.51.100.7" }),
    ];
    const records = play(ipblacklist, rows, { params: { lists } }).out["alerts"]!;
    const found = records.map(({ SRC_BLACKLIST, DST_BLACKLIST }) => [SRC_BLACKLIST, DST_BLACKLIST]);
    // One record for each list that the address is on; the last flow is news for three events.
    const [source, target, both] = [
      [1, 0],
      [0, 3],
      [1, 3],
    ];
    expect(found).toEqual([[0, 1], source, target, target, both, both, both]);
  });

  test("ipblacklist finds every prefix that covers an address, where the original's search misses some", () => {
    const nested = folder.write(
      "nested.blist",
      "100.64.0.0/10,16",
      "100.64.5.5,32",
      "101.0.0.0/8,256",
      "101.1.0.0/16,512",
      "101.2.0.0/16,1024",
    );
    const found = (address: string) => bitmaps(flow(0, { DST_IP: address }), { v4File: nested });
    expect(found("100.64.5.5")).toEqual([0, 48]);
    expect(found("100.127.1.1")).toEqual([0, 16]);
    expect(found("101.3.0.1")).toEqual([0, 256]);
    expect(found("101.1.0.1")).toEqual([0, 768]);
    expect(found("102.0.0.1")).toBeUndefined();
  });

  test("ipblacklist matches IPv6 prefixes of any length", () => {
    const v6File = folder.write("ip6.blist", "2a00:1450:4000:0000:0000:0000:0000:0000/36,128");
    const found = (address: string) =>
      bitmaps(flow(0, { SRC_IP: "2001:db8::9", DST_IP: address }), { v6File });
    expect(found("2a00:1450:4000::1")).toEqual([0, 128]);
    expect(found("2a00:1450:4fff::1")).toEqual([0, 128]);
    expect(found("2a00:1450:5000::1")).toBeUndefined();
  });

  test("ipblacklist honours the ports of a line, for their list and that line alone", () => {
    const ports = folder.write(
      "ports.blist",
      "192.0.2.200,3;1:8080;2:22,443",
      "192.0.2.201,4",
      "192.0.2.202,8;4:1",
    );
    const found = (host: number, port: number) =>
      bitmaps(flow(0, { DST_IP: `192.0.2.${host}`, DST_PORT: port }), { v4File: ports });
    expect([found(200, 8080), found(200, 443), found(200, 80)]).toEqual([
      [0, 1],
      [0, 2],
      undefined,
    ]);
    expect([found(201, 443), found(201, 8080)]).toEqual([
      [0, 4],
      [0, 4],
    ]);
    expect([found(202, 443), found(202, 1)]).toEqual([undefined, [0, 8]]);
  });

  test("ipblacklist looks up DNS traffic too, and takes 999 for the bitmap that it is", () => {
    const file = folder.write("all.blist", "203.0.113.7,999", "203.0.113.8,999,some-id");
    expect(bitmaps(flow(0, { DST_PORT: 53, PROTOCOL: 17 }), { v4File: file })).toEqual([0, 999]);
    expect(bitmaps(flow(0, { DST_IP: "203.0.113.8" }), { v4File: file })).toBeUndefined();
  });

  test("ipblacklist updates an event at doublings, not sooner than the interval, and closes it", () => {
    const seen = (rows: readonly Row[], params = {}) =>
      alertsOf(rows, { lists, ...params }).map(({ state, observed }) => [state, observed]);
    const fast = Array.from({ length: 100 }, (_, i) => flow(0, at(i)));
    expect(seen(fast, { updateInterval: 0 }).map(([, flows]) => flows)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 100,
    ]);
    expect(seen(fast)).toEqual([
      ["open", 1],
      ["open", 61],
      ["open", 100],
    ]);
    const { alerts } = play(ipblacklist, [...fast, flow(0, { DST_IP: "192.0.2.1", ...at(9999) })], {
      params: { lists },
    });
    expect(alerts.at(-1)).toMatchObject({ state: "closed", observed: 100, update: 2 });
    expect(alerts.at(-1)!.detectTime).toBe(START + (99 + 3600) * SECOND);
  });

  test("ipblacklist opens so many events in a minute, and those that it held with a later flow", () => {
    const forged = Array.from({ length: 50 }, (_, i) =>
      flow(0, { SRC_IP: `198.51.100.${i}`, DST_IP: "10.0.0.5", ...at(0) }),
    );
    const params = { lists: `c2=${c2}`, opensMax: 10 };
    const { alerts, runner } = play(ipblacklist, forged, { params });
    expect([alerts.length, runner.counters.get("events_held")]).toEqual([10, 40]);
    const again = forged.map((row) => ({ ...row, ...at(60) })).slice(45);
    expect(play(ipblacklist, [...forged, ...again], { params }).alerts).toHaveLength(15);
  });

  test("ipblacklist names eight hosts and ports, and says that there are more", () => {
    const rows = Array.from({ length: 20 }, (_, i) =>
      flow(i, { SRC_IP: `10.0.0.${i}`, DST_PORT: 1000 + i }),
    );
    const [alert] = alertsOf(rows, { lists, flowsMin: 20 });
    expect(alert!.reason).toContain("more than 8 hosts (10.0.0.0, 10.0.0.1, ");
    expect(alert!.reason).toContain("1006, 1007 and others (limit 20)");
    expect(alert!.source).toEqual({ count: 8 });
  });

  test("ipblacklist takes a new list in the middle of a stream, when asked and by itself", () => {
    const path = folder.write("swap.txt", "192.0.2.1");
    const played = new Play(ipblacklist, { params: { lists: path } }).rows([flow(0)]);
    folder.write("swap.txt", "203.0.113.7");
    played.runner.ask();
    expect(played.rows([flow(1)]).outcome().alerts).toMatchObject([{ observed: 1 }]);
    folder.write("swap.txt", "192.0.2.9");
    for (let second = 100; second < 115; second++) played.advance(START + second * SECOND);
    played.rows([flow(2), flow(3, { DST_IP: "192.0.2.9" })]);
    const { alerts } = played.end();
    expect(alerts.map(({ target, observed }) => [target.ip, observed])).toEqual([
      ["203.0.113.7", 1],
      ["192.0.2.9", 1],
    ]);
  });

  test("ipblacklist without lists looks nothing up, and its counters say so", () => {
    const { alerts, runner } = play(ipblacklist, flows(9));
    expect(alerts).toEqual([]);
    expect(runner.counters.snapshot()).toMatchObject({ lists: 0, list_entries: 0 });
  });

  test("ipblacklist takes no state back that was kept with other lists", () => {
    const former = new Play(ipblacklist, { params: { lists } }).rows([flow(0)]);
    const saved = former.runner.state.save();
    const restore = (text: string): boolean =>
      new Play(ipblacklist, { params: { lists: text } }).runner.state.restore(saved);
    expect([restore(lists), restore(`scanners=${scanners},c2=${c2}`)]).toEqual([true, false]);
  });

  test("ipblacklist in compat mode finds nothing without a file, and says which it cannot read", () => {
    const start = (params: Row) =>
      play(ipblacklist, flows(2), { params: { compat: "nemea", ...params } });
    expect(start({}).alerts).toEqual([]);
    const none = `${folder.path}/none`;
    expect(() => start({ v4File: none })).toThrow(`blacklist ${none}: ENOENT`);
    // Without the file of IPv6 it goes on.
    expect(start({ v4File, v6File: none }).alerts).toHaveLength(2);
  });
});
