// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "./errors.ts";

/** Bytes kept free in front of a batch's records for TRAP's container header (trap.md section 4). */
export const HEADROOM = 14;
/** Most bytes of records in a batch: with the header it is TRAP's container of 100,000 bytes. */
export const PAYLOAD_MAX = 99_986;
/** Most bytes of one record (unirec.md section 1). */
export const RECORD_MAX = 65_534;

/** ERR_RECORD_SIZE for a record of `size` bytes. */
export const recordTooLong = (size: number): NemeanError =>
  new NemeanError(
    "ERR_RECORD_SIZE",
    EXIT.data,
    `a record of ${size} bytes, the most is ${RECORD_MAX}: shorten its strings, bytes or arrays`,
  );

/**
 * Records on their way: each a big-endian uint16 length and a UniRec record, behind 14 bytes of headroom.
 *
 * ```text
 *   0         14                                            14 + length
 *   | headroom | len | record | len | record | …             |
 * ```
 *
 * The same bytes go to modules in the process, to Workers, sockets and files. Read-only for its readers
 * and valid until the handler returns: who keeps a byte copies it.
 */
export class Batch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offset of the first record's length. */
  start = HEADROOM;
  /** Bytes of records. */
  length = 0;
  /** Records. */
  count = 0;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(HEADROOM + PAYLOAD_MAX)) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
  }

  /** Whether a record of `size` bytes still fits. */
  fits(size: number): boolean {
    return this.length + 2 + size <= PAYLOAD_MAX;
  }

  /** Take room for a record of `size` bytes, which must fit; returns the offset of its first byte. */
  push(size: number): number {
    const at = this.start + this.length;
    this.view.setUint16(at, size);
    this.length += 2 + size;
    this.count++;
    return at + 2;
  }
}
