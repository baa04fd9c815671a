// SPDX-License-Identifier: BSD-3-Clause

/** Bytes of the longest payload of one frame. */
export const SEGMENT_SIZE_MAX = 1460;

/** A payload that is written once and then copied into frames: its place, and the sums of its beginnings. */
export interface Block {
  /** Offset of its first byte in the writer's buffer. */
  readonly offset: number;
  readonly size: number;
  /** Element n is the sum of the first n 16-bit words; the checksum of a copy needs no second walk. */
  readonly sums: Uint32Array;
  /** It begins with a TLS record header, whose length is set to that of the copy (6 bytes or more). */
  readonly tlsRecord: boolean;
}

/** The part of the writer's buffer that holds the payloads of all sessions. */
export class PayloadArena {
  readonly #bytes: Uint8Array;
  #end: number;

  /** Blocks are placed from `first` to the end of `bytes`. */
  constructor(bytes: Uint8Array, first: number) {
    this.#bytes = bytes;
    this.#end = first;
  }

  add(content: Uint8Array | readonly number[], tlsRecord = false): Block {
    const offset = this.#end;
    const size = content.length;
    if (offset + size > this.#bytes.length)
      throw new Error("traffic: the payload arena is too small");
    this.#bytes.set(content, offset);
    this.#end += size;
    const sums = new Uint32Array((size >> 1) + 1);
    for (let word = 0; word < size >> 1; word++) {
      sums[word + 1] = sums[word]! + ((content[2 * word]! << 8) | content[2 * word + 1]!);
    }
    return { offset, size, sums, tlsRecord };
  }

  addText(text: string): Block {
    return this.add(new TextEncoder().encode(text));
  }
}
