// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ETHERTYPE, ethernet, ipv4, udp, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import nettisa from "./nettisa.ts";

testProtocol(nettisa, { capture: "mixed.pcap" });

const datagram = (micros: number, size: number, fromServer = false) => {
  const payload = udp(fromServer ? 53 : 4000, fromServer ? 4000 : 53, zeros(size));
  const [source, target] = fromServer ? ["192.0.2.2", "192.0.2.1"] : ["192.0.2.1", "192.0.2.2"];
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(payload, { source, target }));
  return [1e15 + micros, Uint8Array.from(frame)] as const;
};

test("nettisa measures lengths and gaps of both directions as one series", () => {
  const frames = [datagram(0, 10), datagram(100, 20, true), datagram(400, 20), datagram(600, 30)];
  const [row] = protocolRows(nettisa, frames);
  expect(row).toMatchObject({
    NTS_MEAN: 20,
    NTS_MIN: 10,
    NTS_MAX: 30,
    NTS_STDEV: Math.fround(Math.sqrt(50)),
    NTS_ROOT_MEAN_SQUARE: Math.fround(Math.sqrt(450)),
    NTS_MEAN_SCALED_TIME: 275,
    NTS_MEAN_DIFFTIMES: 150,
    NTS_MIN_DIFFTIMES: 0,
    NTS_MAX_DIFFTIMES: 300,
    NTS_SWITCHING_RATIO: 0.75,
  });
});

test("nettisa finds neither deviation nor kurtosis in one packet, nor in equal ones", () => {
  const still = { NTS_STDEV: 0, NTS_KURTOSIS: 0 };
  expect(protocolRows(nettisa, [datagram(0, 10)])).toMatchObject([
    { ...still, NTS_MEAN: 10, NTS_TIME_DISTRIBUTION: 0 },
  ]);
  expect(protocolRows(nettisa, [datagram(0, 10), datagram(0, 10)])).toMatchObject([
    { ...still, NTS_MEAN: 10, NTS_TIME_DISTRIBUTION: 0 },
  ]);
});

test("nettisa divides a sum of lengths as ipfixprobe does in compat mode only", () => {
  const frames = [datagram(0, 10), datagram(100, 11)];
  expect(protocolRows(nettisa, frames)).toMatchObject([{ NTS_STDEV: 0.5 }]);
  expect(protocolRows(nettisa, frames, { compat: true })).toMatchObject([
    { NTS_STDEV: Math.fround(Math.sqrt(110.5 - 100)) },
  ]);
});

test("nettisa brings nothing of a flow into the next", () => {
  const [, next] = protocolRows(nettisa, [datagram(0, 10), datagram(5, 90), datagram(4e8, 20)]);
  expect(next).toMatchObject({ NTS_MEAN: 20, NTS_MIN: 20, NTS_MAX: 20, NTS_MAX_DIFFTIMES: 0 });
});
