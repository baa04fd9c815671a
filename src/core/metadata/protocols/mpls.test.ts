// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, ETHERTYPE, ethernet, ipv4, udp, vlan } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import mpls from "./mpls.ts";

testProtocol(mpls);

const MPLS = 0x8847;
const TOP: Bytes = [0x12, 0x34, 0x5a];
const packet = ipv4(udp(4000, 53, [1]));
const rows = (frame: Bytes, compat = true) =>
  protocolRows(mpls, [[1e15, Uint8Array.from(frame)]], { compat });
const found = [{ MPLS_TOP_LABEL_STACK_SECTION: Uint8Array.from(TOP) }];

test("mpls keeps the top label of a stack, without its TTL", () => {
  const stack = [...TOP, 64, 0, 0, 0x21, 64];
  expect(rows(ethernet(MPLS, [...stack, ...packet]))).toMatchObject(found);
});

test("mpls finds a label behind VLAN tags", () => {
  const inner = vlan(5, MPLS, [0x12, 0x34, 0x5b, 64, ...packet]);
  const frame = ethernet(ETHERTYPE.qinq, vlan(4, ETHERTYPE.vlan, inner));
  expect(rows(frame)).toMatchObject([
    { MPLS_TOP_LABEL_STACK_SECTION: Uint8Array.of(0x12, 0x34, 0x5b) },
  ]);
});

test("mpls finds the label of an Ethernet pseudowire", () => {
  const stack = [...TOP, 64, 0, 0, 0x21, 64, 0, 0, 0, 0];
  const frame = ethernet(MPLS, [...stack, ...ethernet(ETHERTYPE.ipv4, packet)]);
  expect(rows(frame)).toMatchObject(found);
});

test("mpls leaves a flow without labels as it is", () => {
  const frame = ethernet(ETHERTYPE.ipv4, packet);
  expect(rows(frame)).toEqual([]);
  expect(rows(frame, false)).toMatchObject([{ MPLS_TOP_LABEL_STACK_SECTION: new Uint8Array() }]);
});

test("mpls reads nothing behind a frame that is cut off anywhere", () => {
  const tagged = ethernet(ETHERTYPE.vlan, vlan(4, MPLS, [0, 0, 0x21, 64, ...packet]));
  const endless = ethernet(MPLS, new Array<number>(60).fill(0));
  for (const whole of [tagged, endless])
    for (let size = 1; size <= whole.length; size++)
      expect(rows(whole.slice(0, size)).length).toBeLessThanOrEqual(1);
});
