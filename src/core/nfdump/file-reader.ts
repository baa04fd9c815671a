// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { COMPRESSIONS, type Compression, unpack } from "./compression.ts";
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEAD_BYTES,
  BLOCK_IS_PLAIN,
  BLOCK_TYPE,
  COMPRESSION_FLAGS,
  FLAGS_AT,
  HEAD,
  HEAD_BYTES,
  MAGIC,
  MAGIC_SWAPPED,
} from "./format.ts";

type Layout = 1 | 2;

/** Memory for blocks, taken once for all files that are read with it. */
export class BlockBuffers {
  readonly packed = new Uint8Array(new ArrayBuffer(BLOCK_BYTES_MAX));
  readonly plain = new Uint8Array(new ArrayBuffer(BLOCK_BYTES_MAX));
}

/**
 * A file of nfdump's, block by block: layout 1 of nfdump 1.6 and layout 2 of nfdump 1.7.
 *
 * Opening throws; after that what is damaged is counted, and a file that is cut is read as far as it is whole. The number of blocks that the head
 * claims is not believed: files that were not closed have none.
 */
export class NfdumpFile implements Disposable {
  readonly name: string;
  readonly layout: Layout;
  readonly compression: Compression;
  /** The block that {@link next} stepped to lies in the first `length` bytes of `view`. */
  view: DataView;
  length = 0;
  /** Blocks that could not be unpacked. */
  damaged = 0;
  /** Blocks of a type that holds no flows, or of another version. */
  foreign = 0;
  readonly #fd: number;
  readonly #buffers: BlockBuffers;
  readonly #warn: (message: string) => void;
  readonly #head = new Uint8Array(new ArrayBuffer(BLOCK_HEAD_BYTES));
  readonly #headView = new DataView(this.#head.buffer);
  readonly #plainView: DataView;
  readonly #packedView: DataView;
  /** Where the next block begins, and where the last one ends. */
  #at: number;
  readonly #end: number;

  /**
   * @param warn is told once of what ends a file early
   * @throws {NemeanError} ERR_INPUT when it cannot be read or is no file of nfdump's
   */
  constructor(name: string, buffers: BlockBuffers, warn: (message: string) => void) {
    this.name = name;
    this.#buffers = buffers;
    this.#plainView = new DataView(buffers.plain.buffer);
    this.#packedView = new DataView(buffers.packed.buffer);
    this.view = this.#packedView;
    this.#warn = warn;
    this.#fd = attempt(name, () => openSync(name, "r"));
    try {
      const head = this.#readHead();
      this.layout = head.layout;
      this.compression = head.compression;
      this.#at = HEAD_BYTES[head.layout];
      this.#end = head.end;
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  #readHead(): { layout: Layout; compression: Compression; end: number } {
    const { size } = attempt(this.name, () => fstatSync(this.#fd));
    const view = this.#packedView;
    const length = this.#read(this.#buffers.packed.subarray(0, HEAD_BYTES[1]), 0);
    const magic = length < 4 ? 0 : view.getUint16(0, true);
    if (magic === MAGIC_SWAPPED)
      throw this.#wrong("was written by a big-endian machine: convert it there");
    if (magic !== MAGIC)
      throw this.#wrong(
        "is no file of nfdump's: expected one that nfcapd, nfpcapd or `nfdump -w` wrote",
      );
    const layout = view.getUint16(HEAD.layout, true);
    if (layout !== 1 && layout !== 2)
      throw this.#wrong(
        `has layout ${layout}, and 1 and 2 are read: rewrite it by nfdump 1.7, \`nfdump -r OLD -w NEW\``,
      );
    if (length < HEAD_BYTES[layout]) throw this.#wrong("ends within its head");
    if (layout === 1) {
      const flags = view.getUint32(FLAGS_AT, true);
      const packed = COMPRESSION_FLAGS.find(([flag]) => (flags & flag) !== 0);
      return { layout, compression: packed?.[1] ?? "none", end: size };
    }
    const number = view.getUint8(HEAD.compression);
    const compression = COMPRESSIONS[number];
    if (!compression)
      throw this.#wrong(
        `is packed in a way that is not known (${number}): \`nfdump -J 0 -r FILE\``,
      );
    if (view.getUint8(HEAD.encryption) !== 0)
      throw this.#wrong("is encrypted: have nfdump write it plain");
    const appendix = Number(view.getBigUint64(HEAD.appendix, true));
    const isThere = appendix >= HEAD_BYTES[2] && appendix <= size;
    if (!isThere && appendix !== 0)
      this.#warn(`${this.name}: ends before its appendix; reading what is there`);
    return { layout, compression, end: isThere ? appendix : size };
  }

  /**
   * Step to the next block that has records; false at the end.
   * @throws {NemeanError} ERR_INPUT when the file cannot be read, ERR_LIBRARY when libbz2 is missing
   */
  next(): boolean {
    for (;;) {
      const block = this.#nextHead();
      if (!block) return false;
      const { size, type, isPlain, at } = block;
      if (type !== BLOCK_TYPE[this.layout]) {
        this.foreign++;
        continue;
      }
      const bytes = this.#buffers.packed.subarray(0, size);
      if (this.#read(bytes, at) < size) return this.#stop(at, "ends within a block");
      if (isPlain || this.compression === "none") {
        this.view = this.#packedView;
        this.length = size;
        return true;
      }
      this.view = this.#plainView;
      this.length = unpack(this.compression, bytes, this.#buffers.plain);
      if (this.length >= 0) return true;
      this.damaged++;
    }
  }

  #nextHead(): { size: number; type: number; isPlain: boolean; at: number } | undefined {
    const at = this.#at;
    if (at >= this.#end) return undefined;
    if (at + BLOCK_HEAD_BYTES > this.#end || this.#read(this.#head, at) < BLOCK_HEAD_BYTES) {
      this.#stop(at, "ends within the head of a block");
      return undefined;
    }
    const view = this.#headView;
    const size = view.getUint32(4, true);
    if (size > BLOCK_BYTES_MAX) {
      this.#stop(at, `claims a block of ${size} bytes, the most is ${BLOCK_BYTES_MAX}`);
      return undefined;
    }
    if (at + BLOCK_HEAD_BYTES + size > this.#end) {
      this.#stop(at, "ends within a block");
      return undefined;
    }
    this.#at = at + BLOCK_HEAD_BYTES + size;
    const flags = view.getUint16(10, true);
    const isPlain = this.layout === 1 ? flags === BLOCK_IS_PLAIN : (flags & BLOCK_IS_PLAIN) !== 0;
    return { size, type: view.getUint16(8, true), isPlain, at: at + BLOCK_HEAD_BYTES };
  }

  #stop(at: number, why: string): false {
    this.#at = this.#end;
    this.#warn(`${this.name}: ${why}, at byte ${at}; what is behind is not read`);
    return false;
  }

  #read(into: Uint8Array, at: number): number {
    return attempt(this.name, () => {
      let length = 0;
      while (length < into.length) {
        const more = readSync(this.#fd, into, length, into.length - length, at + length);
        if (more === 0) break;
        length += more;
      }
      return length;
    });
  }

  #wrong(what: string): NemeanError {
    return new NemeanError("ERR_INPUT", EXIT.data, `${this.name} ${what}`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function attempt<T>(name: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new NemeanError(
      "ERR_INPUT",
      EXIT.noInput,
      `cannot read ${name}: ${messageOf(error)}`,
      error,
    );
  }
}
