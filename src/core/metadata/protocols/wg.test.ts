// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams } from "../testing/text-frames.ts";
import wg from "./wg.ts";

testProtocol(wg, { capture: "wg.pcap" });

const word = (value: number): string =>
  String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
const message = (size: number, ...words: number[]) => words.map(word).join("").padEnd(size, "\x07");
const initiation = (index: number) => message(148, 1, index);
const response = (index: number, peer: number) => message(92, 2, index, peer);
const data = (peer: number) => message(32, 4, peer, 0);

const found = (texts: readonly (readonly [0 | 1, string])[], compat = false) =>
  protocolRows(wg, datagrams(texts, 51_820), { compat }).map((row) => [
    row["WG_CONF_LEVEL"],
    row["WG_SRC_PEER"],
    row["WG_DST_PEER"],
  ]);

test("wg learns both indexes from the handshake", () => {
  expect(
    found([
      [0, initiation(0xfedcba98)],
      [1, response(77, 0xfedcba98)],
    ]),
  ).toEqual([[100, 0xfedcba98, 77]]);
  expect(found([[1, response(77, 5)]])).toEqual([[100, 77, 5]]);
});

test("wg learns the receiver's index from data and from a cookie", () => {
  expect(
    found([
      [0, data(9)],
      [1, data(8)],
    ]),
  ).toEqual([[100, 8, 9]]);
  expect(
    found([
      [0, initiation(3)],
      [1, message(64, 3, 3)],
    ]),
  ).toEqual([[100, 3, 0]]);
});

test("wg follows the sessions of a flow, and splits it between them in compat mode", () => {
  const texts = [
    [0, initiation(1)],
    [1, response(2, 1)],
    [0, initiation(1)],
    [1, initiation(3)],
    [0, response(4, 3)],
  ] as const;
  expect(found(texts)).toEqual([[100, 4, 3]]);
  const split = found(texts, true);
  expect(split).toHaveLength(2);
  expect(split[0]).toEqual([100, 1, 2]);
  const late = [
    [0, data(9)],
    [0, initiation(1)],
  ] as const;
  expect(found(late, true)).toEqual([[100, 1, 9]]);
});

test("wg takes no other message for its own", () => {
  for (const text of [
    message(147, 1, 1),
    message(93, 2, 1),
    message(65, 3, 1),
    message(31, 4, 1),
    message(148, 5, 1),
    message(148, 0x101, 1),
    "\x04\0\0",
  ])
    expect(found([[0, text]], true)).toEqual([]);
});

test("wg doubts a message that could be a DNS query, and a flow with another one in it", () => {
  expect(found([[0, message(40, 4, 0x0100)]])).toEqual([[1, 0, 0x0100]]);
  expect(
    found([
      [0, initiation(1)],
      [1, "hello"],
      [1, response(2, 1)],
    ]),
  ).toEqual([[0, 1, 0]]);
});
