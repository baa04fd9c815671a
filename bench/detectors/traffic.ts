// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../src/core/unirec/time.ts";
import { mix32, Random } from "../capture/random.ts";
import { type Flow, NO_BYTES } from "./flow.ts";
import { Zipf } from "./zipf.ts";

/**
 * Kinds of traffic. Alone: connections, other UDP, DNS, scans of one port of many hosts (sweep) and of many ports of one
 * host. All of them as on a network's uplink: mix. A flood in which no two flows have anything in common: spoofed.
 */
export type Kind = "tcp" | "udp" | "dns" | "sweep" | "ports" | "mix" | "spoofed";

export interface TrafficPlan {
  readonly kind: Kind;
  /** A power of two. */
  readonly hosts: number;
  /** How unevenly flows fall on hosts: of Zipf's law, 0 for evenly. */
  readonly exponent: number;
}

const TCP = 6;
const UDP = 17;
const SYN = 0x02;
const RST_ACK = 0x14;
/** Flags of a connection: whole, cut by a timeout, without an end, reset; of 16. */
const TCP_FLAGS = [...Array<number>(12).fill(0x1b), 0x18, 0x18, 0x1a, 0x1f];
/** Ports, as often as they stand here. */
const TCP_PORTS = [
  ...Array<number>(38).fill(443),
  ...[80, 80, 80, 80, 80, 80, 8080, 22, 22, 25, 587, 993, 143, 445, 445, 3389, 5222, 23, 3306],
];
const UDP_PORTS = [...Array<number>(12).fill(443), 123, 123, 3478, 1900, 161, 5060, 500, 4500];
const RESOLVERS = 8;
const QUERY_TYPES = [1, 1, 1, 1, 1, 1, 1, 1, 28, 28, 28, 12, 15, 65, 1, 16];
const NX_DOMAIN = 3;
/** Names that are asked for, some far more often than others. */
const NAMES = 1 << 15;
const SCANNERS = 64;
/** Probes after which a scanner turns to something else. */
const SCAN_LENGTH = 2000;
const SCANNED_PORTS = [22, 23, 445, 3389, 80, 5900, 8080, 1433];
/** Shares of the mix: DNS, scans, other UDP; the rest is TCP. In a hundred. */
const DNS_SHARE = 5;
const SCAN_SHARE = 3;
const UDP_SHARE = 20;
const V6_SHARE = 15;

/** Makes flows one after the other. Equal plans give equal flows. */
export class Traffic {
  readonly #kind: Kind;
  readonly #random = new Random(1);
  readonly #zipf: Zipf;
  readonly #mask: number;
  readonly #names: readonly Uint8Array[];
  #made = 0;
  #probes = 0;

  constructor({ kind, hosts, exponent }: TrafficPlan) {
    this.#kind = kind;
    this.#zipf = new Zipf(hosts, exponent);
    this.#mask = hosts - 1;
    this.#names = Array.from({ length: NAMES }, (_, i) => text(nameOf(i)));
  }

  /** Fill `flow` with the next one, which ends at `time`. */
  next(flow: Flow, time: number): void {
    this.#made++;
    flow.last = time;
    const kind = this.#kind === "mix" ? this.#drawn() : this.#kind;
    if (kind === "tcp") this.#tcp(flow);
    else if (kind === "udp") this.#udp(flow);
    else if (kind === "dns") this.#dns(flow);
    else if (kind === "sweep") this.#scan(flow, true);
    else if (kind === "ports") this.#scan(flow, false);
    else this.#spoofed(flow);
  }

  #drawn(): Kind {
    const of100 = this.#random.below(100);
    if (of100 < DNS_SHARE) return "dns";
    if (of100 < DNS_SHARE + SCAN_SHARE) return this.#probes % 2 === 0 ? "sweep" : "ports";
    return of100 < DNS_SHARE + SCAN_SHARE + UDP_SHARE ? "udp" : "tcp";
  }

  /** A client and a server: who asks much is not who is asked much. */
  #pair(flow: Flow): void {
    const client = Math.imul(this.#zipf.draw(this.#random), 0x9e3779b1) & this.#mask;
    const server = Math.imul(this.#zipf.draw(this.#random), 0x85ebca6b) & this.#mask;
    flow.hosts(client, server, this.#random.below(100) < V6_SHARE);
  }

  #clientPort(): number {
    return 32_768 + this.#random.below(28_000);
  }

  #begin(flow: Flow, longest: number): void {
    flow.first = flow.last - this.#random.below(longest);
  }

  #tcp(flow: Flow): void {
    const random = this.#random;
    this.#pair(flow);
    const listed = random.below(TCP_PORTS.length + 3);
    const port = TCP_PORTS[listed] ?? 1024 + random.below(60_000);
    flow.protocolAndPorts(TCP, this.#clientPort(), port);
    const packets = 5 + random.below(random.below(8) === 0 ? 400 : 30);
    flow.forward(packets, 60 + random.below(400));
    flow.reverse(packets + random.below(packets), 60 + random.below(1300));
    flow.flags = flow.flagsReverse = TCP_FLAGS[random.below(TCP_FLAGS.length)]!;
    this.#begin(flow, 30 * SECOND);
  }

  #udp(flow: Flow): void {
    const random = this.#random;
    this.#pair(flow);
    const listed = random.below(UDP_PORTS.length + 4);
    const port = UDP_PORTS[listed] ?? 1024 + random.below(60_000);
    flow.protocolAndPorts(UDP, this.#clientPort(), port);
    const packets = 1 + random.below(port === 443 ? 60 : 4);
    flow.forward(packets, 60 + random.below(600));
    flow.reverse(random.below(10) === 0 ? 0 : packets, 60 + random.below(1200));
    this.#begin(flow, 20 * SECOND);
  }

  #dns(flow: Flow): void {
    const random = this.#random;
    const client = Math.imul(this.#zipf.draw(random), 0x9e3779b1) & this.#mask;
    flow.hosts(client, random.below(RESOLVERS), random.below(100) < V6_SHARE);
    // The lesser of two: half of all queries ask for a third of the names. A tenth are for names nobody else asks for.
    const name = Math.min(random.below(NAMES), random.below(NAMES));
    this.#query(flow, random.below(10) === 0 ? text(nameOf(random.bits())) : this.#names[name]!);
    const isAnswered = random.below(50) > 0;
    flow.reverse(isAnswered ? 1 : 0, 90 + random.below(300));
    if (isAnswered && flow.responseCode === 0) flow.answer = ANSWER;
  }

  #query(flow: Flow, name: Uint8Array): void {
    const random = this.#random;
    flow.protocolAndPorts(UDP, this.#clientPort(), 53);
    flow.name = name;
    flow.answer = NO_BYTES;
    flow.queryType = QUERY_TYPES[random.below(QUERY_TYPES.length)]!;
    flow.responseCode = random.below(20) === 0 ? NX_DOMAIN : 0;
    flow.forward(1, 45 + name.length);
    this.#begin(flow, SECOND / 20);
  }

  /** A third of the probes are refused, the others are not answered. */
  #scan(flow: Flow, isSweep: boolean): void {
    const probe = this.#probes++;
    const scanner = probe % SCANNERS;
    const nth = Math.floor(probe / SCANNERS);
    const round = Math.floor(nth / SCAN_LENGTH);
    const start = mix32(round * SCANNERS + scanner);
    const target = isSweep ? start + nth : start;
    const port = isSweep ? SCANNED_PORTS[(scanner + round) % 8]! : 1 + (nth % SCAN_LENGTH);
    flow.hosts(this.#mask + 1 + scanner, target & this.#mask, scanner % 7 === 0);
    this.#syn(flow, port, this.#random.below(3) === 0);
  }

  #syn(flow: Flow, port: number, isRefused: boolean): void {
    flow.protocolAndPorts(TCP, this.#clientPort(), port);
    flow.flags = SYN;
    flow.flagsReverse = isRefused ? RST_ACK : 0;
    flow.forward(1, 60);
    flow.reverse(isRefused ? 1 : 0, 54);
    flow.first = flow.last;
  }

  /** Every address is another one, and every name. */
  #spoofed(flow: Flow): void {
    const i = this.#made;
    flow.hosts(mix32(i), mix32(~i), i % 8 === 7);
    const port = mix32(i + 0x5bd1e995) & 0xffff;
    flow.reverse(0, 0);
    if (i % 4 === 0) this.#syn(flow, port, false);
    else if (i % 4 === 1) this.#query(flow, text(nameOf(mix32(i))));
    else if (i % 4 === 2) {
      flow.protocolAndPorts(UDP, this.#clientPort(), port);
      flow.forward(1, 500);
      this.#begin(flow, SECOND);
    } else {
      flow.protocolAndPorts(TCP, this.#clientPort(), TCP_PORTS[i % TCP_PORTS.length]!);
      flow.flags = flow.flagsReverse = 0x1b;
      flow.forward(14, 120);
      flow.reverse(14, 150);
      this.#begin(flow, SECOND);
    }
  }
}

const encoder = new TextEncoder();
const text = (value: string): Uint8Array => encoder.encode(value);
const ANSWER = text("192.0.2.1");
const ENDS = ["example", "com.example", "net.example", "org.example", "cz.example"];

/** A name of two or three labels, another one for each number. */
function nameOf(i: number): string {
  const own = mix32(i).toString(36);
  const end = ENDS[i % ENDS.length]!;
  return i % 3 === 0 ? `${own}.${end}` : `${i % 2 === 0 ? "www" : `h${i & 63}`}.${own}.${end}`;
}
