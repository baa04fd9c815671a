// SPDX-License-Identifier: BSD-3-Clause
/** For tests: hellos byte by byte, and the TCP segments that carry them. @module */
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
import type { Frames } from "../testing/protocol-kit.ts";

export const CLIENT = "192.0.2.1";
export const SERVER = "198.51.100.7";

export const text = (value: string): Bytes => [...Buffer.from(value, "latin1")];
export const words = (...values: number[]): Bytes => values.flatMap(u16);
export const sized16 = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];
const sized24 = (bytes: Bytes): Bytes => [...u32(bytes.length).slice(1), ...bytes];

export const extension = (type: number, content: Bytes): Bytes => [
  ...u16(type),
  ...sized16(content),
];
export const name = (host: string): Bytes => extension(0, sized16([0, ...sized16(text(host))]));
export const alpn = (value: string): Bytes =>
  extension(16, sized16([value.length, ...text(value)]));

/** A record of the handshake. */
export const handshakeRecord = (fragment: Bytes): Bytes => [22, 3, 1, ...sized16(fragment)];

const message = (type: number, body: Bytes): Bytes => [type, ...sized24(body)];
const record = (type: number, body: Bytes): Bytes => handshakeRecord(message(type, body));

/** What of a ClientHello is not as usual. */
export interface Offer {
  readonly suites?: Bytes;
  readonly session?: Bytes;
  readonly methods?: Bytes;
  /** Bytes behind the extensions. */
  readonly rest?: Bytes;
}

/** A ClientHello in one record. */
export function clientHello(extensions: readonly Bytes[], offer: Offer = {}): Bytes {
  const { suites = words(0x1a1a, 0x1301, 0xc02b), session = [], methods = [0], rest = [] } = offer;
  const start = [3, 3, ...zeros(32), session.length, ...session];
  const choices = [...sized16(suites), methods.length, ...methods];
  return record(1, [...start, ...choices, ...sized16(extensions.flat()), ...rest]);
}

/** A ServerHello in one record. */
export const serverHello = (extensions: readonly Bytes[]): Bytes =>
  record(2, [3, 3, ...zeros(32), 0, ...u16(0x1301), 0, ...sized16(extensions.flat())]);

/** A Certificate message with one certificate of these bytes, in a record of its own. */
export const certificate = (...bytes: number[]): Bytes => record(11, sized24(sized24(bytes)));

export const CLIENT_HELLO = clientHello([
  extension(0x2a2a, []),
  name("www.example.org"),
  extension(10, sized16(words(0x3a3a, 29, 23))),
  extension(11, [1, 0]),
  extension(13, sized16(words(0x0403, 0x0804))),
  alpn("h2"),
  extension(43, [4, ...words(0x0304, 0x0303)]),
]);
export const SERVER_HELLO = serverHello([extension(43, words(0x0304)), alpn("h2")]);

export interface Segment {
  readonly payload: Bytes;
  readonly sequence?: number;
  readonly fromServer?: boolean;
}

/** Segments of one connection, a millisecond apart. */
export function connection(segments: readonly Segment[]): Frames {
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

/** The client's bytes, in segments that begin at these offsets and at 0. */
export function inSegments(payload: Bytes, cuts: readonly number[]): Segment[] {
  const starts = [0, ...cuts.toSorted((a, b) => a - b)];
  return starts.map((from, i) => ({
    payload: payload.slice(from, starts[i + 1]),
    sequence: 1000 + from,
  }));
}

/** The handshake of one record, in records that begin at these offsets of it and at 0. */
export function inRecords(hello: Bytes, cuts: readonly number[]): Bytes {
  const fragment = hello.slice(5);
  const starts = [...new Set([0, ...cuts])].toSorted((a, b) => a - b);
  return starts.flatMap((from, i) => handshakeRecord(fragment.slice(from, starts[i + 1])));
}
