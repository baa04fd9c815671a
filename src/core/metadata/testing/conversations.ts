// SPDX-License-Identifier: BSD-3-Clause
/** For tests and benchmarks: short conversations with payload, from the first packet to the last. @module */
import {
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  tcp,
  u16,
  u32,
  udp,
  vlan,
  zeros,
} from "../../packet/test-kit.ts";
import { Random } from "../../traffic/rng.ts";
import { clientHello, serverHello } from "../../traffic/tls-hello.ts";

const SYN = 0x02;
const SYN_ACK = 0x12;
const PUSH = 0x18;
const FIN = 0x11;
const SERVER = "198.51.100.7";
const CLIENT = "10.0.0.1";

type Octet = readonly number[];
type Side = 0 | 1;

/** A frame of a conversation: client and port are set for each one anew. */
export interface Frame {
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

/** Conversations of many protocols, and how often each comes of a hundred. */
export const conversations = (): (readonly [share: number, frames: readonly Frame[]])[] => {
  const octets = new Random(1);
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

const MPLS = 0x8847;
const ARP = 0x0806;

/** Frames of the layers below: VLAN, MPLS, ARP, ICMP of both kinds. */
export function lowerFrames(): Uint8Array[] {
  const ping = ipv4([8, 0, ...zeros(30)], {
    source: CLIENT,
    target: SERVER,
    protocol: PROTOCOL.icmp,
  });
  const solicitation = ipv6([135, 0, ...zeros(22)], { next: PROTOCOL.icmpv6 });
  const question = [0, 1, 8, 0, 6, 4, 0, 1, ...zeros(20)];
  return [
    ethernet(ETHERTYPE.ipv4, ping),
    ethernet(ETHERTYPE.ipv6, solicitation),
    ethernet(ETHERTYPE.vlan, vlan(7, ETHERTYPE.ipv4, ping)),
    ethernet(MPLS, [0x12, 0x34, 0x5b, 64, ...ping]),
    ethernet(ARP, question),
  ].map((frame) => Uint8Array.from(frame));
}
