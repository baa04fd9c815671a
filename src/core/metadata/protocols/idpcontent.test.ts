// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, ETHERTYPE, ethernet, ipv4, udp } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import idpcontent from "./idpcontent.ts";

testProtocol(idpcontent, { capture: "idpcontent.pcap" });

const datagram = (time: number, payload: Bytes, fromServer = false) => {
  const [source, target] = fromServer ? ["192.0.2.2", "192.0.2.1"] : ["192.0.2.1", "192.0.2.2"];
  const body = fromServer ? udp(53, 4000, payload) : udp(4000, 53, payload);
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(body, { source, target }));
  return [1e15 + time, Uint8Array.from(frame)] as const;
};

test("idpcontent keeps the first 100 bytes of the first payload of each direction", () => {
  const long = Array.from({ length: 150 }, (_, i) => i);
  const frames = [
    datagram(0, []),
    datagram(1, long),
    datagram(2, [7]),
    datagram(3, [1, 2, 3], true),
    datagram(4, [4], true),
  ];
  expect(protocolRows(idpcontent, frames)).toMatchObject([
    {
      IDP_CONTENT: Uint8Array.from(long.slice(0, 100)),
      IDP_CONTENT_REV: Uint8Array.of(1, 2, 3),
    },
  ]);
});

test("idpcontent brings nothing of a flow into the next", () => {
  const [, next] = protocolRows(idpcontent, [datagram(0, [1, 2, 3]), datagram(4e8, [9], false)]);
  expect(next).toMatchObject({ IDP_CONTENT: Uint8Array.of(9), IDP_CONTENT_REV: new Uint8Array() });
});

test("idpcontent sends a flow without payload in compat mode only as ipfixprobe does", () => {
  expect(protocolRows(idpcontent, [datagram(0, [])], { compat: true })).toMatchObject([
    { IDP_CONTENT: new Uint8Array(), IDP_CONTENT_REV: new Uint8Array() },
  ]);
});
