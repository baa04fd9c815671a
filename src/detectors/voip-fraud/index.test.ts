// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { testGolden } from "../../core/testing/golden.ts";
import { Play, play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { parseTemplate } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import voipFraud from "./index.ts";

const START = 1_704_067_200 * SECOND;
const NUMBER = "441234567890";
const COMPAT = { compat: "nemea" };

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
/** A call of 10.0.0.1 to a number, at a second of its own. */
const call = (number: string, seconds: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.5",
  SIP_MSG_TYPE: 1,
  SIP_REQUEST_URI: `sip:${number}@198.51.100.5`,
  SIP_CALLED_PARTY: `sip:${number}@198.51.100.5`,
  SIP_CALLING_PARTY: "sip:100@192.0.2.3",
  SIP_CALL_ID: `call-${seconds}`,
  SIP_CSEQ: "1 INVITE",
  SIP_USER_AGENT: "scanner",
  ...at(seconds),
  ...more,
});
/** 200 OK to the call of that second. */
const ok = (number: string, seconds: number, more: Row = {}): Row =>
  call(number, seconds, {
    SRC_IP: "198.51.100.5",
    DST_IP: "10.0.0.1",
    SIP_MSG_TYPE: 99,
    SIP_STATUS_CODE: 200,
    SIP_REQUEST_URI: "",
    ...more,
  });
/** Calls with the prefixes 10, 11, 12, …, one a second. */
const guesses = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => call(`${10 + i}${NUMBER}`, i, more));

/** Ordinary calls: no number twice. */
const people = Array.from({ length: 60 }, (_, i) => call(`${420_600_000_000 + i * 7_919_313}`, i));

// The original's record has no TIME_LAST, so that its alerts have the time they are noticed at: compat mode
// is held against the recordings and tested below.
const { compat: _, ...params } = voipFraud.params;
testDetector(
  { ...voipFraud, params },
  {
    alert: guesses(45),
    quiet: [
      ...guesses(10),
      ...people,
      ...["+", "00", "011", ""].flatMap((usual, i) => [
        ...guesses(3).map((row) => ({ ...row, SRC_IP: `10.0.1.${i}` })),
        call(`${usual}${NUMBER}`, 20 + i, { SRC_IP: "10.0.0.2" }),
      ]),
      ...guesses(20, { SIP_MSG_TYPE: 5 }), // REGISTER
      ...Array.from({ length: 40 }, (_, i) => call(`${100 + i}`, i, { SRC_IP: "10.0.0.3" })),
      ...guesses(20, { SIP_REQUEST_URI: "sip:bob@example.net", SIP_CALLED_PARTY: "" }),
    ],
    other: (i) => call(`${600_000_000 + i}`, 0, { SRC_IP: `10.${1 + (i >>> 8)}.${i & 255}.9` }),
    small: { numbersMax: 16 },
    evicted: "numbers_evicted",
    stateMax: 15_000_000,
  },
);

testGolden("voip_fraud", voipFraud);

describe("voip-fraud", () => {
  const counts = (rows: readonly Row[], more: Row = {}): unknown[] =>
    play(voipFraud, rows, { params: more }).out["alerts"]!.map(
      (record) => record["VOIP_FRAUD_PREFIX_EXAMINATION_COUNT"],
    );

  test("voip-fraud opens above the limit, updates at doublings and says the end of the stream", () => {
    expect(counts(guesses(10))).toEqual([]);
    expect(counts(guesses(11))).toEqual([11]);
    expect(counts(guesses(50))).toEqual([11, 22, 44, 50]);
    expect(counts(guesses(5), { prefixesMax: 4 })).toEqual([5]);
  });

  test("voip-fraud sends the original's record and names what it saw", () => {
    const { out, alerts } = play(voipFraud, guesses(11));
    expect(out["alerts"]![0]).toEqual({
      SRC_IP: "10.0.0.1",
      DST_IP: "::",
      DETECTION_TIME: START + 10 * SECOND,
      TIME_FIRST: START,
      TIME_LAST: START + 10 * SECOND,
      EVENT_ID: 0,
      EVENT_TYPE: 40,
      VOIP_FRAUD_INVITE_COUNT: 11,
      VOIP_FRAUD_PREFIX_EXAMINATION_COUNT: 11,
      VOIP_FRAUD_SUCCESSFUL_CALL_COUNT: 0,
      VOIP_FRAUD_PREFIX_LENGTH: 5,
      VOIP_FRAUD_COUNTRY_CODE: "",
      VOIP_FRAUD_SIP_FROM: "sip:100@192.0.2.3",
      VOIP_FRAUD_SIP_TO: `sip:20${NUMBER}@198.51.100.5`,
      VOIP_FRAUD_USER_AGENT: "scanner",
    });
    expect(alerts[0]).toMatchObject({
      rule: 9_000_090,
      key: "voip-fraud:10.0.0.1>*234567890",
      reason:
        "10.0.0.1 tried 11 prefixes before the number 234567890 (limit 10) in 11 calls, of which 0 were answered",
      observed: 11,
      threshold: 10,
      source: { ip: "10.0.0.1" },
      target: { ip: "198.51.100.5" },
      state: "open",
    });
    expect(alerts[0]!.evidence.at(-1)).toMatchObject({ SIP_USER_AGENT: "scanner" });
  });

  test("voip-fraud closes the event when the number was not called for the timeout", () => {
    const rows = [...guesses(12), call("600123456", 90_000)];
    const { alerts } = play(voipFraud, rows);
    expect(alerts.map(({ state, observed }) => [state, observed])).toEqual([
      ["open", 11],
      ["closed", 12],
    ]);
    expect(alerts[1]!.detectTime).toBe(START + (11 + 86_400) * SECOND);
  });

  test("voip-fraud fires at the call that crosses the limit, where the original waits for another", () => {
    expect(counts(guesses(11))).toEqual([11]);
    expect(counts(guesses(11), COMPAT)).toEqual([]);
    expect(counts([...guesses(11), call("1", 30)], COMPAT)).toEqual([11]);
  });

  test("voip-fraud counts on after an alert, where the original forgets and pauses", () => {
    const rows = [...guesses(12), ...guesses(24).slice(12), call("1", 42)];
    expect(counts(rows)).toEqual([11, 22, 24]);
    expect(counts(rows, COMPAT)).toEqual([20]);
  });

  test("voip-fraud takes short numbers of one exchange for no guessing, as the original does", () => {
    const rows = Array.from({ length: 40 }, (_, i) => call(`${600_000_000 + i * 7919}`, i));
    expect(counts(rows)).toEqual([]);
    expect(counts(rows, COMPAT).length).toBeGreaterThan(0);
  });

  test("voip-fraud counts prefixes whatever exchange is called, and says how many there were", () => {
    const spread = guesses(11).map((row, i) => {
      const uri = `sip:${10 + i}${NUMBER}@198.51.100.${i}`;
      return { ...row, DST_IP: `198.51.100.${i}`, SIP_REQUEST_URI: uri };
    });
    const { alerts } = play(voipFraud, spread);
    expect(alerts[0]!.target).toEqual({ count: 6 });
    expect(counts([...spread, call("1", 30)], COMPAT)).toEqual([]);
  });

  test("voip-fraud takes the usual ways to write a number for one prefix", () => {
    const usual = ["", "+", "00", "011"].map((way, i) => call(`${way}${NUMBER}`, i));
    expect(counts([...usual, ...guesses(9)])).toEqual([]);
    expect(counts([...usual, ...guesses(10)])).toEqual([11]);
  });

  test("voip-fraud counts prefixes of any length", () => {
    const long = guesses(11).map((row, i) => ({
      ...row,
      SIP_REQUEST_URI: `sip:${(10 + i) * 12_345_678_912}${NUMBER}@198.51.100.5`,
    }));
    expect(counts(long)).toEqual([11]);
    expect(counts([...long, call("1", 30)], COMPAT)).toEqual([]);
  });

  test("voip-fraud looks at the least length of a number", () => {
    const short = guesses(11).map((row, i) => ({
      ...row,
      SIP_REQUEST_URI: `sip:${10 + i}12345@198.51.100.5`,
    }));
    expect(counts(short)).toEqual([]);
    expect(counts(short, { numberDigits: 5 })).toEqual([11]);
  });

  test("voip-fraud sees IPv6 and keeps callers and numbers apart", () => {
    const six = guesses(11, { SRC_IP: "2001:db8::1", DST_IP: "2001:db8::5" });
    expect(play(voipFraud, six).alerts[0]!.source).toEqual({ ip: "2001:db8::1" });
    expect(counts(guesses(20).map((row, i) => ({ ...row, SRC_IP: `10.0.0.${i & 1}` })))).toEqual(
      [],
    );
    const two = Array.from({ length: 20 }, (_, i) => call(`${10 + i}${NUMBER}${i & 1}`, i));
    expect(counts(two)).toEqual([]);
  });

  test("voip-fraud tells of the answered guess with the graver rule", () => {
    const rules = (rows: readonly Row[]) =>
      play(voipFraud, rows).alerts.map(({ rule, severity }) => [rule, severity]);
    const found = ok(`20${NUMBER}`, 10, at(12));
    const asked = [9_000_090, 6];
    const breached = [9_000_091, 9];
    expect(rules([...guesses(11), found])).toEqual([asked, breached]);
    expect(rules([...guesses(11), found, found])).toEqual([asked, breached]); // retransmitted
    expect(rules([...guesses(3), found, ...guesses(11)])).toEqual([breached]);
    // A meter that keeps the direction of the call has the answer among its packets.
    const turned = { ...found, SRC_IP: "10.0.0.1", DST_IP: "198.51.100.5" };
    expect(rules([...guesses(11), { ...turned, PACKETS: 0, PACKETS_REV: 1 }])).toEqual([
      asked,
      breached,
    ]);
    expect(rules([...guesses(11), turned])).toEqual([asked]);
    // One that makes a call one flow has the answer's status with it.
    const answered = guesses(11).map((row, i) => ({
      ...row,
      SIP_STATUS_CODE: i === 10 ? 200 : 403,
    }));
    expect(rules(answered)).toEqual([asked, breached]);
    expect(rules([...guesses(11), { ...found, SIP_CSEQ: "7 REGISTER" }])).toEqual([asked]);
  });

  test("voip-fraud counts exactly up to 1,024 prefixes, then estimates and says so", () => {
    const rows = Array.from({ length: 5000 }, (_, i) => call(`${10_000 + i}${NUMBER}`, i / 10));
    const last = play(voipFraud, rows).alerts.at(-1)!;
    expect(Math.abs(last.observed! / 5000 - 1)).toBeLessThan(0.05);
    expect(last.reason).toContain(`an estimated ${last.observed} (standard error 1.6 %)`);
    expect(play(voipFraud, rows.slice(0, 1024)).alerts.at(-1)!.observed).toBe(1024);
  });

  test("voip-fraud tells of calls to other countries only where usual ones are named", () => {
    const rows = [
      call("+420600123456", 0),
      call("0044123456789", 1),
      call("0044123456780", 2),
      call("+12025550123", 3),
      call("600123456", 4), // of no known country
    ];
    expect(play(voipFraud, rows).alerts).toEqual([]);
    const { alerts, out } = play(voipFraud, rows, { params: { countries: "420, 1" } });
    expect(alerts.map(({ key, observed, rule }) => [key, observed, rule])).toEqual([
      ["voip-fraud:10.0.0.1>+44", 1, 9_000_092],
      ["voip-fraud:10.0.0.1>+44", 2, 9_000_092],
    ]);
    expect(alerts[0]!.reason).toBe(
      "10.0.0.1 called numbers of the country +44, which is not among the usual ones (420, 1): 1 calls",
    );
    expect(out["alerts"]![0]).toMatchObject({
      EVENT_TYPE: 41,
      DST_IP: "198.51.100.5",
      VOIP_FRAUD_COUNTRY_CODE: "44",
      VOIP_FRAUD_SIP_TO: "sip:0044123456789@198.51.100.5",
    });
  });

  test("voip-fraud refuses a list of countries that are none", () => {
    for (const countries of ["CZ", "420,4x", "0"])
      expect(() => play(voipFraud, people, { params: { countries } })).toThrow("country codes");
  });
});

describe("voip-fraud, compat nemea:", () => {
  const records = (rows: readonly Row[], more: Row = {}) =>
    play(voipFraud, rows, { params: { ...COMPAT, ...more } }).out["alerts"]!;
  const later = (seconds: number): Row[] =>
    guesses(12).map((row, i) => ({ ...row, ...at(seconds + i), SIP_CALL_ID: `later-${i}` }));

  test("voip-fraud keeps the number of an event as long as the same number is attacked", () => {
    const again = [...guesses(12), ...later(100), call("1", 130)];
    expect(records(again).map((record) => record["EVENT_ID"])).toEqual([1, 1]);
    const other = later(100).map((row, i) => ({
      ...row,
      SIP_REQUEST_URI: `sip:${10 + i}999888777666@198.51.100.5`,
    }));
    const both = [...guesses(12), call("1", 30), ...other, call("1", 130)];
    expect(records(both).map((record) => record["EVENT_ID"])).toEqual([1, 2]);
  });

  test("voip-fraud takes off what was answered and what has too long a prefix", () => {
    const answered = [...guesses(12), ok(`10${NUMBER}`, 0, at(12)), call("1", 30)];
    expect(records(answered).map((r) => r["VOIP_FRAUD_PREFIX_EXAMINATION_COUNT"])).toEqual([11]);
    expect(records(answered).map((r) => r["VOIP_FRAUD_SUCCESSFUL_CALL_COUNT"])).toEqual([1]);
    const unknown = [...guesses(12), ok(`10${NUMBER}`, 99, at(12)), call("1", 30)];
    expect(records(unknown).map((r) => r["VOIP_FRAUD_SUCCESSFUL_CALL_COUNT"])).toEqual([0]);
    expect(records([...guesses(12), call("1", 30)], { prefixLengthMax: 1 })).toEqual([]);
  });

  test("voip-fraud forgets callers silent for long and those with too many numbers", () => {
    const first = (more: Row): unknown =>
      records([...guesses(12), ...later(100), call("1", 130)], more).at(-1)?.["TIME_FIRST"];
    expect(first({})).toBe(START);
    expect(first({ pause: 1000, clearAfter: 70, interval: 500 })).toBeUndefined();
    expect(
      records([...guesses(12), call("1", 70), call("2", 80)], { itemsMax: 5, interval: 75 }),
    ).toEqual([]);
  });

  test("voip-fraud keeps the number of the last event in a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "voip-fraud-"));
    try {
      const eventIdFile = join(folder, "event_id");
      writeFileSync(eventIdFile, "41\n");
      const [record] = records([...guesses(12), call("1", 30)], { eventIdFile });
      expect(record!["EVENT_ID"]).toBe(42);
      expect(readFileSync(eventIdFile, "utf8")).toBe("42\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("voip-fraud has bounds that the original has not: the caller least recently seen makes room", () => {
    const params = { ...COMPAT, numbersMax: 16 };
    const flood = Array.from({ length: 200 }, (_, i) =>
      call("600123456", i / 100, { SRC_IP: `10.1.0.${i}` }),
    );
    const { runner } = play(voipFraud, flood, { params });
    expect(runner.counters.get("numbers_evicted")).toBe(184);
  });

  test("voip-fraud sends the same records whatever the borders of the batches, and to the old layout", () => {
    const rows = [...guesses(12), call("1", 30)];
    const whole = records(rows);
    const cuts = rows.map((_, i) => i);
    expect(play(voipFraud, rows, { params: COMPAT, cuts }).out["alerts"]).toEqual(whole);
    expect(Object.keys(whole[0]!)).not.toContain("TIME_LAST");
  });

  test("voip-fraud reads records without what is optional, and any bytes", () => {
    const layout = parseTemplate(
      voipFraud.inputs.flows.fields
        .flatMap(({ optional, type, name }) => (optional ? [] : `${type} ${name}`))
        .join(","),
    );
    const rows = [...guesses(12), call("1", 30)].map(({ TIME_LAST: _, ...row }) => row);
    expect(play(voipFraud, rows, { params: COMPAT, layout }).out["alerts"]).toHaveLength(1);
    const random = new Play(voipFraud, { params: COMPAT });
    const size = voipFraud.inputs.flows.fixedSize + 8;
    for (let seed = 0; seed < 300; seed++) {
      const batch = random.port.room(size);
      const start = batch.push(size);
      for (let i = 0; i < size; i++) batch.bytes[start + i] = (seed * 31 + i * 17 * seed) & 255;
    }
    random.end();
    expect(random.runner.records).toBe(300);
  });
});
