// SPDX-License-Identifier: BSD-3-Clause
import { POOL_SHIFT } from "./touch.ts";

const ROWS_FIRST = 1 << 12;

/** Addresses of IPv6 flows, too long for a record: a row of 8 words a flow, the lower side first. Grows, and never shrinks. */
export class AddressPool {
  words = new Int32Array(new ArrayBuffer(ROWS_FIRST * 32));
  /** Rows never used begin here; those that were used and left are linked through their first word. */
  #fresh = 0;
  #free = -1;

  /** Take a row for the addresses of the packet whose IP header is at `ip`; the first is its source where `direction` is 0. */
  put(view: DataView, ip: number, direction: number): number {
    let at = this.#free;
    if (at >= 0) this.#free = this.words[at << POOL_SHIFT]!;
    else {
      at = this.#fresh++;
      if ((at + 1) << POOL_SHIFT > this.words.length) this.#grow();
    }
    const { words } = this;
    const z = at << POOL_SHIFT;
    const first = direction === 0 ? ip + 8 : ip + 24;
    const second = direction === 0 ? ip + 24 : ip + 8;
    for (let word = 0; word < 4; word++) {
      words[z + word] = view.getInt32(first + word * 4, true);
      words[z + 4 + word] = view.getInt32(second + word * 4, true);
    }
    return at;
  }

  /** Take a row back. */
  take(at: number): void {
    this.words[at << POOL_SHIFT] = this.#free;
    this.#free = at;
  }

  clear(): void {
    this.#fresh = 0;
    this.#free = -1;
  }

  #grow(): void {
    const words = new Int32Array(new ArrayBuffer(this.words.byteLength * 2));
    words.set(this.words);
    this.words = words;
  }
}
