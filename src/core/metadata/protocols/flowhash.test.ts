// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  tcp,
  udp,
} from "../../packet/test-kit.ts";
import { type Frames, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import flowhash from "./flowhash.ts";

testProtocol(flowhash);

const [A, B] = ["192.0.2.1", "192.0.2.2"];
const v4 = (payload: Bytes, source: string, target: string, protocol: number = PROTOCOL.udp) =>
  Uint8Array.from(ethernet(ETHERTYPE.ipv4, ipv4(payload, { source, target, protocol })));
const ids = (...frames: Uint8Array[]): unknown[] => {
  const timed: Frames = frames.map((frame, i) => [1e15 + i * 4e8, frame]);
  return protocolRows(flowhash, timed).map((row) => row["FLOW_ID"]);
};

test("flowhash gives both directions, and a flow that goes on after a pause, one number", () => {
  const [first, second, third] = ids(
    v4(udp(4000, 53), A, B),
    v4(udp(53, 4000), B, A),
    v4(udp(4000, 53), A, B),
  );
  expect(first).toBe(second!);
  expect(first).toBe(third!);
  expect(Number(first)).toBeGreaterThan(2 ** 32);
});

test("flowhash tells addresses, ports and protocols apart", () => {
  const v6 = ethernet(ETHERTYPE.ipv6, ipv6(udp(4000, 53)));
  const numbers = ids(
    v4(udp(4000, 53), A, B),
    v4(udp(53, 4000), A, B),
    v4(udp(4000, 54), A, B),
    v4(udp(4000, 53), A, "192.0.2.3"),
    v4(tcp(4000, 53, 2), A, B, PROTOCOL.tcp),
    Uint8Array.from(v6),
  );
  expect(new Set(numbers).size).toBe(6);
});

test("flowhash keeps the number of a key from release to release", () => {
  expect(ids(v4(udp(4000, 53), A, B))).toEqual([16548306712724036000]);
});

test("flowhash spreads neighbouring ports over all bits", () => {
  const numbers = ids(...Array.from({ length: 400 }, (_, i) => v4(udp(1000 + i, 53), A, B)));
  expect(new Set(numbers.map((id) => Math.floor(Number(id) / 2 ** 32))).size).toBe(400);
  expect(new Set(numbers.map((id) => Math.floor(Number(id) / 2 ** 56))).size).toBeGreaterThan(150);
});

test("flowhash reads nothing behind a frame that is cut off anywhere", () => {
  for (const whole of [
    v4(udp(4000, 53, [1, 2]), A, B),
    Uint8Array.from(ethernet(ETHERTYPE.ipv6, ipv6(udp(4000, 53)))),
  ])
    for (let size = 1; size <= whole.length; size++)
      expect(ids(whole.subarray(0, size)).length).toBeLessThanOrEqual(1);
});
