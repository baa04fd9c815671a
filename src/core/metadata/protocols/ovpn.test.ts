// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, talk } from "../testing/text-frames.ts";
import ovpn from "./ovpn.ts";

testProtocol(ovpn, { capture: "ovpn.pcap" });

type Texts = readonly (readonly [0 | 1, string])[];

const message = (opcode: number, body = "", size = 60) =>
  (String.fromCharCode(opcode << 3) + body).padEnd(size, "\0");
const hello = (type: number, offset: number) =>
  `${"\0".repeat(offset - 1)}\x16\x03\x01\0\x50${String.fromCharCode(type)}`;
const handshake = (hmac: number): Texts => [
  [0, message(7)],
  [1, message(8)],
  [0, message(5)],
  [0, message(4, hello(1, 14 + hmac), 120)],
  [1, message(4, hello(2, 26 + hmac), 120)],
  [0, message(4)],
  [1, message(5)],
];
const data = (count: number, size: number): Texts =>
  Array.from({ length: count }, () => [0, message(9, "", size)]);
const noise = (count: number, size: number): Texts =>
  Array.from({ length: count }, () => [1, "\xff".repeat(size)]);
const level = (texts: Texts, compat = false) =>
  protocolRows(ovpn, datagrams(texts, 1194), { compat }).map((row) => row["OVPN_CONF_LEVEL"]);

test("ovpn is sure of a handshake with data behind it, with and without HMAC", () => {
  expect(level([...handshake(0), ...data(14, 80)])).toEqual([100]);
  expect(level([...handshake(28), ...data(14, 80)])).toEqual([100]);
  expect(level([...handshake(0), ...data(13, 80)])).toEqual([0]);
  expect(level([...handshake(1), ...data(14, 80)])).toEqual([0]);
});

test("ovpn reads messages behind their length over TCP", () => {
  const texts = [...handshake(0), ...data(14, 80)].map(
    ([side, text]) => [side, `\0${String.fromCharCode(text.length)}${text}`] as const,
  );
  expect(protocolRows(ovpn, talk(texts, 1194))).toMatchObject([{ OVPN_CONF_LEVEL: 100 }]);
});

test("ovpn begins a session anew after messages out of place", () => {
  const strays = Array.from({ length: 2 }, () => [1, message(8)] as const);
  const start = handshake(0).slice(0, 3);
  const rest = handshake(0).slice(3);
  expect(level([...start, ...strays, ...rest, ...data(14, 80)])).toEqual([100]);
  expect(level([...start, ...strays, ...strays, ...rest, ...data(14, 80)])).toEqual([0]);
});

test("ovpn suspects a flow by the share of data among its large packets", () => {
  expect(level(data(21, 501))).toEqual([80]);
  expect(level(data(21, 500))).toEqual([0]);
  expect(level([...data(15, 501), ...noise(10, 501)])).toEqual([0]);
  expect(level([...data(16, 501), ...noise(9, 501)])).toEqual([51]);
  const rtp: Texts = Array.from({ length: 20 }, () => [1, `\x80\x60${"\0".repeat(600)}`]);
  expect(level([...data(21, 501), ...rtp])).toEqual([80]);
});

test("ovpn has no say in flows that begin otherwise, which in compat mode have level 0 or are dropped", () => {
  const texts: Texts = [[0, "hello"], ...data(21, 501)];
  expect(level(texts, true)).toEqual([80]);
  expect(level(texts)).toEqual([0]);
  expect(level(new Array(6).fill([0, "hello"]), true)).toEqual([0]);
  expect(level(new Array(5).fill([0, "hello"]), true)).toEqual([]);
});
