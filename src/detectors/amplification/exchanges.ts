// SPDX-License-Identifier: BSD-3-Clause
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import type { Flow } from "./index.ts";

/** Parts of the window, and one more: the oldest leaves as a new one begins, which is never a whole one. */
const PARTS = 4;
/** HyperLogLog of 256 registers: a standard error of 6.5 %, better below 100 servers. */
const SERVERS_BITS = 8;
/** Up to so many changes of the sketch are a server each: less than 3 % are missed, and an estimate is dear. */
const FEW_SERVERS = 16;

/** What is summed up: flows, packets and bytes of queries, and of answers. */
export const SUM = {
  reqFlows: 0,
  reqPackets: 1,
  reqBytes: 2,
  rspFlows: 3,
  rspPackets: 4,
  rspBytes: 5,
} as const;
export const SUMS = 6;

/** Where in a row's numbers lies what. They lie together: a column each would cost a cache miss each. */
const AT = {
  /** Number of the newest part of the window. */
  part: 0,
  /** Servers that answered in this part: how often their sketch changed; the estimate, 0 when to be made anew. */
  changes: 1,
  counted: 2,
  /** When a query went to a group last. */
  grouped: 3,
  /** {@link SUMS} numbers of each part, at its number modulo {@link PARTS}. */
  sums: 4,
} as const;
const STRIDE = AT.sums + PARTS * SUMS;

/** What each client asked the servers of a port and was answered, over the window. */
export class Exchanges {
  readonly #rows: Float64Array;
  readonly #servers: HyperLogLog;
  /** Microseconds of a part of the window. */
  readonly #length: number;

  constructor(rows: number, window: number, state: StateStore) {
    this.#rows = state.column("exchanges", "float64", rows * STRIDE);
    this.#servers = new HyperLogLog("servers", rows, SERVERS_BITS, state);
    this.#length = window / (PARTS - 1);
  }

  begin(row: number, time: number): void {
    this.#rows.fill(0, row * STRIDE, (row + 1) * STRIDE);
    this.#rows[row * STRIDE] = Math.floor(time / this.#length);
  }

  /**
   * Sum up a flow that ended at `time`: `first` is {@link SUM.reqFlows} or {@link SUM.rspFlows}.
   * One from before the window counts with its oldest part.
   */
  add(row: number, first: 0 | 3, time: number, flow: Flow): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    const part = Math.floor(time / this.#length);
    const newest = rows[at + AT.part]!;
    if (part > newest) this.#roll(at, newest, part);
    const own = Math.max(part, rows[at + AT.part]! - PARTS + 1);
    const sums = at + AT.sums + (own % PARTS) * SUMS + first;
    rows[sums]!++;
    rows[sums + 1]! += flow.PACKETS;
    rows[sums + 2]! += flow.BYTES;
  }

  #roll(at: number, newest: number, part: number): void {
    const rows = this.#rows;
    const end = Math.min(part, newest + PARTS);
    for (let next = newest + 1; next <= end; next++) {
      const sums = at + AT.sums + (next % PARTS) * SUMS;
      rows.fill(0, sums, sums + SUMS);
    }
    rows[at + AT.part] = part;
    rows[at + AT.changes] = 0;
    rows[at + AT.counted] = 0;
  }

  /** A query to a group is answered by many. */
  addGroup(row: number, time: number): void {
    this.#rows[row * STRIDE + AT.grouped] = time;
  }

  /** Whether a query went to a group in the window before a time. */
  hasAskedGroup(row: number, time: number): boolean {
    return time - this.#rows[row * STRIDE + AT.grouped]! <= this.#length * (PARTS - 1);
  }

  /** Begin anew: what was counted belonged to an attack that is over. */
  forget(row: number): void {
    const at = row * STRIDE;
    this.#rows.fill(0, at + AT.sums, at + STRIDE);
    this.#rows[at + AT.changes] = 0;
  }

  /** One of {@link SUM} over the window. */
  sum(row: number, what: number): number {
    const at = row * STRIDE + AT.sums + what;
    const rows = this.#rows;
    return rows[at]! + rows[at + SUMS]! + rows[at + 2 * SUMS]! + rows[at + 3 * SUMS]!;
  }

  /** Count a server of this part by its hash; returns whether the estimate may have changed. */
  addServer(row: number, hash: number): boolean {
    const at = row * STRIDE;
    // Most clients never have a server counted, so the sketch is cleared when it is needed.
    if (this.#rows[at + AT.changes] === 0) this.#servers.clear(row);
    if (!this.#servers.add(row, hash)) return false;
    this.#rows[at + AT.changes]!++;
    this.#rows[at + AT.counted] = 0;
    return true;
  }

  /** Servers of this part of the window. */
  servers(row: number): number {
    const at = row * STRIDE;
    const changes = this.#rows[at + AT.changes]!;
    if (changes <= FEW_SERVERS) return changes;
    if (this.#rows[at + AT.counted] === 0)
      this.#rows[at + AT.counted] = this.#servers.estimate(row);
    return this.#rows[at + AT.counted]!;
  }
}
