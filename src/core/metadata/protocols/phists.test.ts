// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ETHERTYPE, ethernet, ipv4, udp, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import phists from "./phists.ts";

testProtocol(phists, { capture: "mixed.pcap" });

/** A datagram at a millisecond, from the client or from the server. */
const datagram = (milli: number, size: number, fromServer = false) => {
  const payload = udp(fromServer ? 53 : 4000, fromServer ? 4000 : 53, zeros(size));
  const [source, target] = fromServer ? ["192.0.2.2", "192.0.2.1"] : ["192.0.2.1", "192.0.2.2"];
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(payload, { source, target }));
  return [1e15 + milli * 1000, Uint8Array.from(frame)] as const;
};

test("phists puts lengths into bins that double, from 16 to 1024", () => {
  const sizes = [1, 15, 16, 31, 32, 511, 512, 1023, 1024, 1400];
  const [row] = protocolRows(
    phists,
    sizes.map((size) => datagram(0, size)),
  );
  expect(row!["S_PHISTS_SIZES"]).toEqual([2, 2, 1, 0, 0, 1, 2, 2]);
  expect(row!["S_PHISTS_IPT"]).toEqual([9, 0, 0, 0, 0, 0, 0, 0]);
});

test("phists measures gaps in each direction by itself, and takes a step back for none", () => {
  const [row] = protocolRows(phists, [
    datagram(0, 20),
    datagram(10, 40, true),
    datagram(64, 20),
    datagram(2000, 40, true),
    datagram(1000, 40, true),
  ]);
  expect(row).toMatchObject({
    S_PHISTS_IPT: [0, 0, 0, 1, 0, 0, 0, 0],
    D_PHISTS_SIZES: [0, 0, 3, 0, 0, 0, 0, 0],
    D_PHISTS_IPT: [1, 0, 0, 0, 0, 0, 0, 1],
  });
});
