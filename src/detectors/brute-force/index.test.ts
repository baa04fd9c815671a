// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, type PlayOptions, play } from "../../core/testing/play.ts";
import { type Row, runText } from "../../core/testing/run-module.ts";
import { hasShared, sharedPath } from "../../core/testing/shared.ts";
import { parseTemplate } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import bruteForce from "./index.ts";

const START = 1_704_067_200 * SECOND;
const TALKED = 0x1a;
const FIN = 1;

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 1) * SECOND,
});
/** A failed login at SSH as its client's direction shows it, one each ten seconds. */
const guess = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  SRC_PORT: 40_000 + (i % 20_000),
  DST_PORT: 22,
  PROTOCOL: 6,
  TCP_FLAGS: TALKED,
  PACKETS: 15,
  BYTES: 2000,
  ...at(i * 10),
  ...more,
});
const guesses = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => guess(i, more));
/** The server's direction of such logins. */
const refusals = (count: number, more: Row = {}): Row[] =>
  guesses(count).map(({ SRC_IP, DST_IP, SRC_PORT, ...row }) => ({
    ...row,
    SRC_IP: DST_IP,
    DST_IP: SRC_IP,
    SRC_PORT: 22,
    DST_PORT: SRC_PORT,
    ...more,
  }));
const byTime = (...parts: Row[][]): Row[] =>
  parts.flat().sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));

testDetector(bruteForce, {
  alert: guesses(70),
  quiet: byTime(
    guesses(29, { SRC_IP: "10.0.0.2" }), // one short of the limit
    guesses(40, { SRC_IP: "10.0.0.3", PACKETS: 10 }), // too few packets
    guesses(40, { SRC_IP: "10.0.0.4", BYTES: 90_000 }), // a session
    guesses(40, { SRC_IP: "10.0.0.5", TCP_FLAGS: 0x12 }), // nothing said
    guesses(40, { SRC_IP: "10.0.0.6", TCP_FLAGS: 2, PACKETS: 2, BYTES: 100 }), // a scan
    guesses(40, { SRC_IP: "10.0.0.7", DST_PORT: 443 }),
    guesses(40, { SRC_IP: "10.0.0.8", PROTOCOL: 17 }),
  ),
  other: (i) => guess(0, { SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { clientsMax: 16, serversMax: 16 },
  evicted: "clients_evicted",
  stateMax: 32_000_000,
  compat: { replica: true },
});

const SSH = { ssh: true };
const TELNET = { telnet: true };
const WHITELIST = sharedPath("golden/detectors/brute_force/whitelist.wl");
const GOLDEN = {
  fuzz1: { ssh: true, rdp: true, telnet: true },
  rdp_above30: { rdp: true },
  ssh_above30: SSH,
  ssh_attack_timeout: SSH,
  ssh_below29: SSH,
  ssh_both_lists_90pct: SSH,
  ssh_bounds: SSH,
  ssh_continue: SSH,
  ssh_end_of_attack: SSH,
  ssh_out_direction: SSH,
  ssh_out_of_bounds: SSH,
  ssh_ratio_end: SSH,
  ssh_whitelist: { ...SSH, whitelist: WHITELIST },
  telnet_in_above30: TELNET,
  telnet_out_below: TELNET,
  telnet_out_profiled: TELNET,
};
testGolden("brute_force", bruteForce, GOLDEN);

/** What default mode says of the recorded cases: the scales of its alerts. */
const DEFAULT: Partial<Record<keyof typeof GOLDEN, readonly number[]>> = {
  rdp_above30: [30],
  ssh_above30: [30],
  ssh_attack_timeout: [30, 60],
  ssh_below29: [],
  ssh_both_lists_90pct: [30, 60, 100],
  ssh_bounds: [30],
  ssh_continue: [30, 60, 120, 240, 480, 600],
  ssh_end_of_attack: [30, 40],
  ssh_out_direction: [30],
  ssh_out_of_bounds: [],
  ssh_ratio_end: [30, 40],
  ssh_whitelist: [],
  telnet_in_above30: [30],
  telnet_out_below: [],
  telnet_out_profiled: [30, 31],
};

describe("brute-force in default mode:", () => {
  const recorded = test.skipIf(!hasShared("golden/detectors/brute_force"));
  recorded.each(Object.entries(DEFAULT))(
    "brute-force says its own of the recorded case %s",
    (item, scales) => {
      const csv = readFileSync(
        sharedPath("golden/detectors/brute_force", `${item}.in.csv`),
        "utf8",
      );
      const { out } = runText(bruteForce, csv, { params: GOLDEN[item as keyof typeof GOLDEN] });
      expect(out["alerts"]!.map((record) => Number(record["EVENT_SCALE"]))).toEqual([...scales]);
    },
  );

  const scales = (rows: readonly Row[], params = {}): unknown[] =>
    play(bruteForce, rows, { params }).out["alerts"]!.map((record) => record["EVENT_SCALE"]);

  test("brute-force opens at the limit, updates at doublings and says the end of the stream", () => {
    expect(scales(guesses(29))).toEqual([]);
    expect(scales(guesses(30))).toEqual([30]);
    expect(scales(guesses(130))).toEqual([30, 60, 120, 130]);
    expect(scales(guesses(5), { attemptsMin: 5 })).toEqual([5]);
  });

  test("brute-force sends the original's record with the server, and names what it saw", () => {
    const { out, alerts } = play(bruteForce, guesses(30));
    expect(out["alerts"]![0]).toEqual({
      SRC_IP: "10.0.0.1",
      DST_IP: "192.0.2.1",
      DETECTION_TIME: START + 291 * SECOND,
      TIME_FIRST: START,
      TIME_LAST: START + 291 * SECOND,
      EVENT_SCALE: 30,
      DST_PORT: 22,
      PROTOCOL: 6,
      WARDEN_TYPE: 2,
      NOTE: "I:192.0.2.1,O:",
    });
    expect(alerts[0]).toMatchObject({
      rule: 9_000_030,
      key: "brute-force:10.0.0.1>*:ssh",
      reason:
        "30 connections of 10.0.0.1 look like failed SSH logins (limit 30 in 1800 s), to 192.0.2.1 port 22 (30)",
      observed: 30,
      threshold: 30,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1", port: 22 },
      state: "open",
    });
    expect(alerts[0]!.evidence).toHaveLength(16);
  });

  test("brute-force names the servers with their attempts, most first", () => {
    const rows = guesses(60).map((row, i) => ({
      ...row,
      DST_IP: `192.0.2.${i % 3 ? 1 : 2 + (i % 5)}`,
    }));
    const { alerts, out } = play(bruteForce, rows);
    expect(alerts.at(-1)!.reason).toEndWith(
      "to 192.0.2.1 port 22 (40), 192.0.2.2 port 22 (4), 192.0.2.5 port 22 (4), 192.0.2.3 port 22 (4) and 2 more",
    );
    expect(alerts.at(-1)!.target).toEqual({ port: 22, count: 6 });
    expect(out["alerts"]!.at(-1)).toMatchObject({
      DST_IP: "192.0.2.1",
      NOTE: "I:192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5,192.0.2.6,O:",
    });
  });

  test("brute-force keeps its record small and estimates how many servers there were beyond those it names", () => {
    const rows = guesses(4000).map((row, i) => ({
      ...row,
      ...at(i / 10),
      DST_IP: `2001:db8:1111:2222:3333:4444:${i.toString(16)}:1`,
    }));
    const { alerts, out } = play(bruteForce, rows);
    const { count } = alerts.at(-1)!.target;
    expect(Math.abs(count! / 4000 - 1)).toBeLessThan(0.4);
    expect(alerts.at(-1)!.reason).toEndWith(`and about ${count! - 4} more`);
    expect(String(out["alerts"]!.at(-1)!["NOTE"]).length).toBeLessThan(1000);
  });

  test("brute-force closes the event when no attempt has come for the timeout, whatever else the client does", () => {
    const session = guess(0, { BYTES: 90_000, ...at(800) });
    const after = guess(0, { ...at(1000) });
    const other = guess(0, { SRC_IP: "10.9.9.9", ...at(2000) });
    for (const rows of [
      [...guesses(40), other],
      [...guesses(40), session, after],
      [...refusals(40), { ...other, SRC_IP: "10.0.0.7" }],
    ]) {
      const { alerts } = play(bruteForce, rows);
      expect(alerts.map(({ state, observed }) => [state, observed])).toEqual([
        ["open", 30],
        ["closed", 40],
      ]);
      expect(alerts[1]!.id).toBe(alerts[0]!.id);
      expect(alerts[1]!.detectTime).toBe(START + (391 + 600) * SECOND);
    }
  });

  test("brute-force counts what happened within its window only", () => {
    const slow = guesses(60).map((row, i) => ({ ...row, ...at(i * 65) }));
    expect(scales(slow)).toEqual([]);
    expect(scales(slow, { window: 3600 })).toEqual([30, 60]);
  });

  test("brute-force asks for a share of the client's connections", () => {
    const sessions = [guesses(90, { BYTES: 90_000 }), guesses(90, { PACKETS: 400 })];
    expect(scales(byTime(guesses(90), ...sessions))).toEqual([]);
    expect(scales(byTime(guesses(90), ...sessions), { shareMin: 0.3 })).toEqual([30, 60, 90]);
    // As the original, which then misses one whose guesses are refused in between.
    expect(scales(byTime(guesses(90), guesses(80, { PACKETS: 5, BYTES: 300 })))).toEqual([
      30, 60, 90,
    ]);
  });

  test("brute-force counts two records of one connection once", () => {
    const both = byTime(guesses(29), refusals(29));
    expect(scales(both)).toEqual([]);
    const { alerts, out } = play(bruteForce, byTime(guesses(30), refusals(30)));
    expect(alerts.map(({ observed }) => observed)).toEqual([30]);
    expect(alerts[0]!.reason).toEndWith("192.0.2.1 port 22 (30)");
    expect(out["alerts"]![0]!["NOTE"]).toBe("I:192.0.2.1,O:192.0.2.1");
  });

  const BIFLOW = { PACKETS_REV: 14, BYTES_REV: 3000, TCP_FLAGS_REV: TALKED | FIN };

  test("brute-force counts a biflow once, and not where the server said more than when it refuses", () => {
    expect(scales(guesses(30, BIFLOW))).toEqual([30]);
    expect(scales(guesses(30, { ...BIFLOW, BYTES_REV: 50_000 }))).toEqual([]);
    expect(scales(guesses(30, { ...BIFLOW, PACKETS: 400, BYTES: 90_000 }))).toEqual([]);
    const reversed = refusals(30, {
      PACKETS: 14,
      BYTES: 3000,
      PACKETS_REV: 15,
      BYTES_REV: 2000,
      TCP_FLAGS_REV: TALKED,
    });
    expect(play(bruteForce, reversed).alerts[0]!.source).toEqual({ ip: "10.0.0.1" });
  });

  test("brute-force knows a service by what the meter saw, on any port", () => {
    const odd = { DST_PORT: 50_902, ...BIFLOW };
    expect(scales(guesses(30, odd))).toEqual([]);
    for (const [protocol, rule] of [
      ["ssh", 9_000_030],
      ["rdp", 9_000_031],
      ["telnet", 9_000_032],
    ] as const) {
      const size = { PACKETS: 25, BYTES: 2800 };
      const { alerts } = play(bruteForce, guesses(30, { ...odd, ...size, APP_PROTO: protocol }));
      expect(alerts.map((alert) => [alert.rule, alert.target, alert.source])).toEqual([
        [rule, { ip: "192.0.2.1", port: 50_902 }, { ip: "10.0.0.1" }],
      ]);
    }
    for (const APP_PROTO of ["http", "sshx", "ss", "tls"])
      for (const DST_PORT of [22, 50_902])
        expect(scales(guesses(30, { ...BIFLOW, DST_PORT, APP_PROTO }))).toEqual([]);
  });

  test("brute-force takes the lower port for the server's where one direction is all there is", () => {
    const layout = parseTemplate(
      bruteForce.inputs.flows.fields
        .flatMap(({ type, name }) => (name.endsWith("_REV") ? [] : [`${type} ${name}`]))
        .join(","),
    );
    for (const rows of [
      guesses(30, { DST_PORT: 902, APP_PROTO: "ssh" }),
      refusals(30, { SRC_PORT: 902, APP_PROTO: "ssh" }),
    ])
      expect(play(bruteForce, rows, { layout }).alerts[0]).toMatchObject({
        source: { ip: "10.0.0.1" },
        target: { ip: "192.0.2.1", port: 902 },
      });
  });

  test("brute-force watches all services, or those that are named", () => {
    const all = [22, 3389, 23].map((DstPort, i) =>
      guesses(30, { DST_PORT: DstPort, PACKETS: 25, BYTES: 2800, SRC_IP: `10.0.0.${i}` }),
    );
    const rules = (params: object) =>
      play(bruteForce, byTime(...all), { params: { ...params } }).alerts.map(({ rule }) => rule);
    expect(rules({})).toEqual([9_000_030, 9_000_031, 9_000_032]);
    expect(rules({ ssh: true, telnet: true })).toEqual([9_000_030, 9_000_032]);
    expect(rules({ rdp: true })).toEqual([9_000_031]);
  });

  test("brute-force sees IPv6", () => {
    const rows = guesses(30, { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::22" });
    expect(play(bruteForce, rows).alerts[0]).toMatchObject({
      source: { ip: "2001:db8::1" },
      target: { ip: "2001:db8::22", port: 22 },
    });
  });

  test("brute-force profiles each TELNET server by its own answers", () => {
    const answers = (server: number, count: number): Row[] =>
      refusals(count, {
        SRC_PORT: 23,
        SRC_IP: `192.0.2.${server}`,
        DST_IP: `10.0.0.${server}`,
        TCP_FLAGS: TALKED | FIN,
        PACKETS: 10,
        BYTES: 900,
      });
    expect(scales(answers(1, 43))).toEqual([]);
    expect(scales(answers(1, 44))).toEqual([30]);
    // The server says more from its 16th answer on. The original counts on for all servers and never learns it.
    const longer = answers(1, 60).map((row, i) => (i < 15 ? row : { ...row, BYTES: 2000 }));
    const rows = byTime(longer, answers(2, 20), answers(3, 20));
    const found = (compat: string) =>
      play(bruteForce, rows, { params: { compat } }).out["alerts"]!.map(({ SRC_IP }) => SRC_IP);
    expect(found("off")).toEqual(["10.0.0.1", "10.0.0.1"]);
    expect(found("nemea")).toEqual([]);
  });
});

describe("brute-force and its files:", () => {
  const folder = mkdtempSync(join(tmpdir(), "brute-force-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const counts = (rows: readonly Row[], params: Row): number =>
    play(bruteForce, rows, { params }).out["alerts"]!.length;
  const COMPAT = { compat: "nemea", ssh: true, telnet: true };

  test("brute-force leaves alone whom the whitelist covers, seen from either direction", () => {
    const rules = [
      ["src 10.0.0.0/8\n", 0],
      ["dst 192.0.2.1/32/22\n", 0],
      ["192.0.2.1\n", 0],
      ["src 192.0.2.1/32\n", 1],
      ["dst 192.0.2.1/32/23\n", 1],
      ["dst 10.0.0.1/32\n", 1],
    ] as const;
    for (const [text, alerts] of rules) {
      const whitelist = file("list", text);
      expect([text, counts(guesses(30), { whitelist })]).toEqual([text, alerts]);
      expect([text, counts(refusals(30), { whitelist })]).toEqual([text, alerts]);
    }
  });

  test("brute-force looks at the whitelist for TELNET's answers too, and at its last line", () => {
    const answers = refusals(60, {
      SRC_PORT: 23,
      TCP_FLAGS: TALKED | FIN,
      PACKETS: 10,
      BYTES: 900,
    });
    const whitelist = file("list", "src 10.0.0.1/32\n");
    expect(counts(answers, { whitelist })).toBe(0);
    expect(counts(answers, { whitelist, ...COMPAT })).toBe(1);
    const unended = file("list", "src 10.0.0.1/32");
    expect(counts(guesses(30), { whitelist: unended })).toBe(0);
    expect(counts(guesses(30), { whitelist: unended, ...COMPAT })).toBe(1);
  });

  test("brute-force takes limits from the configuration, in both modes", () => {
    const config = file(
      "config",
      "# limits\nSSH_BRUTEFORCE_INC_MAX_PACKETS = 14\nSSH_LIST_THRESHOLD=20\n",
    );
    for (const mode of [{}, COMPAT]) {
      expect(counts(guesses(30), { config, ...mode })).toBe(0);
      expect(counts(guesses(30, { PACKETS: 14 }), { config, ...mode })).toBe(1);
    }
    expect(counts(guesses(20, { PACKETS: 14 }), { config, ...COMPAT })).toBe(1);
  });

  test("brute-force refuses to start without a file that it was told of, and names it", () => {
    for (const key of ["config", "whitelist"])
      expect(() => new Play(bruteForce, { params: { [key]: join(folder, "none") } })).toThrow(
        expect.objectContaining({ code: "ERR_INPUT" }),
      );
  });

  test("brute-force reads its files again when it is asked, and goes on as it was when it cannot", () => {
    for (const mode of [{}, COMPAT]) {
      const whitelist = file("list", "src 10.0.0.1\n");
      const asked = new Play(bruteForce, { params: { whitelist, ...mode } }).rows(guesses(5));
      rmSync(whitelist);
      asked.runner.ask();
      asked.rows(guesses(5));
      file("list", "src 10.0.0.7/32\n");
      asked.runner.ask();
      expect(asked.rows(guesses(30)).end().out["alerts"]!.length).toBeGreaterThan(0);
    }
  });
});

describe("brute-force, compat nemea:", () => {
  const COMPAT = { compat: "nemea" };
  const records = (rows: readonly Row[], options: PlayOptions = {}) =>
    play(bruteForce, rows, { ...options, params: { ...COMPAT, ...options.params } }).out["alerts"]!;

  test("brute-force says 30 at first, and then each 300 s what has come since", () => {
    const scale = records(guesses(70)).map((record) => record["EVENT_SCALE"]);
    expect(scale).toEqual([30, 30]);
  });

  test("brute-force takes each direction of a biflow as a flow", () => {
    const rows = guesses(30, {
      PACKETS: 2,
      PACKETS_REV: 14,
      BYTES_REV: 3000,
      TCP_FLAGS_REV: TALKED,
    });
    expect(records(rows)).toMatchObject([{ SRC_IP: "10.0.0.1", NOTE: "I:O:192.0.2.1," }]);
  });

  test("brute-force holds no more clients and servers than it may", () => {
    const many = Array.from({ length: 500 }, (_, i) =>
      guess(0, { SRC_IP: `10.1.${i >> 8}.${i & 255}`, ...at(1) }),
    );
    const answers = refusals(500, { SRC_PORT: 23, TCP_FLAGS: TALKED | FIN }).map((row, i) => ({
      ...row,
      SRC_IP: `192.0.${i >> 8}.${i & 255}`,
    }));
    const params = { ...COMPAT, clientsMax: 16, serversMax: 16 };
    const { counters } = play(bruteForce, byTime(many, answers), { params }).runner;
    expect(counters.get("clients_evicted")).toBe(500 - 16);
    expect(counters.get("servers_evicted")).toBe(500 - 16);
  });
});
