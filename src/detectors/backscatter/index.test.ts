// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play, said } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { parseTemplate } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import backscatter from "./index.ts";

const START = 1_704_067_200 * SECOND;
const SYN_ACK = 0x12;
const RST = 0x04;
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});

/** A SYN-ACK of 203.0.113.9:443 to the i-th of our addresses, one a second. */
const answer = (i: number, more: Row = {}): Row => ({
  SRC_IP: "203.0.113.9",
  DST_IP: `198.51.${100 + (i >>> 8)}.${i & 255}`,
  SRC_PORT: 443,
  DST_PORT: 1024 + i,
  PROTOCOL: 6,
  TCP_FLAGS: SYN_ACK,
  PACKETS: 1,
  ...at(i),
  ...more,
});
const answers = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => answer(i, more));
/** The flow that a response is asked for with. */
const request = (row: Row, more: Row = {}): Row => ({
  ...row,
  SRC_IP: row["DST_IP"],
  DST_IP: row["SRC_IP"],
  SRC_PORT: row["DST_PORT"],
  DST_PORT: row["SRC_PORT"],
  TCP_FLAGS: 0x02,
  ...more,
});
const told = (rows: readonly Row[], params: Row = {}): string[] =>
  play(backscatter, rows, { params }).alerts.map(({ state, observed }) => `${state} ${observed}`);

testDetector(backscatter, {
  alert: answers(150),
  quiet: [
    ...answers(59, { SRC_IP: "203.0.113.1" }), // not long enough
    ...answers(24, { SRC_IP: "203.0.113.2" }).map((row, i) => ({ ...row, ...at(i * 3) })),
    ...answers(150, { SRC_IP: "203.0.113.3", DST_IP: "198.51.100.1" }), // one receiver
    ...answers(100, { SRC_IP: "203.0.113.4" }).map((row, i) => ({ ...row, ...at(i * 3) })), // too slow
    ...answers(150, { SRC_IP: "203.0.113.5", TCP_FLAGS: 0x1b }), // connections
  ],
  other: (i) => answer(i % 1000, { SRC_IP: `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { victimsMax: 16 },
  evicted: "victims_evicted",
  stateMax: 21_000_000,
});

describe("backscatter", () => {
  test("backscatter opens when all limits are met, updates at doublings and closes after a silence", () => {
    expect(told(answers(60))).toEqual([]);
    expect(told(answers(61))).toEqual(["open 61"]);
    const { alerts } = new Play(backscatter)
      .rows(answers(130))
      .advance(START + 1000 * SECOND)
      .end();
    expect(alerts.map(({ state, observed }) => [state, observed])).toEqual([
      ["open", 61],
      ["open", 122],
      ["closed", 130],
    ]);
    expect(alerts[2]!.detectTime).toBe(START + (129 + 300) * SECOND);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  test("backscatter names the victim as target, with what it sent, to how many, and the flows", () => {
    const { alerts, out } = play(backscatter, answers(61));
    expect(out["alerts"]).toEqual([
      {
        ...{ SRC_IP: "203.0.113.9", SRC_PORT: 443, PROTOCOL: 6, EVENT_TYPE: 10, PACKETS: 61 },
        ...{ PACKETS_MINUTE_MAX: 60, ADDR_CNT: alerts[0]!.source.count!, ...at(0) },
        TIME_LAST: START + 60 * SECOND,
      },
    ]);
    expect(Math.abs(alerts[0]!.source.count! / 61 - 1)).toBeLessThan(0.2);
    expect(alerts[0]).toMatchObject({
      ...{ rule: 9_000_160, key: "backscatter:203.0.113.9", threshold: 25, packets: 61 },
      ...{ target: { ip: "203.0.113.9", port: 443 }, severity: 3 },
    });
    expect(alerts[0]!.reason).toMatch(
      /^203\.0\.113\.9 sent 61 SYN-ACK from port 443 to about \d+ addresses that had not asked, within 60 s, up to 60 in a minute \(limits 25 packets, 60 s, 30 in a minute\)$/,
    );
    expect(alerts[0]!.evidence).toHaveLength(20);
  });

  test("backscatter has limits of packets, duration, rate and receivers, each of its own", () => {
    expect(told(answers(61), { packetsMin: 62 })).toEqual([]);
    expect(told(answers(61), { durationMin: 61 })).toEqual([]);
    expect(told(answers(61), { minuteMin: 61 })).toEqual([]);
    expect(told(answers(61), { addressesMin: 200 })).toEqual([]);
    const few = answers(61).map((row, i) => ({ ...row, DST_IP: `198.51.100.${i % 4}` }));
    expect(told(few)).toEqual([]);
    expect(told(few, { addressesMin: 4 })).toEqual(["open 61"]);
  });

  test("backscatter sees IPv6", () => {
    const rows = answers(61).map((row, i) => ({
      ...row,
      ...{ SRC_IP: "2001:db8::9", DST_IP: `2001:db8:1::${i.toString(16)}` },
    }));
    expect(play(backscatter, rows).alerts[0]!.target).toEqual({ ip: "2001:db8::9", port: 443 });
  });

  test("backscatter counts SYN-ACKs and RSTs with the marks of congestion, and nothing of a connection", () => {
    for (const flags of [SYN_ACK, SYN_ACK | RST, RST, RST | 0x10, SYN_ACK | 0x40, RST | 0xc0])
      expect(told(answers(61, { TCP_FLAGS: flags }))).toEqual(["open 61"]);
    for (const flags of [0, 0x02, 0x10, 0x01 | SYN_ACK, 0x08 | SYN_ACK, 0x02 | RST, 0x11])
      expect(told(answers(61, { TCP_FLAGS: flags }))).toEqual([]);
    expect(told(answers(61, { PROTOCOL: 17 }))).toEqual([]);
  });

  test("backscatter counts all packets of a flow, and those of no flow twice", () => {
    expect(told(answers(61, { PACKETS: 5 }))).toEqual(["open 305"]);
    expect(told(answers(61, { PACKETS: 0 }))).toEqual(["open 61"]);
  });

  test("backscatter says that a victim answers from several ports", () => {
    const rows = answers(61).map((row, i) => ({ ...row, SRC_PORT: 80 + (i & 1) }));
    const [alert] = play(backscatter, rows).alerts;
    expect(alert!.reason).toContain("from several ports");
    expect(alert!.target).toEqual({ ip: "203.0.113.9" });
  });

  test("backscatter forgets a victim that was silent for longer than the timeout", () => {
    const twice = [...answers(40), ...answers(40).map((row, i) => ({ ...row, ...at(400 + i) }))];
    expect(told(twice)).toEqual([]);
    expect(told(twice, { idleTimeout: 400 })).toEqual(["open 41", "open 80"]);
  });
});

describe("backscatter, asked or not:", () => {
  const asked = answers(150);

  test("backscatter never counts answered connections, whichever record comes first", () => {
    expect(told(asked.flatMap((row) => [request(row), row]))).toEqual([]);
    expect(told(asked.flatMap((row) => [row, request(row)]))).toEqual([]);
  });

  test("backscatter waits for the record of a request, and no longer than it has patience", () => {
    const late = (seconds: number): Row[] =>
      [...asked, ...asked.map((row, i) => request(row, at(i + seconds)))].sort(
        (a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]),
      );
    expect(told(late(9))).toEqual([]);
    expect(told(late(11)).length).toBeGreaterThan(0);
    expect(told(late(11), { patience: 12 })).toEqual([]);
  });

  test("backscatter knows a connection by any of its flows, for as long as it remembers", () => {
    const before = asked.map((row, i) => request(row, { TCP_FLAGS: 0x18, ...at(i - 1500) }));
    const resets = asked.map((row) => ({ ...row, TCP_FLAGS: RST }));
    expect(told([...before, ...resets])).toEqual([]);
    const long = asked.map((row, i) => request(row, { TCP_FLAGS: 0x18, ...at(i - 8000) }));
    expect(told([...long, ...resets]).length).toBeGreaterThan(0);
  });

  test("backscatter takes a host that resets what it did not ask for for none that asked", () => {
    const refused = asked.flatMap((row) => [row, request(row, { TCP_FLAGS: RST })]);
    expect(told(refused)).toEqual(["open 61", "open 122", "open 150"]);
  });

  test("backscatter counts what own networks receive from outside, where it knows them", () => {
    const ownNetworks = "198.51.96.0/20, 2001:db8::/32";
    expect(told(asked, { ownNetworks })[0]).toBe("open 61");
    expect(told(asked, { ownNetworks: "198.51.100.0/32" })).toEqual([]);
    expect(told(asked, { ownNetworks: "198.51.96.0/20 203.0.113.0/24" })).toEqual([]);
  });

  const icmp = (typeCode: number, more: Row = {}): Row[] =>
    answers(61, { PROTOCOL: 1, SRC_PORT: 0, DST_PORT: 0, TCP_FLAGS: 0, ...more }).map((row) => ({
      ...row,
      L4_ICMP_TYPE_CODE: typeCode,
    }));

  test("backscatter counts echo replies and errors of ICMP and ICMPv6, and says which", () => {
    for (const typeCode of [0x0000, 0x0301, 0x0b00])
      expect(told(icmp(typeCode))).toEqual(["open 61"]);
    for (const typeCode of [0x8100, 0x0104, 0x0300])
      expect(told(icmp(typeCode, { PROTOCOL: 58 }))).toEqual(["open 61"]);
    for (const typeCode of [0x0800, 0x0500, 0x8100]) expect(told(icmp(typeCode))).toEqual([]);
    const [alert] = play(backscatter, icmp(0x0301)).alerts;
    expect(alert!.reason).toContain("sent 61 ICMP errors to about");
    expect(alert).toMatchObject({ protocol: 1, target: { ip: "203.0.113.9" } });
  });

  test("backscatter reads type and code where NetFlow has them, and takes no zero for an echo reply", () => {
    const layout = parseTemplate(
      backscatter.inputs.flows.fields
        .filter(({ optional }) => !optional)
        .map(({ type, name }) => `${type} ${name}`)
        .join(","),
    );
    const bare = (typeCode: number): Row[] =>
      answers(61, { PROTOCOL: 1, SRC_PORT: 0, DST_PORT: typeCode, TCP_FLAGS: 0 });
    expect(play(backscatter, bare(0x0301), { layout }).alerts).toHaveLength(1);
    expect(play(backscatter, bare(0), { layout }).alerts).toEqual([]);
  });

  test("backscatter takes echo replies for asked after a ping, and errors after anything that the receiver sent", () => {
    const pings = icmp(0).flatMap((row) => [request(row, { L4_ICMP_TYPE_CODE: 0x0800 }), row]);
    expect(told(pings)).toEqual([]);
    // To somebody else: the error may come from a router on the way.
    const sent = (row: Row): Row =>
      request(row, { DST_IP: "192.0.2.77", PROTOCOL: 17, TCP_FLAGS: 0, L4_ICMP_TYPE_CODE: 0 });
    expect(told(icmp(0x0301).flatMap((row) => [sent(row), row]))).toEqual([]);
    expect(told(icmp(0).flatMap((row) => [sent(row), row]))).toEqual(["open 61"]);
  });

  test("backscatter decides at once on the oldest when too many wait, and counts that", () => {
    const burst = Array.from({ length: 33_000 }, (_, i) => answer(i % 5000, at(i / 5000)));
    const { runner } = play(backscatter, [...answers(5), ...burst], {});
    expect(runner.counters.get("waiting_full")).toBe(5 + 33_000 - 32_768);
  });

  test("backscatter says the same when event time comes while responses wait", () => {
    const often = new Play(backscatter);
    for (const [i, row] of asked.entries()) often.rows([row]).advance(START + i * SECOND);
    expect(said(often.end())).toEqual(said(play(backscatter, asked)));
  });
});
