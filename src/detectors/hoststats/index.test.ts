// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, play } from "../../core/testing/play.ts";
import { Harness, type Row, runText } from "../../core/testing/run-module.ts";
import { hasShared, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { RecordWriter } from "../../core/unirec/writer.ts";
import hoststats from "./index.ts";

const START = 1_704_067_200 * SECOND;
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});

/** A SYN from 10.0.0.1 to port 22 of the i-th address, four a second. */
const syn = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: `172.16.${i >>> 8}.${i & 255}`,
  SRC_PORT: 40_000 + (i % 10_000),
  DST_PORT: 445,
  PROTOCOL: 6,
  TCP_FLAGS: 2,
  PACKETS: 1,
  BYTES: 60,
  ...at(i / 4),
  ...more,
});
const syns = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => syn(i, more));

testDetector(hoststats, {
  alert: syns(450),
  quiet: [
    ...syns(200, { SRC_IP: "10.0.0.2" }),
    ...syns(400, { SRC_IP: "10.0.0.3", DST_IP: "192.0.2.1" }), // a flood of one host, of few
    ...syns(400, { SRC_IP: "10.0.0.4", TCP_FLAGS: 0x12 }), // connections
  ],
  other: (i) =>
    syn(0, {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
      DST_IP: `11.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
    }),
  small: { hostsMax: 48, flowsMin: 1 },
  evicted: "hosts_evicted",
  stateMax: 60_000_000,
});

const FOLDER = "golden/detectors/hoststats";
const LOW = { offline: true, config: sharedPath(FOLDER, "low.conf") };
const DEFAULT = { offline: true, config: sharedPath(FOLDER, "default.conf") };
const PARAMS: Readonly<Record<string, typeof LOW>> = {
  dnsamp_above: LOW,
  dnsamp_below: LOW,
  dnsamp_pkt999: LOW,
  fuzz1: DEFAULT,
  inactive_timeout: LOW,
  sshbrute_above61: LOW,
  sshbrute_below60: LOW,
  synflood_above: LOW,
  synflood_below: LOW,
  synscan_above: DEFAULT,
  synscan_below: DEFAULT,
  udpflood_above: LOW,
};
testGolden("hoststats", hoststats, PARAMS, { unordered: true });

/** Flows of one kind, at a rate a second. */
const many = (count: number, rate: number, flow: (i: number) => Row, from = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({ ...flow(i), ...at(from + i / rate) }));
const told = (rows: readonly Row[], params: Row = {}): string[] =>
  play(hoststats, rows, { params }).alerts.map(
    ({ key, state, observed }) => `${key.replace("hoststats:", "")} ${state} ${observed}`,
  );
/** Settings of a configuration file. */
async function withConfig(text: string, use: (path: string) => void): Promise<void> {
  const path = join(mkdtempSync(join(tmpdir(), "hoststats-")), "hoststats.conf");
  await Bun.write(path, text);
  try {
    use(path);
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
}

/** SSH logins that fail, both ways, of one host at another. */
const logins = (count: number, rate: number, more: Row = {}): Row[] =>
  many(count, rate, (i) => ({
    ...{ SRC_IP: "10.0.0.1", DST_IP: "192.0.2.9", SRC_PORT: 20_000 + (i % 40_000), DST_PORT: 22 },
    ...{ PROTOCOL: 6, TCP_FLAGS: 0x1a, PACKETS: 12, BYTES: 2000 },
    ...more,
  })).flatMap((row) => [
    row,
    {
      ...row,
      ...{ SRC_IP: row["DST_IP"], DST_IP: row["SRC_IP"], SRC_PORT: 22, DST_PORT: row["SRC_PORT"] },
      ...{ PACKETS: 15, BYTES: 3000 },
    },
  ]);
/** Small UDP requests of some sources to one host. */
const flood = (count: number, sources: number, more: Row = {}): Row[] =>
  many(count, 1000, (i) => ({
    ...{ SRC_IP: `10.1.${(i % sources) >>> 8}.${(i % sources) & 255}`, DST_IP: "192.0.2.9" },
    ...{ SRC_PORT: 20_000 + (i % 40_000), DST_PORT: 9999, PROTOCOL: 17, TCP_FLAGS: 0 },
    ...{ PACKETS: 1, BYTES: 50 },
    ...more,
  }));
/** DNS responses of a server to one host. */
const responses = (count: number, more: Row = {}): Row[] =>
  many(count, 100, (i) => ({
    ...{ SRC_IP: "198.51.100.53", DST_IP: "192.0.2.9", SRC_PORT: 53, DST_PORT: 30_000 + i },
    ...{ PROTOCOL: 17, TCP_FLAGS: 0, PACKETS: 1, BYTES: 1200 },
    ...more,
  }));

describe("hoststats, scans:", () => {
  test("hoststats judges a scan while it runs, at the flow that passes the limit", () => {
    const running = new Play(hoststats).rows(syns(201));
    expect(running.outcome().alerts.map(({ observed }) => observed)).toEqual([201]);
    expect(new Play(hoststats).rows(syns(200)).end().alerts).toEqual([]);
  });

  test("hoststats sends the original's record with a whole alert", () => {
    const { out, alerts } = play(hoststats, syns(201));
    expect(out["alerts"]).toEqual([
      {
        ...{ SRC_IP: "10.0.0.1", DST_IP: "0.0.0.0", SRC_PORT: 0, DST_PORT: 0, PROTOCOL: 6 },
        ...{ EVENT_TYPE: 2, EVENT_SCALE: 201, NOTE: "horizontal SYN scan" },
        // Of a host its first flows are counted when it is let in.
        ...{ TIME_FIRST: START + 1.75 * SECOND, TIME_LAST: START + 50 * SECOND },
      },
    ]);
    expect(alerts[0]).toMatchObject({
      ...{ rule: 9_000_040, title: "Horizontal SYN scan", key: "hoststats:scan:10.0.0.1" },
      ...{ observed: 201, threshold: 200, source: { ip: "10.0.0.1" }, update: 0, state: "open" },
    });
    expect(alerts[0]!.reason).toMatch(
      /^10\.0\.0\.1 sent 201 SYNs without making a connection, to about \d+ addresses \(limit 200 in 300 s\)$/,
    );
    expect(alerts[0]!.evidence).toHaveLength(20);
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({ DST_IP: "172.16.0.200" });
  });

  test("hoststats does not let a pause split a scan, as it did the original", () => {
    const second = syns(150).map((row, i) => ({
      ...row,
      DST_IP: `172.17.0.${i}`,
      ...at(120 + i / 4),
    }));
    const others = many(6, 0.1, () => syn(0, { SRC_IP: "10.9.9.9" }), 60);
    const paused = [...syns(150), ...others, ...second];
    expect(told(paused)).toEqual(["scan:10.0.0.1 open 201", "scan:10.0.0.1 open 300"]);
    expect(told(paused, { compat: "nemea", offline: true })).toEqual([]);
  });

  test("hoststats goes on with the event in further windows, and closes it after one without a scan", () => {
    const windows = many(1600, 4, (i) => syn(i, at(i / 4)));
    const calm = many(100, 0.1, (i) =>
      syn(i, { TCP_FLAGS: 0x1b, PACKETS: 9, ...at(410 + i * 10) }),
    );
    expect(told([...windows, ...calm])).toEqual([
      "scan:10.0.0.1 open 201",
      "scan:10.0.0.1 open 402",
      "scan:10.0.0.1 open 832",
      "scan:10.0.0.1 open 201", // the second window
      "scan:10.0.0.1 closed 393",
    ]);
  });

  test("hoststats closes the event of a host that is silent, at the time when that was long enough", () => {
    const { alerts } = new Play(hoststats)
      .rows(syns(210))
      .advance(START + 1000 * SECOND)
      .end();
    expect(alerts.map(({ state }) => state)).toEqual(["open", "closed"]);
    expect(alerts[1]!.detectTime).toBe(START + (209 / 4 + 300) * SECOND);
    expect(alerts[1]!.id).toBe(alerts[0]!.id);
  });

  test("hoststats forgets a host that was silent for longer", () => {
    const rows = [...syns(150), ...syns(150).map((row, i) => ({ ...row, ...at(500 + i / 4) }))];
    expect(told(rows)).toEqual([]);
  });

  test("hoststats sees IPv6", () => {
    const rows = syns(220).map((row, i) => ({
      ...row,
      ...{ SRC_IP: "2001:db8::1", DST_IP: `2001:db8:1::${i.toString(16)}` },
    }));
    expect(told(rows)).toEqual(["scan:2001:db8::1 open 201", "scan:2001:db8::1 open 220"]);
  });

  test("hoststats takes answered, few, or mostly other flows for no scan", () => {
    const answers = syns(300).map((row) => ({
      ...row,
      ...{ SRC_IP: row["DST_IP"], DST_IP: row["SRC_IP"], TCP_FLAGS: 0x12 },
      ...{ SRC_PORT: row["DST_PORT"], DST_PORT: row["SRC_PORT"] },
    }));
    expect(told(syns(300).flatMap((row, i) => [row, answers[i]!]))).toEqual([]);
    expect(told(syns(300).map((row, i) => ({ ...row, DST_IP: `172.16.0.${i % 150}` })))).toEqual(
      [],
    );
    const others = syns(300).flatMap((row) => [row, ...Array(3).fill({ ...row, TCP_FLAGS: 0x10 })]);
    expect(told(others)).toEqual([]);
  });

  test("hoststats asks DIRECTION_FLAGS where the configuration says so", () =>
    withConfig("port-flowdir = 0\n", (config) => {
      const flagged = (DirectionFlags: number) =>
        told(syns(300, { DIRECTION_FLAGS: DirectionFlags }), { config });
      expect(flagged(8).length).toBeGreaterThan(0);
      expect(flagged(4)).toEqual([]);
      expect(flagged(1)).toEqual([]); // it is not known that they are requests
    }));

  test("hoststats does without rules that the configuration turns off", () =>
    withConfig("rules-generic = 0\nrules-ssh = 0\nrules-dns = 0\n", (config) => {
      expect(told([...syns(300), ...logins(100, 1)], { config, dnsResponses: 10 })).toEqual([]);
      expect(told(syns(300), { config, compat: "nemea" })).toEqual([]);
    }));

  test("hoststats leaves fragments of UDP without ports alone", () => {
    const fragments = flood(3000, 5, { SRC_PORT: 0, DST_PORT: 0 });
    for (const compat of ["off", "nemea"])
      expect(told(fragments, { floodFlows: 1000, compat })).toEqual([]);
  });
});

describe("hoststats, floods:", () => {
  test("hoststats finds the victim of a flood, and says that forged sources are probable", () => {
    const params = { floodSyns: 1000, floodFlows: 2000 };
    const syn = { PROTOCOL: 6, TCP_FLAGS: 2, DST_PORT: 80, BYTES: 40 };
    const { alerts, out } = play(hoststats, flood(1100, 1100, syn), { params });
    expect(alerts[0]).toMatchObject({
      ...{ rule: 9_000_041, key: "hoststats:floodVictim:192.0.2.9", observed: 1001 },
      ...{ threshold: 1000, target: { ip: "192.0.2.9" }, protocol: 6 },
    });
    expect(alerts[0]!.reason).toContain("probably forged");
    expect(alerts[0]!.evidence.length).toBeGreaterThan(0);
    expect(out["alerts"]![0]!["NOTE"]).toMatch(/; SYN flood \(probably spoofed\)$/);
    const udp = play(hoststats, flood(2100, 5), { params });
    expect(udp.alerts[0]).toMatchObject({ observed: 2001, threshold: 2000 });
    expect(udp.alerts[0]!.reason).not.toContain("forged");
  });

  test("hoststats finds who floods, by flows for each target", () => {
    const params = { floodSyns: 1000, floodFlows: 2000 };
    const rows = flood(2100, 1);
    expect(told(rows, params)).toContain("floodAttacker:10.1.0.0 open 2000");
    const spread = rows.map((row, i) => ({ ...row, DST_IP: `192.0.2.${i % 4}` }));
    expect(told(spread, params)).toEqual([]);
  });

  test("hoststats takes what is answered, or large, for no flood", () => {
    const params = { floodFlows: 2000 };
    const answered = flood(2100, 5).flatMap((row) => [
      row,
      {
        ...row,
        ...{ SRC_IP: row["DST_IP"], DST_IP: row["SRC_IP"] },
        ...{ SRC_PORT: row["DST_PORT"], DST_PORT: row["SRC_PORT"] },
      },
    ]);
    expect(told(answered, params)).toEqual([]);
    expect(told(flood(2100, 5, { BYTES: 100 }), params)).toEqual([]);
    expect(told(flood(2100, 5, { PACKETS: 2 }), params)).toEqual([]);
  });

  test("hoststats takes a flow for a packet at least: the original divides by none", () => {
    const empty = flood(2100, 5, { PACKETS: 0 });
    expect(told(empty, { floodFlows: 2000 })).toContain("floodVictim:192.0.2.9 open 2001");
    expect(told(empty, { floodFlows: 2000, compat: "nemea" })).toEqual([]);
  });

  test("hoststats does not take large packets for small ones where the original's bytes end at 4 GB", () =>
    withConfig("dos-detection-type = 1\ndos-victim-connections-others = 1000000\n", (config) => {
      const heavy = flood(600, 5, { PACKETS: 100_000, BYTES: 140_000_000 });
      expect(told(heavy, { config })).toEqual([]);
      expect(told(heavy, { config, compat: "nemea" })).toHaveLength(1);
      const small = flood(600, 5, { PACKETS: 100_000, BYTES: 6_000_000 });
      expect(told(small, { config })[0]).toBe("floodVictim:192.0.2.9 open 1100000");
    }));

  test("hoststats is not driven out of its table by addresses that a flood forges", () => {
    const params = { hostsMax: 32 };
    const scan = syns(240);
    const forged = flood(60_000, 60_000).map((row, i) => ({ ...row, ...at(i / 1000) }));
    const rows = [...scan, ...forged].sort(
      (a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]),
    );
    const { alerts, runner } = play(hoststats, rows, { params });
    expect(alerts.map(({ key }) => key)).toContain("hoststats:scan:10.0.0.1");
    expect(runner.counters.get("hosts_evicted")).toBeLessThan(500);
  });
});

describe("hoststats, services:", () => {
  test("hoststats finds who guesses SSH passwords, and at whom", () => {
    const { alerts, out } = play(hoststats, logins(61, 1));
    expect(alerts.map(({ rule, key, observed }) => [rule, key, observed])).toEqual([
      [9_000_044, "hoststats:sshAttacker:10.0.0.1", 61],
      [9_000_043, "hoststats:sshVictim:192.0.2.9", 61],
    ]);
    expect(out["alerts"]![1]).toMatchObject({ DST_IP: "192.0.2.9", DST_PORT: 22, NOTE: "victim" });
    expect(alerts[1]!.target).toEqual({ ip: "192.0.2.9", port: 22 });
    expect(told(logins(60, 1))).toEqual([]);
    expect(told(logins(100, 1, { PACKETS: 40 }))).toEqual([]);
  });

  test("hoststats finds guesses by the ten thousand, which the original's 16 bits hide", () => {
    const rows = logins(14_000, 60);
    expect(told(rows)).toContain("sshVictim:192.0.2.9 open 14000");
    expect(told(rows, { compat: "nemea" })).toEqual([]);
  });

  test("hoststats finds DNS amplification, and the port that it comes from", () => {
    const params = { dnsResponses: 100 };
    const { alerts, out } = play(hoststats, responses(101), { params });
    expect(alerts.map(({ rule, observed }) => [rule, observed])).toEqual([
      [9_000_045, 101],
      [9_000_046, 101],
    ]);
    expect(out["alerts"]![1]).toMatchObject({ DST_IP: "192.0.2.9", SRC_PORT: 53, DST_PORT: 0 });
    expect(told(responses(101, { BYTES: 999 }), params)).toEqual([]);
  });

  test("hoststats takes flows to port 53 for no responses, as the original does from low ports", () => {
    const odd = responses(101, { SRC_PORT: 40, DST_PORT: 53 });
    expect(told(odd, { dnsResponses: 100 })).toEqual([]);
    expect(told(odd, { dnsResponses: 100, compat: "nemea" })).toHaveLength(2);
  });
});

describe("hoststats, golden cases without compat:", () => {
  /** The first word on each event; what the original says only at the end of its record. */
  const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
    dnsamp_above: ["dnsServer:198.51.100.53", "dnsVictim:192.0.2.9"],
    dnsamp_below: [],
    dnsamp_pkt999: [],
    fuzz1: [
      ...["scan:10.0.0.1", "sshAttacker:10.0.0.2"],
      ...["sshVictim:192.0.2.1", "sshVictim:192.0.2.2", "sshVictim:192.0.2.3"],
    ],
    inactive_timeout: ["scan:10.0.0.1"],
    sshbrute_above61: ["sshAttacker:10.0.0.1", "sshVictim:192.0.2.9"],
    sshbrute_below60: [],
    synflood_above: ["floodVictim:192.0.2.9"],
    synflood_below: [],
    synscan_above: ["scan:10.0.0.1"],
    synscan_below: [],
    udpflood_above: ["floodVictim:192.0.2.9"],
  };
  test.skipIf(!hasShared(FOLDER)).each(Object.entries(OUTCOMES))(
    "hoststats finds the same hosts as the original, one event each: %s",
    (item, expected) => {
      const csv = readFileSync(sharedPath(FOLDER, `${item}.in.csv`), "utf8");
      const params = { config: PARAMS[item]!.config };
      const { alerts } = runText(hoststats, csv, { params });
      const keys = new Set(alerts.map(({ key }) => key.replace("hoststats:", "")));
      expect([...keys].sort()).toEqual([...expected]);
      expect(new Set(alerts.map(({ id }) => id)).size).toBe(expected.length);
    },
  );
});

describe("hoststats, the original's clock:", () => {
  test("hoststats takes the machine's time in compat mode unless it is offline", () => {
    const harness = new Harness(hoststats, { compat: "nemea" });
    const port = harness.feed("flows", hoststats.inputs.flows);
    const writer = new RecordWriter(hoststats.inputs.flows);
    for (const row of syns(250)) {
      writer.begin().setAll(row);
      writer.end(port.room(writer.size));
    }
    port.flush();
    const start = harness.clock.now();
    for (let second = 1; second <= 29; second++) harness.runner.tick(start + second * SECOND);
    expect(harness.alerts).toEqual([]);
    harness.runner.tick(start + 30 * SECOND);
    expect(harness.alerts.map(({ key }) => key)).toEqual(["hoststats:scan:10.0.0.1"]);
  });

  test("hoststats refuses a configuration that it cannot read", () => {
    expect(() => new Play(hoststats, { params: { config: "no/such.conf" } })).toThrow(
      "no/such.conf",
    );
  });
});
