// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, ETHERTYPE, ethernet, ipv4, ipv6, PROTOCOL } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import icmp from "./icmp.ts";

testProtocol(icmp);

const at = (time: number, frame: Bytes) => [1e15 + time, Uint8Array.from(frame)] as const;
const icmp4 = (message: Bytes) =>
  ethernet(ETHERTYPE.ipv4, ipv4(message, { protocol: PROTOCOL.icmp }));

test("icmp keeps type and code of a flow's first message", () => {
  const frames = [at(0, icmp4([3, 13, 0, 0])), at(1, icmp4([8, 0, 0, 0]))];
  expect(protocolRows(icmp, frames)).toMatchObject([{ PACKETS: 2, L4_ICMP_TYPE_CODE: 0x030d }]);
});

test("icmp knows ICMPv6", () => {
  const frame = ethernet(ETHERTYPE.ipv6, ipv6([135, 1, 0, 0], { next: PROTOCOL.icmpv6 }));
  expect(protocolRows(icmp, [at(0, frame)])).toMatchObject([{ L4_ICMP_TYPE_CODE: 0x8701 }]);
});

test("icmp finds nothing in a message of one byte, nor in UDP", () => {
  expect(protocolRows(icmp, [at(0, icmp4([8]))], { compat: true })).toEqual([]);
  const frame = ethernet(ETHERTYPE.ipv4, ipv4([0, 53, 0, 53, 0, 12, 0, 0, 8, 0, 0, 0]));
  expect(protocolRows(icmp, [at(0, frame)], { compat: true })).toEqual([]);
});
