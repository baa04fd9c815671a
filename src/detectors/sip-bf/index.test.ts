// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, type PlayOptions, play } from "../../core/testing/play.ts";
import { type Row, runText } from "../../core/testing/run-module.ts";
import { hasShared, sharedPath } from "../../core/testing/shared.ts";
import { parseTemplate } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import sipBf from "./index.ts";

const START = 1_704_067_200 * SECOND;
const OK = 200;

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
/** The server's refusal of a registration, one each second. */
const refusal = (i: number, more: Row = {}): Row => ({
  SRC_IP: "198.51.100.5",
  DST_IP: "10.0.0.1",
  SRC_PORT: 5060,
  DST_PORT: 5070,
  PROTOCOL: 17,
  LINK_BIT_FIELD: 1,
  SIP_MSG_TYPE: 99,
  SIP_STATUS_CODE: 401,
  SIP_CSEQ: "1 REGISTER",
  SIP_CALLING_PARTY: "sip:100@sip.example.org;tag=1",
  PACKETS: 1,
  ...at(i),
  ...more,
});
const refusals = (count: number, more: Row | ((i: number) => Row) = {}): Row[] =>
  Array.from({ length: count }, (_, i) => refusal(i, typeof more === "function" ? more(i) : more));
const user = (i: number): Row => ({ SIP_CALLING_PARTY: `sip:${1000 + i}@sip.example.org` });
const client = (i: number): Row => ({ DST_IP: `10.0.${i >> 8}.${i & 255}` });
const byTime = (...parts: Row[][]): Row[] =>
  parts.flat().sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));

testDetector(sipBf, {
  alert: refusals(120),
  quiet: byTime(
    refusals(49, { DST_IP: "10.0.0.2" }), // one short of the limit
    refusals(24, (i) => ({ DST_IP: "10.0.0.3", ...user(i) })), // of users
    refusals(40, (i) => ({ ...client(2304 + (i & 3)), SIP_CALLING_PARTY: "sip:200@b" })), // of clients
    refusals(100, (i) => ({ DST_IP: "10.0.0.5", SIP_STATUS_CODE: i & 1 ? OK : 401 })), // logins
    refusals(100, { DST_IP: "10.0.0.6", SIP_STATUS_CODE: 500 }),
    refusals(100, { DST_IP: "10.0.0.7", SIP_STATUS_CODE: 0 }),
    refusals(100, { DST_IP: "10.0.0.8", SIP_CSEQ: "1 SUBSCRIBE" }),
    refusals(100, { DST_IP: "10.0.0.9", SIP_CALLING_PARTY: "sip:192.0.2.1" }),
  ),
  other: (i) =>
    refusal(0, { DST_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`, ...user(i) }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 30_000_000,
  compat: {
    replica: true,
    other: (i) => refusal(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
    evicted: "servers_evicted",
  },
});

const GOLDEN: Record<string, Row> = { fuzz1: { attemptsMin: 20 } };
testGolden("sip_bf", sipBf, GOLDEN);

/** What default mode says of the recorded cases: rules, by their names, and what was counted. */
const DEFAULT: Record<string, readonly (readonly [string, number])[]> = {
  bf_above50: [["guess", 50]],
  bf_below49: [],
  bf_breach: [
    ["guess", 50],
    ["breach", 60],
    ["guess", 61],
  ],
  bf_ceased_by_timer: [
    ["guess", 50],
    ["guess", 55],
  ],
  bf_many_ok_drop: [
    ["guess", 50],
    ["breach", 60],
    ["guess", 60],
  ],
  bf_ok_resets: [],
  dbf_above5: [["distributed", 5]],
  dbf_below4: [],
  dbf_breach: [
    ["distributed", 5],
    ["breach", 5],
    ["distributed", 6],
  ],
  ipv6_same_time: [
    ["guess", 50],
    ["guess", 80],
  ],
  ipv6_varying_time: [
    ["guess", 50],
    ["guess", 80],
  ],
  normal_auth: [],
  scan_above25: [["scan", 25]],
  scan_below24: [],
};
const ruleNames = Object.fromEntries(
  Object.entries(sipBf.rules!).map(([name, { id }]) => [id, name]),
);

describe("sip-bf in default mode:", () => {
  const recorded = test.skipIf(!hasShared("golden/detectors/sip_bf"));
  recorded.each(Object.entries(DEFAULT))(
    "sip-bf says its own of the recorded case %s",
    (item, expected) => {
      const csv = readFileSync(sharedPath("golden/detectors/sip_bf", `${item}.in.csv`), "utf8");
      const { alerts } = runText(sipBf, csv);
      const found = alerts.map(({ rule, observed }) => [ruleNames[rule], observed]);
      expect<unknown>(found).toEqual(expected);
    },
  );

  /** Rule and count of each alert. */
  const told = (rows: readonly Row[], options: PlayOptions = {}) =>
    play(sipBf, rows, options).alerts.map(({ rule, observed }) => [ruleNames[rule], observed]);

  test("sip-bf opens at the limit, updates at doublings and says the end of the stream", () => {
    expect(told(refusals(49))).toEqual([]);
    expect(told(refusals(50))).toEqual([["guess", 50]]);
    expect(told(refusals(230))).toEqual([50, 100, 200, 230].map((count) => ["guess", count]));
    expect(told(refusals(3), { params: { attemptsMin: 3 } })).toEqual([["guess", 3]]);
  });

  test("sip-bf sends the original's record at once, and names what it saw", () => {
    const { out, alerts } = play(sipBf, refusals(50));
    expect(out["alerts"]![0]).toEqual({
      SBFD_SOURCE: "10.0.0.1",
      SBFD_TARGET: "198.51.100.5",
      SBFD_BREACH_TIME: 0,
      SBFD_CEASE_TIME: START + 49 * SECOND,
      SBFD_EVENT_ID: Number(202_401_010_000_000_001n),
      SBFD_EVENT_TIME: START,
      SBFD_LINK_BIT_FIELD: 1,
      TIME_FIRST: START,
      TIME_LAST: START + 49 * SECOND,
      SBFD_ATTEMPTS: 50,
      SBFD_AVG_ATTEMPTS: 50,
      DST_PORT: 5060,
      SRC_PORT: 5070,
      SBFD_EVENT_TYPE: 0,
      SBFD_PROTOCOL: 17,
      SBFD_USER: "100@sip.example.org",
    });
    expect(alerts[0]).toMatchObject({
      rule: 9_000_070,
      reason:
        "10.0.0.1 was refused 50 times as 100@sip.example.org by the SIP server 198.51.100.5 (limit 50)",
      observed: 50,
      threshold: 50,
      source: { ip: "10.0.0.1", port: 5070 },
      target: { ip: "198.51.100.5", port: 5060 },
      state: "open",
    });
    expect(alerts[0]!.evidence).toHaveLength(20);
  });

  test("sip-bf tells of many clients that try one user as one event", () => {
    const rows = refusals(300, (i) => client(i % 10));
    expect(told(rows)).toEqual([
      ["distributed", 5],
      ["distributed", 10],
    ]);
    const { alerts, out } = play(sipBf, rows);
    expect(alerts[1]).toMatchObject({
      reason:
        "10 clients were refused 10 times as 100@sip.example.org by the SIP server 198.51.100.5 (limit 5 clients)",
      source: { count: 10 },
      target: { ip: "198.51.100.5", port: 5060 },
      update: 1,
    });
    expect(out["alerts"]![0]).toMatchObject({
      SBFD_EVENT_TYPE: 1,
      SBFD_SOURCE: "10.0.0.0",
      SRC_PORT: 0,
      SBFD_ATTEMPTS: 5,
      SBFD_AVG_ATTEMPTS: 1,
    });
  });

  test("sip-bf tells of one client that tries many users", () => {
    expect(told(refusals(24, user))).toEqual([]);
    expect(told(refusals(60, user))).toEqual([25, 50, 60].map((count) => ["scan", count]));
    expect(told([...refusals(24, user), ...refusals(24, user)])).toEqual([]);
    const [record] = play(sipBf, refusals(25, user)).out["alerts"]!;
    expect(record).toMatchObject({ SBFD_EVENT_TYPE: 2, SBFD_USER: "", SBFD_SOURCE: "10.0.0.1" });
  });

  test("sip-bf counts whatever refuses, 407 beside 401, and nothing else", () => {
    for (const SIP_STATUS_CODE of [401, 403, 404, 407, 410, 604])
      expect(told(refusals(50, { SIP_STATUS_CODE }))).toEqual([["guess", 50]]);
    for (const SIP_STATUS_CODE of [100, 180, 302, 423, 486, 500, 503])
      expect(told(refusals(50, { SIP_STATUS_CODE }))).toEqual([]);
  });

  test.each(["INVITE", "OPTIONS", "REGISTER"])("sip-bf sees a scan by %s", (method) => {
    const called = (i: number): Row => ({
      SIP_CSEQ: `${i} ${method}`,
      SIP_STATUS_CODE: 404,
      SIP_CALLED_PARTY: `sip:${i}@sip.example.org`,
      ...(method === "REGISTER" ? user(i) : {}),
    });
    expect(told(refusals(25, called))).toEqual([["scan", 25]]);
    // A sender that does not say who is called says who calls.
    const layout = parseTemplate(
      sipBf.inputs.flows.fields
        .flatMap(({ type, name }) => (name === "SIP_CALLED_PARTY" ? [] : [`${type} ${name}`]))
        .join(","),
    );
    const calling = refusals(25, (i) => ({ SIP_CSEQ: `1 ${method}`, ...user(i) }));
    expect(told(calling, { layout })).toEqual([["scan", 25]]);
  });

  test("sip-bf holds nothing against calls that are let through, engaged ones among them", () => {
    const calls = refusals(200, (i) => ({
      SIP_CSEQ: "1 INVITE",
      SIP_CALLED_PARTY: `sip:${i >> 1}@sip.example.org`,
      SIP_STATUS_CODE: i & 1 ? [180, 200, 486][i % 3] : 407,
    }));
    expect(told(calls)).toEqual([]);
  });

  test("sip-bf forgets refusals before a login, which has to be that of the client and the user", () => {
    const login = (more: Row = {}): Row => refusal(49, { SIP_STATUS_CODE: OK, ...more });
    const again = refusals(49).map((row) => ({ ...row, ...at(60) }));
    expect(told([...refusals(49), login(), ...again])).toEqual([]);
    for (const more of [user(5), client(9), { SRC_IP: "198.51.100.6" }, { SIP_CSEQ: "2 OPTIONS" }])
      expect(told([...refusals(49), login(more), ...again]).length).toBeGreaterThan(0);
  });

  test("sip-bf does not count clients and users that have logged in", () => {
    const logins = (count: number, who: (i: number) => Row): Row[] =>
      refusals(count * 2, (i) => ({ ...who(i >> 1), SIP_STATUS_CODE: i & 1 ? OK : 401 }));
    expect(told(logins(100, user))).toEqual([]);
    expect(told(logins(100, client))).toEqual([]);
    const atOnce = [
      ...refusals(24, user),
      ...refusals(24, (i) => ({ ...user(i), SIP_STATUS_CODE: OK })),
    ];
    expect(told([...atOnce, ...refusals(24, (i) => user(i + 50))])).toEqual([]);
  });

  test("sip-bf tells of a login after guessing as an event of its own", () => {
    const rows = [
      ...refusals(60),
      refusal(61, { SIP_STATUS_CODE: OK }),
      refusal(62, { SIP_STATUS_CODE: OK }),
    ];
    const { alerts, out } = play(sipBf, rows);
    expect(alerts.map(({ rule, state }) => [ruleNames[rule], state])).toEqual([
      ["guess", "open"],
      ["breach", "closed"],
      ["guess", "open"],
    ]);
    expect(alerts[1]).toMatchObject({
      severity: 8,
      confidence: 0.7,
      reason:
        "10.0.0.1 was let in as 100@sip.example.org by the SIP server 198.51.100.5 after 60 refusals",
    });
    expect(alerts[1]!.evidence.length).toBeGreaterThan(0);
    expect(out["alerts"]![1]).toMatchObject({ SBFD_BREACH_TIME: START + 61 * SECOND });
  });

  test("sip-bf is less sure of a login where many try one user", () => {
    const rows = [...refusals(10, client), refusal(11, { ...client(3), SIP_STATUS_CODE: OK })];
    const breach = play(sipBf, rows).alerts.find(({ rule }) => ruleNames[rule] === "breach");
    expect(breach).toMatchObject({ confidence: 0.4, source: { ip: "10.0.0.3" } });
    expect(breach!.reason).toEndWith("after 1 refusal, while others were refused as this user");
    expect(breach!.evidence.length).toBeGreaterThan(0);
    // Of a client that was not refused it is the user's own.
    const other = refusal(11, { ...client(99), SIP_STATUS_CODE: OK });
    expect(told([...refusals(10, client), other])).toEqual([
      ["distributed", 5],
      ["distributed", 10],
    ]);
  });

  test("sip-bf closes the event when nobody was refused for the timeout", () => {
    const after = refusal(4000, { ...client(99), ...user(99) });
    for (const rows of [refusals(60), refusals(30, user), refusals(6, client)]) {
      const { alerts } = play(sipBf, [...rows, after]);
      expect(alerts.map(({ state }) => state)).toEqual(["open", "closed"]);
      expect(alerts[1]).toMatchObject({
        id: alerts[0]!.id,
        observed: rows.length,
        detectTime: START + (rows.length - 1 + 1800) * SECOND,
      });
    }
  });

  test("sip-bf sees IPv6, at one time or over time", () => {
    const six = { SRC_IP: "2001:db8::5060", DST_IP: "2001:db8::1" };
    for (const rows of [refusals(50, six), refusals(50, { ...six, ...at(0) })])
      expect(play(sipBf, rows).alerts.map(({ source, target }) => [source.ip, target.ip])).toEqual([
        ["2001:db8::1", "2001:db8::5060"],
      ]);
  });

  /** A registration and its answers as a biflow. */
  const biflow = (more: Row = {}): Row => ({
    SRC_IP: "10.0.0.1",
    DST_IP: "198.51.100.5",
    SRC_PORT: 5070,
    DST_PORT: 5060,
    SIP_MSG_TYPE: 5,
    PACKETS: 2,
    PACKETS_REV: 2,
    ...more,
  });

  test("sip-bf takes a request with its answer, and of UDP each packet of the server for an answer", () => {
    const ends = {
      source: { ip: "10.0.0.1", port: 5070 },
      target: { ip: "198.51.100.5", port: 5060 },
    };
    expect(told(refusals(24, biflow()))).toEqual([]);
    expect(play(sipBf, refusals(25, biflow())).alerts).toMatchObject([{ ...ends, observed: 50 }]);
    expect(told(refusals(1, biflow({ PACKETS_REV: 300 })))).toEqual([["guess", 300]]);
    expect(told(refusals(49, biflow({ PROTOCOL: 6, PACKETS_REV: 300 })))).toEqual([]);
    for (const SIP_MSG_TYPE of [0, 2, 3, 4, 7])
      expect(told(refusals(50, biflow({ SIP_MSG_TYPE })))).toEqual([]);
  });

  test("sip-bf takes a message against the direction of the flow's first", () => {
    const answers = refusals(50, biflow({ SIP_MSG_TYPE: 99, PACKETS: 0, PACKETS_REV: 1 }));
    expect(play(sipBf, answers).alerts).toMatchObject([
      { source: { ip: "10.0.0.1" }, target: { ip: "198.51.100.5" }, observed: 50 },
    ]);
  });

  test("sip-bf shows of a user's name what may be shown", () => {
    const name = `sips:a\u0007"<\u00e9\n${"x".repeat(40)}@example.org?b`;
    const { out, alerts } = play(sipBf, refusals(50, { SIP_CALLING_PARTY: name }));
    const shown = `a?"<???${"x".repeat(40)}@example.org`;
    expect(out["alerts"]![0]!["SBFD_USER"]).toBe(shown);
    expect(alerts[0]!.reason).toContain(` as ${shown} by`);
    for (const none of [
      "",
      "sip:",
      "sip:@x",
      "100@x",
      "sip:100",
      `sip:${"a".repeat(65)}@x`,
      "telephone:1@x",
    ])
      expect(told(refusals(50, { SIP_CALLING_PARTY: none }))).toEqual([]);
  });
});

describe("sip-bf, compat nemea:", () => {
  const records = (rows: readonly Row[], options: PlayOptions = {}) =>
    play(sipBf, rows, { ...options, params: { compat: "nemea", ...options.params } }).out[
      "alerts"
    ]!;

  test("sip-bf waits for the end of an attack, and takes no other refusals and methods", () => {
    expect(records([...refusals(60), refusal(1000)])).toMatchObject([{ SBFD_ATTEMPTS: 61 }]);
    const soon = new Play(sipBf, { params: { compat: "nemea" } }).rows(refusals(60));
    expect(soon.outcome().out["alerts"]).toEqual([]);
    expect(records(refusals(60, { SIP_STATUS_CODE: 407 }))).toEqual([]);
    expect(records(refusals(60, { SIP_CSEQ: "1 INVITE" }))).toEqual([]);
  });

  test("sip-bf holds no more servers, users and clients than it may", () => {
    const servers = refusals(100, (i) => ({ SRC_IP: `192.0.2.${i}` }));
    const params = { compat: "nemea", pairsMax: 16 };
    expect(play(sipBf, servers, { params }).runner.counters.get("servers_evicted")).toBe(84);
    const users = refusals(100, user);
    expect(play(sipBf, users, { params }).runner.counters.get("servers_evicted")).toBeGreaterThan(
      1,
    );
  });
});
