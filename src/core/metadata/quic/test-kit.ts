// SPDX-License-Identifier: BSD-3-Clause
/** For tests: QUIC's packets with long headers, Initial ones protected, and datagrams with them. @module */
import { createCipheriv } from "node:crypto";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  u16,
  u32,
  udp,
  zeros,
} from "../../packet/test-kit.ts";
import type { Frames } from "../testing/protocol-kit.ts";
import { clientKeys, headerMask, type InitialKeys, nonceOf } from "./initial.ts";
import { versionOf } from "./versions.ts";

export const V1 = 1;
export const V2 = 0x6b3343cf;
export const DRAFT_29 = 0xff00001d;

const CLIENT = { address: "192.0.2.1", port: 40_000 } as const;
const SERVER = { address: "198.51.100.7", port: 443 } as const;
const START = 1_700_000_000_000_000;
const TAG = 16;
/** Bytes of the packet numbers that are written here. */
const NUMBER = 4;

export const hex = (text: string): Bytes => [...Buffer.from(text, "hex")];
export const text = (value: string): Bytes => [...Buffer.from(value, "latin1")];
const sized8 = (bytes: Bytes): Bytes => [bytes.length, ...bytes];
export const sized16 = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];

/** A variable-length integer of 2 bytes, or of 1 when that is enough. */
export const varint = (value: number): Bytes => (value < 64 ? [value] : u16(0x4000 | value));
const sizedV = (bytes: Bytes): Bytes => [...varint(bytes.length), ...bytes];

export const crypto = (offset: number, data: Bytes): Bytes => [
  6,
  ...varint(offset),
  ...sizedV(data),
];

export const extension = (type: number, content: Bytes): Bytes => [
  ...u16(type),
  ...sized16(content),
];
export const serverName = (host: string): Bytes =>
  extension(0, sized16([0, ...sized16(text(host))]));
/** A transport parameter of a number that takes two bytes. */
export const parameter = (id: number, value: Bytes): Bytes => [
  ...u16(0x4000 | id),
  ...sizedV(value),
];

/** A handshake message of type 1: a ClientHello. */
export function clientHello(extensions: readonly Bytes[], type = 1): Bytes {
  const list = sized16(extensions.flat());
  const body = [3, 3, ...zeros(32), 0, ...sized16(u16(0x1301)), 1, 0, ...list];
  return [type, ...u32(body.length).slice(1), ...body];
}

export interface Long {
  readonly version?: number;
  readonly target?: Bytes;
  readonly source?: Bytes;
}

export const TARGET = hex("8394c8f03e515708");

const ids = ({ version = V1, target = TARGET, source = [] }: Long): Bytes => [
  ...u32(version),
  ...sized8(target),
  ...sized8(source),
];

/** The first byte of a packet whose type is numbered as in version 1. */
const firstByte = (type: number, { version = V1 }: Long): number =>
  0xc0 | (((versionOf(version)?.isSecond ? type + 1 : type) & 3) << 4);

export interface Initial extends Long {
  readonly token?: Bytes;
  readonly number?: number;
  /** Keys other than a client's to the target. */
  readonly keys?: InitialKeys;
}

/** A protected Initial packet with these frames. */
export function initial(frames: Bytes, packet: Initial = {}): Bytes {
  const { version = V1, target = TARGET, token = [], number = 0 } = packet;
  const keys = packet.keys ?? clientKeys(versionOf(version)!, Uint8Array.from(target));
  const length = NUMBER + frames.length + TAG;
  const header = [firstByte(0, packet) | (NUMBER - 1), ...ids(packet), ...sizedV(token)];
  header.push(...u16(0x4000 | length), ...u32(number));
  const cipher = createCipheriv("aes-128-gcm", keys.key, nonceOf(keys.iv, number));
  cipher.setAAD(Uint8Array.from(header));
  const sealed = [...cipher.update(Uint8Array.from(frames)), ...cipher.final()];
  sealed.push(...cipher.getAuthTag());
  const mask = headerMask(keys.hp, Uint8Array.from(sealed.slice(0, TAG)));
  header[0]! ^= mask[0]! & 0x0f;
  const at = header.length - NUMBER;
  for (let i = 0; i < NUMBER; i++) header[at + i]! ^= mask[1 + i]!;
  return [...header, ...sealed];
}

/** A client's Initial packet with a whole hello. */
export const hello = (message: Bytes, packet: Initial = {}): Bytes =>
  initial([...crypto(0, message), ...zeros(40)], packet);

const opaque = (type: number, packet: Long): Bytes => [
  firstByte(type, packet),
  ...ids(packet),
  ...sizedV(zeros(30)),
];
export const zeroRtt = (packet: Long = {}): Bytes => opaque(1, packet);
export const handshake = (packet: Long = {}): Bytes => opaque(2, packet);
export const retry = (token: Bytes, packet: Long = {}): Bytes => [
  firstByte(3, packet),
  ...ids(packet),
  ...token,
  ...zeros(TAG),
];
export const negotiation = (versions: readonly number[], packet: Long = {}): Bytes => [
  0x80,
  ...ids({ ...packet, version: 0 }),
  ...versions.flatMap(u32),
];
/** A packet of a connection that is up. */
export const short = (): Bytes => [0x41, ...zeros(30)];

/** Datagrams of a flow: from the client, 0, and from the server, 1. */
export const datagrams = (parts: readonly (readonly [side: 0 | 1, payload: Bytes])[]): Frames =>
  parts.map(([side, payload], i) => {
    const [source, target] = side === 0 ? [CLIENT, SERVER] : [SERVER, CLIENT];
    const header = { source: source.address, target: target.address };
    const packet = ipv4(udp(source.port, target.port, payload), header);
    return [START + i * 1000, Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet))];
  });
