// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { Mapping } from "../ipfix/collect/mapping.ts";
import { ETHERTYPE, ethernet, ipv4, tcp, udp, vlan, zeros } from "../packet/test-kit.ts";
import {
  ARRIVED,
  Collected,
  counters,
  countersExpanded,
  datagram,
  expanded,
  flow,
  frame,
  gateway,
  header,
  interfaceCounters,
  opaque,
  router,
  segment,
  tcp4,
  told,
  udp6,
  unknown,
  vlans,
  words,
} from "./testing/datagrams.ts";

const texts = (row: Readonly<Record<string, unknown>> | undefined, ...names: readonly string[]) =>
  names.map((name) => String(row?.[name]));
/** The one flow of a sample's records. */
const only = (records: readonly Uint8Array[], layout?: string, mapping = "") => {
  const options = layout === undefined ? {} : { layout, mapping: new Mapping(mapping) };
  const { rows } = new Collected(options).take(datagram([flow(records)]));
  expect(rows).toHaveLength(1);
  return rows[0];
};

describe("SflowCollector", () => {
  test("makes a flow of a sampled header, as many packets and bytes as it stands for", () => {
    const sample = flow([header(tcp4(40_000, 443))], { rate: 512, input: 7, output: 8 });
    const { rows, counts } = new Collected().take(datagram([sample], { subAgent: 33 }));
    expect(rows).toMatchObject([
      {
        SRC_PORT: 40_000,
        DST_PORT: 443,
        PROTOCOL: 6,
        TCP_FLAGS: 0x12,
        PACKETS: 512,
        BYTES: 512 * 40,
        TIME_FIRST: ARRIVED,
        TIME_LAST: ARRIVED,
        TOS: 0x10,
        TTL: 64,
        DIR_BIT_FIELD: 1,
        ODID: 33,
      },
    ]);
    expect(
      texts(rows[0], "SRC_IP", "DST_IP", "SRC_MAC", "DST_MAC", "EXPORTER_IP", "LINK_BIT_FIELD"),
    ).toEqual([
      "192.0.2.1",
      "192.0.2.2",
      "02:00:00:00:00:0a",
      "02:00:00:00:00:0b",
      "192.0.2.1",
      String(2 ** 33),
    ]);
    expect(counts).toMatchObject({ datagrams: 1, flows: 1, flowSamples: 1, malformed: 0 });
  });

  test("keeps what was sampled as it is where it is told not to scale", () => {
    const sample = flow([header(tcp4(1, 2))], { rate: 512 });
    const { rows } = new Collected({ scale: false }).take(datagram([sample]));
    expect(rows).toMatchObject([{ PACKETS: 1, BYTES: 40 }]);
  });

  test("takes a rate of 0 for none, and does not let counters overflow", () => {
    const at = (rate: number) => flow([header(tcp4(1, 2))], { rate });
    const { rows } = new Collected().take(datagram([at(0), at(2 ** 32 - 1)]));
    expect(rows.map(({ PACKETS, BYTES }) => [PACKETS, Number(BYTES)])).toEqual([
      [1, 40],
      [2 ** 32 - 1, 40 * (2 ** 32 - 1)],
    ]);
  });

  test("knows IPv6, agents of IPv6 and expanded samples", () => {
    const sample = expanded([header(udp6(5000, 53))], { rate: 10, input: 2 ** 31 + 1 });
    const { rows } = new Collected().take(datagram([sample], { agent: "2001:db8::99" }));
    expect(rows).toMatchObject([
      {
        SRC_PORT: 5000,
        DST_PORT: 53,
        PROTOCOL: 17,
        PACKETS: 10,
        BYTES: 520,
        TOS: 0x10,
        TTL: 32,
        DIR_BIT_FIELD: 1,
      },
    ]);
    expect(texts(rows[0], "SRC_IP", "DST_IP", "EXPORTER_IP")).toEqual([
      "2001:db8::1",
      "2001:db8::2",
      "2001:db8::99",
    ]);
  });

  test("keeps the direction of a packet whichever address is the lower one", () => {
    const back = ipv4(tcp(443, 40_000, 0x12), {
      protocol: 6,
      source: "192.0.2.2",
      target: "192.0.2.1",
    });
    const row = only([header(ethernet(ETHERTYPE.ipv4, back))]);
    expect([...texts(row, "SRC_IP", "DST_IP"), row?.["SRC_PORT"], row?.["DST_PORT"]]).toEqual([
      "192.0.2.2",
      "192.0.2.1",
      443,
      40_000,
    ]);
  });

  test("takes bytes from the packet itself, not from what came of it", () => {
    const cut = (length: number) => {
      const whole = ipv4(tcp(1, 2, 0x10, zeros(64)), { protocol: 6, length });
      return header(ethernet(ETHERTYPE.ipv4, whole), { length: 1518 });
    };
    expect(only([cut(1500)])?.["BYTES"]).toBe(1500);
    // Segmentation offload leaves 0: then it is the frame without its header, and without the checksum that was stripped.
    expect(only([cut(0)])?.["BYTES"]).toBe(1518 - 4 - 14);
  });

  test.each([
    ["IPv4", 11, ipv4(udp(9, 10))],
    ["IPv6", 12, udp6(9, 10).slice(14)],
  ])("knows headers that begin with %s", (_, protocol, bytes) => {
    const row = only([header(bytes, { protocol, stripped: 14 })]);
    expect(row).toMatchObject({ SRC_PORT: 9, DST_PORT: 10, PROTOCOL: 17, BYTES: bytes.length });
    expect(texts(row, "SRC_MAC")).toEqual(["00:00:00:00:00:00"]);
  });

  test.each([
    ["192.0.2.7", "198.51.100.7"],
    ["2001:db8::7", "2001:db8::8"],
  ])("takes what the agent has read itself of a packet of %s", (source, target) => {
    const rest = { length: 1400, ports: [1, 2], flags: 0x18, tos: 0x28 } as const;
    const row = only([frame(1418), told({ source, target, ...rest })]);
    expect(row).toMatchObject({
      SRC_PORT: 1,
      DST_PORT: 2,
      PROTOCOL: 6,
      TCP_FLAGS: 0x18,
      TOS: 0x28,
      BYTES: 1400,
    });
    expect(texts(row, "SRC_IP", "DST_IP", "SRC_MAC", "DST_MAC")).toEqual([
      source,
      target,
      "02:00:00:00:00:0a",
      "02:00:00:00:00:0b",
    ]);
  });

  test("takes the frame's length where nobody knows the packet's", () => {
    const row = only([frame(99), told({ length: 0, source: "192.0.2.7", target: "192.0.2.8" })]);
    expect(row?.["BYTES"]).toBe(99);
  });

  test("prefers the header, and takes what the agent has read where the header says nothing", () => {
    const read = told({ source: "192.0.2.7", target: "192.0.2.8", ports: [5, 6] });
    expect(only([read, header(tcp4(3, 4))])?.["SRC_PORT"]).toBe(3);
    expect(only([header(zeros(20), { protocol: 5 }), read])?.["SRC_PORT"]).toBe(5);
    expect(only([header(tcp4(3, 4).slice(0, 20)), read])?.["SRC_PORT"]).toBe(5);
  });

  const ROUTE =
    "uint16 VLAN_ID,uint16 TO_VLAN,uint32 SRC_AS,uint32 DST_AS,uint32 NEXT_AS,uint32 PREV_AS,ipaddr HOP,ipaddr BGP_HOP,uint8 SRC_MASK,uint8 DST_MASK,uint32 IN,uint32 OUT,uint32 RATE";
  const ELEMENTS =
    "uint16 TO_VLAN e0id59;uint32 SRC_AS e0id16;uint32 DST_AS e0id17;uint32 NEXT_AS e0id128;uint32 PREV_AS e0id129;ipaddr HOP e0id15,e0id62;ipaddr BGP_HOP e0id18,e0id63;uint8 SRC_MASK e0id9,e0id29;uint8 DST_MASK e0id13,e0id30;uint32 IN e0id10;uint32 OUT e0id14;uint32 RATE e0id34";

  test.each([
    ["IPv4", tcp4(1, 2), "198.51.100.1", "198.51.100.2"],
    ["IPv6", udp6(1, 2), "2001:db8::a", "2001:db8::b"],
  ])(
    "has VLANs, routes and autonomous systems of %s for layouts that want them",
    (_, bytes, hop, bgp) => {
      const path = [segment([64_501, 64_502]), segment([64_503])];
      const records = [
        unknown(5),
        vlans(7, 8),
        header(bytes),
        router(hop, 24, 16),
        gateway(bgp, { source: 64_510, peer: 64_511, path }),
      ];
      const { rows } = new Collected({ layout: ROUTE, mapping: new Mapping(ELEMENTS) }).take(
        datagram([flow(records, { rate: 100, input: 0x3fff_ffff, output: 0x8000_0003 })]),
      );
      expect(rows).toMatchObject([
        {
          VLAN_ID: 7,
          TO_VLAN: 8,
          SRC_AS: 64_510,
          DST_AS: 64_503,
          NEXT_AS: 64_501,
          PREV_AS: 64_511,
          SRC_MASK: 24,
          DST_MASK: 16,
          IN: 0x3fff_ffff,
          // Went out by three interfaces: by none that has a number.
          OUT: 0,
          RATE: 100,
        },
      ]);
      expect(texts(rows[0], "HOP", "BGP_HOP")).toEqual([hop, bgp]);
    },
  );

  test.each([
    ["none", [], 0, 0],
    ["an unordered set at its end", [segment([1, 2]), segment([3, 4], 1)], 1, 0],
    ["an unordered set at its beginning", [segment([3, 4], 1), segment([5])], 0, 5],
    ["a segment without systems", [segment([])], 0, 0],
  ])("knows of a path that is %s only what it says", (_, path, next, target) => {
    const row = only([header(tcp4(1, 2)), gateway("", { path })], ROUTE, ELEMENTS);
    expect(row).toMatchObject({ NEXT_AS: next, DST_AS: target, SRC_AS: 0 });
    expect(texts(row, "BGP_HOP")).toEqual(["0.0.0.0"]);
  });

  test("takes the VLAN of the frame's own tag where the switch tells none", () => {
    const tagged = ethernet(ETHERTYPE.vlan, vlan(42, ETHERTYPE.ipv4, ipv4(udp(1, 2))));
    expect(only([header(tagged)], "uint16 VLAN_ID", "")).toEqual({ VLAN_ID: 42 });
    expect(only([header(tagged), vlans(0xffff_ffff, 0)], "uint16 VLAN_ID", "")).toEqual({
      VLAN_ID: 42,
    });
    expect(only([header(tagged), vlans(9, 0)], "uint16 VLAN_ID", "")).toEqual({ VLAN_ID: 9 });
  });

  test("adds all fields as they came to a layout with RAW_FIELDS", () => {
    const raw = only([header(tcp4(40_000, 443))], "string RAW_FIELDS", "")?.["RAW_FIELDS"];
    expect(raw).toContain("e0id7=9c40 e0id11=01bb");
    expect(raw).toContain("e0id8=c0000201 e0id12=c0000202");
  });

  test("gives the same flows once a plan has become code", () => {
    const sample = datagram([
      flow([header(tcp4(40_000, 443))], { rate: 3, input: 5 }),
      flow([header(udp6(1, 2)), vlans(3, 4)], { rate: 4 }),
    ]);
    const collected = new Collected();
    for (let i = 0; i < 1500; i++) collected.take(sample);
    const { rows } = collected;
    const unique = new Set(rows.map((row) => Object.values(row).map(String).join(" ")));
    expect([rows.length, unique.size]).toEqual([3000, 2]);
  });

  test("counts samples of counters, and those that it does not know", () => {
    const { counts, rows } = new Collected().take(
      datagram([
        counters(interfaceCounters(1)),
        countersExpanded(interfaceCounters(2), unknown(3), interfaceCounters(3)),
        flow([header(tcp4(1, 2))]),
        unknown(16),
      ]),
    );
    expect(rows).toHaveLength(1);
    expect(counts).toMatchObject({
      counterSamples: 2,
      interfaceCounters: 3,
      unknownSamples: 1,
      malformed: 0,
    });
  });

  test("counts packets without IP, and those of which too little came", () => {
    const { counts, rows } = new Collected().take(
      datagram([
        flow([header(ethernet(ETHERTYPE.arp, zeros(28)))]),
        flow([header(tcp4(1, 2).slice(0, 30))]),
        flow([header(zeros(64), { protocol: 7 })]),
        flow([frame(64)]),
        flow([vlans(1, 2)]),
        flow([]),
      ]),
    );
    expect(rows).toEqual([]);
    expect(counts).toMatchObject({ flowSamples: 6, withoutIp: 6, flows: 0, malformed: 0 });
  });
});

describe("SflowCollector, of damage,", () => {
  const good = flow([header(tcp4(1, 2))]);
  /** A sample with another word at an offset. */
  const patched = (sample: Buffer, at: number, word: number): Buffer => {
    const bytes = Buffer.from(sample);
    bytes.writeUInt32BE(word, at);
    return bytes;
  };
  const raw = (format: number, ...parts: readonly Buffer[]): Buffer =>
    Buffer.concat([words(format), opaque(Buffer.concat(parts))]);

  test.each([
    ["a sample without its head", raw(1, words(1, 2, 3))],
    ["an expanded sample with the head of a compact one", raw(3, words(1, 2, 3, 4, 5, 6, 7, 0))],
    ["more records than there are", patched(good, 8 + 28, 9)],
    ["a record that is longer than its sample", patched(good, 8 + 32 + 4, 4000)],
    ["a header that is longer than its record", patched(good, 8 + 32 + 8 + 12, 0xffff_fff0)],
    ["a sampled header without its head", flow([raw(1, words(1, 2, 3))])],
    ["a gateway without its path", flow([raw(1003, words(0, 1, 2, 3))])],
    ["a record of IPv4 that is cut", flow([raw(3, words(1, 2, 3))])],
    ["a record of IPv6 that is cut", flow([raw(4, words(1, 2, 3))])],
    ["a record of Ethernet that is cut", flow([raw(2, words(1, 2, 3))])],
    ["a record of VLANs that is cut", flow([raw(1001, words(1, 2, 3))])],
    ["a router without masks", flow([raw(1002, words(1, 2, 3))])],
    ["a next hop of a kind that is none", flow([raw(1002, words(3, 2, 3, 4))])],
    ["a path longer than its record", flow([raw(1003, words(0, 1, 2, 3, 1, 2, 0xffff_ffff, 5))])],
    ["a path of too many segments", flow([raw(1003, words(0, 1, 2, 3, 0xffff_ffff, 2, 1, 5))])],
    ["counters without their head", raw(2, words(1))],
    ["counters of an interface that are cut", counters(raw(1, words(1, 2)))],
    ["more counters than there are", patched(counters(interfaceCounters(1)), 8 + 8, 2)],
  ])("counts %s, and takes the samples beside it", (_, bad) => {
    const { rows, counts } = new Collected().take(datagram([good, bad, good]));
    expect(rows).toHaveLength(2);
    expect(counts).toMatchObject({ flows: 2, malformed: 1 });
    // At the end of a datagram there is nothing behind it that could be read.
    expect(new Collected().take(datagram([good, bad])).counts).toMatchObject({
      flows: 1,
      malformed: 1,
    });
  });

  test("takes what is whole in front of where a datagram is cut", () => {
    const whole = datagram([good, good]);
    for (let length = 0; length < whole.length; length++) {
      const { counts, rows } = new Collected().take(whole.subarray(0, length));
      expect([counts.malformed, rows.length]).toEqual([1, length >= 28 + good.length ? 1 : 0]);
    }
  });

  test("finds no fault with bytes behind the last sample", () => {
    const { counts, rows } = new Collected().take(Buffer.concat([datagram([good]), words(1, 2)]));
    expect([rows.length, counts.malformed]).toEqual([1, 0]);
  });
});
