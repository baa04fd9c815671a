// SPDX-License-Identifier: BSD-3-Clause
/** For tests: datagrams of sFlow v5 put together, and collected. @module */
import { bytesOf } from "../../ipfix/collect/testing/messages.ts";
import { defineModule } from "../../module.ts";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  tcp,
  udp,
} from "../../packet/test-kit.ts";
import { Harness, type Row } from "../../testing/run-module.ts";
import { parseIp, swap } from "../../unirec/ip.ts";
import { parseTemplate } from "../../unirec/template.ts";
import { SflowCollector, type SflowCollectorOptions } from "../sflow-collector.ts";

/** 2026-01-05 09:00:00.123456 in microseconds: when datagrams come. */
export const ARRIVED = 1_767_603_600_123_456;

/** Words of 32 bits. */
export const words = (...values: readonly number[]): Buffer =>
  bytesOf(...values.map((value) => [value, 4] as const));

/** XDR's opaque<>: its length, its bytes, and zeros up to the next unit of 4. */
export const opaque = (bytes: Uint8Array): Buffer =>
  Buffer.concat([words(bytes.length), bytes, Buffer.alloc(-bytes.length & 3)]);

/** An address, with its type in front; without one the type that is unknown. */
export function address(text = ""): Buffer {
  if (text === "") return words(0);
  const { w0, w1, w2, w3 } = parseIp(text)!;
  if (!text.includes(":")) return words(1, swap(w2));
  return words(2, ...[w0, w1, w2, w3].map(swap));
}

const structure = (format: number, ...parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([words(format), opaque(Buffer.concat(parts))]);

/** A sampled_header: of Ethernet, with a checksum that was stripped, unless it is said otherwise. */
export function header(
  bytes: Bytes,
  {
    protocol = 1,
    stripped = 4,
    length,
  }: { protocol?: number; stripped?: number; length?: number } = {},
): Buffer {
  const said = words(protocol, length ?? bytes.length + stripped, stripped);
  return structure(1, said, opaque(Uint8Array.from(bytes)));
}

const mac = (last: number): Buffer => Buffer.from([2, 0, 0, 0, 0, last, 0, 0]);
/** A sampled_ethernet from 02:00:00:00:00:0a to …0b. */
export const frame = (length: number): Buffer =>
  structure(2, words(length), mac(10), mac(11), words(0x800));

export interface Told {
  readonly length?: number;
  readonly protocol?: number;
  readonly source: string;
  readonly target: string;
  readonly ports?: readonly [number, number];
  readonly flags?: number;
  readonly tos?: number;
}

/** A sampled_ipv4, or a sampled_ipv6. */
export function told({ source, target, ...rest }: Told): Buffer {
  const { length = 100, protocol = 6, ports = [0, 0], flags = 0, tos = 0 } = rest;
  const addresses = [address(source), address(target)].map((bytes) => bytes.subarray(4));
  return structure(
    source.includes(":") ? 4 : 3,
    words(length, protocol),
    ...addresses,
    words(...ports, flags, tos),
  );
}

export const vlans = (source: number, target: number): Buffer =>
  structure(1001, words(source, 0, target, 0));
export const router = (nextHop: string, source: number, target: number): Buffer =>
  structure(1002, address(nextHop), words(source, target));

/** A segment of a path; a number of its own where it is no sequence. */
export const segment = (systems: readonly number[], type = 2): Buffer =>
  words(type, systems.length, ...systems);
/** An extended_gateway of AS 64500, with a community and a preference. */
export const gateway = (
  nextHop: string,
  { source = 0, peer = 0, path = [] as readonly Buffer[] },
): Buffer =>
  structure(
    1003,
    address(nextHop),
    words(64_500, source, peer, path.length),
    ...path,
    words(1, 0xfde8_0001, 100),
  );

/** A record of a format that nobody knows. */
export const unknown = (bytes: number): Buffer =>
  structure((4711 << 12) | 1, new Uint8Array(bytes).fill(0xee));

export interface FlowHead {
  readonly sequence?: number;
  readonly source?: number;
  readonly rate?: number;
  readonly pool?: number;
  readonly drops?: number;
  readonly input?: number;
  readonly output?: number;
}

/** A flow sample. */
export function flow(records: readonly Uint8Array[], head: FlowHead = {}): Buffer {
  const { sequence = 1, source = 3, rate = 1, pool = 1, drops = 0, input = 0, output = 0 } = head;
  return structure(
    1,
    words(sequence, source, rate, pool, drops, input, output, records.length),
    ...records,
  );
}

/** An expanded flow sample: kinds of source and interfaces have words of their own. */
export function expanded(
  records: readonly Uint8Array[],
  head: FlowHead & { inputKind?: number; outputKind?: number } = {},
): Buffer {
  const { sequence = 1, source = 3, rate = 1, pool = 1, drops = 0, input = 0, output = 0 } = head;
  const { inputKind = 0, outputKind = 0 } = head;
  return structure(
    3,
    words(sequence, 0, source, rate, pool, drops),
    words(inputKind, input, outputKind, output, records.length),
    ...records,
  );
}

/** Generic counters of an interface. */
export const interfaceCounters = (index: number): Buffer =>
  structure(1, words(index, ...Array.from({ length: 21 }, (_, i) => i)));
export const counters = (...records: readonly Uint8Array[]): Buffer =>
  structure(2, words(1, 3, records.length), ...records);
export const countersExpanded = (...records: readonly Uint8Array[]): Buffer =>
  structure(4, words(1, 0, 3, records.length), ...records);

export interface DatagramHead {
  readonly agent?: string;
  readonly subAgent?: number;
  readonly sequence?: number;
  readonly uptime?: number;
}

export function datagram(samples: readonly Uint8Array[], head: DatagramHead = {}): Buffer {
  const { agent = "192.0.2.1", subAgent = 0, sequence = 1, uptime = 1_000_000 } = head;
  return Buffer.concat([
    words(5),
    address(agent),
    words(subAgent, sequence, uptime, samples.length),
    ...samples,
  ]);
}

/** Frames of TCP and UDP, over IPv4 and IPv6. */
export const tcp4 = (source: number, target: number, flags = 0x12): Bytes =>
  ethernet(ETHERTYPE.ipv4, ipv4(tcp(source, target, flags), { protocol: PROTOCOL.tcp }));
export const udp6 = (source: number, target: number): Bytes =>
  ethernet(ETHERTYPE.ipv6, ipv6(udp(source, target, [1, 2, 3, 4])));

/** Fields that tests look at. */
const LAYOUT =
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint8 TCP_FLAGS,uint32 PACKETS,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint8 TOS,uint8 TTL,macaddr SRC_MAC,macaddr DST_MAC,uint64 LINK_BIT_FIELD,uint8 DIR_BIT_FIELD,uint32 ODID,ipaddr EXPORTER_IP";

/** A collector, and what it makes of datagrams. */
export class Collected {
  readonly collector: SflowCollector;
  readonly #harness: Harness;

  constructor(options: SflowCollectorOptions & { layout?: string } = {}) {
    let collector: SflowCollector | undefined;
    const def = defineModule({
      name: "collected",
      about: "For tests.",
      params: {},
      inputs: {},
      outputs: { flows: parseTemplate(options.layout ?? LAYOUT) },
      setup: ({ out: { flows } }) => {
        collector = new SflowCollector(flows as never, options);
        return {};
      },
    });
    this.#harness = new Harness(def as never);
    this.collector = collector!;
  }

  take(...datagrams: readonly Uint8Array[]): this {
    for (const bytes of datagrams) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      this.collector.datagram(view, bytes.length, ARRIVED);
    }
    return this;
  }

  get counts() {
    return this.collector.counts;
  }

  /** Flows so far. */
  get rows(): readonly Row[] {
    return this.#harness.outcome().out["flows"]!;
  }
}
