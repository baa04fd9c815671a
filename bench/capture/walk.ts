// SPDX-License-Identifier: BSD-3-Clause

/** One frame of a capture held in memory. The object is reused: copy what you keep. */
export interface Frame {
  /** Of the file's bytes, where the frame starts. */
  offset: number;
  /** Bytes present in the file. */
  captured: number;
  /** Bytes on the wire. */
  length: number;
  /** Microseconds from the epoch; those of the frame before where the format has none. */
  time: number;
  /** LINKTYPE_*: 1 is Ethernet. */
  linkType: number;
}

export type Visit = (frame: Frame) => void;

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_TSRESOL = 9;

const viewOf = (file: Uint8Array): DataView =>
  new DataView(file.buffer, file.byteOffset, file.byteLength);

const newFrame = (): Frame => ({ offset: 0, captured: 0, length: 0, time: 0, linkType: 1 });

const walkPcap = (view: DataView, little: boolean, visit: Visit): void => {
  const perMicrosecond = view.getUint32(0, little) === MAGIC_NANOSECONDS ? 1000 : 1;
  const frame = newFrame();
  // The upper bits of the field hold the FCS length.
  frame.linkType = view.getUint32(20, little) & 0xffff;
  let at = 24;
  while (at + 16 <= view.byteLength) {
    frame.captured = view.getUint32(at + 8, little);
    frame.length = view.getUint32(at + 12, little);
    frame.time =
      view.getUint32(at, little) * 1e6 +
      Math.floor(view.getUint32(at + 4, little) / perMicrosecond);
    frame.offset = at + 16;
    at = frame.offset + frame.captured;
    if (at > view.byteLength) return;
    visit(frame);
  }
};

interface Interface {
  readonly linkType: number;
  readonly snapshotLength: number;
  /** Microseconds of one unit of its timestamps. */
  readonly unit: number;
}

/** if_tsresol: a power of ten, or of two when the top bit is set; microseconds by default. */
const timestampUnit = (view: DataView, at: number, end: number, little: boolean): number => {
  let option = at;
  while (option + 4 <= end) {
    const code = view.getUint16(option, little);
    const size = view.getUint16(option + 2, little);
    if (code === 0) break;
    if (code === OPTION_TSRESOL && size === 1) {
      const resolution = view.getUint8(option + 4);
      return 1e6 / (resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution);
    }
    option += 4 + ((size + 3) & ~3);
  }
  return 1;
};

/** Walks the blocks of a pcapng file (draft-ietf-opsawg-pcapng), each section in its byte order. */
class PcapngWalk {
  private readonly view: DataView;
  private readonly visit: Visit;
  private readonly frame = newFrame();
  private interfaces: Interface[] = [];
  private little = true;

  constructor(view: DataView, visit: Visit) {
    this.view = view;
    this.visit = visit;
  }

  run(): void {
    const { view } = this;
    let at = 0;
    while (at + 12 <= view.byteLength) {
      if (view.getUint32(at) === SECTION_HEADER) {
        this.little = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
        this.interfaces = [];
      }
      const size = view.getUint32(at + 4, this.little);
      if (size < 12 || at + size > view.byteLength) return;
      this.block(view.getUint32(at, this.little), at + 8, at + size - 4);
      at += size;
    }
  }

  private block(type: number, at: number, end: number): void {
    const { view, little } = this;
    if (type === INTERFACE_DESCRIPTION) {
      this.interfaces.push({
        linkType: view.getUint16(at, little),
        snapshotLength: view.getUint32(at + 4, little),
        unit: timestampUnit(view, at + 8, end, little),
      });
    } else if (type === ENHANCED_PACKET) {
      this.packet(view.getUint32(at, little), at, end);
    } else if (type === PACKET) {
      this.packet(view.getUint16(at, little), at, end);
    } else if (type === SIMPLE_PACKET) {
      this.simplePacket(at, end);
    }
  }

  private packet(index: number, at: number, end: number): void {
    const { view, little, frame } = this;
    const source = this.interfaces[index];
    if (source === undefined) return;
    const units = view.getUint32(at + 4, little) * 2 ** 32 + view.getUint32(at + 8, little);
    frame.time = Math.floor(units * source.unit);
    frame.captured = view.getUint32(at + 12, little);
    frame.length = view.getUint32(at + 16, little);
    frame.offset = at + 20;
    frame.linkType = source.linkType;
    if (frame.offset + frame.captured <= end) this.visit(frame);
  }

  private simplePacket(at: number, end: number): void {
    const { view, little, frame } = this;
    const source = this.interfaces[0];
    if (source === undefined) return;
    frame.length = view.getUint32(at, little);
    const limit = source.snapshotLength > 0 ? source.snapshotLength : frame.length;
    frame.offset = at + 4;
    frame.captured = Math.min(frame.length, limit, end - frame.offset);
    frame.linkType = source.linkType;
    this.visit(frame);
  }
}

/**
 * Visits the frames of a pcap (both byte orders, microseconds and nanoseconds) or pcapng file
 * in the file's order. A truncated file ends at its last whole frame.
 *
 * @returns false when the bytes are neither format
 */
export const walkCapture = (file: Uint8Array, visit: Visit): boolean => {
  if (file.byteLength < 24) return false;
  const view = viewOf(file);
  if (view.getUint32(0) === SECTION_HEADER) {
    new PcapngWalk(view, visit).run();
    return true;
  }
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) continue;
    walkPcap(view, little, visit);
    return true;
  }
  return false;
};
