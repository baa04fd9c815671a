// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Bars kept of a row: those of the window, the one that is growing, and a power of two. */
const SLOTS = 32;
/** Bars of the window. */
const BARS = 24;
/** A bar's time at first, and how often it doubles: 225 s to an hour, of which 24 are a day. */
const FIRST_WIDTH = 225 * SECOND;
const DOUBLINGS = 4;
const FULL = 65_535;

/** Time that the bars cover at most. */
export const WINDOW = BARS * FIRST_WIDTH * 2 ** DOUBLINGS;

/**
 * Connections over time for each row, as bars of equal width over what has been seen so far, the last day at most.
 *
 * All rows have the same bars. They double in width when there are more than 24, up to an hour; from then on the oldest leave. A row
 * is brought up to date when it is touched, by the record's own time.
 */
export class Histograms {
  readonly #bars: Uint16Array;
  /** Number of the newest bar, in its width. */
  readonly #newest: Int32Array;
  /** How often the row's bars have doubled. */
  readonly #doublings: Uint8Array;
  /** Event time at which the first bar begins. */
  readonly #start: Float64Array;

  constructor(rows: number, state: StateStore) {
    this.#bars = state.column("bars", "uint16", rows * SLOTS);
    this.#newest = state.column("newestBar", "int32", rows);
    this.#doublings = state.column("barDoublings", "uint8", rows);
    this.#start = state.column("start", "float64", 1);
  }

  /** When the first of all flows began; 0 before it. */
  get start(): number {
    return this.#start[0]!;
  }

  begin(time: number): void {
    this.#start[0] = time;
  }

  clear(row: number, now: number): void {
    this.#bars.fill(0, row * SLOTS, (row + 1) * SLOTS);
    const doublings = this.#doublingsAt(now);
    this.#doublings[row] = doublings;
    this.#newest[row] = this.#numberOf(now, doublings);
  }

  /** Count a connection that began at `time` and is known at `now`. */
  add(row: number, time: number, now: number): void {
    this.#bringTo(row, now);
    const number = this.#numberOf(time, this.#doublings[row]!);
    if (this.#newest[row]! - number >= SLOTS) return;
    const at = row * SLOTS + (number & (SLOTS - 1));
    if (this.#bars[at]! < FULL) this.#bars[at]!++;
  }

  /** The bars that are whole at `now`, oldest first. */
  bars(row: number, now: number): number[] {
    this.#bringTo(row, now);
    const newest = this.#newest[row]!;
    const bars: number[] = [];
    for (let number = Math.max(0, newest - BARS); number < newest; number++)
      bars.push(this.#bars[row * SLOTS + (number & (SLOTS - 1))]!);
    return bars;
  }

  #doublingsAt(now: number): number {
    let doublings = 0;
    while (doublings < DOUBLINGS && this.#numberOf(now, doublings) >= BARS) doublings++;
    return doublings;
  }

  #numberOf(time: number, doublings: number): number {
    return Math.max(0, Math.floor((time - this.#start[0]!) / (FIRST_WIDTH * 2 ** doublings)));
  }

  #bringTo(row: number, now: number): void {
    const doublings = this.#doublingsAt(now);
    while (this.#doublings[row]! < doublings) this.#double(row);
    const number = this.#numberOf(now, this.#doublings[row]!);
    const from = Math.max(this.#newest[row]! + 1, number - SLOTS + 1);
    for (let i = from; i <= number; i++) this.#bars[row * SLOTS + (i & (SLOTS - 1))] = 0;
    if (number > this.#newest[row]!) this.#newest[row] = number;
  }

  /** Make one of each two bars. Bars that double are at most 24, so none has another's slot. */
  #double(row: number): void {
    const bars = this.#bars;
    const at = row * SLOTS;
    for (let i = 0; i < SLOTS / 2; i++)
      bars[at + i] = Math.min(FULL, bars[at + i * 2]! + bars[at + i * 2 + 1]!);
    bars.fill(0, at + SLOTS / 2, at + SLOTS);
    this.#newest[row] = this.#newest[row]! >>> 1;
    this.#doublings[row]!++;
  }
}
