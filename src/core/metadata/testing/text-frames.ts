// SPDX-License-Identifier: BSD-3-Clause
/** For tests: text messages as frames of TCP and UDP, between port 40000 of the first host and one of the second. @module */
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp, u32, udp } from "../../packet/test-kit.ts";
import type { Frames } from "./protocol-kit.ts";

export const CLIENT_PORT = 40_000;
const START = 1_700_000_000_000_000;
const STEP = 1000;
const ACK = 0x18;
const HOSTS = ["192.0.2.1", "192.0.2.2"] as const;

type Side = 0 | 1;

/** A header: its lines, and the blank one. */
export const message = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

const octets = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));

function frame(side: Side, protocol: number, transport: readonly number[]): Uint8Array {
  const header = { source: HOSTS[side], target: HOSTS[1 - side]!, protocol };
  return Uint8Array.from(ethernet(ETHERTYPE.ipv4, ipv4(transport, header)));
}

/** Texts that the two sides of a TCP connection send, each cut at some offsets into segments. */
export function streamFrames(
  texts: readonly (readonly [side: Side, text: string, cuts: readonly number[]])[],
  port = 80,
): Frames {
  const sent: [number, number] = [1, 1];
  const frames: [number, Uint8Array][] = [];
  for (const [side, text, cuts] of texts) {
    const borders = [0, ...cuts.filter((cut) => cut < text.length), text.length];
    borders.sort((a, b) => a - b);
    for (let i = 1; i < borders.length; i++) {
      const part = octets(text.slice(borders[i - 1], borders[i]));
      const [source, target] = side === 0 ? [CLIENT_PORT, port] : [port, CLIENT_PORT];
      const segment = [...tcp(source!, target!, ACK, part)];
      segment.splice(4, 4, ...u32(sent[side]));
      sent[side] += part.length;
      frames.push([START + frames.length * STEP, frame(side, PROTOCOL.tcp, segment)]);
    }
  }
  return frames;
}

/** Texts of the two sides of a TCP connection, a segment each. */
export const talk = (texts: readonly (readonly [Side, string])[], port = 80): Frames =>
  streamFrames(
    texts.map(([side, text]) => [side, text, []]),
    port,
  );

/** Texts as UDP datagrams. */
export const datagrams = (
  texts: readonly (readonly [Side, string])[],
  port: number,
  client = CLIENT_PORT,
): Frames =>
  texts.map(([side, text], i) => {
    const [source, target] = side === 0 ? [client, port] : [port, client];
    return [START + i * STEP, frame(side, PROTOCOL.udp, udp(source!, target!, octets(text)))];
  });
