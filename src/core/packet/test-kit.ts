// SPDX-License-Identifier: BSD-3-Clause
/** For tests: frames built header by header, and what the decoder says of them. @module */
import { Address, ipText, parseIp, swap } from "../unirec/ip.ts";
import { type DecoderOptions, PacketDecoder } from "./decoder.ts";
import { FrameBatch } from "./frames.ts";
import { ROW, WORD } from "./row.ts";

export type Bytes = readonly number[];

export const u16 = (value: number): Bytes => [(value >>> 8) & 255, value & 255];
export const u32 = (value: number): Bytes => [...u16(value >>> 16), ...u16(value)];
export const zeros = (count: number): Bytes => new Array<number>(count).fill(0);

export const ETHERTYPE = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  arp: 0x0806,
  vlan: 0x8100,
  qinq: 0x88a8,
} as const;
export const PROTOCOL = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  icmpv6: 58,
} as const;

export const MAC_A: Bytes = [2, 0, 0, 0, 0, 0xa];
export const MAC_B: Bytes = [2, 0, 0, 0, 0, 0xb];

/** An Ethernet header from A to B, then `payload`. */
export const ethernet = (type: number, payload: Bytes, source = MAC_A, target = MAC_B): Bytes => [
  ...target,
  ...source,
  ...u16(type),
  ...payload,
];

/** What follows the ethertype of a VLAN tag: priority and id, the next type, `payload`. */
export const vlan = (id: number, type: number, payload: Bytes): Bytes => [
  ...u16(id),
  ...u16(type),
  ...payload,
];

/** The octets of an address: 4 or 16. */
function octets(address: string): Bytes {
  const { w0, w1, w2, w3 } = parseIp(address)!;
  return address.includes(":")
    ? [w0, w1, w2, w3].flatMap((word) => u32(swap(word)))
    : u32(swap(w2));
}

export interface Ipv4 {
  readonly source?: string;
  readonly target?: string;
  readonly protocol?: number;
  /** Bytes by the header's own word; as they are when left out. */
  readonly length?: number;
  readonly id?: number;
  /** Flags and offset of a fragment as on the wire: 0x2000 is more fragments. */
  readonly fragment?: number;
  readonly options?: Bytes;
}

export function ipv4(payload: Bytes, header: Ipv4 = {}): Bytes {
  const { source = "192.0.2.1", target = "192.0.2.2", protocol = PROTOCOL.udp } = header;
  const { id = 0, fragment = 0, options = [] } = header;
  const words = 5 + options.length / 4;
  const length = header.length ?? words * 4 + payload.length;
  const fixed = [0x40 | words, 0x10, ...u16(length), ...u16(id), ...u16(fragment), 64, protocol];
  return [...fixed, 0, 0, ...octets(source), ...octets(target), ...options, ...payload];
}

export interface Ipv6 {
  readonly source?: string;
  readonly target?: string;
  readonly next?: number;
  readonly length?: number;
}

export function ipv6(payload: Bytes, header: Ipv6 = {}): Bytes {
  const { source = "2001:db8::1", target = "2001:db8::2", next = PROTOCOL.udp } = header;
  const length = header.length ?? payload.length;
  return [
    0x61,
    0,
    0,
    0,
    ...u16(length),
    next,
    32,
    ...octets(source),
    ...octets(target),
    ...payload,
  ];
}

/** An IPv6 fragment header (RFC 8200 4.5), `offset` in units of 8 bytes. */
export const fragment6 = (next: number, id: number, offset: number, more: boolean): Bytes => [
  next,
  0,
  ...u16((offset << 3) | (more ? 1 : 0)),
  ...u32(id),
];

export const udp = (source: number, target: number, payload: Bytes = []): Bytes => [
  ...u16(source),
  ...u16(target),
  ...u16(8 + payload.length),
  0,
  0,
  ...payload,
];

export const tcp = (source: number, target: number, flags: number, payload: Bytes = []): Bytes => [
  ...u16(source),
  ...u16(target),
  ...zeros(8),
  0x50,
  flags,
  ...zeros(6),
  ...payload,
];

/** A batch of frames that lie one behind the other, the last one at the very end of the buffer. */
export function batchOf(frames: readonly Bytes[], linkType = 1, micros = 1e15): FrameBatch {
  const batch = new FrameBatch();
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  batch.use(bytes, linkType);
  let at = 0;
  for (const [index, frame] of frames.entries()) {
    bytes.set(frame, at);
    batch.start[index] = at;
    batch.captured[index] = frame.length;
    batch.length[index] = frame.length;
    batch.time[index] = micros + index;
    at += frame.length;
  }
  batch.count = frames.length;
  return batch;
}

/** A row as tests compare it. */
export interface Decoded {
  /** `source:port > target:port`, in the packet's own direction. */
  readonly key: string;
  readonly protocol: number;
  /** -1 without VLAN. */
  readonly vlan: number;
  readonly bytes: number;
  readonly tcpFlags: number;
  readonly ttl: number;
  readonly tos: number;
  /** Top MPLS label; -1 without. */
  readonly label: number;
  /** Offsets from the frame's first byte; `ethernet` is -1 without. */
  readonly ethernet: number;
  readonly ip: number;
  readonly transport: number;
  readonly end: number;
}

/** Each row of a decoded batch. */
export function rowsOf(decoder: PacketDecoder, batch: FrameBatch): Decoded[] {
  return Array.from({ length: decoder.count }, (_, index) => {
    const row = decoder.rows.subarray(index * ROW, index * ROW + ROW);
    const start = batch.start[row[WORD.frame]!]!;
    const kind = row[WORD.kind]!;
    const ip = row[WORD.ip]!;
    const [source, target] =
      (kind & 256) === 0
        ? [v4Text(batch, ip + 12), v4Text(batch, ip + 16)]
        : [`[${v6Text(batch, ip + 8)}]`, `[${v6Text(batch, ip + 24)}]`];
    const ports = row[WORD.ports]!;
    const turned = row[WORD.direction] === 1;
    const lower = ports >>> 16;
    const higher = ports & 0xffff;
    const mpls = row[WORD.mpls]!;
    return {
      key: `${source}:${turned ? higher : lower} > ${target}:${turned ? lower : higher}`,
      protocol: kind & 255,
      vlan: kind >>> 9 === 0 ? -1 : (kind >>> 9) & 0xfff,
      bytes: row[WORD.bytes]!,
      tcpFlags: row[WORD.tcpFlags]!,
      ttl: row[WORD.ttlTos]! & 255,
      tos: row[WORD.ttlTos]! >>> 8,
      label: mpls === 0 ? -1 : mpls >>> 12,
      ethernet: row[WORD.ethernet]! < 0 ? -1 : row[WORD.ethernet]! - start,
      ip: ip - start,
      transport: row[WORD.transport]! - start,
      end: row[WORD.end]! - start,
    };
  });
}

const v4Text = ({ view }: FrameBatch, at: number): string =>
  new Address().setV4(view.getUint32(at)).toString();

const v6Text = ({ view }: FrameBatch, at: number): string => {
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((word) => view.getInt32(at + word, true));
  return ipText({ w0: w0!, w1: w1!, w2: w2!, w3: w3! });
};

/** What becomes of one frame: its row, or the reason for which it is ignored. */
export function decoded(
  frame: Bytes,
  linkType = 1,
  options: DecoderOptions = {},
): Decoded | "nonIp" | "malformed" | "unknownLink" {
  const decoder = new PacketDecoder(options);
  const batch = batchOf([frame], linkType);
  decoder.decode(batch);
  const [row] = rowsOf(decoder, batch);
  if (row) return row;
  if (decoder.nonIp === 1) return "nonIp";
  return decoder.malformed === 1 ? "malformed" : "unknownLink";
}
