// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { streamFrames, talk } from "../testing/text-frames.ts";
import smtp from "./smtp.ts";

testProtocol(smtp, { capture: "smtp.pcap" });

type Talk = Parameters<typeof talk>[0];

const rows = (texts: Talk, { port = 25, compat = false } = {}): Record<string, unknown>[] =>
  protocolRows(smtp, talk(texts, port), { compat });

const EHLO = 1;
const MAIL = 4;
const RCPT = 8;
const DATA = 0x10;
const QUIT = 0x400;
const UNKNOWN = 0x8000;
const PIPELINED = `MAIL FROM:<a@example.com> SIZE=5\r\nRCPT TO:<b@example.org>\r\nrcpt to:<c@example.org>\r\nDATA\r\n`;
const MAIL_TEXT = "Subject: x\r\n\r\nRSET\r\n..\r\n.x\r\n.\r\n";
const SESSION: Talk = [
  [1, "220 mx.example.org ESMTP\r\n"],
  [0, "EHLO client.example.com\r\n"],
  [1, "250-mx.example.org\r\n250-PIPELINING\r\n250 CHUNKING\r\n"],
  [0, PIPELINED],
  [1, "250 ok\r\n250 ok\r\n550 no such user\r\n354 go on\r\n"],
  [0, MAIL_TEXT],
  [1, "250 queued\r\n"],
  [0, "QUIT\r\n"],
  [1, "221 bye\r\n"],
];
const FOUND = {
  SMTP_2XX_STAT_CODE_COUNT: 6,
  SMTP_3XX_STAT_CODE_COUNT: 1,
  SMTP_4XX_STAT_CODE_COUNT: 0,
  SMTP_5XX_STAT_CODE_COUNT: 1,
  SMTP_COMMAND_FLAGS: EHLO | MAIL | RCPT | DATA | QUIT,
  SMTP_MAIL_CMD_COUNT: 1,
  SMTP_RCPT_CMD_COUNT: 2,
  // 220, 221, 250, 354 and 550.
  SMTP_STAT_CODE_FLAGS: 0x4_00_9c,
  SMTP_DOMAIN: "client.example.com",
  SMTP_FIRST_SENDER: "a@example.com",
  SMTP_FIRST_RECIPIENT: "b@example.org",
};

test("smtp reads pipelined commands, replies of several lines, and passes over the mail", () => {
  expect(rows(SESSION)).toMatchObject([FOUND]);
  expect(rows(SESSION, { port: 587 })).toMatchObject([FOUND]);
});

test("smtp finds the same however the lines are cut into segments", () => {
  const cuts = fc.array(fc.integer({ min: 5, max: 120 }), { maxLength: 12 });
  fc.assert(
    fc.property(cuts, (at) => {
      const frames = streamFrames(
        SESSION.map(([side, text]) => [side, text, at]),
        25,
      );
      expect(protocolRows(smtp, frames)).toMatchObject([FOUND]);
    }),
    { numRuns: 30, seed: 5321 },
  );
});

test("smtp reads one command and reply a packet in compat mode, and the text behind the colon", () => {
  expect(rows(SESSION, { compat: true })).toMatchObject([
    {
      SMTP_2XX_STAT_CODE_COUNT: 5,
      SMTP_3XX_STAT_CODE_COUNT: 0,
      SMTP_COMMAND_FLAGS: EHLO | MAIL | QUIT | UNKNOWN,
      SMTP_RCPT_CMD_COUNT: 0,
      SMTP_FIRST_SENDER: "<a@example.com> SIZE=5",
    },
  ]);
  expect(rows(SESSION, { compat: true, port: 587 })).toEqual([]);
});

test("smtp finds the end of a mail in one direction alone", () => {
  const client = SESSION.filter(([side]) => side === 0);
  expect(rows(client)).toMatchObject([
    { SMTP_COMMAND_FLAGS: FOUND.SMTP_COMMAND_FLAGS, SMTP_2XX_STAT_CODE_COUNT: 0 },
  ]);
});

test("smtp takes neither credentials nor chunks for commands", () => {
  const flags = (texts: Talk): unknown => rows(texts)[0]!["SMTP_COMMAND_FLAGS"];
  const login: Talk = [
    [0, "AUTH LOGIN\r\n"],
    [1, "334 VXNlcm5hbWU6\r\n"],
    [0, "dXNlcg==\r\n"],
    [1, "235 ok\r\n"],
    [0, "QUIT\r\n"],
  ];
  expect(flags(login)).toBe(QUIT);
  expect(flags([[0, "BDAT 12 LAST\r\nx y\r\nRSET\r\n\r\nQUIT\r\n"]])).toBe(QUIT);
  expect(flags([[0, "EHLO a\r\n\x01? b\r\n"]])).toBe(EHLO | UNKNOWN);
});

test("smtp looks no further than STARTTLS", () => {
  const texts: Talk = [
    [0, "EHLO a\r\n"],
    [0, "STARTTLS\r\n"],
    [1, "220 ready\r\n"],
    [0, "QUIT\r\n"],
  ];
  expect(rows(texts)).toMatchObject([
    { SMTP_COMMAND_FLAGS: EHLO, SMTP_2XX_STAT_CODE_COUNT: 1, PACKETS: 3 },
  ]);
  // Without a reply that says so, the handshake does.
  const oneWay: Talk = [
    [0, "EHLO a\r\n"],
    [0, "\x16\x03\x01\nQUIT\r\n"],
    [0, "QUIT\r\n"],
  ];
  expect(rows(oneWay)).toMatchObject([{ SMTP_COMMAND_FLAGS: EHLO }]);
});

test("smtp sees that a reply speaks of spam, and a code that has no bit", () => {
  const flags = (reply: string): unknown => rows([[1, reply]])[0]!["SMTP_STAT_CODE_FLAGS"];
  expect(flags("554 This is Spam\r\n")).toBe(0x4040_0000);
  expect(flags("235 ok\r\n")).toBe(0x8000_0000);
});

test("smtp counts no line of which a part is lost", () => {
  const frames = streamFrames(
    [[0, "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", [8, 12, 22]]],
    25,
  );
  expect(protocolRows(smtp, frames.toSpliced(1, 1))).toMatchObject([
    { SMTP_COMMAND_FLAGS: EHLO | RCPT, SMTP_FIRST_RECIPIENT: "c@d" },
  ]);
});

test("smtp takes no other protocol for its own, and bounds what it keeps", () => {
  for (const other of ["GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x16\x03\x01\x00\x05", "1"])
    expect(
      rows([
        [0, other],
        [0, "EHLO a\r\n"],
      ]),
    ).toMatchObject([{ SMTP_COMMAND_FLAGS: 0 }]);
  const long = `<${"x".repeat(600)}>`;
  const [row] = rows([
    [0, `MAIL FROM:${long}\r\n`],
    [0, `EHLO ${"d".repeat(300)}\r\n`],
  ]);
  expect(row!["SMTP_FIRST_SENDER"]).toBe("x".repeat(254));
  expect(row!["SMTP_DOMAIN"]).toBe("d".repeat(255));
});

const CAPTURE = "corpus/pcap/ipfixprobe/smtp.pcap";
const absent = !hasShared(CAPTURE);
test.skipIf(absent)(
  `smtp reads more of a capture than ipfixprobe${absent ? ` (${NO_SHARED})` : ""}`,
  () => {
    const [row] = protocolRows(smtp, sharedPath(CAPTURE)).filter(({ DST_PORT }) => DST_PORT === 25);
    expect(row).toMatchObject({
      // Not the credentials, but QUIT, which follows the mail.
      SMTP_COMMAND_FLAGS: EHLO | MAIL | RCPT | DATA | QUIT,
      SMTP_2XX_STAT_CODE_COUNT: 7,
      SMTP_3XX_STAT_CODE_COUNT: 3,
      SMTP_FIRST_SENDER: "gurpartap@patriots.in",
      SMTP_FIRST_RECIPIENT: "raj_deol2002in@yahoo.co.in",
    });
  },
);
