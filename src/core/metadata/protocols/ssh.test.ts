// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { streamFrames, talk } from "../testing/text-frames.ts";
import ssh from "./ssh.ts";

testProtocol(ssh);

type Texts = Parameters<typeof streamFrames>[0];

const LISTS = ["kex", "key", "enc-up", "enc-down", "mac-up", "mac-down", "zip-up", "zip-down"];
const word = (value: number): string =>
  String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const kexinit = (lists = LISTS): string =>
  `${word(500)}\x06\x14${"c".repeat(16)}${lists.map((list) => word(list.length) + list).join("")}`;
const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
const CLIENT = md5("kex;enc-up;mac-up;zip-up");
const SERVER = md5("kex;enc-down;mac-down;zip-down");

const said = (rows: Record<string, unknown>[]) =>
  rows.map((row) => [
    row["SSH_CLIENT_BANNER"],
    row["SSH_SERVER_BANNER"],
    Buffer.from(row["SSH_HASSH"] as Uint8Array).toString("hex"),
    Buffer.from(row["SSH_HASSH_SERVER"] as Uint8Array).toString("hex"),
  ]);
const found = (texts: Parameters<typeof talk>[0]) =>
  said(protocolRows(ssh, talk(texts, 22), { compat: true }));

test("ssh tells the identifications of both sides and HASSH of each", () => {
  expect(
    found([
      [0, "SSH-2.0-Client_1\n"],
      [1, "SSH-2.0-Server_1 some system\r\n"],
      [0, kexinit()],
      [1, kexinit()],
    ]),
  ).toEqual([["SSH-2.0-Client_1", "SSH-2.0-Server_1 some system", CLIENT, SERVER]]);
});

test("ssh finds the same however the bytes are cut into segments", () => {
  const text = `SSH-2.0-X\r\n${kexinit()}`;
  const cuts = fc.array(fc.integer({ min: 1, max: text.length }), { maxLength: 9 });
  fc.assert(
    fc.property(cuts, cuts, (up, down) => {
      const texts: Texts = [
        [0, text, up],
        [1, text, down],
      ];
      const frames = streamFrames(texts, 22);
      expect(said(protocolRows(ssh, frames))).toEqual([["SSH-2.0-X", "SSH-2.0-X", CLIENT, SERVER]]);
    }),
    { numRuns: 25, seed: 4253 },
  );
});

test("ssh takes no other protocol for its own", () => {
  for (const text of ["SMTP", "220 SSH-2.0\r\n", "SSX-2.0-a\r\n", "\0"])
    expect(found([[0, text]])).toEqual([]);
});

test("ssh is content with one side", () => {
  const banner = "SSH-2.0-S\r\n";
  expect(
    found([
      [0, banner],
      [1, "HTTP/1.1 400\r\n"],
    ]),
  ).toEqual([["SSH-2.0-S", "", "", ""]]);
  expect(found([[1, banner + kexinit()]])).toHaveLength(1);
});

test("ssh holds identifications and lists against their bounds", () => {
  expect(found([[0, `SSH-2.0-${"x".repeat(245)}\r\n`]])[0]![0]).toHaveLength(253);
  expect(found([[0, `SSH-2.0-${"x".repeat(246)}\r\n`]])[0]![0]).toBe("");
  const banner = "SSH-2.0-S\r\n";
  const long = (size: number) => kexinit(["k".repeat(size), ...LISTS.slice(1)]);
  // 4096 bytes less the identification, 22 of the message's start, the lengths of 8 lists and 48 bytes of 7.
  const room = 4096 - banner.length - 22 - 32 - LISTS.slice(1).join("").length;
  const parts = (size: number): Texts => [[0, banner + long(size), [1000, 2000, 3000, 4000]]];
  expect(said(protocolRows(ssh, streamFrames(parts(room), 22)))[0]![2]).toHaveLength(32);
  expect(said(protocolRows(ssh, streamFrames(parts(room + 1), 22)))[0]![2]).toBe("");
  expect(found([[0, `${banner}${word(40)}\x04\x15${"n".repeat(99)}`]])[0]).toEqual([
    "SSH-2.0-S",
    "",
    "",
    "",
  ]);
});

test("ssh survives damaged bytes", () => {
  const text = `SSH-2.0-X\r\n${kexinit()}`;
  const change = fc.tuple(fc.nat(text.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 9 }), fc.nat(text.length), (changes, size) => {
      const chars = text.split("");
      for (const [at, value] of changes) chars[at] = String.fromCharCode(value);
      protocolRows(ssh, talk([[0, chars.join("").slice(0, size)]], 22));
    }),
    { numRuns: 60, seed: 4253 },
  );
});

const CAPTURE = "corpus/labelled/ndpi/ssh.pcap";
const absent = !hasShared(CAPTURE);
// The values are tshark 4.0's: ssh.protocol, ssh.kex.hassh, ssh.kex.hasshserver.
test.skipIf(absent)(`ssh agrees with tshark on a capture${absent ? ` (${NO_SHARED})` : ""}`, () => {
  const rows = said(protocolRows(ssh, sharedPath(CAPTURE), { compat: true }));
  expect(rows).toContainEqual([
    "SSH-2.0-OpenSSH_5.6",
    "SSH-2.0-OpenSSH_5.3",
    "21b457a327ce7a2d4fce5ef2c42400bd",
    "b1c6c0d56317555b85c7005a3de29325",
  ]);
  expect(rows).toContainEqual([
    "SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.11",
    "SSH-2.0-APACHE-SSHD-2.5.0",
    "c11b200866cf918393e62ea25d851d90",
    "ca6dd86b2d9a44e4a3f1a55c53e6b0fa",
  ]);
});
