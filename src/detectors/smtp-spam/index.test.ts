// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { parseIp } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import smtpSpam from "./index.ts";
import { Prefixes } from "./prefixes.ts";

const START = 1_704_067_200 * SECOND;
/** Bits of replies: 220 and 250; 550; 554; a text that speaks of spam. */
const FINE = 0x14;
const NO_MAILBOX = 1 << 18;
const REFUSED = 1 << 22;
const SPAM = 0x4000_0000;

const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + seconds * SECOND,
});
/** The i-th session of a host, to a server of its own, one a second. */
const session = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: `192.0.${2 + (i >>> 8)}.${i & 255}`,
  SRC_PORT: 40_000 + (i % 1000),
  DST_PORT: 25,
  SMTP_2XX_STAT_CODE_COUNT: 5,
  SMTP_MAIL_CMD_COUNT: 1,
  SMTP_RCPT_CMD_COUNT: 1,
  SMTP_STAT_CODE_FLAGS: FINE,
  SMTP_FIRST_SENDER: `user${i}@example.org`,
  SMTP_FIRST_RECIPIENT: `someone${i}@example.com`,
  ...at(i),
  ...more,
});
const sessions = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => session(i, more));

testDetector(smtpSpam, {
  alert: sessions(120),
  quiet: [
    ...sessions(8), // few servers
    ...sessions(300, { SRC_IP: "10.0.0.2", DST_IP: "192.0.2.25" }), // one server
    ...sessions(200, { SRC_IP: "10.0.0.3", DST_PORT: 8025 }), // no mail
  ],
  other: (i) =>
    session(0, {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
      DST_IP: "192.0.2.25",
    }),
  small: { hostsMax: 16 },
  evicted: "hosts_evicted",
  stateMax: 6_000_000,
});

describe("smtp-spam", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(smtpSpam, rows, { params }).alerts;

  test("smtp-spam opens an event, updates it at doublings and when the host is idle", () => {
    const rows = [...sessions(60), session(0, { SRC_IP: "10.9.9.9", ...at(5000) })];
    const { alerts, out } = play(smtpSpam, rows);
    expect(alerts.map(({ flows, state }) => [flows, state])).toEqual([
      [11, "open"],
      [22, "open"],
      [44, "open"],
      [60, "closed"],
    ]);
    expect(alerts[3]!.detectTime).toBe(START + (59 + 900) * SECOND);
    expect(alerts[0]).toMatchObject({
      rule: 9_000_130,
      key: "smtp-spam:10.0.0.1:spam",
      reason:
        "10.0.0.1 sent mail in 11 sessions to about 11 servers (limit 10) with about 12 senders in 10 s; 0 sessions were refused, in 0 the server spoke of spam; confidence 0.90",
      observed: 11,
      threshold: 10,
      source: { ip: "10.0.0.1" },
      target: { port: 25, count: 11 },
    });
    expect(out["alerts"]![0]).toMatchObject({
      SRC_IP: "10.0.0.1",
      SMTP_SESSIONS: 11,
      SMTP_SERVERS: 11,
      SMTP_SENDERS: 12,
      SMTP_MAIL_CMD_COUNT: 11,
      SMTP_RCPT_CMD_COUNT: 11,
      SMTP_REFUSED: 0,
    });
  });

  test("smtp-spam keeps quiet about a mail server, which takes mail as well", () => {
    const incoming = session(0, { SRC_IP: "203.0.113.1", DST_IP: "10.0.0.1", ...at(0) });
    expect(alertsOf([incoming, ...sessions(300)])).toEqual([]);
    const refused = { ...incoming, SMTP_2XX_STAT_CODE_COUNT: 0, SMTP_STAT_CODE_FLAGS: REFUSED };
    expect(alertsOf([refused, ...sessions(300)]).length).toBeGreaterThan(0);
  });

  test("smtp-spam knows a mail server that takes mail by STARTTLS alone, of which no command is seen", () => {
    const incoming = (yes: number) =>
      session(0, {
        ...{ SRC_IP: "203.0.113.1", DST_IP: "10.0.0.1", ...at(0) },
        ...{ SMTP_2XX_STAT_CODE_COUNT: yes, SMTP_MAIL_CMD_COUNT: 0, SMTP_RCPT_CMD_COUNT: 0 },
        ...{ SMTP_FIRST_SENDER: "", SMTP_FIRST_RECIPIENT: "" },
      });
    expect(alertsOf([incoming(3), ...sessions(300)])).toEqual([]);
    // Greeted, and refused what it asked for.
    expect(alertsOf([incoming(1), ...sessions(300)]).length).toBeGreaterThan(0);
  });

  test("smtp-spam finds a mail server whose mail is refused all over", () => {
    const incoming = session(0, { SRC_IP: "203.0.113.1", DST_IP: "10.0.0.1", ...at(0) });
    const flags = FINE | NO_MAILBOX | REFUSED | (1 << 8);
    const [alert] = alertsOf([
      incoming,
      ...sessions(60, { SMTP_STAT_CODE_FLAGS: flags, SMTP_FIRST_SENDER: "" }),
    ]);
    expect(alert).toMatchObject({ rule: 9_000_130 });
  });

  test("smtp-spam passes over relays of one's own, as senders and as those who get mail", () => {
    expect(alertsOf(sessions(120), { relays: "10.0.0.1" })).toEqual([]);
    expect(alertsOf(sessions(120), { relays: "2001:db8::/32, 10.0.0.0/24" })).toEqual([]);
    expect(alertsOf(sessions(120), { relays: "192.0.0.0/16" })).toEqual([]);
    expect(alertsOf(sessions(120), { relays: "10.0.1.0/24" }).length).toBeGreaterThan(0);
    expect(() => alertsOf(sessions(1), { relays: "10.0.0.0/33" })).toThrow(
      'relays: "10.0.0.0/33" is no address',
    );
  });

  test("smtp-spam sees IPv6, submission to many servers, and flows that were turned round", () => {
    const v6 = sessions(60).map((row, i) => ({
      ...row,
      SRC_IP: "2001:db8::1",
      DST_IP: `2001:db8:${i}::25`,
    }));
    expect(alertsOf(v6)[0]!.source.ip).toBe("2001:db8::1");
    expect(alertsOf(sessions(60, { DST_PORT: 587 })).length).toBeGreaterThan(0);
    const turned = sessions(60).map((row) => ({
      ...row,
      SRC_IP: row["DST_IP"],
      DST_IP: row["SRC_IP"],
      SRC_PORT: 25,
      DST_PORT: 40_000,
    }));
    expect(alertsOf(turned)[0]!.source.ip).toBe("10.0.0.1");
  });

  test("smtp-spam tells of a host whose mail servers call spam, even few of them", () => {
    const spam = { DST_IP: "192.0.2.25", SMTP_STAT_CODE_FLAGS: (FINE | SPAM | REFUSED) >>> 0 };
    expect(alertsOf(sessions(2, spam))).toEqual([]);
    const [alert] = alertsOf(sessions(3, spam));
    expect(alert).toMatchObject({
      rule: 9_000_131,
      observed: 3,
      threshold: 3,
      reason:
        "10.0.0.1 sent mail in 3 sessions to about 1 servers in 2 s; in 3 of them the server spoke of spam (limit 3)",
    });
  });

  test("smtp-spam finds what is enciphered by servers and sessions, a little later", () => {
    const sealed = sessions(120, {
      SMTP_MAIL_CMD_COUNT: 0,
      SMTP_RCPT_CMD_COUNT: 0,
      SMTP_FIRST_SENDER: "",
      SMTP_FIRST_RECIPIENT: "",
    });
    const [open, sealedOpen] = [alertsOf(sessions(120))[0]!, alertsOf(sealed)[0]!];
    expect(sealedOpen.flows!).toBeGreaterThan(open.flows!);
  });

  test("smtp-spam gives points for refusals and missing senders", () => {
    const opens = (more: Row): number =>
      alertsOf(sessions(120, { SMTP_FIRST_SENDER: "a@example.org", ...more }))[0]!.flows!;
    const plain = opens({});
    expect(opens({ SMTP_FIRST_SENDER: "" })).toBeLessThan(plain);
    expect(opens({ SMTP_STAT_CODE_FLAGS: FINE | NO_MAILBOX })).toBeLessThan(plain);
    expect(opens({ SMTP_FIRST_RECIPIENT: "" })).toBeLessThan(plain);
  });

  test("smtp-spam counts a host anew when the window is over", () => {
    const slow = sessions(60).map((row, i) => ({ ...row, ...at(i * 600) }));
    expect(alertsOf(slow)).toEqual([]);
    expect(alertsOf(slow, { window: 86_400 }).length).toBeGreaterThan(0);
  });

  test("smtp-spam's prefixes hold what is in them and nothing else", () => {
    const prefixes = new Prefixes(
      "10.1.2.3, 192.0.2.128/25, 2001:db8:80::/41, ::1, 0.0.0.0/32",
      "x",
    );
    const has = (ip: string): boolean => prefixes.has(parseIp(ip)!);
    for (const ip of ["10.1.2.3", "192.0.2.128", "192.0.2.255", "2001:db8:ff::1", "::1", "0.0.0.0"])
      expect([ip, has(ip)]).toEqual([ip, true]);
    for (const ip of [
      "10.1.2.4",
      "192.0.2.127",
      "192.0.3.128",
      "2001:db8:7f::1",
      "::2",
      "2001:db8:100::",
    ])
      expect([ip, has(ip)]).toEqual([ip, false]);
    expect(new Prefixes("", "x").isEmpty).toBe(true);
    const all = new Prefixes("0.0.0.0/0", "x");
    expect([all.has(parseIp("203.0.113.9")!), all.has(parseIp("2001:db8::1")!)]).toEqual([
      true,
      false,
    ]);
    for (const bad of ["10.0.0.1/", "10.0.0.1/8/8", "host", "::/129", "1.2.3.4/-1"])
      expect(() => new Prefixes(bad, "x")).toThrow("is no address");
  });
});
