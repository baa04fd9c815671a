// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import { octets, text } from "../messages.ts";
import type { Datagram, Scene } from "./scene.ts";

const PORT_SIP = 5060;
const PORT_RTP = 11_780;
const CALLS = 8;
/** RTP sends a packet each 20 ms (RFC 3551 section 4.5.14). */
const RTP_MICROS = 20_000;
const RTP_SIZE = 172;
const CALL_SECONDS = 40;

/** Telephones that stay registered, tell that they live, and are used now and then (RFC 3261). */
export function enterTelephony(scene: Scene): void {
  const { phones, telephony } = scene.network;
  const sip = { server: telephony, sourcePort: PORT_SIP, port: PORT_SIP, version: 4 } as const;
  for (const [i, client] of phones.entries()) {
    let sequence = 1;
    const ask = (method: string, now: number): void => {
      const call = callOf(i, client, sequence++);
      const request = text(message(`${method} sip:pbx.example SIP/2.0`, method, call));
      const response = text(message("SIP/2.0 200 OK", method, call));
      scene.udp(now, { ...sip, client, request, response });
    };
    scene.every(29, (now) => ask("OPTIONS", now), 0.01);
    scene.every(600, (now) => ask("REGISTER", now), 0.02);
  }
  const voice = Array.from(
    { length: (CALL_SECONDS * 2_000_000) / RTP_MICROS },
    (_, i): Datagram => {
      return { fromClient: i % 2 === 0, message: octets(rtp(i >> 1)), wait: RTP_MICROS / 2 };
    },
  );
  for (let call = 0; call < CALLS; call++)
    scene.at(scene.start + (call + 1) * 360_000_000, (now) => {
      const client = scene.pick(phones);
      const ports = { sourcePort: PORT_RTP, port: PORT_RTP + 2 * call, version: 4 } as const;
      scene.talk(now, { client, server: telephony, ...ports }, voice);
    });
}

interface Call {
  readonly id: string;
  readonly user: string;
  readonly sequence: number;
}

const callOf = (phone: number, host: Host, sequence: number): Call => ({
  id: `${(host.ipv4 >>> 0).toString(16)}-${sequence}`,
  user: `sip:${1000 + phone}@pbx.example`,
  sequence,
});

const message = (first: string, method: string, { id, user, sequence }: Call): string =>
  [
    first,
    "Via: SIP/2.0/UDP phone.example;branch=z9hG4bK776asdhds",
    `From: <${user}>;tag=49583`,
    `To: <${user}>`,
    `Call-ID: ${id}@phone.example`,
    `CSeq: ${sequence} ${method}`,
    "User-Agent: Desk Phone 4.2",
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");

/** A packet of G.711 (RFC 3550 section 5.1), silent. */
const rtp = (sequence: number): number[] => {
  const time = sequence * 160;
  const head = [
    0x80,
    0,
    sequence >> 8,
    sequence,
    0,
    time >> 16,
    time >> 8,
    time,
    0x12,
    0x34,
    0x56,
    0x78,
  ];
  return [...head.map((byte) => byte & 255), ...new Array<number>(RTP_SIZE - 12).fill(0xd5)];
};
