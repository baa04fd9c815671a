// SPDX-License-Identifier: BSD-3-Clause

/**
 * A block of LZ4 or LZO on its way out: literals, and matches with what has been unpacked before. A step that would leave one of the arrays sets
 * {@link failed} and does nothing.
 */
export class Unpacking {
  failed = false;
  /** Bytes unpacked. */
  to = 0;
  readonly #packed: Uint8Array;
  readonly #into: Uint8Array;
  #at = 0;

  constructor(packed: Uint8Array, into: Uint8Array) {
    this.#packed = packed;
    this.#into = into;
  }

  /** Packed bytes that have not been read. */
  get left(): number {
    return this.#packed.length - this.#at;
  }

  /** The next byte, which stays; 0 at the end. */
  get peek(): number {
    return this.#packed[this.#at] ?? 0;
  }

  byte(): number {
    if (this.left < 1) this.failed = true;
    return this.failed ? 0 : this.#packed[this.#at++]!;
  }

  /** Two bytes, the lower one first. */
  pair(): number {
    const low = this.byte();
    return low | (this.byte() << 8);
  }

  literals(count: number): void {
    if (count > this.left || count > this.#into.length - this.to) this.failed = true;
    if (this.failed) return;
    this.#into.set(this.#packed.subarray(this.#at, this.#at + count), this.to);
    this.#at += count;
    this.to += count;
  }

  match(distance: number, count: number): void {
    const into = this.#into;
    if (distance < 1 || distance > this.to || count > into.length - this.to) this.failed = true;
    if (this.failed) return;
    // Byte by byte: a match may lie over its own copy.
    const end = this.to + count;
    for (let to = this.to; to < end; to++) into[to] = into[to - distance]!;
    this.to = end;
  }
}
