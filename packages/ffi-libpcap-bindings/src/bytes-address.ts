// SPDX-License-Identifier: BSD-3-Clause
import { type Pointer, ptr } from "bun:ffi";

const EMPTY = new Uint8Array(new ArrayBuffer(8));

/**
 * Remembers where the byte array of the last call lies, so that a loop over one buffer asks once.
 *
 * The address stays right as long as the array is held here: asking for `.buffer` gives a small
 * array a buffer that no longer moves (Bun moves arrays of less than about 1 KB that have none).
 * An array whose buffer was transferred away has length 0, so the caller's bounds check, made on
 * every call, rejects it before the stale address is used.
 */
export class BytesAddress {
  #bytes: Uint8Array = EMPTY;
  #address: Pointer = ptr(EMPTY);

  of(bytes: Uint8Array): Pointer {
    if (bytes !== this.#bytes) this.#remember(bytes);
    return this.#address;
  }

  #remember(bytes: Uint8Array): void {
    // An empty array has no address; nothing is ever read or written there.
    this.#bytes = bytes.length === 0 ? EMPTY : bytes;
    this.#address = (ptr(this.#bytes.buffer) + this.#bytes.byteOffset) as Pointer;
  }
}
