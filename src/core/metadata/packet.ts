// SPDX-License-Identifier: BSD-3-Clause
import type { FrameBatch } from "../packet/frames.ts";
import { KIND_ARP, WORD } from "../packet/row.ts";

/** IP protocol numbers that plugins tell apart. */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const;

const TCP_HEADER = 20;
const UDP_HEADER = 8;

/**
 * The packet that plugins look at: offsets into the capture's memory, which is valid until they return.
 *
 * ```text
 *   frame … ip … transport … payload … end
 * ```
 *
 * Only bytes from `frame` to `end` may be read. What a length in the packet says has to be held against `end`.
 */
export class Packet {
  view: DataView = new DataView(new ArrayBuffer(0));
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the frame's first byte, and behind its last captured one. */
  frame = 0;
  frameEnd = 0;
  /** Offset of the innermost Ethernet header; negative without one. */
  ethernet = -1;
  /** Offset of the innermost IP header, or of the ARP packet. */
  ip = 0;
  isV6 = false;
  isArp = false;
  /** Offset behind the IP headers. */
  transport = 0;
  /** Offset of what TCP or UDP carries; of what follows the IP headers for other protocols. */
  payload = 0;
  /** Offset behind the last captured byte of the IP packet: without padding of the link. */
  end = 0;
  /** Bytes that the payload had on the wire, captured or not. */
  payloadLength = 0;
  protocol = 0;
  /** Ports of this packet's sender and receiver; 0 without ports. */
  sourcePort = 0;
  targetPort = 0;
  tcpFlags = 0;
  /** Bytes of the IP packet by its own length. */
  ipLength = 0;
  /** Capture time, microseconds since 1970. */
  time = 0;
  /** 0 from the flow's initiator, 1 from its responder. */
  reverse: 0 | 1 = 0;
  /** Whether it is the flow's first packet. */
  first = false;

  /** Captured bytes of the payload. */
  get size(): number {
    return this.end - this.payload;
  }

  /** Point it at a decoded packet. `z` is where its row begins. */
  set(
    rows: Int32Array,
    z: number,
    frames: FrameBatch,
    flow: { reverse: 0 | 1; first: boolean },
  ): void {
    const { view, bytes } = frames;
    const frame = rows[z + WORD.frame]!;
    this.view = view;
    this.bytes = bytes;
    this.frame = frames.start[frame]!;
    this.frameEnd = this.frame + frames.captured[frame]!;
    this.time = frames.time[frame]!;
    this.ethernet = rows[z + WORD.ethernet]!;
    this.ip = rows[z + WORD.ip]!;
    this.transport = rows[z + WORD.transport]!;
    this.end = rows[z + WORD.end]!;
    this.ipLength = rows[z + WORD.bytes]!;
    this.tcpFlags = rows[z + WORD.tcpFlags]!;
    const kind = rows[z + WORD.kind]!;
    this.protocol = kind & 255;
    this.isV6 = (kind & 256) !== 0;
    this.isArp = (kind & KIND_ARP) !== 0;
    const ports = rows[z + WORD.ports]!;
    const fromLow = rows[z + WORD.direction]! === 0;
    this.sourcePort = fromLow ? ports >>> 16 : ports & 0xffff;
    this.targetPort = fromLow ? ports & 0xffff : ports >>> 16;
    this.reverse = flow.reverse;
    this.first = flow.first;
    const { transport, end } = this;
    const header = headerSize(this.protocol, frames, transport, end);
    this.payload = Math.min(transport + header, end);
    this.payloadLength = Math.max(0, this.ipLength - (transport - this.ip) - header);
  }
}

/** Bytes of the header of TCP or UDP; 0 for other protocols. */
function headerSize(
  protocol: number,
  { view }: FrameBatch,
  transport: number,
  end: number,
): number {
  if (protocol === PROTOCOL.udp) return UDP_HEADER;
  if (protocol !== PROTOCOL.tcp) return 0;
  const whole = end - transport >= TCP_HEADER;
  return whole ? (view.getUint8(transport + 12) >>> 4) << 2 : end - transport;
}

/** Whether a decoded packet carries nothing that was captured. `z` is where its row begins. */
export function isEmpty(rows: Int32Array, z: number, frames: FrameBatch): boolean {
  const transport = rows[z + WORD.transport]!;
  const end = rows[z + WORD.end]!;
  return transport + headerSize(rows[z + WORD.kind]! & 255, frames, transport, end) >= end;
}
