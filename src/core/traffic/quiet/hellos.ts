// SPDX-License-Identifier: BSD-3-Clause
import type { Random } from "../rng.ts";
import { CLIENT_HELLO, extension, handshake, u16, vector16 } from "../tls-hello.ts";

/** A TLS client by what its hello offers (RFC 8446 section 4.1.2), in the order it sends it. */
interface Stack {
  readonly suites: readonly number[];
  readonly extensions: readonly number[];
  readonly groups: readonly number[];
  readonly signatures: readonly number[];
  readonly versions: readonly number[];
  readonly alpn: readonly string[];
  /** Bytes of the session id, which has no meaning since TLS 1.3 and none at all in QUIC. */
  readonly session: 0 | 32;
}

/** RFC 8701; a browser takes one of sixteen by chance, which changes no fingerprint. */
const GREASE = 0x3a3a;
const X25519_MLKEM768 = 4588;
const X25519 = 29;
const MLKEM_SHARE = 1216;
const X25519_SHARE = 32;
const TLS13 = [0x0304, 0x0303] as const;
const ECDHE_GCM = [0xc02b, 0xc02f, 0xc02c, 0xc030] as const;
const CHACHA = [0xcca9, 0xcca8] as const;
const OLD = [0x009c, 0x009d, 0x002f, 0x0035] as const;
const SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601] as const;

export const STACKS = {
  chrome: {
    suites: [GREASE, 0x1301, 0x1302, 0x1303, ...ECDHE_GCM, ...CHACHA, 0xc013, 0xc014, ...OLD],
    extensions: [GREASE, 0, 23, 0xff01, 10, 11, 35, 16, 5, 13, 18, 45, 43, 27, 17613, 65037, 51],
    groups: [GREASE, X25519_MLKEM768, X25519, 23, 24],
    signatures: SIGNATURES,
    versions: [GREASE, ...TLS13],
    alpn: ["h2", "http/1.1"],
    session: 32,
  },
  firefox: {
    suites: [
      ...[0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, ...CHACHA, 0xc02c, 0xc030],
      ...[0xc00a, 0xc009, 0xc013, 0xc014, ...OLD],
    ],
    extensions: [0, 23, 0xff01, 10, 11, 16, 5, 34, 18, 43, 13, 45, 28, 27, 65037, 51],
    groups: [X25519_MLKEM768, X25519, 23, 24, 25, 256, 257],
    signatures: [...SIGNATURES, 0x0203, 0x0201],
    versions: TLS13,
    alpn: ["h2", "http/1.1"],
    session: 32,
  },
  /** A browser over QUIC, which has its transport parameters in extension 57 (RFC 9001 section 8.2). */
  quic: {
    suites: [0x1301, 0x1302, 0x1303],
    extensions: [0, 10, 13, 16, 27, 43, 45, 57, 51],
    groups: [X25519, 23, 24],
    signatures: SIGNATURES,
    versions: [0x0304],
    alpn: ["h3"],
    session: 0,
  },
  /** What the operating system itself fetches with. */
  system: {
    suites: [
      ...[0x1302, 0x1301, 0xc02c, 0xc02b, 0xc030, 0xc02f, 0xc024, 0xc023, 0xc028, 0xc027],
      ...[0xc00a, 0xc009, 0xc014, 0xc013, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f],
    ],
    extensions: [0, 5, 10, 11, 13, 35, 16, 23, 43, 45, 0xff01, 51],
    groups: [X25519, 23, 24],
    signatures: SIGNATURES,
    versions: TLS13,
    alpn: ["h2", "http/1.1"],
    session: 32,
  },
  /** Agents and checks written in Go or with OpenSSL. */
  agent: {
    suites: [...ECDHE_GCM, ...CHACHA, 0xc009, 0xc013, 0xc00a, 0xc014, 0x1301, 0x1302, 0x1303],
    extensions: [0, 5, 10, 11, 13, 0xff01, 18, 16, 43, 51],
    groups: [X25519, 23, 24, 25],
    signatures: SIGNATURES,
    versions: TLS13,
    alpn: ["h2", "http/1.1"],
    session: 32,
  },
} as const satisfies Readonly<Record<string, Stack>>;

export type StackName = keyof typeof STACKS;

const list16 = (values: readonly number[]): number[] => vector16(values.flatMap(u16));
const octets = (text: string): number[] => [...new TextEncoder().encode(text)];
const share = (random: Random, group: number): number[] => {
  const size = group === X25519_MLKEM768 ? MLKEM_SHARE : X25519_SHARE;
  return [...u16(group), ...vector16(group === GREASE ? [0] : random.bytes(size))];
};

/** Keys for the groups that are most likely taken: those of 2024 and later, and X25519. */
const isShared = (group: number): boolean =>
  group === GREASE || group === X25519_MLKEM768 || group === X25519;

function contentOf(random: Random, type: number, stack: Stack, serverName: string): number[] {
  switch (type) {
    case 0:
      return vector16([0, ...vector16(octets(serverName))]);
    case 5:
      return [1, 0, 0, 0, 0];
    case 10:
      return list16(stack.groups);
    case 11:
      return [1, 0];
    case 13:
      return list16(stack.signatures);
    case 16:
      return vector16(stack.alpn.flatMap((name) => [name.length, ...octets(name)]));
    case 27:
      return [2, 0, 2];
    case 28:
      return u16(0x4001);
    case 34:
      return list16([0x0403, 0x0503]);
    case 43:
      return [2 * stack.versions.length, ...stack.versions.flatMap(u16)];
    case 45:
      return [1, 1];
    case 51:
      return vector16(stack.groups.filter(isShared).flatMap((group) => share(random, group)));
    case 57:
      return [...[1, 4, 0x80, 0, 0x75, 0x30], ...[4, 4, 0x80, 0xf0, 0, 0], ...[15, 0]];
    case 17613:
      return vector16([2, ...octets("h2")]);
    case 0xff01:
      return [0];
    case 65037:
      return [...[0, 0, 1, 0, 1, 7], ...vector16(random.bytes(32)), ...vector16(random.bytes(144))];
    default:
      return [];
  }
}

/** The body of a hello that asks for the name, without the headers of handshake and record. */
export function helloBody(random: Random, name: StackName, serverName: string): number[] {
  const stack: Stack = STACKS[name];
  const { session, suites } = stack;
  const extensions = stack.extensions.flatMap((type) =>
    extension(type, contentOf(random, type, stack, serverName)),
  );
  return [
    ...[3, 3, ...random.bytes(32), session, ...random.bytes(session)],
    ...list16(suites),
    ...[1, 0],
    ...vector16(extensions),
  ];
}

/** What a client sends first over TCP. */
export function hello(random: Random, name: StackName, serverName: string): number[] {
  // The first record says TLS 1.0, for the sake of old middleboxes (RFC 8446 section 5.1).
  return handshake(CLIENT_HELLO, helloBody(random, name, serverName)).with(2, 1);
}
