// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { AnyProtocol } from "../../core/metadata/protocol.ts";
import idpcontent from "../../core/metadata/protocols/idpcontent.ts";
import { protocolRows } from "../../core/metadata/testing/protocol-kit.ts";
import { testDetector } from "../../core/testing/detector-kit.ts";
import { play } from "../../core/testing/play.ts";
import type { Row } from "../../core/testing/run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import cryptop2p from "./index.ts";
import { KIND, kindOf } from "./messages.ts";

const START = 1_704_067_200 * SECOND;
const NOTHING = new Uint8Array(0);
const at = (seconds: number): Row => ({
  TIME_FIRST: START + seconds * SECOND,
  TIME_LAST: START + (seconds + 1) * SECOND,
});
const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const hex = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, "hex"));

/** A message of Bitcoin: the network, the command filled up with zeros, a length. */
const bitcoin = (magic: string, command: string): Uint8Array =>
  hex(`${magic}${Buffer.from(command).toString("hex").padEnd(24, "0")}66000000`);
/** A handshake of Levin, with a network's id behind. */
const levin = (network = ""): Uint8Array =>
  hex(`0121010101010101060100000000000001e903000000000000010000000100000001${network}`);
/** A datagram of Ethereum's discovery v4 of which 100 bytes are kept. */
function discovery(type: number): Uint8Array {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  bytes.set([1, type, 0xf8, 0x47], 96);
  return bytes;
}

/** The i-th flow of a host, to a peer of its own. */
const flow = (i: number, content: Uint8Array, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: `192.0.2.${1 + (i % 200)}`,
  SRC_PORT: 40_000 + i,
  DST_PORT: 8333,
  PROTOCOL: 6,
  PACKETS: 12,
  PACKETS_REV: 10,
  BYTES: 1500,
  BYTES_REV: 3000,
  IDP_CONTENT: content,
  IDP_CONTENT_REV: NOTHING,
  ...at(i * 10),
  ...more,
});
const VERSION = bitcoin("f9beb4d9", "version");
const flows = (count: number, content: Uint8Array, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => flow(i, content, more));
const web = (content: Uint8Array, more: Row): Row[] =>
  flows(20, content, { DST_PORT: 443, ...more });
const SUBSCRIBE = text('{"id":1,"method":"mining.subscribe","params":["miner/1.0"]}\n');

const pool = { TLS_SNI: "eu1.ethermine.org", TLS_JA4: "t12d190600_d83cc789557e_2dae41c691ec" };

testDetector(cryptop2p, {
  alert: flows(40, VERSION),
  quiet: [
    ...web(text("GET / HTTP/1.1\r\nHost: example.org\r\n"), { SRC_IP: "10.0.0.2" }),
    ...web(text('{"jsonrpc":"2.0","method":"login","params":[]}'), { SRC_IP: "10.0.0.3" }),
    ...web(hex("c0c0c0c0ffffffffffffffffffffffffffff"), { SRC_IP: "10.0.0.4" }),
    ...web(NOTHING, { SRC_IP: "10.0.0.5", TLS_SNI: "ethermine.org.example.com" }),
    ...flows(7, NOTHING, { SRC_IP: "10.0.0.6" }), // few peers at the port
  ],
  other: (i) =>
    flow(0, text("something that is no message"), {
      SRC_IP: `10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`,
    }),
  small: { hostsMax: 16 },
  evicted: "hosts_evicted",
  stateMax: 3_300_000,
});

describe("cryptop2p", () => {
  const alertsOf = (rows: readonly Row[], params = {}) => play(cryptop2p, rows, { params }).alerts;

  test("cryptop2p tells of a host and how many peers it has, in one event", () => {
    const alerts = alertsOf([...flows(5, VERSION), flow(400, NOTHING)]);
    expect(alerts.map(({ flows: count, state }) => [count, state])).toEqual([
      [1, "open"],
      [2, "open"],
      [4, "open"],
      [5, "closed"],
    ]);
    expect(alerts[3]).toMatchObject({
      rule: 9_000_300,
      key: "cryptop2p:10.0.0.1 Bitcoin",
      severity: 2,
      observed: 5,
      threshold: 1,
      source: { ip: "10.0.0.1" },
      target: { ip: "192.0.2.1", port: 8333, count: 5 },
      reason:
        "10.0.0.1 exchanges messages of the peers of Bitcoin with 5 hosts in 5 flows (limit 1), the first 192.0.2.1:8333",
    });
    expect(alerts[3]!.detectTime).toBe(START + (41 + 1800) * SECOND);
  });

  test("cryptop2p tells of the host in one's own networks, whoever called", () => {
    const inbound = flows(3, VERSION, { SRC_IP: "203.0.113.5", DST_IP: "10.0.0.9" });
    expect(alertsOf(inbound)[0]!.source.ip).toBe("10.0.0.9");
    expect(alertsOf(inbound, { networks: "203.0.113.0/24" })[0]!.source.ip).toBe("203.0.113.5");
    const v6 = flows(1, VERSION, { SRC_IP: "2001:db8::5", DST_IP: "fd00::9" });
    expect(alertsOf(v6)[0]!.source.ip).toBe("fd00::9");
    expect(() => alertsOf(inbound, { networks: "10.0.0.0/40" })).toThrow(
      'cryptop2p: networks: "10.0.0.0/40" is no prefix',
    );
    expect(() => alertsOf(inbound, { poolNames: "pool" })).toThrow("cryptop2p: poolNames");
  });

  test.each([
    ["Bitcoin", bitcoin("f9beb4d9", "inv")],
    ["Bitcoin (testnet 3)", bitcoin("0b110907", "version")],
    ["Litecoin", bitcoin("fbc0b6db", "verack")],
    ["Dogecoin", bitcoin("c0c0c0c0", "getheaders")],
    ["Zcash", bitcoin("24e92764", "addr")],
    ["a coin of Bitcoin's kind", bitcoin("01020304", "version")],
    ["a CryptoNote coin", levin()],
    ["Monero", levin("1230f171610441611731008216a1a110")],
  ])("cryptop2p knows the messages of %s in either direction", (name, content) => {
    const [alert] = alertsOf([flow(0, content)]);
    expect(alert!.key).toBe(`cryptop2p:10.0.0.1 ${name}`);
    const reverse = flow(0, text("anything that is no message"), { IDP_CONTENT_REV: content });
    expect(alertsOf([reverse])[0]!.key).toBe(`cryptop2p:10.0.0.1 ${name}`);
  });

  test("cryptop2p knows Ethereum's discovery only where both directions look like it", () => {
    const udp = { PROTOCOL: 17, DST_PORT: 30_303 };
    const both = flow(0, discovery(1), { ...udp, IDP_CONTENT_REV: discovery(2) });
    expect(alertsOf([both])[0]!.key).toBe("cryptop2p:10.0.0.1 Ethereum");
    expect(alertsOf([flow(0, discovery(1), udp)])).toEqual([]);
    expect(alertsOf([flow(0, discovery(1), { ...udp, IDP_CONTENT_REV: discovery(7) })])).toEqual(
      [],
    );
  });

  test("cryptop2p takes who sends work for the pool, and who asks for it for the miner", () => {
    const notify = text('{"id":null,"method":"mining.notify","params":["28","04",true]}');
    const turned = { SRC_IP: "198.51.100.1", DST_IP: "10.0.0.7", SRC_PORT: 3333, DST_PORT: 50_000 };
    const [alert] = alertsOf([flow(0, notify, turned)]);
    expect(alert).toMatchObject({
      rule: 9_000_301,
      severity: 5,
      source: { ip: "10.0.0.7" },
      target: { ip: "198.51.100.1", port: 3333 },
    });
    expect(alertsOf([flow(0, NOTHING, { IDP_CONTENT_REV: notify })])[0]!.source.ip).toBe(
      "10.0.0.1",
    );
    expect(alertsOf([flow(0, SUBSCRIBE)])[0]!.reason).toBe(
      `10.0.0.1 speaks Stratum, by which miners work ("{'id':1,'method':'mining.subscribe','params':['"), with 1 host in 1 flows (limit 1), the first 192.0.2.1:8333`,
    );
  });

  test.each([
    [KIND.miner, '{"worker": "w", "params": ["0x9c99d212f7e5daa18ab50810e0fd255d1f04303b/x"'],
    [KIND.miner, '{"method":"login","params":{"login":"4BCeEPhodg","pass":"x"}}'],
    [KIND.miner, '{"id":5,"method":"eth_getWork","params":[]}'],
    [KIND.miner, '{"method":"submit","params":{"id":"4","job_id":"652"}}'],
    [KIND.pool, '{"id":1,"result":{"id":"4","job":{"blob":"0606e8"}}}'],
    [KIND.none, '{"jsonrpc":"2.0","method":"eth_blockNumber","params":[]}'],
    [KIND.none, '{"method":"submit","params":{"form":"contact"}}'],
    [KIND.none, '{"method"'],
  ])("cryptop2p takes for %p: %s", (kind, json) => {
    const bytes = text(json);
    expect(kindOf(new DataView(bytes.buffer), 0, bytes.length)).toBe(kind);
  });

  test("cryptop2p takes many peers at a network's own port for it, until they say so", () => {
    const sealed = flows(12, text("enciphered, as far as can be seen"));
    const [alert] = alertsOf(sealed);
    expect(alert).toMatchObject({
      rule: 9_000_303,
      confidence: 0.4,
      observed: 9,
      threshold: 8,
      key: "cryptop2p:10.0.0.1 Bitcoin",
      reason:
        "10.0.0.1 is connected at the port of Bitcoin's peers with 9 hosts in 9 flows (limit 8), the first 192.0.2.1:8333",
    });
    const [, shown] = alertsOf([...sealed.slice(0, 9), flow(20, VERSION)]);
    expect(shown).toMatchObject({ id: expect.any(String), rule: 9_000_300, update: 1 });
    expect(alertsOf(sealed.slice(0, 7))).toEqual([]);
    expect(alertsOf(sealed, { portPeersMin: 20 })).toEqual([]);
    expect(alertsOf(flows(40, NOTHING, { PACKETS_REV: 0 }))).toEqual([]);
    expect(alertsOf(flows(40, NOTHING, { PACKETS: 2 }))).toEqual([]);
    expect(alertsOf(flows(40, NOTHING, { DST_PORT: 443 }))).toEqual([]);
  });

  test("cryptop2p tells a miner's TLS from a browser's on the pool's pages", () => {
    const named = flow(0, NOTHING, { ...pool, DST_PORT: 5555 });
    expect(alertsOf([named])[0]).toMatchObject({ rule: 9_000_302, severity: 4 });
    expect(alertsOf([{ ...named, TLS_JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1" }])).toEqual([]);
    expect(alertsOf([named], { poolNames: "example.org" })).toEqual([]);
    expect(alertsOf([named], { poolNames: "" })).toEqual([]);
  });
});

const CAPTURES = "corpus/labelled/ndpi";

describe.skipIf(!hasShared(CAPTURES))(
  `cryptop2p in captures${hasShared(CAPTURES) ? "" : ` (${NO_SHARED})`}`,
  () => {
    const fields = new Set(cryptop2p.inputs.flows.fields.map(({ name }) => name));

    /** Events found in a capture: rule, host and protocol, peers. */
    function events(file: string): string[] {
      const path = sharedPath(CAPTURES, file);
      const rows = protocolRows(idpcontent as AnyProtocol, path, { idle: 30, active: 300 })
        .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => fields.has(name))))
        .sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));
      const last = new Map(play(cryptop2p, rows).alerts.map((alert) => [alert.id, alert]));
      return [...last.values()]
        .map(({ rule, key, observed }) => `${rule} ${key} ${observed}`)
        .sort();
    }

    test.each([
      ["monero.pcap", ["9000300 cryptop2p:192.168.2.100 Monero 4"]],
      [
        "mining.pcapng",
        [
          "9000301 cryptop2p:147.229.13.222 mining 1",
          "9000301 cryptop2p:192.168.2.148 mining 2",
          "9000301 cryptop2p:192.168.2.92 mining 1",
        ],
      ],
      ["ssh.pcap", []],
      ["emotet.pcap", []],
      ["sip.pcap", []],
    ])("cryptop2p finds in %s what there is", (file, expected) => {
      expect(events(file)).toEqual(expected);
    });
  },
);
