// SPDX-License-Identifier: BSD-3-Clause
import {
  BLOCK_INTERFACE,
  BLOCK_PACKET,
  BLOCK_PACKET_OBSOLETE,
  BLOCK_PACKET_SIMPLE,
  BLOCK_SECTION,
  BYTE_ORDER_MAGIC,
} from "../pcapng.ts";

/** An option: its code, and its value. */
export type BlockOption = readonly [code: number, value: Uint8Array];

export interface PacketFields {
  readonly bytes: Uint8Array;
  /** Bytes on the wire, those of `bytes` when absent. */
  readonly length?: number;
  /** Units of the interface. */
  readonly time?: bigint;
  readonly interface?: number;
  /** What the block claims to hold, against the truth. */
  readonly captured?: number;
}

/** For tests: builds pcapng captures block by block, the damaged ones too. */
export class PcapngBlocks {
  private little = true;
  private readonly parts: Uint8Array[] = [];

  section({ little = true, major = 1, minor = 0 } = {}): this {
    this.little = little;
    const body = new DataView(new ArrayBuffer(16));
    body.setUint32(0, BYTE_ORDER_MAGIC, little);
    body.setUint16(4, major, little);
    body.setUint16(6, minor, little);
    body.setBigInt64(8, -1n, little);
    return this.block(BLOCK_SECTION, body);
  }

  interface({ linkType = 1, snapLength = 0, options = [] as readonly BlockOption[] } = {}): this {
    const body = new DataView(new ArrayBuffer(8));
    body.setUint16(0, linkType, this.little);
    body.setUint32(4, snapLength, this.little);
    return this.block(BLOCK_INTERFACE, body, ...options.map((option) => this.option(option)));
  }

  packet(fields: PacketFields): this {
    return this.block(BLOCK_PACKET, this.packetHead(fields, false), fields.bytes);
  }

  obsoletePacket(fields: PacketFields): this {
    return this.block(BLOCK_PACKET_OBSOLETE, this.packetHead(fields, true), fields.bytes);
  }

  simplePacket(bytes: Uint8Array, length = bytes.length): this {
    const body = new DataView(new ArrayBuffer(4));
    body.setUint32(0, length, this.little);
    return this.block(BLOCK_PACKET_SIMPLE, body, bytes);
  }

  /** A block of any type. */
  block(type: number, head: DataView, ...tail: readonly Uint8Array[]): this {
    const parts = [bytesOf(head), ...tail].map(padded);
    const size = 12 + parts.reduce((sum, part) => sum + part.length, 0);
    const frame = new DataView(new ArrayBuffer(8));
    frame.setUint32(0, type, this.little);
    frame.setUint32(4, size, this.little);
    const bytes = bytesOf(frame);
    this.parts.push(bytes, ...parts, bytes.slice(4));
    return this;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }

  private packetHead(fields: PacketFields, obsolete: boolean): DataView {
    const { bytes, time = 0n, captured = bytes.length, length = bytes.length } = fields;
    const head = new DataView(new ArrayBuffer(20));
    if (obsolete) head.setUint16(0, fields.interface ?? 0, this.little);
    else head.setUint32(0, fields.interface ?? 0, this.little);
    head.setUint32(4, Number(time >> 32n), this.little);
    head.setUint32(8, Number(time & 0xffffffffn), this.little);
    head.setUint32(12, captured, this.little);
    head.setUint32(16, length, this.little);
    return head;
  }

  private option([code, value]: BlockOption): Uint8Array {
    const head = new DataView(new ArrayBuffer(4));
    head.setUint16(0, code, this.little);
    head.setUint16(2, value.length, this.little);
    return new Uint8Array(Buffer.concat([bytesOf(head), padded(value)]));
  }
}

/** The option if_tsresol. */
export const resolution = (value: number): BlockOption => [9, Uint8Array.of(value)];

/** The option if_tsoffset, in the byte order of a little-endian section unless told otherwise. */
export function offset(seconds: bigint, little = true): BlockOption {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, seconds, little);
  return [14, bytesOf(view)];
}

const bytesOf = (view: DataView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const padded = (bytes: Uint8Array): Uint8Array =>
  bytes.length % 4 === 0
    ? bytes
    : new Uint8Array(Buffer.concat([bytes, new Uint8Array(4 - (bytes.length % 4))]));
