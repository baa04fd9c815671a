// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import pstats from "./pstats.ts";

testProtocol(pstats, { capture: "mixed.pcap" });

const TIME = 1e15;
const [A, B] = ["192.0.2.1", "192.0.2.2"];

/** TCP segments, `>` from the client and `<` from the server, a microsecond apart. */
const segments = (list: readonly (readonly [way: ">" | "<", flags: number, size: number])[]) =>
  list.map(([way, flags, size], i) => {
    const [source, target] = way === ">" ? [A, B] : [B, A];
    const ports: [number, number] = way === ">" ? [4000, 80] : [80, 4000];
    const packet = ipv4(tcp(...ports, flags, zeros(size)), {
      source,
      target,
      protocol: PROTOCOL.tcp,
    });
    return [TIME + i, Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet))] as const;
  });

test("pstats lists packets of both directions that have payload", () => {
  const frames = segments([
    [">", 2, 0],
    ["<", 18, 0],
    [">", 24, 5],
    ["<", 16, 7],
  ]);
  const [row] = protocolRows(pstats, frames);
  expect(row).toMatchObject({
    PPI_PKT_LENGTHS: [5, 7],
    PPI_PKT_TIMES: [TIME + 2, TIME + 3],
    PPI_PKT_FLAGS: [24, 16],
    PPI_PKT_DIRECTIONS: [1, -1],
  });
});

test("pstats stops at 30 packets, and begins anew with the next flow", () => {
  const list = Array.from({ length: 40 }, (_, i) => [">", 24, i + 1] as const);
  const later = segments([[">", 24, 9]]).map(([time, frame]) => [time + 4e8, frame] as const);
  const [row, next] = protocolRows(pstats, [...segments(list), ...later]);
  expect(row!["PPI_PKT_LENGTHS"]).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  expect(next!["PPI_PKT_LENGTHS"]).toEqual([9]);
});

test("pstats in compat mode leaves out a flow of one SYN, and gives empty lists to others without payload", () => {
  expect(protocolRows(pstats, segments([[">", 2, 0]]), { compat: true })).toEqual([]);
  const two = segments([
    [">", 2, 0],
    ["<", 18, 0],
  ]);
  expect(protocolRows(pstats, two, { compat: true })).toMatchObject([{ PPI_PKT_LENGTHS: [] }]);
});
