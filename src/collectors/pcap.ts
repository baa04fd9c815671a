// SPDX-License-Identifier: BSD-3-Clause
import { statSync } from "node:fs";
import { type BpfProgram, compileFilter, PcapError } from "@bun/ffi-libpcap-bindings";
import { CaptureReader } from "../core/capture-file/reader.ts";
import { usageError } from "../core/errors.ts";
import type { FrameBatch, FrameHandler } from "../core/packet/frames.ts";
import type { FrameSource } from "../core/source.ts";
import { SECOND } from "../core/unirec/time.ts";

export interface PcapOptions {
  /** libpcap filter expression: frames that do not match are not handed on. */
  readonly filter?: string;
  /** How often all files are read; each round's frames are moved behind the former round's in time. */
  readonly loop?: number;
  readonly onWarning?: (message: string) => void;
}

/**
 * Capture files, one after another: pcap and pcapng, compressed or not, `-` for standard input.
 *
 * The first file is opened at once: ERR_INPUT or ERR_CAPTURE_FORMAT is thrown then. A later one that cannot be
 * read ends the source with `failure` set, so that what was read before is kept.
 */
export class PcapSource implements FrameSource {
  readonly kind = "file";
  readonly name: string;
  failure: Error | undefined;
  readonly #paths: readonly string[];
  readonly #options: PcapOptions;
  readonly #sizes: readonly number[];
  readonly #filters = new Map<number, BpfProgram>();
  #onFrames: FrameHandler = () => {};
  #reader: CaptureReader;
  #file = 0;
  #round = 0;
  #bytesBefore = 0;
  /** Microseconds added to capture times in this round, and the span of times seen without it. */
  #shift = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(paths: readonly string[], options: PcapOptions = {}) {
    if (paths.length === 0) throw usageError("no capture file given");
    if (paths.filter((path) => path === "-").length > 1)
      throw usageError('"-" (standard input) is given twice');
    if (paths.includes("-") && (options.loop ?? 1) > 1)
      throw usageError('--loop: standard input ("-") cannot be read again');
    this.#paths = paths;
    this.#options = options;
    this.name = paths.length === 1 ? paths[0]! : `${paths.length} files`;
    // An expression that does not compile is an error now, not with the first frame.
    if (options.filter !== undefined) this.#filterFor(1);
    this.#reader = this.#open(0);
    this.#sizes = paths.map(sizeOf);
  }

  get progress(): number | undefined {
    const total = this.#sizes.reduce((sum, size) => sum + size, 0);
    if (total === 0) return undefined;
    const rounds = this.#options.loop ?? 1;
    return Math.min(
      1,
      (this.#round + (this.#bytesBefore + this.#reader.summary.bytesRead) / total) / rounds,
    );
  }

  step(onFrames: FrameHandler): boolean {
    this.#onFrames = onFrames;
    if (this.#reader.readChunk()) return true;
    this.#bytesBefore += this.#reader.summary.bytesRead;
    return this.#next();
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    for (const filter of this.#filters.values()) filter.close();
    this.#filters.clear();
  }

  /** Go on with the next file, or the next round. */
  #next(): boolean {
    this.#file++;
    if (this.#file === this.#paths.length) {
      this.#round++;
      if (this.#round >= (this.#options.loop ?? 1)) return false;
      this.#file = 0;
      this.#bytesBefore = 0;
      if (this.#last >= this.#first) this.#shift += this.#last - this.#first + SECOND;
    }
    try {
      this.#reader = this.#open(this.#file);
      return true;
    } catch (error) {
      this.failure = error as Error;
      return false;
    }
  }

  #open(file: number): CaptureReader {
    const { onWarning } = this.#options;
    return CaptureReader.open(this.#paths[file]!, (frames) => this.#take(frames), {
      ...(onWarning === undefined ? {} : { onWarning: ({ message }) => onWarning(message) }),
    });
  }

  #take(frames: FrameBatch): void {
    if (this.#options.filter !== undefined) keepMatching(frames, this.#filterFor(frames.linkType));
    if ((this.#options.loop ?? 1) > 1) this.#shiftTimes(frames);
    if (frames.count > 0) this.#onFrames(frames);
  }

  #shiftTimes(frames: FrameBatch): void {
    for (let i = 0; i < frames.count; i++) {
      const time = frames.time[i]!;
      if (time < this.#first) this.#first = time;
      if (time > this.#last) this.#last = time;
      frames.time[i] = time + this.#shift;
    }
  }

  #filterFor(linkType: number): BpfProgram {
    let program = this.#filters.get(linkType);
    if (program) return program;
    const { filter = "" } = this.#options;
    try {
      program = compileFilter(filter, linkType);
    } catch (error) {
      if (!(error instanceof PcapError)) throw error;
      throw usageError(`--filter: "${filter}": ${error.message}`);
    }
    this.#filters.set(linkType, program);
    return program;
  }
}

/** Leave only the frames that a filter accepts in a batch. */
function keepMatching(frames: FrameBatch, filter: BpfProgram): void {
  const { bytes, start, captured, length, time } = frames;
  let kept = 0;
  for (let i = 0; i < frames.count; i++) {
    if (!filter.matches(bytes, start[i]!, captured[i]!, length[i]!)) continue;
    start[kept] = start[i]!;
    captured[kept] = captured[i]!;
    length[kept] = length[i]!;
    time[kept] = time[i]!;
    kept++;
  }
  frames.count = kept;
}

function sizeOf(path: string): number {
  if (path === "-") return 0;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  return size ?? 0;
}
