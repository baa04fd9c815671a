// SPDX-License-Identifier: BSD-3-Clause
import { createCipheriv } from "node:crypto";
import { clientKeys, headerMask, nonceOf } from "../../metadata/quic/initial.ts";
import { versionOf } from "../../metadata/quic/versions.ts";
import { octets } from "../messages.ts";
import type { Random } from "../rng.ts";
import { CLIENT_HELLO, u16 } from "../tls-hello.ts";
import { helloBody } from "./hellos.ts";
import type { Datagram } from "./scene.ts";

const VERSION = 1;
const TAG = 16;
const NUMBER = 4;
/** Bytes of datagrams with Initial packets at least (RFC 9000 section 14.1). */
const DATAGRAM = 1250;
const HANDSHAKE = 0xe0;
const ONE_RTT = 0x40;

/** A QUIC connection of a browser to a name: its Initial packet, and what looks like the rest. */
export function quicTalk(random: Random, name: string): Datagram[] {
  const target = random.bytes(8);
  const source = random.bytes(8);
  const packet = (
    fromClient: boolean,
    content: Uint8Array | readonly number[],
    wait: number,
  ): Datagram => ({
    fromClient,
    message: octets(Uint8Array.from(content)),
    wait,
  });
  const data = (size: number): number[] => [ONE_RTT, ...random.bytes(size - 1)];
  const handshake = (size: number): number[] => {
    const length = size - 25;
    const head = [HANDSHAKE, 0, 0, 0, VERSION, 0, 8, ...source, ...u16(0x4000 | length)];
    return [...head, ...random.bytes(length)];
  };
  const answers = random.between(6, 30);
  return [
    packet(true, initial(random, target, name), 0),
    packet(false, handshake(1200), 24_000),
    packet(false, handshake(900), 150),
    packet(true, [...handshake(100), ...data(60)], 1200),
    packet(true, data(random.between(300, 700)), 400),
    ...Array.from({ length: answers }, (_, i) =>
      i % 5 === 4 ? packet(true, data(40), 300) : packet(false, data(1200), 900),
    ),
  ];
}

/** An Initial packet with a hello, protected as RFC 9001 section 5 has it, in a datagram of its own. */
function initial(random: Random, target: readonly number[], name: string): Uint8Array {
  const body = helloBody(random, "quic", name);
  const message = [CLIENT_HELLO, 0, ...u16(body.length), ...body];
  const crypto = [6, 0, ...u16(0x4000 | message.length), ...message];
  const header = [0xc0 | (NUMBER - 1), 0, 0, 0, VERSION, target.length, ...target, 0, 0];
  const sealedSize = DATAGRAM - header.length - 2 - NUMBER;
  const frames = new Uint8Array(sealedSize - TAG);
  frames.set(crypto);
  const plain = Uint8Array.from([...header, ...u16(0x4000 | (NUMBER + sealedSize)), 0, 0, 0, 0]);
  const { key, iv, hp } = clientKeys(versionOf(VERSION)!, Uint8Array.from(target));
  const cipher = createCipheriv("aes-128-gcm", key, nonceOf(iv, 0));
  cipher.setAAD(plain);
  const packet = new Uint8Array(DATAGRAM);
  packet.set(plain);
  packet.set(cipher.update(frames), plain.length);
  cipher.final();
  packet.set(cipher.getAuthTag(), DATAGRAM - TAG);
  const mask = headerMask(hp, packet.subarray(plain.length, plain.length + TAG));
  packet[0]! ^= mask[0]! & 0x0f;
  for (let i = 0; i < NUMBER; i++) packet[plain.length - NUMBER + i]! ^= mask[1 + i]!;
  return packet;
}
