// SPDX-License-Identifier: BSD-3-Clause
// Link layers, what lies between them and IP, and the IP headers themselves.
import { describe, expect, test } from "bun:test";
import { PacketDecoder } from "./decoder.ts";
import {
  type Bytes,
  batchOf,
  decoded,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  rowsOf,
  tcp,
  u16,
  u32,
  udp,
  vlan,
  zeros,
} from "./test-kit.ts";

const V4 = ipv4(udp(1000, 53));
const V6 = ipv6(udp(1000, 53));
const KEY_V4 = "192.0.2.1:1000 > 192.0.2.2:53";
const KEY_V6 = "[2001:db8::1]:1000 > [2001:db8::2]:53";
const LLC_SNAP: Bytes = [0xaa, 0xaa, 3, 0, 0, 0];
const dot11 = (control: number, flags: number, more: Bytes = []): Bytes => [
  control,
  flags,
  ...zeros(22),
  ...more,
];

describe("PacketDecoder, link layers:", () => {
  test.each<[string, number, Bytes, number]>([
    ["Ethernet", 1, ethernet(ETHERTYPE.ipv4, []), 0],
    ["Ethernet with LLC/SNAP", 1, [...ethernet(8 + V4.length, LLC_SNAP), 8, 0], 0],
    ["NULL, little-endian host", 0, [2, 0, 0, 0], -1],
    ["NULL, big-endian host", 0, [0, 0, 0, 2], -1],
    ["LOOP", 108, [0, 0, 0, 2], -1],
    ["RAW", 101, [], -1],
    ["RAW of BSD", 12, [], -1],
    ["RAW of OpenBSD", 14, [], -1],
    ["IPV4", 228, [], -1],
    ["LINUX_SLL", 113, [...zeros(14), 8, 0], -1],
    ["LINUX_SLL2", 276, [8, 0, ...zeros(18)], -1],
    ["C_HDLC", 104, [0x0f, 0, 8, 0], -1],
    ["PPP", 9, [0, 0x21], -1],
    ["PPP_HDLC", 50, [0xff, 3, 0, 0x21], -1],
    ["PPP_HDLC with Cisco's framing", 50, [0x0f, 0, 8, 0], -1],
    ["IEEE802_11 data", 105, [...dot11(8, 1), ...LLC_SNAP, 8, 0], -1],
    ["IEEE802_11 QoS data", 105, [...dot11(0x88, 1, [0, 0]), ...LLC_SNAP, 8, 0], -1],
    [
      "IEEE802_11 QoS with HT control",
      105,
      [...dot11(0x88, 0x81, zeros(6)), ...LLC_SNAP, 8, 0],
      -1,
    ],
    ["IEEE802_11 with four addresses", 105, [...dot11(8, 3, zeros(6)), ...LLC_SNAP, 8, 0], -1],
    ["IEEE802_11_RADIOTAP", 127, [0, 0, 12, 0, ...zeros(8), ...dot11(8, 1), ...LLC_SNAP, 8, 0], -1],
  ])("PacketDecoder finds IPv4 in %s", (_, linkType, header, at) => {
    expect(decoded([...header, ...V4], linkType)).toMatchObject({
      key: KEY_V4,
      bytes: 28,
      ethernet: at,
      ip: header.length,
      transport: header.length + 20,
      end: header.length + 28,
      ttl: 64,
      tos: 0x10,
    });
  });

  test.each<[string, number, Bytes]>([
    ["Ethernet", 1, ethernet(ETHERTYPE.ipv6, [])],
    ["NULL of Linux", 0, [10, 0, 0, 0]],
    ["NULL of FreeBSD", 0, [28, 0, 0, 0]],
    ["NULL of macOS", 0, [30, 0, 0, 0]],
    ["LOOP of OpenBSD", 108, [0, 0, 0, 24]],
    ["RAW", 101, []],
    ["IPV6", 229, []],
    ["LINUX_SLL", 113, [...zeros(14), 0x86, 0xdd]],
    ["LINUX_SLL2", 276, [0x86, 0xdd, ...zeros(18)]],
    ["C_HDLC", 104, [0x0f, 0, 0x86, 0xdd]],
    ["PPP", 9, [0, 0x57]],
  ])("PacketDecoder finds IPv6 in %s", (_, linkType, header) => {
    const found = decoded([...header, ...V6], linkType);
    expect(found).toMatchObject({ key: KEY_V6, bytes: 48, ip: header.length, ttl: 32, tos: 0x10 });
  });

  test.each<[string, number, Bytes]>([
    ["ARP", 1, ethernet(ETHERTYPE.arp, zeros(46))],
    ["an LLC frame without SNAP", 1, ethernet(38, [0x42, 0x42, 3, ...zeros(43)])],
    ["another address family", 0, [7, 0, 0, 0, ...V4]],
    ["ARP in a cooked capture", 113, [...zeros(14), 8, 6, ...zeros(28)]],
    ["PPP's own control protocol", 9, [0xc0, 0x21, 1, 0, 0, 4]],
    ["a Wi-Fi beacon", 105, [...dot11(0x80, 0), ...zeros(12)]],
    ["encrypted Wi-Fi data", 105, [...dot11(8, 0x41), ...zeros(8), ...V4]],
    ["Wi-Fi data without payload", 105, [...dot11(0x48, 1), ...zeros(8)]],
  ])("PacketDecoder counts %s as not IP", (_, linkType, frame) => {
    expect(decoded(frame, linkType)).toBe("nonIp");
  });

  test("PacketDecoder counts frames of a link type it does not know", () => {
    expect(decoded(V4, 147)).toBe("unknownLink");
  });

  test("PacketDecoder counts a radiotap header shorter than itself as malformed", () => {
    expect(decoded([0, 0, 0, 0, ...dot11(8, 1), ...LLC_SNAP, 8, 0, ...V4], 127)).toBe("malformed");
  });
});

describe("PacketDecoder, between link and network:", () => {
  const tagged = (outer: number, inner: number): Bytes =>
    ethernet(ETHERTYPE.qinq, vlan(outer, ETHERTYPE.vlan, vlan(inner, ETHERTYPE.ipv4, V4)));

  test("PacketDecoder takes the VLAN id without its priority bits", () => {
    const frame = ethernet(ETHERTYPE.vlan, vlan(0xe123, ETHERTYPE.ipv4, V4));
    expect(decoded(frame)).toMatchObject({ key: KEY_V4, vlan: 0x123, ip: 18 });
  });

  test("PacketDecoder takes the outer id of QinQ, whatever its ethertype", () => {
    expect(decoded(tagged(7, 9))).toMatchObject({ key: KEY_V4, vlan: 7, ip: 22 });
    for (const type of [0x9100, 0x9200, ETHERTYPE.vlan]) {
      const frame = ethernet(type, vlan(7, ETHERTYPE.vlan, vlan(9, ETHERTYPE.ipv4, V4)));
      expect(decoded(frame)).toMatchObject({ key: KEY_V4, vlan: 7 });
    }
  });

  test("PacketDecoder takes a tag with id 0 for a priority, not for a VLAN", () => {
    const frame = ethernet(ETHERTYPE.vlan, vlan(0xe000, ETHERTYPE.ipv4, V4));
    expect(decoded(frame)).toMatchObject({ key: KEY_V4, vlan: -1 });
    expect(decoded(tagged(0, 9))).toMatchObject({ vlan: 9 });
  });

  test("PacketDecoder leaves the VLAN out of the key when told to", () => {
    expect(decoded(tagged(7, 9), 1, { vlanInKey: false })).toMatchObject({ key: KEY_V4, vlan: -1 });
  });

  test("PacketDecoder finds IP behind MPLS labels and keeps the top one", () => {
    const labels = [...u32((16 << 12) | 64), ...u32((17 << 12) | 0x100 | 64)];
    expect(decoded(ethernet(0x8847, [...labels, ...V4]))).toMatchObject({ key: KEY_V4, label: 16 });
    expect(decoded(ethernet(0x8848, [...labels, ...V6]))).toMatchObject({ key: KEY_V6, label: 16 });
    expect(decoded([0x02, 0x81, ...labels, ...V4], 9)).toMatchObject({ key: KEY_V4, label: 16 });
  });

  test("PacketDecoder finds the frame of an Ethernet pseudowire behind its control word", () => {
    const wire = [...u32((16 << 12) | 0x100 | 64), 0, 0, 0, 1, ...ethernet(ETHERTYPE.ipv4, V4)];
    expect(decoded(ethernet(0x8847, wire))).toMatchObject({ key: KEY_V4, label: 16, ethernet: 22 });
  });

  test("PacketDecoder counts what else MPLS carries as not IP", () => {
    const label = u32((16 << 12) | 0x100 | 64);
    expect(decoded(ethernet(0x8847, [...label, 0x10, ...zeros(30)]))).toBe("nonIp");
  });

  test("PacketDecoder finds IP in a PPPoE session, and none in its control packets", () => {
    const session = (protocol: number, payload: Bytes): Bytes =>
      ethernet(0x8864, [0x11, 0, 0, 1, ...u16(payload.length + 2), ...u16(protocol), ...payload]);
    expect(decoded(session(0x0021, V4))).toMatchObject({ key: KEY_V4, ip: 22 });
    expect(decoded(session(0x0057, V6))).toMatchObject({ key: KEY_V6, ip: 22 });
    expect(decoded(session(0xc021, zeros(8)))).toBe("nonIp");
  });

  test.each<[string, number, Bytes]>([
    ["a VN-Tag", 0x8926, [0, 0, 0, 0, 8, 0]],
    ["an E-Tag", 0x893f, [0, 0, 0, 0, 0, 0, 8, 0]],
    ["a network service header", 0x894f, [0, 6, 1, 1, ...zeros(20)]],
  ])("PacketDecoder finds IP behind %s", (_, type, header) => {
    const found = decoded(ethernet(type, [...header, ...V4]));
    expect(found).toMatchObject({ key: KEY_V4, ip: 14 + header.length });
  });

  test("PacketDecoder finds the Ethernet frame in a network service header", () => {
    const frame = ethernet(0x894f, [0, 2, 1, 3, ...zeros(4), ...ethernet(ETHERTYPE.ipv6, V6)]);
    expect(decoded(frame)).toMatchObject({ key: KEY_V6, ethernet: 22 });
    expect(decoded(ethernet(0x894f, [0, 2, 1, 5, ...zeros(4), ...V4]))).toBe("nonIp");
    expect(decoded(ethernet(0x894f, [0, 1, 1, 1, ...zeros(4), ...V4]))).toBe("malformed");
  });
});

describe("PacketDecoder, IP:", () => {
  test("PacketDecoder counts bytes by the packet's own length, not by the frame's padding", () => {
    const frame = [...ethernet(ETHERTYPE.ipv4, V4), ...zeros(18)];
    expect(decoded(frame)).toMatchObject({ bytes: 28, end: 42 });
    const longer = ethernet(ETHERTYPE.ipv4, ipv4(udp(1, 2), { length: 1500 }));
    expect(decoded(longer)).toMatchObject({ bytes: 1500, end: 42 });
  });

  test("PacketDecoder takes a length of 0, which offload leaves, from the frame", () => {
    const payload = udp(1000, 53, zeros(100));
    const v4 = ethernet(ETHERTYPE.ipv4, ipv4(payload, { length: 0 }));
    expect(decoded(v4)).toMatchObject({ key: KEY_V4, bytes: 128 });
    const v6 = ethernet(ETHERTYPE.ipv6, ipv6(payload, { length: 0 }));
    expect(decoded(v6)).toMatchObject({ key: KEY_V6, bytes: 148 });
  });

  test("PacketDecoder takes an IPv6 packet with no next header for as short as it says", () => {
    const frame = [...ethernet(ETHERTYPE.ipv6, ipv6([], { next: 59 })), ...zeros(6)];
    expect(decoded(frame)).toMatchObject({ bytes: 40, protocol: 59 });
  });

  test("PacketDecoder bounds the bytes of a frame whose length the capture gets wrong", () => {
    const bytesOf = (length: number): number => {
      const batch = batchOf([ipv4(udp(1, 2), { length: 0 })], 101);
      batch.length[0] = length;
      const decoder = new PacketDecoder();
      decoder.decode(batch);
      return rowsOf(decoder, batch)[0]!.bytes;
    };
    expect(bytesOf(3)).toBe(28);
    expect(bytesOf(9000)).toBe(9000);
    expect(bytesOf(0xffff_ffff)).toBe(0x7fff_ffff);
  });

  test.each<[string, Bytes]>([
    ["an IPv4 header of 16 bytes", [0x44, ...V4.slice(1)]],
    ["a packet shorter than its header", ipv4([], { length: 19 })],
    ["a packet shorter than its options", ipv4([], { length: 20, options: zeros(4) })],
    ["another version", [0x55, ...V4.slice(1)]],
    ["half an IPv6 header", V6.slice(0, 39)],
  ])("PacketDecoder counts %s as malformed", (_, packet) => {
    expect(
      decoded(ethernet(packet[0]! >>> 4 === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4, packet)),
    ).toBe("malformed");
  });

  test("PacketDecoder finds ports and flags behind IPv4 options", () => {
    const packet = ipv4(tcp(40000, 80, 0x12), { protocol: PROTOCOL.tcp, options: zeros(40) });
    expect(decoded(ethernet(ETHERTYPE.ipv4, packet))).toMatchObject({
      key: "192.0.2.1:40000 > 192.0.2.2:80",
      tcpFlags: 0x12,
      transport: 74,
    });
  });

  test.each([6, 17, 33, 132, 136])("PacketDecoder finds the ports of protocol %d", (protocol) => {
    const packet = ipv4(tcp(5, 6, 0), { protocol });
    expect(decoded(packet, 101)).toMatchObject({ key: "192.0.2.1:5 > 192.0.2.2:6", protocol });
  });

  test.each([1, 2, 50, 58, 89])("PacketDecoder gives protocol %d no ports", (protocol) => {
    expect(decoded(ipv4(zeros(8), { protocol }), 101)).toMatchObject({
      key: "192.0.2.1:0 > 192.0.2.2:0",
      protocol,
    });
  });

  test("PacketDecoder follows a chain of IPv6 extension headers", () => {
    // Hop-by-hop, destination options of 16 bytes, routing, AH of 24 bytes, mobility, HIP, shim6.
    const chain: Bytes = [
      ...[60, 0, ...zeros(6)],
      ...[43, 1, ...zeros(14)],
      ...[51, 0, ...zeros(6)],
      ...[135, 4, ...zeros(22)],
      ...[139, 0, ...zeros(6)],
      ...[140, 0, ...zeros(6)],
      ...[6, 0, ...zeros(6)],
    ];
    const packet = ipv6([...chain, ...tcp(40000, 443, 2)], { next: 0 });
    expect(decoded(packet, 101)).toMatchObject({
      key: "[2001:db8::1]:40000 > [2001:db8::2]:443",
      protocol: 6,
      tcpFlags: 2,
      bytes: 40 + 80 + 20,
      transport: 120,
    });
  });

  test("PacketDecoder stops at an extension header that leaves the packet", () => {
    const packet = ipv6([17, 200, ...zeros(6), ...udp(1, 2)], { next: 60 });
    expect(decoded(packet, 101)).toMatchObject({ protocol: 17, transport: 56, end: 56 });
    expect(decoded(ipv6([17, 0, 0, 0], { next: 60 }), 101)).toMatchObject({ protocol: 60 });
  });

  test("PacketDecoder gives both directions one key and opposite directions", () => {
    const there = ipv4(udp(1000, 53), { source: "10.0.0.1", target: "200.0.0.1" });
    const back = ipv4(udp(53, 1000), { source: "200.0.0.1", target: "10.0.0.1" });
    const there6 = ipv6(udp(53, 53), { source: "2001:db8::f", target: "2001:db8::a" });
    const back6 = ipv6(udp(53, 53), { source: "2001:db8::a", target: "2001:db8::f" });
    const self = ipv4(udp(9, 8), { source: "10.0.0.1", target: "10.0.0.1" });
    const selfBack = ipv4(udp(8, 9), { source: "10.0.0.1", target: "10.0.0.1" });
    const self6 = ipv6(udp(9, 8), { source: "::1", target: "::1" });
    const self6Back = ipv6(udp(8, 9), { source: "::1", target: "::1" });
    const decoder = new PacketDecoder();
    decoder.decode(batchOf([there, back, there6, back6, self, selfBack, self6, self6Back], 101));
    const words = (row: number): number[] => [...decoder.rows.subarray(row * 16, row * 16 + 5)];
    for (const row of [0, 2, 4, 6]) {
      expect(words(row)).toEqual(words(row + 1));
      expect(decoder.rows[row * 16 + 5]! + decoder.rows[row * 16 + 21]!).toBe(1);
    }
  });
});
