// SPDX-License-Identifier: BSD-3-Clause
import { FRAMES_MAX } from "../packet/frames.ts";
import type { FrameSink } from "./frame-sink.ts";
import { CAPTURED_MAX, type CaptureParser } from "./parser.ts";

/*
 * The classic format (draft-ietf-opsawg-pcap), in the byte order of the magic number:
 *
 *   file    | magic 4 | major 2 | minor 2 | zone 4 | accuracy 4 | snaplen 4 | link type 4 |
 *   record  | seconds 4 | fraction 4 | captured 4 | length 4 | (patched: 8 more) | bytes ...
 */

export const MAGIC_MICROS = 0xa1b2c3d4;
export const MAGIC_NANOS = 0xa1b23c4d;
/** Alexey Kuznetzov's patched libpcap: each record header has eight bytes more, read by nobody. */
export const MAGIC_PATCHED = 0xa1b2cd34;

export const FILE_HEADER_SIZE = 24;
export const RECORD_HEADER_SIZE = 16;
const RECORD_HEADER_SIZE_PATCHED = 24;

/** What the header of a classic capture says of the records that follow. */
export interface ClassicHeader {
  readonly little: boolean;
  /** The fraction of a record's time counts nanoseconds, not microseconds. */
  readonly nanos: boolean;
  readonly recordHeaderSize: number;
  readonly linkType: number;
  /** Which order the two lengths of a record have. "either": the smaller one is the captured. */
  readonly lengths: "captured first" | "captured last" | "either";
}

/** The byte order if the four bytes at `at` are a magic number of the classic format. */
export function classicOrder(view: DataView, at: number): "little" | "big" | undefined {
  for (const order of ["little", "big"] as const) {
    const magic = view.getUint32(at, order === "little");
    if (magic === MAGIC_MICROS || magic === MAGIC_NANOS || magic === MAGIC_PATCHED) return order;
  }
  return undefined;
}

/** Read the file header at offset 0; a string says why its records cannot be read. */
export function readClassicHeader(view: DataView): ClassicHeader | string {
  const little = classicOrder(view, 0) === "little";
  const magic = view.getUint32(0, little);
  const major = view.getUint16(4, little);
  const minor = view.getUint16(6, little);
  // libpcap sf-pcap.c: 543.0 is what the tcpdump of DG/UX writes.
  const dgux = major === 543 && minor === 0;
  if (!dgux && (major !== 2 || minor > 4)) return `pcap version ${major}.${minor} is not supported`;
  return {
    little,
    nanos: magic === MAGIC_NANOS,
    recordHeaderSize: magic === MAGIC_PATCHED ? RECORD_HEADER_SIZE_PATCHED : RECORD_HEADER_SIZE,
    // The upper six bits tell of the frame check sequence, which no decoder here looks at.
    linkType: view.getUint32(20, little) & 0x03ffffff,
    // libpcap sf-pcap.c: the lengths changed places in 2.3, and some writers of 2.3 had not noticed.
    lengths: dgux || minor < 3 ? "captured last" : minor === 3 ? "either" : "captured first",
  };
}

/** Reads the records of a classic capture, from just behind its file header. */
export class ClassicParser implements CaptureParser {
  position = FILE_HEADER_SIZE;
  need = 0;
  damage = "";
  readonly skipped = 0;
  readonly dropped = 0;
  readonly droppedFirst = "";
  private readonly header: ClassicHeader;
  private readonly sink: FrameSink;

  constructor(header: ClassicHeader, sink: FrameSink) {
    this.header = header;
    this.sink = sink;
    sink.batch.linkType = header.linkType;
  }

  parse(view: DataView, from: number, to: number): number {
    const { sink } = this;
    const { batch } = sink;
    const { start, captured, length, time } = batch;
    const { little, recordHeaderSize, lengths } = this.header;
    const perMicro = this.header.nanos ? 1000 : 1;
    const capturedAt = lengths === "captured last" ? 12 : 8;
    const lengthAt = 20 - capturedAt;
    const either = lengths === "either";
    let count = 0;
    let at = from;
    this.need = 0;
    while (at + recordHeaderSize <= to) {
      let size = view.getInt32(at + capturedAt, little);
      let wire = view.getInt32(at + lengthAt, little);
      if (either && size >>> 0 > wire >>> 0) [size, wire] = [wire, size];
      if (size >>> 0 > CAPTURED_MAX) {
        this.damage = `a packet of ${size >>> 0} bytes, and none may exceed ${CAPTURED_MAX}`;
        break;
      }
      const next = at + recordHeaderSize + size;
      if (next > to) {
        this.need = next - at;
        break;
      }
      start[count] = at + recordHeaderSize;
      captured[count] = size;
      length[count] = wire;
      const fraction = view.getUint32(at + 4, little);
      time[count] = view.getUint32(at, little) * 1_000_000 + Math.floor(fraction / perMicro);
      at = next;
      if (++count === FRAMES_MAX) {
        batch.count = count;
        sink.flush();
        count = 0;
      }
    }
    batch.count = count;
    sink.flush();
    this.position += at - from;
    return at;
  }
}
