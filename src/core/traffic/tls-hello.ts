// SPDX-License-Identifier: BSD-3-Clause
import type { Random } from "./rng.ts";

const HANDSHAKE = 22;
const CHANGE_CIPHER_SPEC = [20, 3, 3, 0, 1, 1];
const APPLICATION_DATA = 23;
export const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;

export const u16 = (value: number): number[] => [value >> 8, value & 255];
/** The content behind its length in two bytes. */
export const vector16 = (content: number[]): number[] => [...u16(content.length), ...content];
export const extension = (type: number, content: number[]): number[] => [
  ...u16(type),
  ...vector16(content),
];
const record = (type: number, content: number[]): number[] => [type, 3, 3, ...vector16(content)];
/** A message of the handshake in a record of its own. */
export const handshake = (type: number, content: number[]): number[] =>
  record(HANDSHAKE, [type, 0, ...vector16(content)]);

/** What a browser sends first: TLS 1.3, x25519, ALPN, the server's name (RFC 8446 section 4.1.2). */
export function clientHello(random: Random, serverName: string): number[] {
  const name = [...new TextEncoder().encode(serverName)];
  const alpn = [2, 0x68, 0x32, 8, ...new TextEncoder().encode("http/1.1")];
  const extensions = [
    ...extension(0, vector16([0, ...vector16(name)])),
    ...extension(10, vector16([0, 29, 0, 23])),
    ...extension(13, vector16([4, 3, 8, 4, 4, 1])),
    ...extension(16, vector16(alpn)),
    ...extension(43, [2, 3, 4]),
    ...extension(51, vector16([0, 29, ...vector16(random.bytes(32))])),
  ];
  return handshake(CLIENT_HELLO, [
    3,
    3,
    ...random.bytes(32),
    32,
    ...random.bytes(32),
    ...vector16([0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2f]),
    1,
    0,
    ...vector16(extensions),
  ]);
}

/** The server's hello and the first of its encrypted messages (RFC 8446 section 4.1.3), 1400 bytes. */
export function serverHello(random: Random): number[] {
  const extensions = [
    ...extension(43, [3, 4]),
    ...extension(51, [0, 29, ...vector16(random.bytes(32))]),
  ];
  const hello = handshake(SERVER_HELLO, [
    3,
    3,
    ...random.bytes(32),
    32,
    ...random.bytes(32),
    0x13,
    0x01,
    0,
    ...vector16(extensions),
  ]);
  const clear = [...hello, ...CHANGE_CIPHER_SPEC];
  return [...clear, ...record(APPLICATION_DATA, random.bytes(1400 - clear.length - 5))];
}

/** The client's Finished. */
export const clientFinished = (random: Random): number[] => [
  ...CHANGE_CIPHER_SPEC,
  ...record(APPLICATION_DATA, random.bytes(53)),
];

/** A full segment of encrypted data; the writer sets the length of the record. */
export const applicationData = (random: Random, size: number): number[] =>
  record(APPLICATION_DATA, random.bytes(size - 5))
    .with(3, 0)
    .with(4, 0);
