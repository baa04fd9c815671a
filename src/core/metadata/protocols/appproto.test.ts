// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, talk } from "../testing/text-frames.ts";
import appproto from "./appproto.ts";

testProtocol(appproto);

type Texts = Parameters<typeof talk>[0];

const hex = (text: string): string =>
  Buffer.from(text.replaceAll(" ", ""), "hex").toString("latin1");
const names = (frames: ReturnType<typeof talk>) =>
  protocolRows(appproto, frames).map((row) => row["APP_PROTO"]);
const overTcp = (...texts: Texts) => names(talk(texts, 9999))[0];
const overUdp = (text: string, port = 9999) => names(datagrams([[0, text]], port))[0];

const DNS = hex("1234 0100 0001 0000 0000 0000 07 6578616d706c65 00 0001 0001");
const KERBEROS = hex("6a 81 80 30 81 7d a1 03 02 01 05 a2 03 02 01 0a");
const LDAP = hex("30 0c 02 01 01 60 07 02 01 03 04 00 80 00");
const SMB = hex("00 00 00 54 fe 53 4d 42 40 00");
const MYSQL = hex("0e 00 00 00 0a 38 2e 30 2e 33 36 00 01 02 03 04 05 06");

const TCP: readonly (readonly [name: string, text: string])[] = [
  ["http", "GET / HTTP/1.1\r\n"],
  ["http", "HTTP/1.1 200 OK\r\n"],
  ["rtsp", "OPTIONS rtsp://192.0.2.1/ RTSP/1.0\r\n"],
  ["sip", "OPTIONS sip:a@example.org SIP/2.0\r\n"],
  ["ssh", "SSH-2.0-OpenSSH_9\r\n"],
  ["smtp", "220 mail.example.org ESMTP ready\r\n"],
  ["smtp", "EHLO client\r\n"],
  ["ftp", "220 (vsFTPd 3.0.3)\r\n"],
  ["imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n"],
  ["pop3", "+OK POP3 ready\r\n"],
  ["redis", "*1\r\n$4\r\nPING\r\n"],
  ["rfb", "RFB 003.008\n"],
  ["bittorrent", "\x13BitTorrent protocol\0\0\0\0"],
  ["tls", hex("16 03 01 00 80 01 00 00 7c 03 03")],
  ["smb", SMB],
  ["rdp", hex("03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 03 00 00 00")],
  ["rdp", `${hex("03 00 00 2b 26 e0 00 00 00 00 00")}Cookie: mstshash=user\r\n`],
  ["rdp", hex("03 00 00 13 0e d0 00 00 12 34 00 02 00 08 00 02 00 00 00")],
  ["mysql", MYSQL],
  ["postgresql", hex("00 00 00 08 04 d2 16 2f")],
  ["postgresql", `${hex("00 00 00 12 00 03 00 00")}user\0joe\0\0`],
  ["mqtt", hex("10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00")],
  ["kerberos", hex("00 00 00 10") + KERBEROS],
  ["ldap", LDAP],
  ["dns", hex("00 19") + DNS],
  ["telnet", hex("ff fd 18 ff fd 20")],
];
const UDP: typeof TCP = [
  ["dns", DNS],
  ["kerberos", KERBEROS],
  ["ldap", hex("30 84 00 00 00 06 02 01 01 63 84 00")],
  ["snmp", hex("30 26 02 01 01 04 06 70 75 62 6c 69 63 a0 19")],
  ["snmp", hex("30 3e 02 01 03 30 11 02 04 00 00 00 00")],
  ["sip", "REGISTER sip:example.org SIP/2.0\r\n"],
  ["ssdp", "M-SEARCH * HTTP/1.1\r\n"],
  ["quic", hex("c3 00 00 00 01 08 0102030405060708 00")],
];

test("appproto knows protocols by their first bytes, whatever the port", () => {
  expect(TCP.map(([, text]) => overTcp([0, text]))).toEqual(TCP.map(([name]) => name));
  expect(UDP.map(([, text]) => overUdp(text))).toEqual(UDP.map(([name]) => name));
  expect(overUdp(`\x23${"\0".repeat(47)}`, 123)).toBe("ntp");
  expect(overUdp(DNS, 137)).toBe("netbios");
});

test("appproto does not take what looks similar", () => {
  for (const text of [
    "GETTING / HTTP",
    "220",
    "+O",
    "*x\r\n$4",
    hex("16 03 01 00 80 04"),
    hex("03 00 00 16 11 e0 00 00 00 01 00 c0 01 0a c1 02 01 00 c2 02 01 02"),
    hex("00 00 00 09 04 d2 16 2f"),
    MYSQL.slice(0, -1),
    hex("00 00 00 54 fe 53 4d 43"),
    hex("00 00 00 11") + KERBEROS,
    hex("00 18") + DNS,
    hex("30 0c 02 01 01 30 07"),
    DNS,
    KERBEROS,
  ])
    expect(overTcp([0, text])).toBe("");
  expect(overUdp(`\x23${"\0".repeat(47)}`)).toBe("");
  expect(overUdp(DNS.replace("\x07exa", "\xc0exa"))).toBe("");
});

test("appproto tells FTP from SMTP by the command after a greeting that says nothing", () => {
  const greeting = [0, "220 ready\r\n"] as const;
  expect(overTcp(greeting, [1, "USER anonymous\r\n"])).toBe("ftp");
  expect(overTcp(greeting, [1, "EHLO client\r\n"])).toBe("smtp");
  const wait = [1, "?\r\n"] as const;
  expect(overTcp(greeting, wait, wait, wait, [1, "USER a\r\n"])).toBe("ftp");
  expect(overTcp(greeting, wait, wait, wait, wait, [1, "USER a\r\n"])).toBe("");
});

test("appproto looks at the first payload only", () => {
  expect(overTcp([0, "hello"], [1, "SSH-2.0-x\r\n"])).toBe("");
});

test("appproto survives first messages that are damaged or cut off", () => {
  const all = fc.constantFrom(...TCP, ...UDP).map(([, text]) => text);
  const change = fc.tuple(fc.nat(40), fc.nat(255));
  fc.assert(
    fc.property(all, fc.array(change, { maxLength: 4 }), fc.nat(40), (text, changes, size) => {
      const chars = text.slice(0, size).split("");
      for (const [at, value] of changes)
        if (at < chars.length) chars[at] = String.fromCharCode(value);
      const damaged = chars.join("");
      names([...talk([[0, damaged]], 1), ...datagrams([[0, damaged]], 123)]);
    }),
    { numRuns: 100, seed: 20_261_124 },
  );
});

const FOLDER = "corpus/pcap/ipfixprobe";
const absent = !hasShared(FOLDER);
test.skipIf(absent)(
  `appproto knows the protocols of captures${absent ? ` (${NO_SHARED})` : ""}`,
  () => {
    for (const [capture, name] of [
      ["dns", "dns"],
      ["http", "http"],
      ["mqtt", "mqtt"],
      ["ntp", "ntp"],
      ["quic_initial-sample", "quic"],
      ["rtsp", "rtsp"],
      ["sip", "sip"],
      ["smtp", "smtp"],
      ["ssdp", "ssdp"],
      ["tls", "tls"],
    ] as const) {
      const rows = protocolRows(appproto, sharedPath(FOLDER, `${capture}.pcap`));
      expect(rows.map((row) => row["APP_PROTO"])).toContain(name);
    }
  },
);
