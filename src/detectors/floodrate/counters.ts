// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Microseconds of a window. */
export const WINDOW = 4 * SECOND;
/** Windows that a record may be late: beyond that, the sender's clock was set back. */
export const LATE = 15;
const AT = { window: 0, packets: 1, warm: 2 } as const;
const STRIDE = 4;
/** Windows for which who was a suspect is one, the first of them included. */
const WARM = 2;

/**
 * Packets of a window to everybody, of each kind: in few counters, which several share. So one may tell of too many, never of too few. Whoever
 * may be a victim is then looked at by itself.
 */
export class Counters {
  readonly #cells: Float64Array;
  readonly #mask: number;

  /** @param rows rounded up to a power of two */
  constructor(rows: number, state: StateStore) {
    const count = 2 ** Math.ceil(Math.log2(rows));
    this.#cells = state.column("counters", "float64", count * STRIDE);
    this.#mask = count - 1;
  }

  /** Count packets to whom this hash stands for; returns whether there are, or were in the last window, so many as `limit`. */
  add(hash: number, window: number, packets: number, limit: number): boolean {
    const cells = this.#cells;
    const at = (hash & this.#mask) * STRIDE;
    const later = window - cells[at]!;
    if (later > 0 || later <= -LATE) {
      cells[at] = window;
      cells[at + AT.packets] = 0;
      cells[at + AT.warm] = later === 1 ? Math.max(0, cells[at + AT.warm]! - 1) : 0;
    }
    cells[at + AT.packets]! += packets;
    if (cells[at + AT.packets]! >= limit) cells[at + AT.warm] = WARM;
    return cells[at + AT.warm] !== 0;
  }
}
