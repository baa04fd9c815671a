// SPDX-License-Identifier: BSD-3-Clause
import {
  ETHERTYPE,
  ethernet,
  ipv4,
  PROTOCOL,
  tcp,
  u16,
  u32,
  udp,
  zeros,
} from "../../src/core/packet/test-kit.ts";
import { Random as Octets } from "../../src/core/traffic/rng.ts";
import { clientHello, serverHello } from "../../src/core/traffic/tls-hello.ts";
import { PcapWriter } from "./pcap-writer.ts";
import { Random } from "./random.ts";

export interface ShortParams {
  readonly conversations: number;
  readonly seed: number;
}

export interface ShortTruth {
  packets: number;
  flows: number;
}

const START_MICROSECONDS = 1_700_000_000e6;
const SNAPSHOT_LENGTH = 65_535;
/** Microseconds from packet to packet: 50,000 a second, so that flows leave while others come. */
const STEP = 20;
/** Conversations that go on at the same time. */
const OPEN = 4096;
const SYN = 0x02;
const SYN_ACK = 0x12;
const PUSH = 0x18;
const FIN = 0x11;
/** Where an IPv4 frame has its addresses and ports. */
const AT = { source: 26, target: 30, sourcePort: 34, targetPort: 36 } as const;
const SERVER = "198.51.100.7";
const CLIENT = "10.0.0.1";

type Octet = readonly number[];
type Side = 0 | 1;

/** A frame of a conversation: client and port are set for each one anew. */
interface Frame {
  readonly side: Side;
  readonly bytes: Uint8Array;
}

const text = (...lines: string[]): Octet => [...Buffer.from(`${lines.join("\r\n")}\r\n`)];

const frameOf = (side: Side, protocol: number, transport: Octet): Frame => {
  const [source, target] = side === 0 ? [CLIENT, SERVER] : [SERVER, CLIENT];
  const packet = ipv4(transport, { source, target, protocol });
  return { side, bytes: Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet)) };
};

const datagrams = (port: number, messages: readonly Octet[]): Frame[] =>
  messages.map((message, i) => {
    const [source, target] = i % 2 === 0 ? [0, port] : [port, 0];
    return frameOf((i % 2) as Side, PROTOCOL.udp, udp(source!, target!, message));
  });

/** A TCP connection: handshake, the messages in turn from `first` on, and its end. */
function connection(port: number, messages: readonly Octet[], first: Side = 0): Frame[] {
  const sent = [1, 1];
  const segment = (side: Side, flags: number, payload: Octet): Frame => {
    const [source, target] = side === 0 ? [0, port] : [port, 0];
    const bytes = [...tcp(source!, target!, flags, payload)];
    bytes.splice(4, 4, ...u32(flags === SYN || flags === SYN_ACK ? 0 : sent[side]!));
    sent[side] = sent[side]! + payload.length;
    return frameOf(side, PROTOCOL.tcp, bytes);
  };
  return [
    segment(0, SYN, []),
    segment(1, SYN_ACK, []),
    ...messages.map((message, i) => segment(((i + first) % 2) as Side, PUSH, message)),
    segment(0, FIN, []),
    segment(1, FIN, []),
  ];
}

const QUESTION = [3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 3, 99, 111, 109, 0];
const dns = (flags: number, answers: Octet): Octet => [
  ...u16(0x1234),
  ...u16(flags),
  ...u16(1),
  ...u16(answers.length > 0 ? 1 : 0),
  ...zeros(4),
  ...QUESTION,
  ...[0, 1, 0, 1],
  ...answers,
];
const ADDRESS = [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 203, 0, 113, 9];

/** Conversations and how often each comes. */
const conversations = (): (readonly [share: number, frames: readonly Frame[]])[] => {
  const octets = new Octets(1);
  const uri = "sip:bob@example.com";
  return [
    [40, datagrams(53, [dns(0x0100, []), dns(0x8180, ADDRESS)])],
    [25, connection(443, [clientHello(octets, "www.example.com"), serverHello(octets)])],
    [
      15,
      connection(80, [
        text("GET /index.html HTTP/1.1", "Host: www.example.com", "User-Agent: short/1.0", ""),
        text("HTTP/1.1 200 OK", "Content-Type: text/html", "Server: short", "", "x".repeat(700)),
      ]),
    ],
    [
      5,
      datagrams(123, [
        [0x23, ...zeros(47)],
        [0x24, 2, 3, 0xe9, ...zeros(44)],
      ]),
    ],
    [
      5,
      connection(
        25,
        [
          text("220 mail.example.com ESMTP"),
          text("EHLO client.example.com"),
          text("250-mail.example.com", "250 PIPELINING"),
          text("MAIL FROM:<a@example.com>"),
          text("250 Ok"),
        ],
        1,
      ),
    ],
    [
      5,
      datagrams(5060, [
        text(
          `INVITE ${uri} SIP/2.0`,
          "From: <sip:a@example.com>",
          `To: <${uri}>`,
          "Call-ID: 7",
          "",
        ),
        text("SIP/2.0 180 Ringing", "From: <sip:a@example.com>", `To: <${uri}>`, "Call-ID: 7", ""),
      ]),
    ],
    [5, connection(22, [text("SSH-2.0-short_1.0"), text("SSH-2.0-short_2.0")])],
  ];
};

/** One that goes on: who, and which frame is next. */
interface Open {
  frames: readonly Frame[];
  next: number;
  client: number;
  port: number;
}

/**
 * Writes a capture of short conversations with payload, 2 to 9 packets each, a few thousand at a time: what costs
 * plugins most, since each flow is new to them. Each conversation has a client address and port of its own.
 *
 * @returns what a meter must count, and the size of the file in bytes
 */
export function writeShort(path: string, params: ShortParams): { truth: ShortTruth; size: number } {
  const random = new Random(params.seed);
  const deck = conversations().flatMap(([share, frames]) => new Array(share).fill(frames));
  const writer = new PcapWriter(path, SNAPSHOT_LENGTH);
  let begun = 0;
  let packets = 0;
  const begin = (): Open => {
    const id = begun++;
    const frames = deck[random.below(deck.length)] as readonly Frame[];
    return { frames, next: 0, client: 0x0a00_0000 + (id >>> 4), port: 40_000 + (id & 15) };
  };
  const open = Array.from({ length: Math.min(OPEN, params.conversations) }, begin);
  while (open.length > 0) {
    const i = random.below(open.length);
    const one = open[i]!;
    write(writer, one, START_MICROSECONDS + STEP * packets++);
    if (one.next < one.frames.length) continue;
    if (begun < params.conversations) open[i] = begin();
    else {
      // The last one takes the place of the one that has ended.
      const last = open.pop()!;
      if (i < open.length) open[i] = last;
    }
  }
  writer.close();
  return { truth: { packets, flows: begun }, size: writer.size };
}

function write(writer: PcapWriter, one: Open, time: number): void {
  const { side, bytes } = one.frames[one.next++]!;
  const at = writer.begin(time, bytes.length, bytes.length);
  writer.bytes.set(bytes, at);
  writer.view.setUint32(at + (side === 0 ? AT.source : AT.target), one.client);
  writer.view.setUint16(at + (side === 0 ? AT.sourcePort : AT.targetPort), one.port);
}
