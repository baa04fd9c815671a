// SPDX-License-Identifier: BSD-3-Clause
import { writeSync } from "node:fs";
import { FILE_HEADER_SIZE, MAGIC_MICROS, MAGIC_NANOS, RECORD_HEADER_SIZE } from "../classic.ts";
import { CAPTURED_MAX } from "../parser.ts";

export interface CaptureWriterOptions {
  /** Write to this descriptor by large pieces; without one the capture grows in memory. */
  readonly fd?: number;
  /** LINKTYPE_ value; 1, the default, is Ethernet. */
  readonly linkType?: number;
  /** Write times in nanoseconds. Microseconds are the default. */
  readonly nanos?: boolean;
  /** Write the byte order of a big-endian machine. */
  readonly bigEndian?: boolean;
}

const BUFFER_SIZE = 1 << 20;

/** The 24 bytes that a classic capture begins with. */
export function pcapHeader(options: CaptureWriterOptions = {}): Uint8Array {
  const header = new Uint8Array(new ArrayBuffer(FILE_HEADER_SIZE));
  const view = new DataView(header.buffer);
  const little = !options.bigEndian;
  view.setUint32(0, options.nanos ? MAGIC_NANOS : MAGIC_MICROS, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, CAPTURED_MAX, little);
  view.setUint32(20, options.linkType ?? 1, little);
  return header;
}

/**
 * Writes a classic capture: to a file by large pieces, or into memory.
 *
 * @example
 * const writer = new CaptureWriter({ fd });
 * writer.append(timeMicros, frame, 0, frame.length, frame.length);
 * writer.flush();
 */
export class CaptureWriter {
  /** Packets appended so far. */
  packets = 0;
  private readonly fd: number | undefined;
  private readonly little: boolean;
  private readonly perMicro: number;
  private buffer = new Uint8Array(new ArrayBuffer(BUFFER_SIZE));
  private view = new DataView(this.buffer.buffer);
  private used = 0;

  constructor(options: CaptureWriterOptions = {}) {
    this.fd = options.fd;
    this.little = !options.bigEndian;
    this.perMicro = options.nanos ? 1000 : 1;
    this.buffer.set(pcapHeader(options));
    this.used = FILE_HEADER_SIZE;
  }

  /**
   * Append a packet: the first `captured` bytes of `bytes`, of `length` bytes on the wire.
   * `timeMicros` is whole microseconds since 1970, less than 2^32 seconds.
   */
  append(
    timeMicros: number,
    bytes: Uint8Array,
    captured: number = bytes.length,
    length: number = captured,
  ): void {
    this.reserve(RECORD_HEADER_SIZE + captured);
    const { view, little, used } = this;
    const seconds = Math.floor(timeMicros / 1_000_000);
    view.setUint32(used, seconds, little);
    view.setUint32(used + 4, (timeMicros - seconds * 1_000_000) * this.perMicro, little);
    view.setUint32(used + 8, captured, little);
    view.setUint32(used + 12, length, little);
    const at = used + RECORD_HEADER_SIZE;
    // Copied by hand: a subarray a packet costs more than the bytes of a small one.
    for (let index = 0; index < captured; index++) this.buffer[at + index] = bytes[index]!;
    this.used = at + captured;
    this.packets++;
  }

  /** Write out what is buffered. Without a descriptor it does nothing. */
  flush(): void {
    if (this.fd === undefined) return;
    let at = 0;
    while (at < this.used) at += writeSync(this.fd, this.buffer, at, this.used - at);
    this.used = 0;
  }

  /** A copy of what is buffered: without a descriptor, the whole capture. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.used);
  }

  private reserve(size: number): void {
    if (this.used + size <= this.buffer.length) return;
    this.flush();
    if (this.used + size <= this.buffer.length) return;
    const larger = new Uint8Array(new ArrayBuffer(2 ** Math.ceil(Math.log2(this.used + size))));
    larger.set(this.buffer.subarray(0, this.used));
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}
