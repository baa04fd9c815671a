// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, play } from "../../core/testing/play.ts";
import { type Row, runText } from "../../core/testing/run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import miner from "./index.ts";
import { fakeServers, GREETING, STRATUM } from "./testing/fake-pool.ts";

const START = 1_704_067_200 * SECOND;
const COMPAT = { compat: "nemea" };
const folder = mkdtempSync(join(tmpdir(), "miner-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with these lines. */
function listed(name: string, ...lines: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}
const blacklist = listed("pools", "198.51.100.33:3333");

/** A piece of a connection from 10.0.0.1 to 198.51.100.7:4444: 5 packets of 100 bytes, one piece each 20 s. */
const piece = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.7",
  SRC_PORT: 40_000,
  DST_PORT: 4444,
  PROTOCOL: 6,
  TCP_FLAGS: 24,
  PACKETS: 5,
  BYTES: 500,
  ...at(i * 20),
  ...more,
});
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
const pieces = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => piece(i, more));
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
const SUBSCRIBE = bytes('{"id":1,"method":"mining.subscribe","params":["EWBF 0.3.4b"]}\n');
const NOTIFY = bytes('{"id":null,"method":"mining.notify","params":["2825d8"');

testDetector(miner, {
  alert: pieces(70),
  quiet: [
    ...pieces(30, { SRC_IP: "10.0.1.1" }), // too short
    ...pieces(70, { SRC_IP: "10.0.1.2", PACKETS: 1 }), // too few packets
    ...pieces(70, { SRC_IP: "10.0.1.3", PACKETS: 20, BYTES: 2000 }), // too many
    ...pieces(70, { SRC_IP: "10.0.1.4", BYTES: 5000 }), // too large
    ...pieces(70, { SRC_IP: "10.0.1.5", PACKETS_REV: 100, BYTES_REV: 100_000 }), // a download
    ...pieces(70, { SRC_IP: "10.0.1.6", DST_PORT: 443 }),
    ...pieces(70, { SRC_IP: "10.0.1.7", TCP_FLAGS: 27 }), // many short connections
    ...pieces(70, { SRC_IP: "10.0.1.8", PROTOCOL: 17 }),
    ...pieces(70, { SRC_IP: "10.0.1.9", APP_PROTO: "ssh" }),
    ...pieces(70, { SRC_IP: "10.0.1.10", TLS_SNI: "chat.example.net" }),
    ...pieces(3, { SRC_IP: "10.0.1.11", DST_IP: "198.51.100.33", DST_PORT: 3333, TCP_FLAGS: 2 }),
  ],
  other: (i) => piece(0, { SRC_IP: `10.${2 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { pairsMax: 16 },
  evicted: "pairs_evicted",
  stateMax: 19_000_000,
  params: { blacklist },
  compat: {
    alert: pieces(70, { DST_IP: "198.51.100.33", DST_PORT: 3333 }),
    quiet: pieces(70),
  },
});

const cases = join(folder, "golden");
/** The ports are those of the recording. */
const recorded = hasShared("golden/detectors/miner")
  ? await fakeServers([
      { port: 13_333, answer: STRATUM },
      { port: 13_334, answer: GREETING },
    ]).catch((error: unknown) => `skipped: ${error}`)
  : NO_SHARED;
if (typeof recorded === "string") test.skip(`miner golden cases (${recorded})`, () => {});
else {
  afterAll(() => recorded.close());
  mkdirSync(cases);
  // Written anew, since what is recorded may be read-only and lists are stored beside it.
  for (const file of readdirSync(sharedPath("golden/detectors/miner")))
    writeFileSync(join(cases, file), readFileSync(sharedPath("golden/detectors/miner", file)));
  const stratum = { config: join(cases, "stratum.xml") };
  testGolden(
    "miner",
    miner,
    {
      blacklisted_pool: { config: join(cases, "blacklist.xml") },
      score_below_9: stratum,
      stratum_not_pool: stratum,
      stratum_off_reports_nothing: { config: join(cases, "nostratum.xml") },
      stratum_probe: stratum,
      tree_says_no_req100: stratum,
    },
    {
      clockRates: {
        score_below_9: 1,
        stratum_not_pool: 1,
        stratum_off_reports_nothing: 1,
        stratum_probe: 1,
        tree_says_no_req100: 1,
      },
    },
  );

  const input = (item: string): string => readFileSync(join(cases, `${item}.in.csv`), "utf8");

  test.each([
    ["blacklisted_pool", "blacklist", "blacklist"],
    ["score_below_9", "stratum", "score_below_9"],
    ["stratum_not_pool", "stratum", "stratum_not_pool"],
    ["stratum_probe", "stratum", "stratum_probe"],
    ["tree_says_no_req100", "stratum", "tree_says_no_req100"],
  ])("miner keeps the lists that the original kept: %s", (item, name, recording) => {
    const params = { ...COMPAT, config: join(cases, `${name}.xml`) };
    runText(miner, input(item), { params });
    for (const list of ["stored_blacklist.txt", "stored_whitelist.txt"])
      expect(readFileSync(join(cases, `${name}.${list}`), "utf8")).toBe(
        readFileSync(sharedPath("golden/detectors/miner", `${recording}.${list}`), "utf8"),
      );
  });

  // What the same traffic is in default mode: nobody is asked, and the tree takes nothing back.
  test.each([
    ["blacklisted_pool", ["10.0.0.1>198.51.100.33:3333", "10.0.0.9>198.51.100.34:3333"]],
    ["score_below_9", []],
    ["stratum_not_pool", ["10.0.0.1>127.0.0.1:13334"]],
    ["stratum_off_reports_nothing", ["10.0.0.1>127.0.0.1:13333"]],
    ["stratum_probe", ["10.0.0.1>127.0.0.1:13333"]],
    ["tree_says_no_req100", ["10.0.0.1>127.0.0.1:13333"]],
  ])("miner finds in default mode by behaviour alone: %s", (item, pairs) => {
    const { alerts } = runText(miner, input(item));
    expect([...new Set(alerts.map(({ key }) => key))].sort()).toEqual(
      pairs.map((pair) => `miner:${pair}`),
    );
    expect(alerts.every(({ rule, confidence }) => rule === 9_000_064 && confidence === 0.3)).toBe(
      true,
    );
  });
}

describe("miner", () => {
  const found = (rows: readonly Row[], params: Row = {}) =>
    play(miner, rows, { params }).alerts.map(({ rule, observed }) => [rule - 9_000_000, observed]);

  test("miner tells of behaviour from its age on, updates at doublings and says the end", () => {
    expect(found(pieces(30))).toEqual([]);
    expect(found(pieces(31))).toEqual([[64, 600]]);
    expect(found(pieces(70))).toEqual([
      [64, 600],
      [64, 1220],
      [64, 1380],
    ]);
    expect(found(pieces(31), { durationMin: 700 })).toEqual([]);
  });

  test("miner sends the original's record and names what it saw", () => {
    const { out, alerts } = play(miner, pieces(31));
    expect(out["alerts"]).toEqual([
      {
        SRC_IP: "10.0.0.1",
        DST_IP: "198.51.100.7",
        DST_PORT: 4444,
        EVENT_SCALE: 155,
        TIME_FIRST: START,
        TIME_LAST: START + 600 * SECOND,
      },
    ]);
    expect(alerts[0]).toMatchObject({
      key: "miner:10.0.0.1>198.51.100.7:4444",
      reason:
        "10.0.0.1 keeps up a connection to 198.51.100.7:4444 as miners do: for 600 s (limit 600), 15.5 packets a minute (4 to 30) of 100 bytes (50 to 200)",
      observed: 600,
      threshold: 600,
      severity: 3,
      confidence: 0.3,
      source: { ip: "10.0.0.1" },
      target: { ip: "198.51.100.7", port: 4444 },
      flows: 31,
      packets: 155,
    });
  });

  test("miner closes the event when the client is silent for the timeout", () => {
    const rows = [...pieces(40), piece(0, { SRC_IP: "10.0.0.9", ...at(2000) })];
    const { alerts } = play(miner, rows);
    expect(alerts.map(({ state }) => state)).toEqual(["open", "closed"]);
    expect(alerts[1]!.detectTime).toBe(START + (780 + 300) * SECOND);
  });

  test("miner finds Stratum at the first flow, whichever side says it and whoever began the record", () => {
    const request = piece(0, { IDP_CONTENT: SUBSCRIBE });
    const turned = {
      SRC_IP: "198.51.100.7",
      DST_IP: "10.0.0.1",
      SRC_PORT: 4444,
      DST_PORT: 40_000,
    };
    const rows = [
      request,
      piece(0, { IDP_CONTENT_REV: NOTIFY }),
      piece(0, { ...turned, IDP_CONTENT: NOTIFY }),
      piece(0, { ...turned, IDP_CONTENT: NOTIFY, IDP_CONTENT_REV: SUBSCRIBE }),
    ];
    for (const row of rows) {
      const [alert] = play(miner, [row]).alerts;
      expect(alert).toMatchObject({
        rule: 9_000_061,
        confidence: 0.95,
        observed: 1,
        threshold: 1,
        source: { ip: "10.0.0.1" },
        target: { ip: "198.51.100.7", port: 4444 },
      });
    }
    expect(play(miner, [request]).alerts[0]!.reason).toBe(
      "10.0.0.1 speaks Stratum, the protocol of mining pools, with 198.51.100.7:4444: \"{'id':1,'method':'mining.subscribe','params':['\"",
    );
  });

  test("miner follows a pool on an ignored port, and one whose port is above the client's", () => {
    const { alerts } = play(miner, [
      piece(0, { DST_PORT: 443, IDP_CONTENT: SUBSCRIBE }),
      ...pieces(4, { DST_PORT: 443 }),
    ]);
    expect(alerts.map(({ observed }) => observed)).toEqual([1, 2, 4, 5]);
    const above = play(miner, [
      piece(0, { DST_PORT: 50_001, IDP_CONTENT: SUBSCRIBE }),
      ...pieces(3, { DST_PORT: 50_001 }),
    ]);
    expect(above.alerts.map(({ observed }) => observed)).toEqual([1, 2, 4]);
    expect(new Set(above.alerts.map(({ source }) => source.ip))).toEqual(new Set(["10.0.0.1"]));
  });

  test("miner finds the name of a pool in TLS and passes other names", () => {
    const name = (sni: string) => found([piece(0, { DST_PORT: 443, TLS_SNI: sni })]);
    expect(name("eu.xmr-pool.example.net")).toEqual([[62, 1]]);
    expect(name("xmr.nanopool.org")).toEqual([[62, 1]]);
    expect(name("2.pool.ntp.org")).toEqual([]);
    expect(name("carpool.example.net")).toEqual([]);
  });

  test("miner tells of nodes with little severity", () => {
    const levin = bytes("\x01\x21\x01\x01\x01\x01\x01\x01\x06\x01\0\0\0\0\0\0");
    const { alerts } = play(miner, [piece(0, { IDP_CONTENT: levin })]);
    expect(alerts.map(({ rule, severity }) => [rule, severity])).toEqual([[9_000_065, 2]]);
  });

  test("miner finds whoever is connected to a listed pool at once, and no SYN without an answer", () => {
    const pool = { DST_IP: "198.51.100.33", DST_PORT: 3333 };
    expect(found([piece(0, pool)], { blacklist })).toEqual([[60, 1]]);
    expect(found([piece(0, pool)])).toEqual([]);
    expect(found([piece(0, { ...pool, DST_PORT: 80 })], { blacklist })).toEqual([]);
    const refused = piece(0, { ...pool, TCP_FLAGS: 2, TCP_FLAGS_REV: 20 });
    expect(found([refused], { blacklist })).toEqual([]);
    const back = piece(0, {
      SRC_IP: "198.51.100.33",
      SRC_PORT: 3333,
      DST_IP: "10.0.0.1",
      DST_PORT: 40_000,
    });
    const [alert] = play(miner, [back], { params: { blacklist } }).alerts;
    expect(alert).toMatchObject({ source: { ip: "10.0.0.1" }, target: { port: 3333 } });
  });

  test("miner knows IPv6 and lines without a port in its lists, where the original has neither", () => {
    const lists = listed("v6", "2001:db8::7", "[2001:db8::8]:4444", "198.51.100.7 # a pool");
    const to = (host: string, port = 4444) =>
      found([piece(0, { SRC_IP: "2001:db8::1", DST_IP: host, DST_PORT: port })], {
        blacklist: lists,
      });
    expect(to("2001:db8::7")).toEqual([[60, 1]]);
    expect(to("2001:db8::8")).toEqual([[60, 1]]);
    expect(to("2001:db8::8", 4445)).toEqual([]);
    expect(found(pieces(5), { ...COMPAT, blacklist: lists })).toEqual([]);
    expect(found(pieces(2), { blacklist: lists })).toHaveLength(2);
  });

  test("miner keeps quiet about what is in the whitelist, in either direction", () => {
    const whitelist = listed("good", "198.51.100.7:4444");
    expect(found(pieces(70), { whitelist })).toEqual([]);
    expect(found([piece(0, { IDP_CONTENT: SUBSCRIBE })], { whitelist })).toEqual([]);
    expect(found(pieces(70, { DST_PORT: 4445 }), { whitelist })).not.toEqual([]);
  });

  test("miner reads its lists again when asked, and goes on with the former ones when it cannot", () => {
    const file = listed("again");
    const stream = new Play(miner, { params: { blacklist: file } }).rows(pieces(1));
    listed("again", "198.51.100.7:4444");
    stream.runner.ask();
    expect(stream.rows(pieces(1)).outcome().alerts).toHaveLength(1);
    rmSync(file);
    stream.runner.ask();
    expect(stream.rows(pieces(2)).outcome().alerts).toHaveLength(2);
    expect(() => play(miner, pieces(1), { params: { blacklist: file } })).toThrow("cannot read");
  });

  test("miner makes the event's rule the stronger one when more is found, and never weaker", () => {
    const { alerts } = play(miner, [
      ...pieces(31),
      piece(31, { TLS_SNI: "xmrpool.example" }),
      piece(32, { IDP_CONTENT: SUBSCRIBE }),
      piece(33, { TLS_SNI: "xmrpool.example" }),
      ...pieces(90).slice(34),
    ]);
    expect(alerts.map(({ rule }) => rule - 9_000_000)).toEqual([64, 62, 61, 61, 61]);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  test("miner judges no connection that the meter knows by its beginning", () => {
    const first = piece(0, { TCP_FLAGS: 26, APP_PROTO: "ssh" });
    expect(found([first, ...pieces(70)])).toEqual([]);
    expect(found([{ ...first, APP_PROTO: "" }, ...pieces(70)])).not.toEqual([]);
    expect(found(pieces(70), { portsIgnored: "1-5000" })).toEqual([]);
    expect(() => play(miner, [], { params: { portsIgnored: "5-1" } })).toThrow("portsIgnored");
  });

  test("miner writes untrusted bytes as printable text", () => {
    const hostile = bytes('{"method":"mining.submit"\x1b[31m\n<b>\xff');
    const [alert] = play(miner, [piece(0, { IDP_CONTENT: hostile })]).alerts;
    expect(alert!.reason).toEndWith(": \"{'method':'mining.submit'.[31m.<b>.\"");
  });

  test("miner finds clients with low ports and those with high ones alike, where tree and score quarrel", () => {
    const req = (port: number) => pieces(31, { SRC_PORT: port });
    expect(found(req(40_000))).toEqual([[64, 600]]);
    expect(found(req(5000))).toEqual([[64, 600]]);
  });
});

describe("miner, probing:", () => {
  const settle = async (stream: Play, until: () => boolean): Promise<void> => {
    for (let i = 1; i < 200 && !until(); i++) {
      stream.advance(START + 600 * SECOND + i * SECOND * 0.5);
      await Bun.sleep(10);
    }
  };
  /** The highest port is the client's: that of the server may be any. */
  const suspect = (port: number, host = "127.0.0.1"): Row[] =>
    pieces(31, { DST_IP: host, DST_PORT: port, SRC_PORT: 65_535 });
  const probing = { probe: true, probeOnly: "127.0.0.0/8, ::1" };
  const last = (stream: Play) => stream.outcome().alerts.at(-1)!;

  test("miner asks nobody unless it is switched on, and only whom it may", async () => {
    const server = await fakeServers([{ port: 0, answer: STRATUM }]);
    const [port] = server.ports;
    for (const params of [{}, { probe: true, probeOnly: "192.0.2.0/24" }]) {
      const stream = new Play(miner, { params }).rows(suspect(port!));
      stream.advance(START + 700 * SECOND);
      await Bun.sleep(50);
      stream.advance(START + 701 * SECOND);
      expect(last(stream).rule).toBe(9_000_064);
      expect(stream.runner.counters.get("probes")).toBe(0);
      stream.end();
    }
    server.close();
    expect(() => play(miner, [], { params: { probe: true } })).toThrow("probeOnly");
    expect(() => play(miner, [], { params: { probe: true, probeOnly: "x/8" } })).toThrow("x/8");
  });

  test.each(["127.0.0.1", "::1"])(
    "miner confirms a pool at %s by asking, without waiting",
    async (host) => {
      const server = await fakeServers([{ host, port: 0, answer: STRATUM }]);
      const stream = new Play(miner, { params: probing }).rows(suspect(server.ports[0]!, host));
      expect(last(stream).rule).toBe(9_000_064);
      await settle(stream, () => last(stream).rule === 9_000_063);
      expect(last(stream)).toMatchObject({ rule: 9_000_063, confidence: 0.95, update: 1 });
      expect(last(stream).reason).toContain("answered as a mining pool when it was asked");
      server.close();
    },
  );

  test("miner closes the event when the server is none, and asks it once a day", async () => {
    const server = await fakeServers([{ port: 0, answer: GREETING }]);
    const stream = new Play(miner, { params: probing }).rows(suspect(server.ports[0]!));
    await settle(stream, () => last(stream).state === "closed");
    expect(last(stream).reason).toEndWith("; asked, the server did not answer as a pool");
    stream.rows(suspect(server.ports[0]!).map((row) => ({ ...row, SRC_IP: "10.0.0.2" })));
    expect(stream.outcome().alerts.map(({ state }) => state)).toEqual([
      "open",
      "closed",
      "open",
      "closed",
    ]);
    expect(stream.runner.counters.get("probes")).toBe(1);
    server.close();
  });

  test("miner asks so many servers a minute and puts the others off", () => {
    const many = Array.from({ length: 5 }, (_, i) => suspect(20_000 + i)).flat();
    const params = { ...probing, probesPerMinute: 2 };
    const { runner } = new Play(miner, { params }).rows(many).end();
    expect(runner.counters.get("probes")).toBe(2);
    expect(runner.counters.get("probes_put_off")).toBe(3);
  });

  test("miner gives up a server that does not answer", async () => {
    // A listener that takes connections and says nothing.
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const stream = new Play(miner, { params: probing }).rows(suspect(silent.port));
    for (let i = 1; i <= 5; i++) {
      await Bun.sleep(5);
      stream.advance(START + 600 * SECOND + i * 11 * SECOND);
    }
    expect(last(stream).state).toBe("closed");
    silent.stop(true);
  });
});
