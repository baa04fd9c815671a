// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  u16,
  udp,
  zeros,
} from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import basicplus from "./basicplus.ts";

testProtocol(basicplus, { capture: "http.pcap" });

const [SYN, ACK] = [2, 16];
/** Maximum segment size 1460, then no-operation, window scale 7: kinds 2, 1 and 3. */
const OPTIONS: Bytes = [2, 4, 5, 0xb4, 1, 3, 3, 7];
const bits = (...kinds: number[]) =>
  kinds.reduce((sum, kind) => sum + 2 ** ((kind & ~7) + 7 - (kind & 7)), 0);

interface Segment {
  readonly flags: number;
  readonly window: number;
  readonly options: Bytes;
  readonly fromServer?: boolean;
}

function segment(time: number, { flags, window, options, fromServer = false }: Segment) {
  const ports = fromServer ? [80, 4000] : [4000, 80];
  const header = [
    ...ports.flatMap((port) => u16(port)),
    ...zeros(8),
    (5 + options.length / 4) << 4,
    flags,
    ...u16(window),
    ...zeros(4),
    ...options,
  ];
  const [source, target] = fromServer ? ["192.0.2.2", "192.0.2.1"] : ["192.0.2.1", "192.0.2.2"];
  const packet = ipv4(header, { source, target, protocol: PROTOCOL.tcp, fragment: 0x4000 });
  return [1e15 + time, Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet))] as const;
}

const handshake = [
  segment(0, { flags: SYN, window: 1000, options: OPTIONS }),
  segment(1, { flags: SYN | ACK, window: 2000, options: [2, 4, 2, 24], fromServer: true }),
  segment(2, { flags: ACK, window: 3000, options: [1, 1, 8, 10, ...zeros(8)] }),
];

test("basicplus keeps each direction's first window and segment size, and options of all packets", () => {
  expect(protocolRows(basicplus, handshake)).toMatchObject([
    {
      IP_TTL: 64,
      IP_TTL_REV: 64,
      IP_FLG: 2,
      IP_FLG_REV: 2,
      TCP_WIN: 1000,
      TCP_WIN_REV: 2000,
      TCP_MSS: 1460,
      TCP_MSS_REV: 536,
      TCP_OPT: bits(1, 2, 3, 8),
      TCP_OPT_REV: bits(2),
      TCP_SYN_SIZE: 48,
    },
  ]);
});

test("basicplus reads a segment size as ipfixprobe does in compat mode only", () => {
  expect(protocolRows(basicplus, handshake, { compat: true })).toMatchObject([
    { TCP_MSS: 0x05b40103 },
  ]);
});

test("basicplus knows option kinds up to 63, and stops where options make no sense", () => {
  const row = (options: Bytes) =>
    protocolRows(basicplus, [segment(0, { flags: ACK, window: 1, options })])[0];
  // Kind 34 is the TCP fast open cookie, 253 an experiment.
  expect(row([34, 2, 253, 2])).toMatchObject({ TCP_OPT: bits(34) });
  expect(row([5, 0, 8, 10])).toMatchObject({ TCP_OPT: bits(5) });
  expect(row([0, 8, 2, 3])).toMatchObject({ TCP_OPT: bits(0) });
  expect(row([1, 1, 1, 8])).toMatchObject({ TCP_OPT: bits(1, 8) });
  expect(row([2, 255, 1, 1])).toMatchObject({ TCP_OPT: bits(2), TCP_MSS: 0x0101 });
});

test("basicplus gives UDP over IPv6 its hop limit, and nothing of TCP", () => {
  const frame = Uint8Array.from(ethernet(ETHERTYPE.ipv6, ipv6(udp(4000, 53))));
  expect(protocolRows(basicplus, [[1e15, frame]])).toMatchObject([
    { IP_TTL: 32, IP_FLG: 0, TCP_WIN: 0, TCP_OPT: 0, TCP_SYN_SIZE: 0 },
  ]);
});

test("basicplus brings nothing of a flow into the next", () => {
  const later = segment(4e8, { flags: ACK, window: 5, options: [] });
  expect(protocolRows(basicplus, [...handshake, later])[1]).toMatchObject({
    TCP_WIN: 5,
    TCP_WIN_REV: 0,
    TCP_OPT: 0,
    TCP_MSS: 0,
    TCP_SYN_SIZE: 0,
    IP_TTL_REV: 0,
  });
});
