// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { SECOND } from "../../core/unirec/time.ts";
import reflection from "./index.ts";
import { VECTORS } from "./vectors.ts";

const START = 1_704_067_200 * SECOND;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const VICTIM = "198.51.100.7";

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});

/** An answer of the i-th of 1,000 resolvers, a hundred a second. */
const answer = (i: number, more: Row = {}): Row => ({
  SRC_IP: `203.0.${Math.floor((i % 1000) / 250)}.${i % 250}`,
  DST_IP: VICTIM,
  SRC_PORT: 53,
  DST_PORT: 4444,
  PROTOCOL: 17,
  PACKETS: 2,
  BYTES: 2800,
  ...at(i / 100),
  ...more,
});
const answers = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => answer(i, more));
const synAcks = (count: number, more: Row = {}): Row[] =>
  answers(count, {
    ...{ PROTOCOL: 6, TCP_FLAGS: SYN | ACK, SRC_PORT: 443, PACKETS: 1, BYTES: 44 },
    ...more,
  });
/** What the victim sends to be answered so. */
const queries = (rows: readonly Row[]): Row[] =>
  rows.map((row) => ({
    ...row,
    ...{ SRC_IP: row["DST_IP"], DST_IP: row["SRC_IP"] },
    ...{ SRC_PORT: row["DST_PORT"], DST_PORT: row["SRC_PORT"], PACKETS: 1, BYTES: 70 },
    TCP_FLAGS: row["PROTOCOL"] === 6 ? SYN : 0,
  }));
const mixed = (...rows: readonly Row[][]): Row[] =>
  rows.flat().sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));

const told = (rows: readonly Row[], params: Row = {}): string[] =>
  play(reflection, rows, { params }).alerts.map(
    ({ title, state, packets }) => `${title}, ${state}, ${packets}`,
  );

testDetector(reflection, {
  alert: answers(600),
  quiet: [
    ...answers(600, { PACKETS_REV: 2, DST_IP: "198.51.100.1" }), // asked for, or at least heeded
    ...answers(600, { SRC_IP: "203.0.113.9", DST_IP: "198.51.100.2" }), // one server
    ...answers(30, { DST_IP: "198.51.100.3" }), // few
    ...answers(600, { SRC_PORT: 123, PACKETS: 1, BYTES: 76, DST_IP: "198.51.100.4" }), // the time
    ...answers(600, { SRC_PORT: 4500, DST_IP: "198.51.100.5" }), // no vector
    ...answers(600, { DST_IP: "224.0.0.251", SRC_PORT: 5353 }), // a group
    ...synAcks(600, { TCP_FLAGS: SYN | ACK | 0x08, DST_IP: "198.51.100.6" }), // connections
  ],
  other: (i) => answer(0, { DST_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}` }),
  small: { victimsMax: 16, countersMax: 16 },
  evicted: "victims_evicted",
  stateMax: 7_000_000,
});

describe("reflection", () => {
  test("reflection opens at its limits, updates at doublings and closes after a silence", () => {
    const { alerts } = new Play(reflection)
      .rows(answers(300))
      .advance(START + 1000 * SECOND)
      .end();
    expect(alerts.map(({ state, packets }) => [state, packets])).toEqual([
      ["open", 100],
      ["open", 200],
      ["open", 400],
      ["closed", 576], // of 600, less those by which the suspect was found
    ]);
    expect(alerts.at(-1)!.detectTime).toBe(START + (2.99 + 120) * SECOND);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  test("reflection names victim, vector and number of reflectors", () => {
    const [alert] = play(reflection, answers(300)).alerts;
    expect(alert).toMatchObject({
      ...{ rule: 9_000_201, title: "Reflection through DNS", key: `reflection:${VICTIM}<dns` },
      ...{ source: { count: 50, port: 53 }, target: { ip: VICTIM, port: 4444 } },
      ...{ observed: 50, threshold: 10, flows: 50, packets: 100, bytes: 140_000 },
    });
    expect(alert!.reason).toBe(
      `${VICTIM} received 100 packets (140000 bytes) of UDP port 53 (DNS) from an estimated 50 reflectors it had not asked, within 0.5 s (limits 10 reflectors and 100 packets in 10 s)`,
    );
    expect(alert!.evidence).toHaveLength(20);
  });

  test.each(VECTORS.map(({ rule, port }) => [rule, port] as const))(
    "reflection finds the vector %s",
    (rule, port) => {
      const rows = port === 0 ? synAcks(300) : answers(300, { SRC_PORT: port });
      const [alert] = play(reflection, rows).alerts;
      expect(alert!.key).toBe(`reflection:${VICTIM}<${rule}`);
    },
  );

  test("reflection tells of an attack by several vectors one by one", () => {
    const both = mixed(answers(300), answers(300, { SRC_PORT: 389 }));
    expect(new Set(play(reflection, both).alerts.map(({ title }) => title))).toEqual(
      new Set(["Reflection through DNS", "Reflection through CLDAP"]),
    );
  });

  test("reflection sees IPv6", () => {
    const rows = answers(300).map((row, i) => ({
      ...row,
      ...{ SRC_IP: `2001:db8:1::${i}`, DST_IP: "2001:db8::7" },
    }));
    expect(play(reflection, rows).alerts[0]!.target.ip).toBe("2001:db8::7");
  });

  test("reflection has limits of reflectors and of packets, each of its own", () => {
    const nine = answers(600).map((row, i) => ({ ...row, SRC_IP: `203.0.113.${i % 9}` }));
    expect(told(nine)).toEqual([]);
    expect(told(nine, { reflectorsMin: 9 }).length).toBeGreaterThan(0);
    expect(told(answers(49))).toEqual([]);
    expect(told(answers(600), { answersMin: 1200 })).toEqual([]);
  });

  test("reflection counts what comes within 10 s, and nothing that is slower", () => {
    const slow = answers(600).map((row, i) => ({ ...row, ...at(i / 2) }));
    expect(told(slow)).toEqual([]);
  });

  test("reflection leaves a resolver alone that asks, whichever record comes first", () => {
    const asked = answers(3000, { PACKETS: 1 });
    expect(told(mixed(queries(asked), asked))).toEqual([]);
    expect(told(mixed(asked, queries(asked)))).toEqual([]);
    // Where biflows are seen, some requests of which are lost.
    const lost = asked.map((row, i) => (i % 10 === 0 ? row : queries([row])[0]!));
    expect(told(lost)).toEqual([]);
    expect(told(mixed(queries(asked), answers(3000, { PACKETS: 9 }))).length).toBeGreaterThan(0);
  });

  test("reflection leaves a host alone that scans", () => {
    const found = synAcks(3000);
    expect(told(mixed(queries(found), found))).toEqual([]);
    expect(told(synAcks(3000)).length).toBeGreaterThan(0);
  });

  test("reflection lets a group answer who asked it, for a minute", () => {
    const search = (seconds: number): Row =>
      queries([answer(0, { SRC_IP: "239.255.255.250", SRC_PORT: 1900, ...at(seconds) })])[0]!;
    const found = answers(300, { SRC_PORT: 1900 });
    expect(told([search(-1), ...found])).toEqual([]);
    expect(told([search(-80), ...found]).length).toBeGreaterThan(0);
    const six = found.map((row, i) => ({ ...row, DST_IP: "2001:db8::7", SRC_IP: `fe80::${i}` }));
    expect(told([{ ...search(-1), SRC_IP: "2001:db8::7", DST_IP: "ff02::c" }, ...six])).toEqual([]);
  });

  test("reflection takes what goes to the vector's own port for questions, unless it is too large", () => {
    const both = (port: number, bytes: number): Row =>
      ({ SRC_PORT: port, DST_PORT: port, PACKETS: 1, BYTES: bytes }) as Row;
    expect(told(answers(600, both(53, 80)))).toEqual([]);
    expect(told(answers(600, both(53, 1400))).length).toBeGreaterThan(0);
    expect(told(answers(600, both(5060, 700)))).toEqual([]);
    expect(told(answers(600, { SRC_PORT: 161, DST_PORT: 162 }))).toEqual([]);
  });

  test("reflection counts SYN-ACKs that the victim resets, and resets only with those", () => {
    const refused = { PACKETS_REV: 1, TCP_FLAGS_REV: RST };
    expect(told(synAcks(300, refused)).length).toBeGreaterThan(0);
    expect(told(synAcks(300, { PACKETS_REV: 1, TCP_FLAGS_REV: ACK }))).toEqual([]);
    expect(told(synAcks(300, { TCP_FLAGS: RST | ACK }))).toEqual([]);
    const half = synAcks(600).map((row, i) => (i % 2 === 0 ? row : { ...row, TCP_FLAGS: RST }));
    const { alerts } = play(reflection, half);
    expect(alerts.at(-1)!.packets).toBeGreaterThan(450);
    expect(alerts.at(-1)!.source.count).toBeGreaterThan(430);
  });

  test("reflection goes on where the sender's clock was set back, and raises nothing for that", () => {
    const ahead = answers(40, at(86_400));
    const slow = answers(600).map((row, i) => ({ ...row, ...at(i / 2) }));
    expect(told([...ahead, ...slow])).toEqual([]);
    expect(told([...ahead, ...answers(300)]).length).toBeGreaterThan(0);
  });

  test("reflection names the victim within 5 s of the first answer, of flows of one packet", () => {
    const slowest = answers(600, { PACKETS: 1 }).map((row, i) => ({ ...row, ...at(i / 40) }));
    const [alert] = play(reflection, slowest).alerts;
    expect(alert!.detectTime - START).toBeLessThanOrEqual(5 * SECOND);
  });

  test("reflection passes over a flow that ended before it began, and counts it", () => {
    const wrong = answers(600).map((row) => ({
      ...row,
      TIME_FIRST: Number(row["TIME_LAST"]) + 1,
    }));
    const { alerts, runner } = play(reflection, wrong);
    expect(alerts).toEqual([]);
    expect(runner.counters.get("flows_ended_before_begun")).toBe(600);
  });
});
