// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  PROTOCOL,
  u16,
  u32,
  zeros,
} from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { type Frames, malformedIn, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import tls from "./tls.ts";

testProtocol(tls, {
  capture: "tls.pcap",
  deviations: {
    rows: 13,
    why: `packets of 2015 and 2020 are in the capture twice, with a jump of years to and fro between the copies: the
      meter ends idle flows at the jump and gives two flows of half the packets, ipfixprobe does not get to it`,
  },
});

const CLIENT = "192.0.2.1";
const SERVER = "198.51.100.7";
const text = (value: string): Bytes => [...Buffer.from(value, "latin1")];
const words = (...values: number[]): Bytes => values.flatMap(u16);
const sized16 = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];
const extension = (type: number, content: Bytes): Bytes => [...u16(type), ...sized16(content)];
const name = (host: string): Bytes => extension(0, sized16([0, ...sized16(text(host))]));
const alpn = (value: string): Bytes => extension(16, sized16([value.length, ...text(value)]));

const record = (type: number, body: Bytes): Bytes => {
  const message = [type, ...u32(body.length).slice(1), ...body];
  return [22, 3, 1, ...sized16(message)];
};

const clientHello = (extensions: readonly Bytes[], suites = words(0x1a1a, 0x1301, 0xc02b)): Bytes =>
  record(1, [3, 3, ...zeros(32), 0, ...sized16(suites), 1, 0, ...sized16(extensions.flat())]);

const serverHello = (extensions: readonly Bytes[]): Bytes =>
  record(2, [3, 3, ...zeros(32), 0, ...u16(0x1301), 0, ...sized16(extensions.flat())]);

const CLIENT_HELLO = clientHello([
  extension(0x2a2a, []),
  name("www.example.org"),
  extension(10, sized16(words(0x3a3a, 29, 23))),
  extension(11, [1, 0]),
  extension(13, sized16(words(0x0403, 0x0804))),
  alpn("h2"),
  extension(43, [4, ...words(0x0304, 0x0303)]),
]);
const SERVER_HELLO = serverHello([extension(43, words(0x0304)), alpn("h2")]);

interface Segment {
  readonly payload: Bytes;
  readonly sequence?: number;
  readonly fromServer?: boolean;
}

/** Segments of one connection, a millisecond apart. */
function connection(segments: readonly Segment[]): Frames {
  return segments.map(({ payload, sequence = 1000, fromServer = false }, i) => {
    const ports = fromServer ? words(443, 40_000) : words(40_000, 443);
    const header = [...ports, ...u32(sequence), ...u32(0), 0x50, 0x18, ...zeros(6)];
    const ip = ipv4([...header, ...payload], {
      source: fromServer ? SERVER : CLIENT,
      target: fromServer ? CLIENT : SERVER,
      protocol: PROTOCOL.tcp,
    });
    return [1e15 + i * 1000, Uint8Array.from(ethernet(ETHERTYPE.ipv4, ip))];
  });
}

const rowOf = (segments: readonly Segment[], compat = false): Record<string, unknown> => {
  const rows = protocolRows(tls, connection(segments), { compat });
  expect(rows.length).toBe(1);
  return rows[0]!;
};

test("tls tells the client's offer and the server's choice in one biflow", () => {
  const row = rowOf([{ payload: CLIENT_HELLO }, { payload: SERVER_HELLO, fromServer: true }]);
  expect(row).toMatchObject({
    SRC_IP: CLIENT,
    PACKETS: 1,
    PACKETS_REV: 1,
    TLS_SNI: "www.example.org",
    TLS_ALPN: "h2",
    TLS_VERSION: 0x0304,
  });
  expect([...(row["TLS_EXT_TYPE"] as number[])]).toEqual([0x2a2a, 0, 10, 11, 13, 16, 43]);
  expect([...(row["TLS_EXT_LEN"] as number[])]).toEqual([0, 20, 8, 2, 6, 5, 5]);
});

test("tls says the version of the client's hello as long as no server answered", () => {
  expect(rowOf([{ payload: CLIENT_HELLO }])).toMatchObject({ TLS_VERSION: 0x0303, TLS_ALPN: "" });
});

test("tls counts GREASE among JA4's extensions in compat mode only", () => {
  expect(rowOf([{ payload: CLIENT_HELLO }])["TLS_JA4"]).toStartWith("t13d0206h2_");
  expect(rowOf([{ payload: CLIENT_HELLO }], true)["TLS_JA4"]).toStartWith("t13d0207h2_");
});

test("tls puts a hello of three segments together, in whichever order they come", () => {
  const cuts = [0, 7, 90, CLIENT_HELLO.length];
  const parts = [0, 1, 2].map((i) => ({
    payload: CLIENT_HELLO.slice(cuts[i]!, cuts[i + 1]!),
    sequence: 1000 + cuts[i]!,
  }));
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [0, 0, 2, 2, 1],
  ])
    expect(rowOf(order.map((i) => parts[i]!))["TLS_SNI"]).toBe("www.example.org");
});

test("tls reads a hello that fills its bound, and none that is longer", () => {
  const padded = (size: number): Segment[] => {
    const hello = clientHello([name("long.example"), extension(21, zeros(size))]);
    const segments: Segment[] = [];
    for (let at = 0; at < hello.length; at += 1400)
      segments.push({ payload: hello.slice(at, at + 1400), sequence: 1000 + at });
    return segments;
  };
  const overhead = clientHello([name("long.example"), extension(21, [])]).length;
  expect(rowOf(padded(16_384 - overhead))["TLS_SNI"]).toBe("long.example");
  expect(rowOf(padded(16_385 - overhead))["TLS_SNI"]).toBe("");
});

test("tls leaves flows alone that begin otherwise", () => {
  const row = rowOf([{ payload: text("GET / HTTP/1.1\r\n") }, { payload: CLIENT_HELLO }]);
  expect(row).toMatchObject({ TLS_SNI: "", TLS_VERSION: 0, TLS_JA4: "" });
});

test("tls takes nothing from a hello whose extensions are longer than it", () => {
  const hello = [...CLIENT_HELLO];
  const list = 5 + 4 + 2 + 32 + 1 + 2 + 6 + 2;
  expect((hello[list]! << 8) | hello[list + 1]!).toBe(hello.length - list - 2);
  hello[list + 1]!++;
  expect(rowOf([{ payload: hello }])).toMatchObject({ TLS_SNI: "", TLS_JA4: "" });
});

/** A Certificate message with one certificate that begins with these bytes, in a record of its own. */
const certificate = (...bytes: number[]): Bytes => {
  const sized24 = (content: Bytes): Bytes => [...u32(content.length).slice(1), ...content];
  return record(11, sized24(sized24(bytes)));
};

const flaws = (...payloads: Bytes[]): number =>
  malformedIn(tls, connection(payloads.map((payload, i) => ({ payload, fromServer: i > 0 }))));

test("tls counts a hello whose lengths disagree as malformed, once", () => {
  const broken = CLIENT_HELLO.with(5 + 4 + 2 + 32 + 1 + 2 + 6 + 2 + 1, 255);
  expect(flaws(broken)).toBe(1);
  expect(flaws(broken, SERVER_HELLO)).toBe(1);
  expect(flaws(CLIENT_HELLO, SERVER_HELLO)).toBe(0);
});

test("tls counts a record beyond the bound of records as malformed", () => {
  expect(flaws(CLIENT_HELLO.with(3, 0x48).with(4, 0x01))).toBe(1);
});

test("tls counts a certificate that is no DER sequence of its size as malformed", () => {
  const sound = certificate(0x30, 2, 5, 0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...sound])).toBe(0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...certificate(0x85, 2, 5, 0)])).toBe(1);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...certificate(0x30, 3, 5, 0)])).toBe(1);
  const long = certificate(0x30, 0x82, 1, 0, ...zeros(256));
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...long])).toBe(0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...long.slice(0, 20)])).toBe(0);
});

test("tls finds a hello of SSL 2.0, outside of compat mode", () => {
  const suites = [7, 0, 0xc0, 5, 0, 0x80];
  const hello = [0x80, 9 + 6 + 4, 1, 0, 2, ...words(6, 0, 4), ...suites, 1, 2, 3, 4];
  const row = rowOf([{ payload: hello }]);
  expect(row).toMatchObject({ TLS_VERSION: 2, TLS_SNI: "" });
  expect(row["TLS_JA3"]).toEqual(
    new Uint8Array(createHash("md5").update("2,458944-327808,,,").digest()),
  );
  expect(protocolRows(tls, connection([{ payload: hello }]), { compat: true })).toEqual([]);
  expect(rowOf([{ payload: [...hello, 0] }])).toMatchObject({ TLS_VERSION: 0 });
});

const absent = !hasShared("corpus/pcap");
const why = absent ? ` (${NO_SHARED})` : "";

test.skipIf(absent)(`tls counts the malformed certificate of a capture${why}`, () => {
  const capture = (name: string) => sharedPath(`corpus/pcap/flowtest/${name}.pcap`);
  // The server sends it five times.
  expect(malformedIn(tls, capture("tls_malformed_cert"))).toBe(1);
  expect(malformedIn(tls, capture("tls12"))).toBe(0);
});

const tshark = Bun.which("tshark");
const missing = tshark ? why : " (skipped: no tshark)";

test
  .skipIf(missing !== "")
  .each([
    ["ipfixprobe/tls"],
    ["flowtest/tls10"],
    ["flowtest/tls12_alpn"],
    ["flowtest/tls13"],
    ["flowtest/tls13_0rtt"],
  ])(`tls and tshark give the clients of %s the same JA3${missing}`, (name) => {
  const capture = sharedPath(`corpus/pcap/${name}.pcap`);
  const fields = ["-Y", "tcp && tls.handshake.type == 1", "-e", "tls.handshake.ja3"];
  const { stdout } = Bun.spawnSync([tshark!, "-r", capture, "-T", "fields", ...fields]);
  const expected = new Set(stdout.toString().trim().split("\n"));
  const found = protocolRows(tls, capture).map((row) =>
    Buffer.from(row["TLS_JA3"] as Uint8Array).toString("hex"),
  );
  expect(new Set(found.filter((hash) => hash !== ""))).toEqual(expected);
});
