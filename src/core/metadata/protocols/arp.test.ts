// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Meter } from "../../flow/meter.ts";
import { batchOf, ethernet, u16 } from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { type Frames, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import arp from "./arp.ts";
import basicplus from "./basicplus.ts";

testProtocol(arp);

const ASKER = [2, 0, 0, 0, 0, 1];
const OWNER = [2, 0, 0, 0, 0, 2];
const NOBODY = [0, 0, 0, 0, 0, 0];

const TYPE = 0x0806;
const ip4 = (text: string): number[] => text.split(".").map(Number);

type Host = readonly [mac: readonly number[], ip: string];

const packet = (operation: number, [mac, ip]: Host, [targetMac, targetIp]: Host): number[] => [
  ...[0, 1, 8, 0, 6, 4],
  ...u16(operation),
  ...mac,
  ...ip4(ip),
  ...targetMac,
  ...ip4(targetIp),
];

const framesOf = (...packets: number[][]): Frames =>
  packets.map((bytes, i) => [1e15 + i, Uint8Array.from(ethernet(TYPE, bytes))]);

const question = packet(1, [ASKER, "192.0.2.9"], [NOBODY, "192.0.2.1"]);
const answer = packet(2, [OWNER, "192.0.2.1"], [ASKER, "192.0.2.9"]);

test("arp makes a question and its answer one flow, with the address that was asked for", () => {
  expect(protocolRows(arp, framesOf(question, answer))).toMatchObject([
    {
      SRC_IP: "192.0.2.9",
      DST_IP: "192.0.2.1",
      PROTOCOL: 0,
      PACKETS: 1,
      PACKETS_REV: 1,
      BYTES: 28,
      ARP_HA_FORMAT: 1,
      ARP_PA_FORMAT: 0x0800,
      ARP_OPCODE: 1,
      ARP_SRC_HA: Uint8Array.of(2, 0, 0, 0, 0, 1),
      ARP_SRC_PA: Uint8Array.of(192, 0, 2, 9),
      ARP_DST_HA: Uint8Array.of(2, 0, 0, 0, 0, 2),
      ARP_DST_PA: Uint8Array.of(192, 0, 2, 1),
    },
  ]);
});

test("arp keeps questions without answer, with the target's address empty as they have it", () => {
  expect(protocolRows(arp, framesOf(question, question))).toMatchObject([
    { PACKETS: 2, PACKETS_REV: 0, ARP_DST_HA: Uint8Array.of(0, 0, 0, 0, 0, 0) },
  ]);
});

test("arp passes over packets that are cut off or of other networks", () => {
  const other = question.with(1, 6);
  expect(protocolRows(arp, framesOf(question.slice(0, 27), other))).toEqual([]);
});

test("ARP packets are no flows where no plugin watches them", () => {
  expect(protocolRows(basicplus, framesOf(question, answer))).toEqual([]);
});

test("plugins that watch everything are not shown ARP", () => {
  const groups = [{ name: "both", protocols: [arp, basicplus] }];
  const meter = new Meter({ metadata: { compat: false, groups } });
  expect(meter.stats().found).toEqual({ arp: 0, basicplus: 0 });
  meter.frames(batchOf([ethernet(TYPE, question)]));
  expect(meter.stats().found).toEqual({ arp: 1, basicplus: 0 });
});

const absent = !hasShared("corpus/pcap/ipfixprobe/arp.pcap");
const why = absent ? ` (${NO_SHARED})` : "";
test.skipIf(absent)(`arp finds each of a capture's 45 packets${why}`, () => {
  const rows = protocolRows(arp, sharedPath("corpus/pcap/ipfixprobe/arp.pcap"));
  const packets = rows.map((row) => Number(row["PACKETS"]) + Number(row["PACKETS_REV"]));
  expect(packets.reduce((sum, n) => sum + n)).toBe(45);
  expect(rows.find((row) => row["DST_IP"] === "192.168.0.2")).toMatchObject({
    ARP_DST_HA: Uint8Array.of(100, 112, 2, 251, 192, 226),
  });
});
