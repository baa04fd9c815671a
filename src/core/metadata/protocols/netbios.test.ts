// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, u16, udp, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import netbios from "./netbios.ts";

testProtocol(netbios, { capture: "netbios.pcap" });

/** A name of 15 bytes and a suffix, in letters. */
function encoded(name: string, suffix: number): number[] {
  const bytes = [...Buffer.from(name.padEnd(15), "latin1"), suffix];
  return bytes.flatMap((byte) => [0x41 + (byte >>> 4), 0x41 + (byte & 15)]);
}

const message = (questions: number, answers: number, name: readonly number[]): number[] => [
  ...[0x12, 0x34, 0x01, 0x10],
  ...u16(questions),
  ...u16(answers),
  ...zeros(4),
  32,
  ...name,
  ...[0, 0, 0x20, 0, 1],
];

const frame = (payload: readonly number[]): Uint8Array =>
  new Uint8Array(
    ethernet(ETHERTYPE.ipv4, ipv4(udp(137, 137, payload), { protocol: PROTOCOL.udp })),
  );

const row = (payload: readonly number[], compat = false): Record<string, unknown> =>
  protocolRows(netbios, [[1e15, frame(payload)]], { compat })[0] ?? {};

test("netbios takes the blanks off a name, which ipfixprobe keeps", () => {
  const query = message(1, 0, encoded("WORKGROUP", 0x1d));
  expect(row(query)).toMatchObject({ NB_NAME: "WORKGROUP", NB_SUFFIX: 0x1d });
  expect(row(query, true)).toMatchObject({ NB_NAME: "WORKGROUP      ", NB_SUFFIX: 0x1d });
});

test("netbios reads the name of an answer without a question, which ipfixprobe does not", () => {
  const answer = message(0, 1, encoded("PRINTER", 0x20));
  expect(row(answer)).toMatchObject({ NB_NAME: "PRINTER", NB_SUFFIX: 0x20 });
  expect(row(answer, true)).toEqual({});
});

test("netbios finds nothing in a message without names, cut off, or of other letters", () => {
  const nothing = { NB_NAME: "", NB_SUFFIX: 0 };
  const query = message(1, 0, encoded("A", 0));
  expect(row(message(0, 0, encoded("A", 0)))).toMatchObject(nothing);
  expect(row(query.slice(0, 44))).toMatchObject(nothing);
  expect(row(query.with(20, 0x51))).toMatchObject(nothing);
  expect(row(query.slice(0, 45))).toMatchObject({ NB_NAME: "A" });
});

test("netbios keeps the first name of a flow", () => {
  const frames = [message(1, 0, encoded("FIRST", 0)), message(1, 0, encoded("SECOND", 1))].map(
    (payload, i) => [1e15 + i, frame(payload)] as const,
  );
  expect(protocolRows(netbios, frames)).toMatchObject([{ NB_NAME: "FIRST", PACKETS: 2 }]);
});
