// SPDX-License-Identifier: BSD-3-Clause
import { ClassicParser, classicOrder, FILE_HEADER_SIZE, readClassicHeader } from "./classic.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { CaptureParser } from "./parser.ts";
import { BLOCK_SECTION, PcapngParser, readSection, SECTION_BLOCK_SIZE_MIN } from "./pcapng.ts";

/** Bytes from which every format can be told, and what the parsers must know of its header. */
export const HEADER_SIZE_MAX = FILE_HEADER_SIZE;

/** A parser for the capture whose first bytes are given, and how many of these its header took. */
export interface Opening {
  readonly parser: CaptureParser;
  readonly headerSize: number;
}

/** Tell the format by its first bytes. A string says why this is not a capture. */
export function openFormat(view: DataView, size: number, sink: FrameSink): Opening | string {
  if (size === 0) return "it is empty";
  if (size >= 4 && classicOrder(view, 0)) {
    if (size < FILE_HEADER_SIZE)
      return `its header of ${FILE_HEADER_SIZE} bytes ends after ${size}`;
    const header = readClassicHeader(view);
    if (typeof header === "string") return header;
    return { parser: new ClassicParser(header, sink), headerSize: FILE_HEADER_SIZE };
  }
  if (size >= 4 && view.getUint32(0) === BLOCK_SECTION) {
    if (size < HEADER_SIZE_MAX)
      return `its first block of at least ${SECTION_BLOCK_SIZE_MIN} bytes ends after ${size}`;
    const section = readSection(view, 0);
    if (section === undefined) return "its first section does not tell its byte order";
    if (section.unsupported !== "") return section.unsupported;
    return { parser: new PcapngParser(sink), headerSize: 0 };
  }
  return `it starts with ${hex(view, Math.min(size, 8))}${packedBy(view, size)}`;
}

/** Packings that are not unpacked here, by their first bytes. */
const PACKINGS: readonly (readonly [number, number, string])[] = [
  [0x425a_6800, 0xffff_ff00, "bzip2"],
  [0xfd37_7a58, 0xffff_ffff, "xz"],
  [0x0422_4d18, 0xffff_ffff, "lz4"],
  [0x504b_0304, 0xffff_ffff, "zip"],
];

function packedBy(view: DataView, size: number): string {
  const magic = size < 4 ? 0 : view.getUint32(0);
  const found = PACKINGS.find(([value, mask]) => (magic & mask) >>> 0 === value);
  return found === undefined ? "" : `: packed by ${found[2]}, unpack it first`;
}

function hex(view: DataView, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, size);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
