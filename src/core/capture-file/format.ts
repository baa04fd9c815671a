// SPDX-License-Identifier: BSD-3-Clause
import { ClassicParser, classicOrder, FILE_HEADER_SIZE, readClassicHeader } from "./classic.ts";
import type { FrameSink } from "./frame-sink.ts";
import type { CaptureParser } from "./parser.ts";

/** Bytes from which every format can be told, and its header read. */
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
  return `it starts with ${hex(view, Math.min(size, 8))}`;
}

function hex(view: DataView, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, size);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
