// SPDX-License-Identifier: BSD-3-Clause
/**
 * Records of TLS, which carry handshake messages: several in one record, or one in several (RFC 8446 section 5.1).
 *
 * ```text
 *   type 1 │ version 2 │ length n 2 │ n bytes
 * ```
 * @module
 */

export const RECORD_HEADER = 5;
/** Bytes of a record at most (RFC 5246 section 6.2.3). */
export const RECORD_MAX = (1 << 14) + 2048;
const HANDSHAKE = 22;
const MAJOR = 3;

/** Whether the two bytes at an offset may begin a record of the handshake. */
export const isHandshake = (view: DataView, at: number): boolean =>
  view.getUint8(at) === HANDSHAKE && view.getUint8(at + 1) === MAJOR;

export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where in a source the records of a message lie. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

/** Walks over the records of one message as they come, and puts together what they carry. */
export class RecordChain {
  /** Bytes that the whole records so far carry. */
  carried = 0;
  /** Whether a record breaks the rules, or is no part of the handshake. */
  isBroken = false;
  /** Offset of the next record, from the first one. */
  #next = 0;

  reset(): void {
    this.carried = 0;
    this.isBroken = false;
    this.#next = 0;
  }

  /** Walk on until so many bytes are carried. Returns whether they are. */
  reaches(size: number, { view }: Source, { at, end }: Span): boolean {
    while (this.carried < size) {
      const record = at + this.#next;
      if (record + RECORD_HEADER > end) return false;
      const length = view.getUint16(record + 3);
      // Nothing may come between the parts of a message, which are not empty.
      this.isBroken = !isHandshake(view, record) || length === 0 || length > RECORD_MAX;
      if (this.isBroken || record + RECORD_HEADER + length > end) return false;
      this.carried += length;
      this.#next += RECORD_HEADER + length;
    }
    return true;
  }

  /** The first bytes of what is carried: no more than {@link carried}. */
  static join(size: number, { bytes, view }: Source, from: number): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(new ArrayBuffer(size));
    let at = from;
    for (let filled = 0; filled < size; ) {
      const length = view.getUint16(at + 3);
      const part = Math.min(length, size - filled);
      joined.set(bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + part), filled);
      filled += part;
      at += RECORD_HEADER + length;
    }
    return joined;
  }
}
