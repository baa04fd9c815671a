// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Counters of 16 bits, as a power of two, of flows sent and as many of flows received. */
const SLOT_BITS = 17;

/**
 * Keeps hosts of few flows out of a table: most that are ever seen, and all whose addresses a flood forges, which would push out those that
 * matter. Counts flows by a hash
 * of the host alone, so some hosts are let in early; all counters begin anew with each window of event time.
 */
export class Newcomers {
  /** Flows that let a host in, 65,535 at most. */
  readonly flowsMin: number;
  readonly #window: number;
  readonly #flows: Uint16Array;
  /** Number of the window. */
  readonly #current: Float64Array;

  constructor(
    name: string,
    { flowsMin, window }: { flowsMin: number; window: number },
    state: StateStore,
  ) {
    this.flowsMin = flowsMin;
    this.#window = window * SECOND;
    this.#flows = state.column(
      `${name}.flows`,
      "uint16",
      flowsMin === 1 ? 1 : 2 ** (SLOT_BITS + 1),
    );
    this.#current = state.column(`${name}.current`, "float64", 1);
  }

  /** Whether a host that the table does not have has now sent (0) or received (1) enough flows. */
  stays(id: number, direction: number, time: number): boolean {
    if (this.flowsMin === 1) return true;
    if (time >= this.#current[0]! + this.#window) {
      this.#flows.fill(0);
      this.#current[0] = Math.floor(time / this.#window) * this.#window;
    }
    const slot = (direction << SLOT_BITS) + (id >>> (32 - SLOT_BITS));
    if (this.#flows[slot]! + 1 >= this.flowsMin) return true;
    this.#flows[slot]!++;
    return false;
  }
}
