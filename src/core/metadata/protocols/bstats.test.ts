// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ETHERTYPE, ethernet, ipv4, udp, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import bstats from "./bstats.ts";

testProtocol(bstats, { capture: "bstats.pcap" });

const START = 1e15;

/** A datagram of 10 bytes at so many milliseconds, from the client or from the server. */
const datagram = (milli: number, fromServer = false) => {
  const payload = udp(fromServer ? 53 : 4000, fromServer ? 4000 : 53, zeros(10));
  const [source, target] = fromServer ? ["192.0.2.2", "192.0.2.1"] : ["192.0.2.1", "192.0.2.2"];
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(payload, { source, target }));
  return [START + milli * 1000, Uint8Array.from(frame)] as const;
};

test("bstats lists the bursts of each direction, three packets at least", () => {
  const fromClient = [0, 500, 999, 3000, 3001, 6000, 6999, 7998].map((at) => datagram(at));
  const fromServer = [10, 20, 30].map((at) => datagram(at, true));
  const frames = [...fromClient, ...fromServer].toSorted(([a], [b]) => a - b);
  expect(protocolRows(bstats, frames)).toMatchObject([
    {
      SBI_BRST_PACKETS: [3, 3],
      SBI_BRST_BYTES: [30, 30],
      SBI_BRST_TIME_START: [START, START + 6_000_000],
      SBI_BRST_TIME_STOP: [START + 999_000, START + 7_998_000],
      DBI_BRST_PACKETS: [3],
      DBI_BRST_TIME_STOP: [START + 30_000],
    },
  ]);
});

test("bstats begins another burst a second after the last packet", () => {
  const frames = [0, 1, 2, 1002, 1003, 1004].map((at) => datagram(at));
  expect(protocolRows(bstats, frames)).toMatchObject([{ SBI_BRST_PACKETS: [3, 3] }]);
});

test("bstats keeps 15 bursts of a direction, and begins anew with the next flow", () => {
  const times = Array.from({ length: 20 }, (_, i) => [2000 * i, 2000 * i + 1, 2000 * i + 2]).flat();
  const frames = [...times, 400_000, 400_001, 400_002].map((at) => datagram(at));
  const [row, next] = protocolRows(bstats, frames);
  expect(row!["SBI_BRST_PACKETS"]).toEqual(new Array(15).fill(3));
  expect(next!["SBI_BRST_PACKETS"]).toEqual([3]);
});
