// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Bytes, zeros } from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { clientKeys } from "../quic/initial.ts";
import {
  clientHello,
  crypto,
  DRAFT_29,
  datagrams,
  extension,
  handshake,
  hello,
  hex,
  initial,
  negotiation,
  parameter,
  retry,
  serverName,
  short,
  sized16,
  TARGET,
  text,
  V1,
  V2,
  zeroRtt,
} from "../quic/test-kit.ts";
import { versionOf } from "../quic/versions.ts";
import { malformedIn, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import quic from "./quic.ts";

const SAMPLE = "quic_initial-sample.pcap";
testProtocol(quic, { capture: SAMPLE });

const SOURCE = hex("c1c2c3");
const SERVER = hex("5e5e5e5e5e");
const AGENT = "Chrome/92";
const ALPN = sized16([2, ...text("h3")]);
const PARAMETERS = [1, 2, 0x40, 99, ...parameter(0x3129, text(AGENT)), ...parameter(0x3127, [7])];
const HELLO = clientHello([
  extension(0x2a2a, []),
  serverName("www.example.org"),
  extension(16, ALPN),
  extension(43, [2, 3, 4]),
  extension(0x39, PARAMETERS),
]);
/** What only a client could have protected, with other bytes. */
const FALSE = hello(HELLO).with(100, 0).with(101, 0).with(102, 0);

const keysTo = (target: Bytes) => clientKeys(versionOf(V1)!, Uint8Array.from(target));

type Parts = Parameters<typeof datagrams>[0];

const rowOf = (parts: Parts, compat = false): Record<string, unknown> => {
  const rows = protocolRows(quic, datagrams(parts), { compat });
  expect(rows.length).toBe(1);
  return rows[0]!;
};
const listOf = (row: Record<string, unknown>, field: string): number[] => [
  ...(row[field] as number[]),
];
const idsOf = (row: Record<string, unknown>): string[] =>
  ["OCCID", "OSCID", "SCID", "RETRY_SCID"].map((name) =>
    Buffer.from(row[`QUIC_${name}`] as Uint8Array).toString("hex"),
  );

test("quic tells what the client says in its first packet", () => {
  const row = rowOf([[0, hello(HELLO, { source: SOURCE })]]);
  expect(row).toMatchObject({
    QUIC_SNI: "www.example.org",
    QUIC_USER_AGENT: AGENT,
    QUIC_VERSION: V1,
    QUIC_CLIENT_VERSION: V1,
    QUIC_SERVER_PORT: 443,
    QUIC_CH_PARSED: 1,
    QUIC_MULTIPLEXED: 0,
    QUIC_TOKEN_LENGTH: 0,
  });
  expect(idsOf(row)).toEqual(["c1c2c3", "8394c8f03e515708", "", ""]);
  expect(listOf(row, "QUIC_TLS_EXT_TYPE")).toEqual([0x2a2a, 0, 16, 43, 0x39]);
  expect(listOf(row, "QUIC_TLS_EXT_LEN")).toEqual([0, 20, 5, 3, PARAMETERS.length]);
  expect(listOf(row, "QUIC_TLS_EXT")).toEqual([...ALPN, ...PARAMETERS]);
  expect(row["QUIC_JA4"]).toMatch(/^q13d0104h3_[0-9a-f]{12}_[0-9a-f]{12}$/);
});

test("quic reads versions 1 and 2, drafts, and those of mvfst and Google", () => {
  for (const version of [V1, V2, DRAFT_29, 0xff000022, 0xff000016, 0xfaceb002, 0x54303531])
    expect(rowOf([[0, hello(HELLO, { version })]])).toMatchObject({
      QUIC_SNI: "www.example.org",
      QUIC_VERSION: version,
    });
});

test("quic puts a hello together that is cut into frames of several packets, in any order", () => {
  const cut = (from: number, to: number): Bytes => crypto(from, HELLO.slice(from, to));
  const first = initial([...cut(70, 90), 1, ...cut(0, 20), ...zeros(9), ...cut(10, 50)]);
  const second = initial([...cut(85, HELLO.length), ...cut(50, 70)], { number: 1 });
  for (const order of [
    [first, second],
    [second, first],
    [first, first, second],
  ])
    expect(rowOf(order.map((packet) => [0, packet]))["QUIC_SNI"]).toBe("www.example.org");
  // Both in one datagram.
  const row = rowOf([[0, [...first, ...second]]]);
  expect([row["QUIC_SNI"], listOf(row, "QUIC_PACKETS")]).toEqual(["www.example.org", [0x81]]);
  expect(rowOf([[0, first]])).toMatchObject({ QUIC_SNI: "", QUIC_CH_PARSED: 0 });
});

test("quic opens a client's second packet to the id that the server chose, by the first one's keys", () => {
  const [head, rest] = [HELLO.slice(0, 60), HELLO.slice(60)];
  const second = initial(crypto(60, rest), { number: 1 });
  const moved = initial(crypto(60, rest), { number: 1, target: SERVER, keys: keysTo(TARGET) });
  for (const packet of [second, moved]) {
    const parts: Parts = [
      [0, initial(crypto(0, head))],
      [1, handshake({ target: [], source: SERVER })],
      [0, packet],
    ];
    expect(rowOf(parts)).toMatchObject({ QUIC_SNI: "www.example.org", QUIC_MULTIPLEXED: 0 });
  }
});

test("quic tells the ids of both sides, and what was in each datagram", () => {
  const answer = { target: SOURCE, source: SERVER };
  const row = rowOf([
    [0, [...hello(HELLO, { source: SOURCE }), ...zeroRtt({ source: SOURCE })]],
    [1, [...initial(zeros(20), answer), ...handshake(answer)]],
    [0, [...handshake({ target: SERVER, source: SOURCE }), ...short()]],
    [1, short()],
    [0, short().with(0, 0x01)],
  ]);
  expect(row).toMatchObject({ PACKETS: 3, PACKETS_REV: 2, QUIC_ZERO_RTT: 1 });
  expect(idsOf(row)).toEqual(["c1c2c3", "8394c8f03e515708", "5e5e5e5e5e", ""]);
  expect(listOf(row, "QUIC_PACKETS")).toEqual([0x83, 0x85, 0x84, 0x80, 0]);
});

test("quic knows the server by the client's packets when the server's came first", () => {
  const row = rowOf([
    [1, handshake({ target: SOURCE, source: SERVER })],
    [0, hello(HELLO, { source: SOURCE })],
  ]);
  expect(row).toMatchObject({ SRC_PORT: 443, QUIC_SERVER_PORT: 443, QUIC_SNI: "www.example.org" });
  expect(idsOf(row)).toEqual(["c1c2c3", "8394c8f03e515708", "5e5e5e5e5e", ""]);
});

test("quic follows a client through a Retry packet", () => {
  const parts: Parts = [
    [0, initial(crypto(0, HELLO.slice(0, 50)), { source: SOURCE })],
    [1, retry(zeros(60), { target: SOURCE, source: SERVER })],
    [0, hello(HELLO, { target: SERVER, source: SOURCE, token: zeros(60), keys: keysTo(SERVER) })],
    // A second one does not count.
    [1, retry(zeros(9), { target: SOURCE, source: hex("ff") })],
  ];
  const row = rowOf(parts);
  expect(row).toMatchObject({ QUIC_SNI: "www.example.org", QUIC_TOKEN_LENGTH: 60 });
  expect(idsOf(row)).toEqual(["c1c2c3", "8394c8f03e515708", "", "5e5e5e5e5e"]);
  expect(listOf(row, "QUIC_PACKETS")).toEqual([0x81, 0x88, 0x81, 0x88]);
  // The client's first packet is not there: the id that it invented is not known.
  expect(idsOf(rowOf(parts.slice(1, 3)))).toEqual(["c1c2c3", "", "", "5e5e5e5e5e"]);
  // The hello was whole before: no other connection.
  const whole: Parts = [[0, hello(HELLO, { source: SOURCE })], ...parts.slice(1, 3)];
  expect(rowOf(whole)).toMatchObject({ QUIC_MULTIPLEXED: 0, QUIC_TOKEN_LENGTH: 60 });
});

test("quic follows a client through Version Negotiation, and says which version it asked for", () => {
  const row = rowOf([
    [0, [0xc0, ...hex("1a2a3a4a"), 8, ...TARGET, 3, ...SOURCE, 0, 30, ...zeros(30)]],
    [1, negotiation([0x0a0a0a0a, V1], { target: SOURCE, source: TARGET })],
    [0, hello(HELLO, { source: SOURCE })],
  ]);
  expect(row).toMatchObject({
    QUIC_SNI: "www.example.org",
    QUIC_CLIENT_VERSION: 0x1a2a3a4a,
    QUIC_VERSION: V1,
  });
  expect(idsOf(row)).toEqual(["c1c2c3", "8394c8f03e515708", "", ""]);
  expect(listOf(row, "QUIC_PACKETS")).toEqual([0x81, 0x10, 0x81]);
});

test("quic counts other connections between the same ports, each once", () => {
  const other = (id: string): Bytes => hello(HELLO, { target: hex(id) });
  const [second, third] = [other("0102030405060708"), other("1112131415161718")];
  const row = rowOf([
    [0, hello(HELLO)],
    [0, hello(HELLO, { number: 1 })],
    [0, second],
    [0, second],
    [0, third],
    // Nobody's.
    [0, FALSE.with(6, 0)],
  ]);
  expect(row).toMatchObject({ QUIC_MULTIPLEXED: 2, QUIC_SNI: "www.example.org" });
});

test("quic takes a client at its second word when it gave its first connection up", () => {
  const parts: Parts = [
    [0, initial(crypto(0, clientHello([serverName("given.up")]).slice(0, 40)))],
    [0, hello(HELLO, { target: hex("0102030405060708") })],
  ];
  expect(rowOf(parts)["QUIC_SNI"]).toBe("www.example.org");
});

test("quic lists 30 extensions in compat mode, and 64 otherwise", () => {
  const many = clientHello(Array.from({ length: 80 }, (_, i) => extension(1000 + i, [])));
  expect(listOf(rowOf([[0, hello(many)]], true), "QUIC_TLS_EXT_TYPE").length).toBe(30);
  expect(listOf(rowOf([[0, hello(many)]]), "QUIC_TLS_EXT_TYPE").length).toBe(64);
});

test("quic lists 30 datagrams", () => {
  const parts: Parts = Array.from({ length: 40 }, (_, i) => [1, i < 30 ? handshake() : short()]);
  expect(listOf(rowOf(parts), "QUIC_PACKETS")).toEqual(new Array(30).fill(0x84));
});

test("quic leaves flows alone that begin otherwise", () => {
  const others = [
    short(),
    hello(HELLO).with(0, hello(HELLO)[0]! & 0xbf),
    [0x80, ...zeros(40)],
    [0xc0, ...hex("00000002"), 8, ...TARGET, 0, 0, 30, ...zeros(30)],
    hello(HELLO).slice(0, -1),
  ];
  for (const first of others) {
    const parts: Parts = [
      [0, first],
      [0, hello(HELLO)],
    ];
    const row = rowOf(parts);
    expect([row["QUIC_SNI"], row["QUIC_VERSION"], listOf(row, "QUIC_PACKETS")]).toEqual([
      "",
      0,
      [],
    ]);
    expect(malformedIn(quic, datagrams(parts))).toBe(0);
  }
});

test("quic ignores what follows in a datagram for another id", () => {
  const row = rowOf([[0, [...hello(HELLO), ...handshake({ target: SERVER })]]]);
  expect(listOf(row, "QUIC_PACKETS")).toEqual([0x81]);
});

test("quic counts client packets that do not open, or hold what none may", () => {
  const malformed = (...packets: Bytes[]): number =>
    malformedIn(quic, datagrams(packets.map((packet) => [0, packet] as const)));
  expect(malformed(hello(HELLO))).toBe(0);
  expect(malformed(FALSE)).toBe(1);
  expect(malformed(initial([8, ...zeros(30)]))).toBe(1);
  expect(malformed(hello(clientHello([], 2)))).toBe(1);
  expect(malformed(hello(HELLO.with(50, 99)))).toBe(1);
  // A header whose lengths do not fit, in a flow that has QUIC.
  expect(malformed(hello(HELLO), handshake().slice(0, -1))).toBe(1);
  // A server's, in which nothing can be found wrong.
  const answer = datagrams([
    [0, hello(HELLO)],
    [1, initial([8, ...zeros(30)], { target: SOURCE })],
  ]);
  expect(malformedIn(quic, answer)).toBe(0);
});

test("quic decrypts eight packets of a flow and no more", () => {
  const after = (count: number): unknown =>
    rowOf([...new Array(count).fill([0, FALSE]), [0, hello(HELLO)]])["QUIC_SNI"];
  expect(after(7)).toBe("www.example.org");
  expect(after(8)).toBe("");
});

test("quic finds no fault with packets that the capture cut off", () => {
  const [[time, frame]] = datagrams([[0, hello(HELLO)]]) as [[number, Uint8Array]];
  const cut = [[time, frame.subarray(0, 120)]] as const;
  expect(protocolRows(quic, cut)).toMatchObject([{ QUIC_VERSION: V1, QUIC_SNI: "" }]);
  expect(malformedIn(quic, cut)).toBe(0);
});

test("quic takes whatever a client says in a packet that opens", () => {
  const change = fc.tuple(fc.nat(HELLO.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 9 }), fc.nat(HELLO.length), (changes, size) => {
      const message = [...HELLO];
      for (const [at, value] of changes) message[at] = value;
      const packet = initial([...crypto(0, message.slice(0, size)), ...zeros(30)]);
      expect(protocolRows(quic, datagrams([[0, packet]])).length).toBe(1);
    }),
    { numRuns: 100, seed: 8446 },
  );
});

const TCPDUMP = "corpus/pcap/tcpdump";
const absent = !hasShared(TCPDUMP);
test.skipIf(absent)(
  `quic reads captures of whole connections${absent ? ` (${NO_SHARED})` : ""}`,
  () => {
    const read = (name: string) => protocolRows(quic, sharedPath(TCPDUMP, name));
    // tshark 4.0's values.
    const common = { QUIC_SNI: "localhost", QUIC_SERVER_PORT: 443, QUIC_VERSION: V1 };
    const [plain, again, other] = ["handshake", "retry", "vn"].map((name) =>
      read(`quic_${name}.pcap`),
    );
    expect(plain).toMatchObject([{ ...common, QUIC_CLIENT_VERSION: V1, QUIC_TOKEN_LENGTH: 0 }]);
    expect(again).toMatchObject([{ ...common, QUIC_CLIENT_VERSION: V1, QUIC_TOKEN_LENGTH: 128 }]);
    expect(other).toMatchObject([{ ...common, QUIC_CLIENT_VERSION: 0x1a2a3a4a }]);
    expect(idsOf(plain![0]!)).toEqual(["", "84acac06b42ed863", "51d1e44dc57a579e", ""]);
    const retried = ["", "1bafab9fd70531bb", "1bafab9fd70531bb", "e1051eaa7adfb230"];
    expect(idsOf(again![0]!)).toEqual(retried);
    expect(idsOf(other![0]!)).toEqual(["", "9d5728481287a3b4", "0c3c2e287ccdc535", ""]);
  },
);

const capture = sharedPath("corpus/pcap/ipfixprobe", SAMPLE);
const tshark = Bun.which("tshark");
const missing = !tshark ? " (skipped: no tshark)" : absent ? ` (${NO_SHARED})` : "";
test.skipIf(missing !== "")(`quic agrees with tshark on the server name${missing}`, () => {
  const fields = ["-e", "tls.handshake.extensions_server_name", "-e", "quic.version"];
  const { stdout } = Bun.spawnSync([tshark!, "-r", capture, "-T", "fields", ...fields]);
  const [name, version] = stdout.toString().trim().split("\t");
  expect(protocolRows(quic, capture)).toMatchObject([
    { QUIC_SNI: name!, QUIC_VERSION: Number(version) },
  ]);
});
