// SPDX-License-Identifier: BSD-3-Clause

/** A stretch of text as bytes. Scanners read a value at `at` and leave `at` behind it. */
export class Span {
  bytes = new Uint8Array(0);
  /** The same bytes, for words of them. */
  view = new DataView(this.bytes.buffer);
  at = 0;
  end = 0;

  over(bytes: Uint8Array, at: number, end: number): this {
    if (bytes !== this.bytes) {
      this.bytes = bytes as Uint8Array<ArrayBuffer>;
      this.view = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
    }
    this.at = at;
    this.end = end;
    return this;
  }
}
