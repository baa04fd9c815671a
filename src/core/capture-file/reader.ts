// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";
import type { FrameHandler } from "../packet/frames.ts";
import { type ByteSource, FileSource } from "./byte-source.ts";
import { HEADER_SIZE_MAX, openFormat } from "./format.ts";
import { FrameSink } from "./frame-sink.ts";
import type { CaptureParser } from "./parser.ts";
import { packingOf, UnpackedSource } from "./unpack.ts";

/** 256 KiB stay in the second-level cache; larger buffers measured slower (13.1 against 11.5 Mpps). */
const BUFFER_SIZE = 1 << 18;

/** What was not as it should be in a capture that could be read all the same. */
export interface CaptureWarning {
  /** One line that names the file, the place and what follows from it. */
  readonly message: string;
  /** Offset in the capture, in bytes; of its unpacked content when it is compressed. */
  readonly offset: number;
}

export interface CaptureOptions {
  /** Called at most twice a capture: for packets that were dropped, and for an end too early. */
  readonly onWarning?: (warning: CaptureWarning) => void;
  /** What messages call the input; its path when absent. */
  readonly name?: string;
}

/** What was read of a capture. */
export interface CaptureSummary {
  readonly packets: number;
  /** Bytes of these packets on the wire. */
  readonly bytes: number;
  /** Bytes of the capture that were taken; of its unpacked content when it is compressed. */
  readonly offset: number;
  /** Bytes taken of the input itself, to compare with its size. */
  readonly bytesRead: number;
  /** pcapng blocks that carry no packet: statistics, names, blocks of other makers. */
  readonly blocksSkipped: number;
  /** pcapng packets that were dropped: their block contradicts itself, or its version is unknown. */
  readonly packetsDropped: number;
  readonly warnings: number;
}

/**
 * Reads a capture by chunks into one buffer, and hands its frames on where they lie.
 *
 * The pull form of {@link readCapture}: who calls can pace, stop and watch between the chunks.
 *
 * @example
 * using reader = CaptureReader.open("trace.pcap", (frames) => decoder.decode(frames));
 * while (!stopped && reader.readChunk());
 */
export class CaptureReader implements Disposable {
  private readonly source: ByteSource;
  private readonly parser: CaptureParser;
  private readonly sink: FrameSink;
  private readonly name: string;
  private readonly onWarning: ((warning: CaptureWarning) => void) | undefined;
  private buffer: Uint8Array;
  /** The bytes of the buffer from `from` to `to` have been read and not yet been taken. */
  private from: number;
  private to: number;
  private ended = false;
  private warnings = 0;

  /**
   * Open a capture: a path, "-" for standard input, or any source of bytes.
   *
   * Throws ERR_INPUT (exit code 66) when it cannot be read and ERR_CAPTURE_FORMAT (65) when it is not
   * a capture. Once it is open, nothing in it makes the reader throw.
   */
  static open(
    input: string | ByteSource,
    onFrames: FrameHandler,
    options: CaptureOptions = {},
  ): CaptureReader {
    const source = typeof input === "string" ? FileSource.open(input) : input;
    try {
      const name =
        options.name ?? (typeof input === "string" && input !== "-" ? input : "standard input");
      return new CaptureReader(source, name, onFrames, options);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  private constructor(
    source: ByteSource,
    name: string,
    onFrames: FrameHandler,
    options: CaptureOptions,
  ) {
    this.name = name;
    this.onWarning = options.onWarning;
    this.sink = new FrameSink(onFrames);
    this.buffer = new Uint8Array(new ArrayBuffer(BUFFER_SIZE));
    this.sink.batch.use(this.buffer, 0);
    const { view } = this.sink.batch;
    this.to = readAtLeast(source, this.buffer, HEADER_SIZE_MAX);
    const packing = this.to < 4 ? undefined : packingOf(view);
    if (packing === undefined) this.source = source;
    else {
      this.source = new UnpackedSource(source, packing, this.buffer.subarray(0, this.to));
      this.to = readAtLeast(this.source, this.buffer, HEADER_SIZE_MAX);
    }
    const opening = openFormat(view, this.to, this.sink);
    if (typeof opening === "string") throw notCapture(name, opening, this.source.damage);
    this.parser = opening.parser;
    this.from = opening.headerSize;
  }

  /** What was read so far. */
  get summary(): CaptureSummary {
    const { parser, sink } = this;
    return {
      packets: sink.packets,
      bytes: sink.bytes,
      offset: parser.position,
      bytesRead: this.source.bytesRead,
      blocksSkipped: parser.skipped,
      packetsDropped: parser.dropped,
      warnings: this.warnings,
    };
  }

  /**
   * Read one chunk and hand its frames on. Returns false once the capture has ended; the call that
   * finds the end may still have handed on frames. Waits for bytes when the input is a pipe.
   */
  readChunk(): boolean {
    if (this.ended) return false;
    const { parser } = this;
    this.makeRoom();
    const room = this.buffer.length - this.to;
    // There is none when opening filled the buffer and the header took nothing of it.
    const read = room === 0 ? 0 : this.source.read(this.buffer, this.to, room);
    this.to += read;
    this.from = parser.parse(this.sink.batch.view, this.from, this.to);
    if ((read > 0 || room === 0) && parser.damage === "") return true;
    this.end();
    return false;
  }

  /** Give up the input. What was read so far stays counted. */
  close(): void {
    this.ended = true;
    this.source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Move what is left over to the front, and take a larger buffer for a record that exceeds it. */
  private makeRoom(): void {
    const { buffer, parser } = this;
    let next = buffer;
    // The parsers bound what a record may need, and so the buffer.
    if (parser.need > buffer.length) {
      next = new Uint8Array(new ArrayBuffer(2 ** Math.ceil(Math.log2(parser.need))));
      next.set(buffer.subarray(this.from, this.to));
      this.sink.batch.use(next, this.sink.batch.linkType);
    } else {
      buffer.copyWithin(0, this.from, this.to);
    }
    this.buffer = next;
    this.to -= this.from;
    this.from = 0;
  }

  private end(): void {
    const { parser, source } = this;
    const left = this.to - this.from;
    if (parser.dropped > 0) {
      this.warn(`packets dropped: ${parser.dropped}, the first at ${parser.droppedFirst}`);
    }
    const at = `byte ${parser.position}`;
    const kept = `packets kept: ${this.sink.packets}`;
    if (parser.damage !== "") this.warn(`damaged at ${at}: ${parser.damage}; ${kept}`);
    else if (source.damage !== "") this.warn(`ends at ${at}: ${source.damage}; ${kept}`);
    else if (left > 0) {
      const whole = parser.need > 0 ? `${left} of its ${parser.need} bytes` : `${left} bytes of it`;
      this.warn(`truncated in the record at ${at}: ${whole} are there; ${kept}`);
    }
    this.close();
  }

  private warn(text: string): void {
    this.warnings++;
    this.onWarning?.({ message: `${this.name}: ${text}`, offset: this.parser.position });
  }
}

/**
 * Read a whole capture. Takes and throws what {@link CaptureReader.open} does.
 *
 * @example
 * const { packets } = readCapture("trace.pcapng.zst", (frames) => decoder.decode(frames));
 */
export function readCapture(
  input: string | ByteSource,
  onFrames: FrameHandler,
  options: CaptureOptions = {},
): CaptureSummary {
  const reader = CaptureReader.open(input, onFrames, options);
  try {
    while (reader.readChunk());
    return reader.summary;
  } finally {
    reader.close();
  }
}

function notCapture(name: string, why: string, damage: string): NemeanError {
  const reason = damage === "" ? why : `${why}; ${damage}`;
  const message = `${name}: not a capture file (${reason})`;
  return new NemeanError("ERR_CAPTURE_FORMAT", EXIT.data, message);
}

/** A pipe may give a few bytes at a time. */
function readAtLeast(source: ByteSource, buffer: Uint8Array, size: number): number {
  let have = 0;
  while (have < size) {
    const read = source.read(buffer, have, buffer.length - have);
    if (read === 0) break;
    have += read;
  }
  return have;
}
