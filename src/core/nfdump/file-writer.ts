// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { COMPRESSIONS, type Compression, pack, packedBound, unpack } from "./compression.ts";
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEAD_BYTES,
  BLOCK_IS_PLAIN,
  BLOCK_TYPE,
  HEAD,
  HEAD_BYTES,
  MAGIC,
  RECORD,
  RECORD_HEAD_BYTES,
} from "./format.ts";
import { FlowStatistics, STATISTICS_BYTES } from "./statistics.ts";

/** Bytes of records that make a block. */
const BLOCK_BYTES = 1 << 20;
/** What nfdump shows as the version that wrote the file. */
const NFDUMP_VERSION = 0x01_07_01_00;
const LAYOUT = 2;
/** The appendix: who wrote it, and the statistics. */
const APPENDIX_RECORDS = 2;

export interface FileWriterOptions {
  readonly compression: Compression;
  /** Go on behind what is there, packed as it is, where the file exists. */
  readonly isAppending: boolean;
  /** Name of the source, which nfdump shows. */
  readonly ident: string;
  /** When the file is written, microseconds since 1970. */
  readonly now: number;
}

/**
 * Writes a file of layout 2. Until it is closed its head says that there is no appendix, as in files that nfcapd has not finished: its blocks can be
 * read all the same by {@link NfdumpFile}.
 */
export class NfdumpWriter {
  readonly name: string;
  readonly compression: Compression;
  readonly #fd: number;
  readonly #ident: string;
  readonly #now: number;
  readonly #statistics = new FlowStatistics();
  readonly #block = new Uint8Array(new ArrayBuffer(BLOCK_BYTES));
  readonly #packed = new Uint8Array(new ArrayBuffer(packedBound(BLOCK_BYTES) + BLOCK_HEAD_BYTES));
  readonly #packedView = new DataView(this.#packed.buffer);
  #length = 0;
  #records = 0;
  #blocks = 0;
  /** Where the next block goes. */
  #at: number = HEAD_BYTES[LAYOUT];

  /** @throws {NemeanError} ERR_OUTPUT when the file cannot be written, or what is there cannot be gone on with */
  constructor(name: string, { compression, isAppending, ident, now }: FileWriterOptions) {
    this.name = name;
    this.#ident = ident;
    this.#now = now;
    this.#fd = this.#attempt(() => openSync(name, isAppending ? "a+" : "w+"));
    closeSync(this.#fd);
    // "a+" makes the file where there is none, but then all that is written goes to its end, the head too.
    this.#fd = this.#attempt(() => openSync(name, "r+"));
    try {
      const isEmpty = fstatSync(this.#fd).size === 0;
      this.compression = isEmpty ? compression : this.#goOn();
      this.#writeHead(0);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Add a record: the first `size` bytes; its flow goes into the statistics. */
  add(record: Uint8Array, size: number, flow: Parameters<FlowStatistics["add"]>[0]): void {
    if (this.#length + size > BLOCK_BYTES) this.flush();
    this.#block.set(record.subarray(0, size), this.#length);
    this.#length += size;
    this.#records++;
    this.#statistics.add(flow);
  }

  /**
   * Write what has been gathered as a block.
   * @throws {NemeanError} ERR_OUTPUT, ERR_LIBRARY
   */
  flush(): void {
    if (this.#records === 0) return;
    this.#at += this.#writeBlock(this.#block.subarray(0, this.#length), this.#records);
    this.#blocks++;
    this.#length = 0;
    this.#records = 0;
  }

  /** @throws {NemeanError} ERR_OUTPUT, ERR_LIBRARY */
  close(): void {
    try {
      this.flush();
      this.#writeBlock(this.#appendix(), APPENDIX_RECORDS);
      this.#writeHead(this.#at);
    } finally {
      closeSync(this.#fd);
    }
  }

  #writeHead(appendix: number): void {
    const bytes = new Uint8Array(HEAD_BYTES[LAYOUT]);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, MAGIC, true);
    view.setUint16(HEAD.layout, LAYOUT, true);
    view.setUint32(HEAD.version, NFDUMP_VERSION, true);
    view.setBigUint64(HEAD.created, BigInt(Math.floor(this.#now / 1e6)), true);
    view.setUint8(HEAD.compression, COMPRESSIONS.indexOf(this.compression));
    view.setUint16(HEAD.appendixBlocks, appendix > 0 ? 1 : 0, true);
    view.setBigUint64(HEAD.appendix, BigInt(appendix), true);
    view.setUint32(HEAD.blocks, this.#blocks, true);
    this.#write(bytes, 0);
  }

  /** Write a block at the end; returns its bytes. */
  #writeBlock(records: Uint8Array, count: number): number {
    const view = this.#packedView;
    const size = pack(this.compression, records, this.#packed.subarray(BLOCK_HEAD_BYTES));
    view.setUint32(0, count, true);
    view.setUint32(4, size, true);
    view.setUint16(8, BLOCK_TYPE[LAYOUT], true);
    view.setUint16(10, 0, true);
    this.#write(this.#packed.subarray(0, BLOCK_HEAD_BYTES + size), this.#at);
    return BLOCK_HEAD_BYTES + size;
  }

  #appendix(): Uint8Array {
    const ident = Buffer.from(`${this.#ident}\0`);
    const identBytes = RECORD_HEAD_BYTES + ident.length;
    const bytes = new Uint8Array(
      new ArrayBuffer(identBytes + RECORD_HEAD_BYTES + STATISTICS_BYTES),
    );
    const view = new DataView(bytes.buffer);
    view.setUint16(0, RECORD.ident, true);
    view.setUint16(2, identBytes, true);
    bytes.set(ident, RECORD_HEAD_BYTES);
    view.setUint16(identBytes, RECORD.statistics, true);
    view.setUint16(identBytes + 2, RECORD_HEAD_BYTES + STATISTICS_BYTES, true);
    this.#statistics.write(view, identBytes + RECORD_HEAD_BYTES);
    return bytes;
  }

  /** Take over what the file says of itself, and cut its appendix off; returns how it is packed. */
  #goOn(): Compression {
    const head = new DataView(new ArrayBuffer(HEAD_BYTES[LAYOUT]));
    const length = this.#read(head, 0);
    const isOurs =
      length === HEAD_BYTES[LAYOUT] &&
      head.getUint16(0, true) === MAGIC &&
      head.getUint16(HEAD.layout, true) === LAYOUT;
    const compression = COMPRESSIONS[head.getUint8(HEAD.compression)];
    const appendix = Number(head.getBigUint64(HEAD.appendix, true));
    if (!isOurs || !compression || head.getUint8(HEAD.encryption) !== 0)
      throw this.#wrong(
        "is no plain file of nfdump's layout 2: give another name, or leave -a out",
      );
    if (appendix < HEAD_BYTES[LAYOUT])
      throw this.#wrong("was not finished: give another name, or let nfdump rewrite it first");
    this.#learn(appendix, compression);
    this.#blocks = head.getUint32(HEAD.blocks, true);
    this.#at = appendix;
    this.#attempt(() => ftruncateSync(this.#fd, appendix));
    return compression;
  }

  /** Go on with the statistics in the appendix. */
  #learn(at: number, compression: Compression): void {
    const head = new DataView(new ArrayBuffer(BLOCK_HEAD_BYTES));
    const isThere = this.#read(head, at) === BLOCK_HEAD_BYTES;
    const size = head.getUint32(4, true);
    if (!isThere || size > BLOCK_BYTES_MAX)
      throw this.#wrong(
        "has a damaged appendix: give another name, or let nfdump rewrite it first",
      );
    const own = new DataView(new ArrayBuffer(size));
    this.#read(own, at + BLOCK_HEAD_BYTES);
    const plain = new Uint8Array(new ArrayBuffer(BLOCK_BYTES));
    const isPlain = (head.getUint16(10, true) & BLOCK_IS_PLAIN) !== 0;
    const length = unpack(isPlain ? "none" : compression, new Uint8Array(own.buffer), plain);
    const view = new DataView(plain.buffer, 0, Math.max(0, length));
    for (let next = 0; next + RECORD_HEAD_BYTES <= view.byteLength; ) {
      const bytes = view.getUint16(next + 2, true);
      if (bytes < RECORD_HEAD_BYTES || bytes > view.byteLength - next) break;
      const isStatistics = view.getUint16(next, true) === RECORD.statistics;
      if (isStatistics && bytes >= RECORD_HEAD_BYTES + STATISTICS_BYTES)
        this.#statistics.read(view, next + RECORD_HEAD_BYTES);
      next += bytes;
    }
  }

  #read(into: DataView, at: number): number {
    return this.#attempt(() => readSync(this.#fd, into, 0, into.byteLength, at));
  }

  #write(bytes: Uint8Array, at: number): void {
    this.#attempt(() => {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
    });
  }

  #attempt<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const why = `cannot write ${this.name}: ${messageOf(error)}`;
      throw new NemeanError("ERR_OUTPUT", EXIT.cannotCreate, why, error);
    }
  }

  #wrong(what: string): NemeanError {
    return new NemeanError("ERR_OUTPUT", EXIT.cannotCreate, `${this.name} ${what}`);
  }
}
