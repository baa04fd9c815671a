// SPDX-License-Identifier: BSD-3-Clause
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";

/** Packed bytes given to the decompressor at once; what an error among them costs is lost. */
const STEP_SIZE = 4096;
const INPUT_SIZE = 1 << 16;
const PROBE_SIZE = 8;
/** What zstd says of bytes that begin no frame. */
const NO_FRAME = "ZSTD_error_prefix_unknown";

/**
 * The synchronous handle under node:zlib's streams. The streams themselves hand out promises and
 * chunks of their own, and lose what they hold when the input turns out damaged; the handle fills
 * the reader's buffer in place, however much a packed byte unfolds to. It is what minizlib, and so
 * npm, has unpacked archives with for years; unpack.test.ts watches it.
 */
interface ZlibHandle {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputSize: number,
    output: Uint8Array,
    outputAt: number,
    outputSize: number,
  ): void;
  close(): void;
}

interface ZlibStream {
  readonly _handle: ZlibHandle;
  /** After a write that succeeded: the room left in the output, and the bytes left of the input. */
  readonly _writeState: Uint32Array;
}

export type Packing = "gzip" | "zstd";

/** The packing that starts with the four bytes at the beginning of `view`. */
export function packingOf(view: DataView): Packing | undefined {
  const magic = view.getUint32(0);
  if (magic >>> 16 === 0x1f8b) return "gzip";
  // RFC 8878 3.1: a frame, or a skippable frame of any of its sixteen kinds.
  if (magic === 0x28b52ffd || (magic & 0xf0ffffff) >>> 0 === 0x502a4d18) return "zstd";
  return undefined;
}

/** Unpacks another source, over any number of gzip members or zstd frames, in bounded memory. */
export class UnpackedSource implements ByteSource {
  damage = "";
  private readonly source: ByteSource;
  private readonly packing: Packing;
  private readonly stream: ZlibStream;
  private readonly input = new Uint8Array(new ArrayBuffer(INPUT_SIZE));
  private from = 0;
  private to: number;
  private output: Uint8Array = this.input;
  private outputAt = 0;
  private outputEnd = 0;
  private drained = false;
  private closed = false;
  private error = "";

  /** Unpacks what `begin` holds, and then what `source` gives. */
  constructor(source: ByteSource, packing: Packing, begin: Uint8Array) {
    this.source = source;
    this.packing = packing;
    if (begin.length > INPUT_SIZE) this.input = new Uint8Array(new ArrayBuffer(begin.length));
    this.input.set(begin);
    this.to = begin.length;
    const stream: unknown = packing === "gzip" ? createGunzip() : createZstdDecompress();
    this.stream = stream as ZlibStream;
    this.stream._handle.onerror = (message, _errno, code) => {
      this.error = code === NO_FRAME ? NO_FRAME : message;
    };
  }

  get bytesRead(): number {
    return this.source.bytesRead;
  }

  read(target: Uint8Array, offset: number, size: number): number {
    this.output = target;
    this.outputAt = offset;
    this.outputEnd = offset + size;
    while (this.outputAt < this.outputEnd && !this.drained) {
      if (this.from === this.to) {
        // A pipe may give no more for long, and what came out of it is wanted now.
        if (this.outputAt > offset) break;
        this.to = this.source.read(this.input, 0, this.input.length);
        this.from = 0;
      }
      this.step();
    }
    return this.outputAt - offset;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.drained = true;
    this.stream._handle.close();
    this.source.close();
  }

  /** Unpack some of the input, or at its end what is still held back, into the room there is. */
  private step(): void {
    const { from, outputAt } = this;
    const given = Math.min(STEP_SIZE, this.to - from);
    this.write(constants.Z_NO_FLUSH, given);
    if (this.error !== "") this.end(this.error);
    else if (this.outputAt === outputAt && this.from === from) {
      // Nothing moves: the input has ended, or zeros pad the last gzip member, as tapes have it.
      const expected = given > 0 || this.source.damage !== "" || this.isWhole();
      this.end(expected ? this.source.damage : "the packed data is truncated");
    }
  }

  /** Does the packed stream end where the input does? Asked once, when nothing is held back. */
  private isWhole(): boolean {
    if (this.packing === "gzip") {
      this.write(constants.Z_FINISH, 0);
      return this.error === "";
    }
    // Zstandard has no such question; but only behind a whole frame are bytes refused as no frame.
    this.input.fill(0, 0, PROBE_SIZE);
    this.from = 0;
    this.write(constants.ZSTD_e_continue, PROBE_SIZE);
    return this.error === NO_FRAME;
  }

  private end(damage: string): void {
    this.drained = true;
    if (damage !== "") this.damage = `${this.packing}: ${damage}`;
  }

  /** Let the decompressor take `given` bytes. After an error it does not tell what it has put out. */
  private write(flush: number, given: number): void {
    const { _handle: handle, _writeState: state } = this.stream;
    const { input, from, output, outputAt } = this;
    const room = this.outputEnd - outputAt;
    handle.writeSync(flush, input, from, given, output, outputAt, room);
    if (this.error !== "") return;
    this.outputAt += room - state[0]!;
    this.from += given - state[1]!;
  }
}
