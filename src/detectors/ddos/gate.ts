// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { WINDOW, windowOf } from "./traffic.ts";

/** Of counters, 1 MB of them: with 100,000 hosts at work every other shares its own, which lets in more than it has to. */
const SLOT_BITS = 17;
const BYTES_MAX = 2 ** 31 - 1;

/**
 * Keeps the many hosts that receive little out of the table: a host has to receive some bytes in a window of 10 s before
 * its flows are looked at. One read of two words; hosts that share a counter are let in together.
 */
export class Gate {
  /** By hash of the host: number of the window, and bytes in it. */
  readonly #slots: Int32Array;
  readonly #least: number;
  /** Of the last flow that was let in: bytes of the host in this window that were kept out before it. */
  credit = 0;

  /** @param least bytes of a window */
  constructor(least: number, state: StateStore) {
    this.#slots = state.column("gate", "int32", 2 ** SLOT_BITS * 2);
    this.#least = least;
  }

  /** Whether a flow of a host is to be looked at. */
  admits({ w0, w1, w2, w3 }: Ip, first: number, last: number, bytes: number): boolean {
    const slots = this.#slots;
    const hash = Math.imul(w0 ^ Math.imul(w1 ^ w3, 0x85ebca6b) ^ w2, 0x9e3779b1);
    const at = (hash >>> (32 - SLOT_BITS)) * 2;
    const window = windowOf(last);
    if (slots[at]! < window) {
      slots[at] = window;
      slots[at + 1] = 0;
    }
    const before = slots[at + 1]!;
    this.credit = before < this.#least ? before : 0;
    const lasted = last - first;
    const sum = before + (lasted <= WINDOW ? bytes : (bytes / lasted) * WINDOW);
    slots[at + 1] = Math.min(sum, BYTES_MAX);
    return sum >= this.#least;
  }
}
