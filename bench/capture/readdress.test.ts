// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { findIp, readdress } from "./readdress.ts";

const MACS = "020000000001020000000002";
const IPV4 = "4500001c0000000040110000c0a80001e00000fb0035003500080000";
const IPV6 = `6000000000083a40${"20010db8".padEnd(32, "0")}${"ff02".padEnd(31, "0")}1${"80".padEnd(16, "0")}`;

const viewOf = (hex: string): DataView => {
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  return new DataView(bytes.buffer);
};

const find = (hex: string): number => {
  const view = viewOf(hex);
  return findIp(view, 0, view.byteLength);
};

test("findIp looks behind VLAN tags and MPLS labels", () => {
  expect(find(`${MACS}0800${IPV4}`)).toBe(14);
  expect(find(`${MACS}88a80001810000020800${IPV4}`)).toBe(22);
  expect(find(`${MACS}8847000100400001014086dd`)).toBe(-1);
  expect(find(`${MACS}88470001004000010140${IPV6}`)).toBe(22);
  expect(find(`${MACS}86dd${IPV6}`)).toBe(14);
});

test("findIp passes over ARP and truncated headers", () => {
  expect(find(`${MACS}08060001080006040001`)).toBe(-1);
  expect(find(`${MACS}0800${IPV4.slice(0, 20)}`)).toBe(-1);
  expect(find(MACS)).toBe(-1);
});

test("readdress moves both addresses, keeps the kind of each, and undoes itself", () => {
  for (const [packet, from, to] of [
    [IPV4, 12, 16],
    [IPV6, 8, 24],
  ] as const) {
    const view = viewOf(packet);
    const before = Buffer.from(view.buffer.slice(0));
    readdress(view, 0, 0xdeadbeef);
    const after = Buffer.from(view.buffer.slice(0));
    const kept = packet === IPV4 ? 1 : 4;
    for (const at of [from, to]) {
      expect(after.subarray(at, at + kept)).toEqual(before.subarray(at, at + kept));
      expect(after.readUInt32BE(at + kept)).not.toBe(before.readUInt32BE(at + kept));
    }
    readdress(view, 0, 0xdeadbeef);
    expect(Buffer.from(view.buffer)).toEqual(before);
  }
});
