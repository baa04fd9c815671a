// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

/** Windows that a record may be late: beyond that, the sender's clock was set back. */
export const LATE = 12;
const AT = { window: 0, answers: 1, group: 2 } as const;
const STRIDE = 4;

/**
 * Unasked answers of a window, of everybody who may be a victim: in few numbers, which several share. So a counter may tell of too many answers,
 * never of too few, and what it costs does not depend on how many victims there are. Whoever has too many is then looked at by itself.
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

  /** Count answers to whom this hash stands for; returns how many there are. */
  add(hash: number, window: number, packets: number): number {
    const at = (hash & this.#mask) * STRIDE;
    const cells = this.#cells;
    this.#turn(at, window);
    cells[at + AT.answers]! += packets;
    return cells[at + AT.answers]!;
  }

  /** How many answers there are in this window: half of those of the last one stay, so that who was a suspect is for a while. */
  answers(hash: number, window: number): number {
    const at = (hash & this.#mask) * STRIDE;
    this.#turn(at, window);
    return this.#cells[at + AT.answers]!;
  }

  /** It asked a group, so that many may answer until this window is over. */
  addGroup(hash: number, until: number): void {
    this.#cells[(hash & this.#mask) * STRIDE + AT.group] = until;
  }

  hasAskedGroup(hash: number, window: number): boolean {
    return this.#cells[(hash & this.#mask) * STRIDE + AT.group]! >= window;
  }

  #turn(at: number, window: number): void {
    const cells = this.#cells;
    const later = window - cells[at]!;
    if (later === 0 || (later < 0 && later > -LATE)) return;
    cells[at + AT.answers] = later === 1 ? cells[at + AT.answers]! / 2 : 0;
    cells[at] = window;
  }
}
