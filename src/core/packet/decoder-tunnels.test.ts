// SPDX-License-Identifier: BSD-3-Clause
// Inside a tunnel the inner header is the flow key; where that cannot be had, the outer one is.
import { describe, expect, test } from "bun:test";
import {
  type Bytes,
  decoded,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  MAC_A,
  MAC_B,
  PROTOCOL,
  tcp,
  u16,
  u32,
  udp,
  vlan,
  zeros,
} from "./test-kit.ts";

const INNER = ipv4(tcp(40000, 443, 2), {
  source: "10.1.1.1",
  target: "10.1.1.2",
  protocol: PROTOCOL.tcp,
});
const INNER_KEY = { key: "10.1.1.1:40000 > 10.1.1.2:443", protocol: 6, tcpFlags: 2, bytes: 40 };
const INNER_V6 = ipv6(udp(546, 547), { source: "fd00::1", target: "fd00::2" });
const INNER_V6_KEY = { key: "[fd00::1]:546 > [fd00::2]:547", protocol: 17, bytes: 48 };
const INNER_FRAME = ethernet(ETHERTYPE.ipv4, INNER, MAC_B, MAC_A);
const ARP = ethernet(ETHERTYPE.arp, zeros(28), MAC_B, MAC_A);

const outer = (payload: Bytes, protocol: number): Bytes =>
  ethernet(ETHERTYPE.ipv4, ipv4(payload, { protocol }));
const gre = (flags: number, type: number, payload: Bytes): Bytes =>
  outer([...u16(flags), ...u16(type), ...payload], PROTOCOL.gre);
const overUdp = (port: number, payload: Bytes, source = 50000): Bytes =>
  outer(udp(source, port, payload), PROTOCOL.udp);
const OUTER_GRE = { key: "192.0.2.1:0 > 192.0.2.2:0", protocol: 47 };
const outerUdp = (port: number): object => ({
  key: `192.0.2.1:50000 > 192.0.2.2:${port}`,
  protocol: 17,
});

describe("PacketDecoder, IP in IP:", () => {
  test.each<[string, Bytes, object]>([
    ["IPv4 in IPv4", outer(INNER, PROTOCOL.ipip), INNER_KEY],
    ["IPv6 in IPv4", outer(INNER_V6, PROTOCOL.ipv6), INNER_V6_KEY],
    ["IPv4 in IPv6", ethernet(ETHERTYPE.ipv6, ipv6(INNER, { next: PROTOCOL.ipip })), INNER_KEY],
    ["IPv6 in IPv6", ethernet(ETHERTYPE.ipv6, ipv6(INNER_V6, { next: 41 })), INNER_V6_KEY],
    ["IP in IP in IP", outer(ipv4(INNER, { protocol: 4 }), 4), INNER_KEY],
  ])("PacketDecoder takes the inner header of %s", (_, frame, key) => {
    expect(decoded(frame)).toMatchObject(key);
  });

  test("PacketDecoder takes the outer header when the inner one is none", () => {
    const key = { key: "192.0.2.1:0 > 192.0.2.2:0", protocol: 4 };
    expect(decoded(outer([0x75, ...INNER.slice(1)], PROTOCOL.ipip))).toMatchObject(key);
    expect(decoded(outer(INNER.slice(0, 19), PROTOCOL.ipip))).toMatchObject({ ...key, bytes: 39 });
    // The inner packet says that it is shorter than its own header.
    const contradiction = [...INNER.slice(0, 2), 0, 19, ...INNER.slice(4)];
    expect(decoded(outer(contradiction, PROTOCOL.ipip))).toMatchObject({ ...key, bytes: 60 });
  });

  test("PacketDecoder leaves tunnels closed when told to", () => {
    const key = { key: "192.0.2.1:0 > 192.0.2.2:0", protocol: 4, bytes: 60 };
    expect(decoded(outer(INNER, PROTOCOL.ipip), 1, { tunnels: false })).toMatchObject(key);
  });

  test("PacketDecoder takes nothing behind the tunnel's packet for its content", () => {
    const short = ipv4([...INNER.slice(0, 22)], { protocol: PROTOCOL.ipip });
    const frame = [...ethernet(ETHERTYPE.ipv4, short), ...INNER.slice(22)];
    expect(decoded(frame)).toMatchObject({ key: "10.1.1.1:0 > 10.1.1.2:0", tcpFlags: 0 });
  });
});

describe("PacketDecoder, GRE:", () => {
  test.each<[string, number, Bytes]>([
    ["without options", 0x0000, []],
    ["with checksum", 0x8000, zeros(4)],
    ["with key", 0x2000, zeros(4)],
    ["with sequence number", 0x1000, zeros(4)],
    ["with all three", 0xb000, zeros(12)],
  ])("PacketDecoder opens GRE %s", (_, flags, options) => {
    expect(decoded(gre(flags, ETHERTYPE.ipv4, [...options, ...INNER]))).toMatchObject(INNER_KEY);
    expect(decoded(gre(flags, ETHERTYPE.ipv6, [...options, ...INNER_V6]))).toMatchObject(
      INNER_V6_KEY,
    );
    expect(decoded(gre(flags, 0x6558, [...options, ...INNER_FRAME]))).toMatchObject(INNER_KEY);
  });

  test("PacketDecoder opens MPLS in GRE", () => {
    const label = u32((16 << 12) | 0x100 | 64);
    const frame = gre(0, 0x8847, [...label, ...INNER]);
    expect(decoded(frame)).toMatchObject({ ...INNER_KEY, label: 16 });
  });

  test.each<[string, number, number, Bytes]>([
    ["I", 0, 0x88be, []],
    ["II", 0x1000, 0x88be, zeros(12)],
    ["III", 0x1000, 0x22eb, zeros(16)],
    ["III with its platform header", 0x1000, 0x22eb, [...zeros(15), 1, ...zeros(8)]],
  ])("PacketDecoder opens ERSPAN type %s", (_, flags, type, header) => {
    const frame = gre(flags, type, [...header, ...INNER_FRAME]);
    const found = decoded(frame);
    expect(found).toMatchObject({ ...INNER_KEY, ethernet: 14 + 20 + 4 + header.length });
  });

  test.each<[string, Bytes]>([
    ["of version 1 (PPTP)", gre(0x2001, 0x880b, zeros(40))],
    ["with source routes", gre(0x4000, ETHERTYPE.ipv4, [...zeros(4), ...INNER])],
    ["with another protocol", gre(0, 0x88cc, zeros(40))],
    ["with a keepalive", gre(0, 0, [])],
    ["cut in its header", outer([0xb0, 0, 8, 0, 0, 0], PROTOCOL.gre)],
    ["with ERSPAN III cut in its header", gre(0x1000, 0x22eb, zeros(15))],
  ])("PacketDecoder takes the outer header of GRE %s", (_, frame) => {
    expect(decoded(frame)).toMatchObject(OUTER_GRE);
  });
});

describe("PacketDecoder, tunnels over UDP:", () => {
  const VXLAN: Bytes = [0x08, 0, 0, 0, 0, 0, 123, 0];
  const geneve = (type: number, payload: Bytes, options: Bytes = []): Bytes => {
    const header = [options.length / 4, 0, ...u16(type), 0, 0, 9, 0];
    return overUdp(6081, [...header, ...options, ...payload]);
  };
  const gtp = (flags: number, more: Bytes, type = 255): Bytes =>
    overUdp(2152, [flags, type, ...u16(more.length), 0, 0, 0, 1, ...more]);

  test("PacketDecoder opens VXLAN and takes MACs and VLAN of the inner frame", () => {
    const found = decoded(overUdp(4789, [...VXLAN, ...INNER_FRAME]));
    expect(found).toMatchObject({ ...INNER_KEY, ethernet: 50, vlan: -1 });
    const tag = ethernet(ETHERTYPE.vlan, vlan(5, ETHERTYPE.ipv4, INNER));
    expect(decoded(overUdp(4789, [...VXLAN, ...tag]))).toMatchObject({ ...INNER_KEY, vlan: 5 });
  });

  test("PacketDecoder gives a tunnel whose content is not IP none of its MACs and tags", () => {
    const tag = ethernet(ETHERTYPE.vlan, vlan(5, ETHERTYPE.arp, zeros(28)));
    for (const content of [ARP, tag]) {
      const found = decoded(overUdp(4789, [...VXLAN, ...content]));
      expect(found).toMatchObject({ ...outerUdp(4789), ethernet: 0, vlan: -1, ip: 14 });
    }
  });

  test("PacketDecoder takes the outer header of VXLAN without network id or whole frame", () => {
    const unset = overUdp(4789, [0, ...VXLAN.slice(1), ...INNER_FRAME]);
    expect(decoded(unset)).toMatchObject(outerUdp(4789));
    const cut = overUdp(4789, [...VXLAN, ...INNER_FRAME.slice(0, 13)]);
    expect(decoded(cut)).toMatchObject(outerUdp(4789));
  });

  test("PacketDecoder opens Geneve with and without options", () => {
    for (const options of [[], zeros(4), zeros(252)]) {
      expect(decoded(geneve(0x6558, INNER_FRAME, options))).toMatchObject(INNER_KEY);
      expect(decoded(geneve(ETHERTYPE.ipv4, INNER, options))).toMatchObject(INNER_KEY);
      expect(decoded(geneve(ETHERTYPE.ipv6, INNER_V6, options))).toMatchObject(INNER_V6_KEY);
    }
    expect(decoded(geneve(0x88cc, zeros(40)))).toMatchObject(outerUdp(6081));
    const version1 = overUdp(6081, [0x40, 0, 8, 0, 0, 0, 9, 0, ...INNER]);
    expect(decoded(version1)).toMatchObject(outerUdp(6081));
  });

  test("PacketDecoder opens GTP-U and skips its extension headers", () => {
    const pdu: Bytes = [1, 0x10, 9, 0];
    const chained: Bytes = [2, 0, 0, 0, 0, 0, 0, 0x85, ...pdu];
    expect(decoded(gtp(0x30, INNER))).toMatchObject(INNER_KEY);
    expect(decoded(gtp(0x32, [0, 1, 0, 0, ...INNER]))).toMatchObject(INNER_KEY);
    expect(decoded(gtp(0x34, [0, 0, 0, 0x85, ...pdu, ...INNER_V6]))).toMatchObject(INNER_V6_KEY);
    expect(decoded(gtp(0x37, [0, 1, 0, 0xc0, ...chained, ...INNER]))).toMatchObject(INNER_KEY);
  });

  test("PacketDecoder takes the outer header of what is no G-PDU", () => {
    const endless: Bytes = [1, 0, 0, 0x85];
    const five = [...endless, ...endless, ...endless, ...endless, ...endless];
    for (const frame of [
      gtp(0x30, zeros(20), 1),
      gtp(0x50, INNER),
      gtp(0x34, [0, 0, 0, 0x85, 0, 0, 0, 0, ...INNER]),
      gtp(0x34, [0, 0, 0, 0x85, 200, 0, 0, 0, ...INNER]),
      gtp(0x34, [0, 0, 0, 0x85, ...five, ...INNER]),
      gtp(0x34, [0, 0, 0, 0x85, ...endless, ...endless, ...endless, ...endless, ...INNER]),
    ])
      expect(decoded(frame)).toMatchObject(outerUdp(2152));
  });

  test("PacketDecoder opens Teredo, with authentication and origin indication", () => {
    const authentication: Bytes = [0, 1, 2, 3, ...zeros(5), ...zeros(9)];
    const origin = zeros(8);
    for (const header of [[], authentication, origin, [...authentication, ...origin]]) {
      expect(decoded(overUdp(3544, [...header, ...INNER_V6]))).toMatchObject(INNER_V6_KEY);
      const reply = overUdp(50001, [...header, ...INNER_V6], 3544);
      expect(decoded(reply)).toMatchObject(INNER_V6_KEY);
    }
    expect(decoded(overUdp(3544, [...INNER]))).toMatchObject(outerUdp(3544));
    expect(decoded(overUdp(3544, [0, 1, 255, 255, ...zeros(60)]))).toMatchObject(outerUdp(3544));
  });

  test("PacketDecoder takes the innermost header of tunnels in tunnels", () => {
    const inVxlan = overUdp(4789, [
      ...VXLAN,
      ...gre(0x2000, ETHERTYPE.ipv4, [...zeros(4), ...INNER]),
    ]);
    expect(decoded(inVxlan)).toMatchObject(INNER_KEY);
  });
});

describe("PacketDecoder, nesting bombs:", () => {
  const nested = (count: number): Bytes => {
    let packet = INNER;
    for (let i = 0; i < count; i++) packet = ipv4(packet, { protocol: PROTOCOL.ipip });
    return ethernet(ETHERTYPE.ipv4, packet);
  };

  test("PacketDecoder gives up on headers nested too deep", () => {
    expect(decoded(nested(4))).toMatchObject(INNER_KEY);
    for (const depth of [12, 100, 1000]) expect(decoded(nested(depth))).toBe("malformed");
  });

  test("PacketDecoder walks frames full of tags, labels or extension headers once", () => {
    const tags = Array.from({ length: 16_000 }, () => vlan(1, ETHERTYPE.vlan, [])).flat();
    expect(decoded(ethernet(ETHERTYPE.vlan, tags))).toBe("malformed");
    const labels = Array.from({ length: 16_000 }, () => u32(16 << 12)).flat();
    expect(decoded(ethernet(0x8847, labels))).toBe("malformed");
    const extensions = Array.from({ length: 8_000 }, () => [60, 0, ...zeros(6)]).flat();
    const packet = ipv6(extensions, { next: 60 });
    expect(decoded(ethernet(ETHERTYPE.ipv6, packet))).toMatchObject({
      protocol: 60,
      bytes: 64_040,
    });
    const fragments = Array.from({ length: 8_000 }, () => [44, 0, 0, 1, ...zeros(4)]).flat();
    const split = ipv6(fragments, { next: 44 });
    expect(decoded(ethernet(ETHERTYPE.ipv6, split))).toMatchObject({ protocol: 44, bytes: 64_040 });
  });
});
