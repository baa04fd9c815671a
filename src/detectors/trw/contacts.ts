// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Pairs that have met: 2 bytes each, 1 MB. */
const PAIR_BITS = 19;
/** What is known of hosts that are not watched; several may share a cell. */
const HOST_BITS = 16;
/** A cell of a source: successes, up to so many; whether it may be watched. */
const CREDIT = 7;
const WATCHED = 8;
/** Failures at one destination in a minute from which on it is down or flooded, which says nothing of who tried. */
const DOWN = 64;
const MINUTE = 60 * SECOND;

/** What goes before the test: which contacts are first ones, and what is known of sources without a row. */
export class Contacts {
  readonly #pairs: Uint16Array;
  readonly #sources: Uint8Array;
  readonly #failures: Uint8Array;
  readonly #minute: Float64Array;

  constructor(state: StateStore) {
    this.#pairs = state.column("pairs", "uint16", 1 << PAIR_BITS);
    this.#sources = state.column("sourceCells", "uint8", 1 << HOST_BITS);
    this.#failures = state.column("failures", "uint8", 1 << HOST_BITS);
    this.#minute = state.column("minute", "float64", 1);
  }

  /**
   * Whether a pair meets for the first time, as far as is known: a pair's place is taken by another one with the same, so that one may
   * count twice; 1 of 65,535 is taken for the one before.
   */
  isFirst(hash: number): boolean {
    const at = hash >>> (32 - PAIR_BITS);
    const mark = hash & 0xffff || 1;
    if (this.#pairs[at] === mark) return false;
    this.#pairs[at] = mark;
    return true;
  }

  /** A source has succeeded: whether it may be watched. If not, its successes are kept for when it is. */
  succeeds(source: number): boolean {
    const at = source >>> (32 - HOST_BITS);
    const cell = this.#sources[at]!;
    if ((cell & WATCHED) !== 0) return true;
    if (cell < CREDIT) this.#sources[at] = cell + 1;
    return false;
  }

  /** Successes of a source before it is watched, which it is from now on. */
  watch(source: number): number {
    const at = source >>> (32 - HOST_BITS);
    const credit = this.#sources[at]! & CREDIT;
    this.#sources[at] = credit | WATCHED;
    return credit;
  }

  /** Whether a destination that has failed again is down or flooded. */
  isDown(destination: number, time: number): boolean {
    if (time >= this.#minute[0]! + MINUTE) {
      this.#minute[0] = time;
      this.#failures.fill(0);
    }
    const at = destination >>> (32 - HOST_BITS);
    if (this.#failures[at]! >= DOWN) return true;
    this.#failures[at]!++;
    return false;
  }
}
