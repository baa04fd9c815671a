// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { PacketDecoder } from "./decoder.ts";
import {
  type Bytes,
  batchOf,
  fragment6,
  ipv4,
  ipv6,
  PROTOCOL,
  rowsOf,
  tcp,
  udp,
  zeros,
} from "./test-kit.ts";

const SECOND = 1_000_000;
const MORE = 0x2000;

/** Keys, protocols and bytes of packets that one decoder sees one after the other. */
function keys(packets: readonly Bytes[], decoder = new PacketDecoder(), micros = 1e15): string[] {
  const batch = batchOf(packets, 101, micros);
  decoder.decode(batch);
  return rowsOf(decoder, batch).map(({ key, protocol, bytes }) => `${protocol} ${key} ${bytes}`);
}

const first = (id: number, source: number): Bytes =>
  ipv4(udp(source, 53, zeros(8)), { id, fragment: MORE });
const later = (id: number, offset: number, more = MORE): Bytes =>
  ipv4(zeros(16), { id, fragment: more | offset });
const KEY = "17 192.0.2.1:1000 > 192.0.2.2:53 36";
const NONE = "17 192.0.2.1:0 > 192.0.2.2:0 36";

describe("FragmentPorts, IPv4:", () => {
  test("FragmentPorts gives the first fragment's ports to the later ones", () => {
    const decoder = new PacketDecoder();
    expect(keys([first(7, 1000), later(7, 2), later(7, 4, 0)], decoder)).toEqual([KEY, KEY, KEY]);
    expect(decoder.fragments).toMatchObject({ fragments: 3, unmatched: 0 });
  });

  test("FragmentPorts counts later fragments whose first one it has not seen", () => {
    const decoder = new PacketDecoder();
    expect(keys([later(7, 4, 0), first(7, 1000), later(7, 2)], decoder)).toEqual([NONE, KEY, KEY]);
    expect(decoder.fragments).toMatchObject({ fragments: 3, unmatched: 1 });
  });

  test("FragmentPorts keeps datagrams apart by id, addresses and protocol", () => {
    const other = ipv4(zeros(16), { id: 7, fragment: 2, source: "192.0.2.9" });
    const back = ipv4(zeros(16), { id: 7, fragment: 2, source: "192.0.2.2", target: "192.0.2.1" });
    const protocol = ipv4(zeros(16), { id: 7, fragment: 2, protocol: PROTOCOL.tcp });
    expect(keys([first(7, 1000), first(8, 2000), later(7, 2), later(8, 2), later(9, 2)])).toEqual([
      KEY,
      "17 192.0.2.1:2000 > 192.0.2.2:53 36",
      KEY,
      "17 192.0.2.1:2000 > 192.0.2.2:53 36",
      NONE,
    ]);
    expect(keys([first(7, 1000), other, back, protocol]).slice(1)).toEqual([
      "17 192.0.2.9:0 > 192.0.2.2:0 36",
      "17 192.0.2.2:0 > 192.0.2.1:0 36",
      "6 192.0.2.1:0 > 192.0.2.2:0 36",
    ]);
  });

  test("FragmentPorts takes the ports of the latest datagram with an id", () => {
    const found = keys([first(7, 1000), later(7, 2), first(7, 2000), later(7, 2)]);
    expect(found[3]).toBe("17 192.0.2.1:2000 > 192.0.2.2:53 36");
  });

  test("FragmentPorts forgets a datagram after 30 s", () => {
    const decoder = new PacketDecoder();
    keys([first(7, 1000)], decoder, 1e15);
    expect(keys([later(7, 2)], decoder, 1e15 + 29 * SECOND)).toEqual([KEY]);
    expect(keys([later(7, 2)], decoder, 1e15 + 30 * SECOND)).toEqual([NONE]);
  });

  test("FragmentPorts remembers a first fragment too short for ports as one without", () => {
    const decoder = new PacketDecoder();
    const short = ipv4([3, 232], { id: 7, fragment: MORE });
    expect(keys([short, later(7, 2)], decoder)).toEqual(["17 192.0.2.1:0 > 192.0.2.2:0 22", NONE]);
    expect(decoder.fragments.unmatched).toBe(0);
  });

  test("PacketDecoder takes TCP flags of a first fragment only", () => {
    const decoder = new PacketDecoder();
    const segment = tcp(1000, 80, 2);
    const batch = batchOf(
      [
        ipv4(segment, { id: 7, fragment: MORE, protocol: PROTOCOL.tcp }),
        ipv4(segment, { id: 7, fragment: 3, protocol: PROTOCOL.tcp }),
      ],
      101,
    );
    decoder.decode(batch);
    const rows = rowsOf(decoder, batch);
    expect(rows.map(({ tcpFlags }) => tcpFlags)).toEqual([2, 0]);
    expect(rows[1]!.key).toBe(rows[0]!.key);
  });

  test("PacketDecoder takes the outer header of a tunnel's later fragments", () => {
    const inner = ipv4(udp(5, 6), { source: "10.0.0.1", target: "10.0.0.2" });
    const found = keys([
      ipv4(inner, { id: 7, fragment: MORE, protocol: PROTOCOL.ipip }),
      ipv4(zeros(16), { id: 7, fragment: 4, protocol: PROTOCOL.ipip }),
    ]);
    expect(found).toEqual(["17 10.0.0.1:5 > 10.0.0.2:6 28", "4 192.0.2.1:0 > 192.0.2.2:0 36"]);
  });
});

describe("FragmentPorts, IPv6:", () => {
  const V6_KEY = "17 [2001:db8::1]:1000 > [2001:db8::2]:53";
  const piece = (header: Bytes, payload: Bytes, before: Bytes = []): Bytes =>
    ipv6([...before, ...header, ...payload], { next: before.length > 0 ? 60 : 44 });

  test("FragmentPorts gives the first fragment's ports to the later ones", () => {
    const options: Bytes = [44, 0, ...zeros(6)];
    for (const before of [[], options]) {
      const bytes = 64 + before.length;
      const found = keys([
        piece(fragment6(17, 9, 0, true), udp(1000, 53, zeros(8)), before),
        piece(fragment6(17, 9, 2, true), zeros(16), before),
        piece(fragment6(17, 9, 4, false), zeros(16), before),
        piece(fragment6(17, 10, 2, false), zeros(16), before),
      ]);
      const key = `${V6_KEY} ${bytes}`;
      expect(found).toEqual([key, key, key, `17 [2001:db8::1]:0 > [2001:db8::2]:0 ${bytes}`]);
    }
  });

  test("FragmentPorts gives the protocol too, which extension headers hide from later fragments", () => {
    const decoder = new PacketDecoder();
    const hidden: Bytes = [17, 0, ...zeros(6), ...udp(1000, 53)];
    const packets = [
      piece(fragment6(60, 9, 0, true), hidden),
      piece(fragment6(60, 9, 2, false), zeros(16)),
    ];
    expect(keys(packets, decoder)).toEqual([`${V6_KEY} 64`, `${V6_KEY} 64`]);
    expect(decoder.fragments.unmatched).toBe(0);
  });

  test("FragmentPorts is not asked for an atomic fragment (RFC 6946)", () => {
    const decoder = new PacketDecoder();
    const atomic = piece(fragment6(17, 9, 0, false), udp(1000, 53));
    expect(keys([atomic], decoder)).toEqual([`${V6_KEY} 56`]);
    expect(decoder.fragments.fragments).toBe(0);
  });
});
