// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Bytes, u16, zeros } from "../../packet/test-kit.ts";
import tls from "../protocols/tls.ts";
import { type Frames, malformedIn, protocolRows } from "../testing/protocol-kit.ts";
import {
  alpn,
  CLIENT_HELLO,
  clientHello,
  connection,
  extension,
  handshakeRecord,
  inRecords,
  inSegments,
  name,
  type Offer,
  SERVER_HELLO,
  type Segment,
  serverHello,
  sized16,
  words,
} from "./test-kit.ts";

/** What a flow of these frames is said to hold. */
function learned(frames: Frames): Record<string, unknown> {
  const rows = protocolRows(tls, frames);
  expect(rows.length).toBe(1);
  const { TLS_SNI, TLS_ALPN, TLS_VERSION, TLS_JA3, TLS_JA4 } = rows[0]!;
  return { TLS_SNI, TLS_ALPN, TLS_VERSION, TLS_JA3, TLS_JA4 };
}

const answered = (segments: readonly Segment[], answer: Bytes): Frames =>
  connection([...segments, { payload: answer, fromServer: true }]);
const flaws = (...segments: readonly Segment[]): number => malformedIn(tls, connection(segments));
const flawsOf = (payload: Bytes): number => flaws({ payload });

test("a hello is the same, however records and segments divide it", () => {
  const whole = learned(answered([{ payload: CLIENT_HELLO }], SERVER_HELLO));
  expect(whole["TLS_SNI"]).toBe("www.example.org");
  const cuts = (bytes: Bytes, from: number) =>
    fc.uniqueArray(fc.integer({ min: from, max: bytes.length - 6 }), { maxLength: 4 });
  const property = fc.property(
    cuts(CLIENT_HELLO, 1),
    cuts(SERVER_HELLO, 1),
    cuts(CLIENT_HELLO, 6),
    (client, server, segments) => {
      const sent = inSegments(inRecords(CLIENT_HELLO, client), segments);
      const frames = answered(sent, inRecords(SERVER_HELLO, server));
      expect(learned(frames)).toEqual(whole);
      expect(malformedIn(tls, frames)).toBe(0);
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test("a hello of records with one byte each is read", () => {
  const each = Array.from({ length: CLIENT_HELLO.length - 6 }, (_, i) => i + 1);
  expect(learned(connection([{ payload: inRecords(CLIENT_HELLO, each) }]))["TLS_SNI"]).toBe(
    "www.example.org",
  );
});

test("a hello whose next record is empty, of another kind or too long is malformed", () => {
  const part = CLIENT_HELLO.slice(5, 60);
  const rest = CLIENT_HELLO.slice(60);
  const first = handshakeRecord(part);
  expect(flawsOf([...first, ...handshakeRecord(rest)])).toBe(0);
  const alert = [21, 3, 3, 0, 2, 2, 40];
  for (const next of [handshakeRecord([]), alert, [22, 3, 1, 0x48, 1, 0]])
    expect(flawsOf([...first, ...next, ...handshakeRecord(rest)])).toBe(1);
  expect(flaws(...inSegments([...first, ...alert], [first.length]))).toBe(1);
});

test("a hello that is not over yet is not malformed", () => {
  expect(flawsOf(CLIENT_HELLO.slice(0, 100))).toBe(0);
  expect(flawsOf(handshakeRecord(CLIENT_HELLO.slice(5, 60)))).toBe(0);
});

test("a record, and a hello, beyond the bound of their kind is malformed", () => {
  const sized = (at: number, ...bytes: Bytes) => CLIENT_HELLO.toSpliced(at, bytes.length, ...bytes);
  expect(flawsOf(sized(3, 0x48, 0x00))).toBe(0);
  expect(flawsOf(sized(3, 0x48, 0x01))).toBe(1);
  expect(flawsOf(sized(6, 0x02, 0x01, 0x44))).toBe(0);
  expect(flawsOf(sized(6, 0x02, 0x01, 0x45))).toBe(1);
});

test("a sound hello is not malformed", () => {
  const flaw = (offer: Offer) => flawsOf(clientHello([name("a.example")], offer));
  for (const offer of [{}, { session: zeros(32) }, { methods: [1, 0] }])
    expect(flaw(offer)).toBe(0);
});

test.each<[string, Offer]>([
  ["no suites", { suites: [] }],
  ["half a suite", { suites: [0x13, 1, 0x13] }],
  ["a session id of 33 bytes", { session: zeros(33) }],
  ["no compression method", { methods: [] }],
  ["bytes behind its extensions", { rest: [0] }],
])("a hello with %s is malformed, and read all the same", (_, offer) => {
  const payload = clientHello([name("a.example")], offer);
  expect(flawsOf(payload)).toBe(1);
  expect(learned(connection([{ payload }]))["TLS_SNI"]).toBe("a.example");
});

const LISTS: readonly [string, number, Bytes][] = [
  ["server names", 0, sized16([0, ...sized16([97])])],
  ["groups", 10, sized16(words(29, 23))],
  ["point formats", 11, [1, 0]],
  ["signatures", 13, sized16(words(0x0403))],
  ["protocols", 16, sized16([2, 104, 50])],
  ["versions", 43, [2, 3, 4]],
];

test.each(LISTS)(
  "a hello whose list of %s does not fill its extension is malformed",
  (_, type, content) => {
    const flaw = (bytes: Bytes) => flawsOf(clientHello([extension(type, bytes)]));
    expect(flaw(content)).toBe(0);
    expect(flaw([...content, 0])).toBe(1);
    expect(flaw(content.slice(0, -1))).toBe(1);
    expect(flaw([])).toBe(1);
  },
);

test("a hello with a name or protocol longer than its list is malformed", () => {
  const flaw = (type: number, content: Bytes) =>
    flawsOf(clientHello([extension(type, sized16(content))]));
  expect(flaw(0, [0, ...u16(2), 97])).toBe(1);
  expect(flaw(16, [3, 104, 50])).toBe(1);
  expect(flaw(16, [0])).toBe(1);
});

test("a server may answer with an empty server name, and chooses one version", () => {
  const answer = serverHello([extension(0, []), extension(43, words(0x0304)), alpn("h2")]);
  const frames = answered([{ payload: CLIENT_HELLO }], answer);
  expect(malformedIn(tls, frames)).toBe(0);
  expect(learned(frames)).toMatchObject({ TLS_SNI: "www.example.org", TLS_VERSION: 0x0304 });
});
