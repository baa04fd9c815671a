// SPDX-License-Identifier: BSD-3-Clause

const FIRST_SIZE = 1 << 16;

/** Records one behind another, as in a batch, in memory that grows by doubling. */
export class RecordBuffer {
  bytes = new Uint8Array(new ArrayBuffer(FIRST_SIZE));
  view = new DataView(this.bytes.buffer);
  /** Bytes in use. */
  length = 0;

  /** Append `bytes[from .. to)`. */
  append(bytes: Uint8Array, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.bytes.length) this.#grow(length);
    this.bytes.set(bytes.subarray(from, to), this.length);
    this.length = length;
  }

  /** Take away the first `size` bytes. */
  shift(size: number): void {
    this.bytes.copyWithin(0, size, this.length);
    this.length -= size;
  }

  #grow(least: number): void {
    const grown = new Uint8Array(new ArrayBuffer(2 ** Math.ceil(Math.log2(least))));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
