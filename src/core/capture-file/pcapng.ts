// SPDX-License-Identifier: BSD-3-Clause
import type { FrameSink } from "./frame-sink.ts";
import { CAPTURED_MAX, type CaptureParser } from "./parser.ts";
import {
  type CaptureInterface,
  INTERFACE_BLOCK_SIZE_MIN,
  readInterface,
} from "./pcapng-interface.ts";

/*
 * The next generation format (draft-ietf-opsawg-pcapng): blocks, in the byte order of their section.
 *
 *   block      | type 4 | size 4 | body, padded to 4 ... | size 4 |
 *   section    body: | byte order 4 | major 2 | minor 2 | length 8 | options ... |
 *   enhanced   body: | interface 4 | time high 4 | time low 4 | captured 4 | length 4 | bytes ... |
 *   simple     body: | length 4 | bytes ... |
 *   obsolete   body: | interface 2 | drops 2 | time high 4 | time low 4 | captured 4 | length 4 | bytes ... |
 */

export const BLOCK_SECTION = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
export const BLOCK_PACKET_OBSOLETE = 2;
export const BLOCK_PACKET_SIMPLE = 3;
export const BLOCK_PACKET = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const BLOCK_SIZE_MIN = 12;
/** A packet, obsolete or enhanced, begins 28 bytes into its block. */
const PACKET_AT = 28;
const PACKET_SIMPLE_AT = 12;
export const SECTION_BLOCK_SIZE_MIN = 28;
/** libpcap's bound too. A longer block is damage: it would take all memory, or swallow the file. */
export const BLOCK_SIZE_MAX = 16 * 1024 * 1024;
/** Interfaces of one section at most: what the obsolete block can name. */
const INTERFACES_MAX = 65_536;

/** What a Section Header Block says of the blocks that follow. */
export interface CaptureSection {
  readonly little: boolean;
  /** Why its packets cannot be read. Empty when they can. */
  readonly unsupported: string;
}

/** Read the Section Header Block at `at`. Undefined when it does not tell its byte order. */
export function readSection(view: DataView, at: number): CaptureSection | undefined {
  const little = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
  if (!little && view.getUint32(at + 8) !== BYTE_ORDER_MAGIC) return undefined;
  const major = view.getUint16(at + 12, little);
  const minor = view.getUint16(at + 14, little);
  // Some writers put 1.2 for 1.0, says the draft.
  const supported = major === 1 && (minor === 0 || minor === 2);
  return { little, unsupported: supported ? "" : `pcapng ${major}.${minor} is not supported` };
}

/** Reads the blocks of a pcapng capture from its first byte on, over any number of sections. */
export class PcapngParser implements CaptureParser {
  position = 0;
  need = 0;
  damage = "";
  skipped = 0;
  dropped = 0;
  droppedFirst = "";
  private readonly sink: FrameSink;
  private little = true;
  /** Sections of another version are walked over block by block: behind them may come a known one. */
  private unsupported = "";
  private interfaces: CaptureInterface[] = [];
  /** Time of the packet before; a Simple Packet Block has none of its own. */
  private time = 0;
  /** Offset in the capture of offset 0 of the view. */
  private base = 0;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  parse(view: DataView, from: number, to: number): number {
    this.base = this.position - from;
    this.need = 0;
    let at = from;
    while (at + BLOCK_SIZE_MIN <= to) {
      const type = view.getUint32(at, this.little);
      if (type === BLOCK_SECTION) {
        this.need = SECTION_BLOCK_SIZE_MIN;
        if (at + SECTION_BLOCK_SIZE_MIN > to || !this.beginSection(view, at)) break;
      }
      const size = view.getUint32(at + 4, this.little);
      this.need = size;
      if (size < BLOCK_SIZE_MIN || size > BLOCK_SIZE_MAX || size % 4 !== 0) {
        this.damage = `a block of ${size} bytes`;
        this.need = 0;
        break;
      }
      if (at + size > to) break;
      const trailer = view.getUint32(at + size - 4, this.little);
      if (trailer !== size) {
        this.damage = `a block of ${size} bytes that ends as one of ${trailer}`;
        break;
      }
      this.takeBlock(view, at, size, type);
      at += size;
      this.need = 0;
    }
    this.sink.flush();
    this.position += at - from;
    return at;
  }

  /** A section has its own byte order and its own interfaces. */
  private beginSection(view: DataView, at: number): boolean {
    const section = readSection(view, at);
    if (section === undefined) {
      this.damage = "a section that does not tell its byte order";
      return false;
    }
    this.little = section.little;
    this.unsupported = section.unsupported;
    this.interfaces = [];
    return true;
  }

  private takeBlock(view: DataView, at: number, size: number, type: number): void {
    let why = "";
    if (type === BLOCK_PACKET) {
      why = this.takePacket(view, at, size, view.getUint32(at + 8, this.little));
    } else if (type === BLOCK_PACKET_OBSOLETE) {
      why = this.takePacket(view, at, size, view.getUint16(at + 8, this.little));
    } else if (type === BLOCK_PACKET_SIMPLE) {
      why = this.takeSimplePacket(view, at, size);
    } else if (type === BLOCK_INTERFACE && this.interfaces.length < INTERFACES_MAX) {
      if (size >= INTERFACE_BLOCK_SIZE_MIN) {
        this.interfaces.push(readInterface(view, at, size, this.little));
      }
    } else if (type !== BLOCK_SECTION) this.skipped++;
    if (why !== "" && this.dropped++ === 0) this.droppedFirst = `byte ${this.base + at}: ${why}`;
  }

  /** The enhanced and the obsolete block differ in the width of the interface alone. */
  private takePacket(view: DataView, at: number, size: number, id: number): string {
    const { little } = this;
    if (this.unsupported !== "") return this.unsupported;
    const origin = this.interfaces[id];
    if (origin === undefined) return `interface ${id} is not described`;
    if (size < PACKET_AT + 4) return `a packet block of ${size} bytes`;
    const captured = view.getUint32(at + 20, little);
    if (captured > size - PACKET_AT - 4 || captured > CAPTURED_MAX) {
      return `a packet of ${captured} bytes in a block of ${size}`;
    }
    const high = view.getUint32(at + 12, little);
    this.time = origin.scale.micros(high, view.getUint32(at + 16, little));
    const { batch } = this.sink;
    this.sink.admit(origin.linkType);
    const index = batch.count++;
    batch.start[index] = at + PACKET_AT;
    batch.captured[index] = captured;
    batch.length[index] = view.getUint32(at + 24, little);
    batch.time[index] = this.time;
    return "";
  }

  /** It belongs to the first interface, whose snap length tells how much of it is there. */
  private takeSimplePacket(view: DataView, at: number, size: number): string {
    if (this.unsupported !== "") return this.unsupported;
    const origin = this.interfaces[0];
    if (origin === undefined) return "interface 0 is not described";
    if (size < PACKET_SIMPLE_AT + 4) return `a packet block of ${size} bytes`;
    const length = view.getUint32(at + 8, this.little);
    const captured = Math.min(length, origin.snapLength || length);
    if (captured > size - PACKET_SIMPLE_AT - 4 || captured > CAPTURED_MAX) {
      return `a packet of ${captured} bytes in a block of ${size}`;
    }
    const { batch } = this.sink;
    this.sink.admit(origin.linkType);
    const index = batch.count++;
    batch.start[index] = at + PACKET_SIMPLE_AT;
    batch.captured[index] = captured;
    batch.length[index] = length;
    batch.time[index] = this.time;
    return "";
  }
}
