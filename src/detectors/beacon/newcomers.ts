// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Cells, 4 bytes each: the upper bits of a pair's hash are the number of its cell, the lower ones its mark. */
const CELL_BITS = 20;
/** A cell, from its lowest bit: contacts, when the last one was, mark of the pair. */
const CONTACT_BITS = 3;
const TIME_BITS = 13;
const MARK_SHIFT = CONTACT_BITS + TIME_BITS;
const CONTACTS = (1 << CONTACT_BITS) - 1;
const TIMES = (1 << TIME_BITS) - 1;
/** Contacts of a pair that is tracked. */
const TRACKED = CONTACTS;
/** Contacts within so long count once: a page's connections come at the same time. Of tracked pairs, those within a second. */
const PERIOD = 10 * SECOND;
/** Periods after which a pair that has not come again gives its cell to another one. */
const PATIENCE = 60;

/**
 * Counts contacts of pairs that are not tracked, since most pairs come once or twice and need no row.
 *
 * A pair has one of two neighbouring cells. It keeps it until another one wants it, for ten minutes at least; meanwhile that other one
 * is passed over. So the busier the network, the sooner a pair has to come again, and no number of pairs makes another one tracked.
 */
export class Newcomers {
  /** Contacts that found no cell. */
  passed = 0;
  readonly #cells: Int32Array;
  readonly #trackedAt: number;

  constructor(trackedAt: number, state: StateStore) {
    this.#cells = state.column("newcomers", "int32", 1 << CELL_BITS);
    this.#trackedAt = trackedAt;
  }

  /** A contact: whether the pair is tracked, be it from now on, and this is the first in its second. */
  admits(hash: number, time: number): boolean {
    const period = Math.floor(time / PERIOD) & TIMES;
    const at = this.#cellFor(hash, period);
    if (at < 0) {
      this.passed++;
      return false;
    }
    const cell = this.#cells[at]!;
    const contacts = cell >>> MARK_SHIFT === markOf(hash) ? cell & CONTACTS : 0;
    const second = Math.floor(time / SECOND) & TIMES;
    const last = (cell >>> CONTACT_BITS) & TIMES;
    if (contacts !== 0 && last === (contacts === TRACKED ? second : period)) return false;
    const isIn = contacts + 1 >= this.#trackedAt;
    const told = isIn
      ? (second << CONTACT_BITS) | TRACKED
      : (period << CONTACT_BITS) | (contacts + 1);
    this.#cells[at] = (markOf(hash) << MARK_SHIFT) | told;
    return isIn;
  }

  /** A pair is tracked no more. */
  forget(hash: number): void {
    const at = this.#find(hash);
    if (at >= 0) this.#cells[at] = 0;
  }

  /** The pair's cell; -1 when it has none. */
  #find(hash: number): number {
    const at = hash >>> (32 - CELL_BITS);
    const mark = markOf(hash);
    if (this.#cells[at]! >>> MARK_SHIFT === mark && this.#cells[at] !== 0) return at;
    const other = at ^ 1;
    return this.#cells[other]! >>> MARK_SHIFT === mark && this.#cells[other] !== 0 ? other : -1;
  }

  /** The pair's cell, or one that it can have; -1 when there is none. */
  #cellFor(hash: number, period: number): number {
    const found = this.#find(hash);
    if (found >= 0) return found;
    const at = hash >>> (32 - CELL_BITS);
    if (this.#isFree(at, period)) return at;
    return this.#isFree(at ^ 1, period) ? at ^ 1 : -1;
  }

  #isFree(at: number, period: number): boolean {
    const cell = this.#cells[at]!;
    const contacts = cell & CONTACTS;
    if (contacts === 0 || contacts === TRACKED) return contacts === 0;
    return ((period - (cell >>> CONTACT_BITS)) & TIMES) > PATIENCE;
  }
}

const markOf = (hash: number): number => hash & 0xffff;
