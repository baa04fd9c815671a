// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** How long a name is remembered to have resolved to an address. */
const LATELY = 3600 * SECOND;
const ROWS = 16_384;

/** How many names that no list has resolve to an address: whether it is one that many share. */
export class SharedAnswers {
  readonly #most: number;
  readonly #rows: Table;
  /** Hashes of the first names, and how many there are, one more than `most` for all beyond. */
  readonly #names: Int32Array;
  readonly #count: Uint8Array;
  readonly #key = new Address();

  /** @param most names that are told apart */
  constructor(state: StateStore, most: number) {
    this.#most = most;
    this.#names = state.column("otherNames", "int32", ROWS * most);
    this.#count = state.column("otherCount", "uint8", ROWS);
    this.#rows = state.table("answers", { key: ["ip"], rows: ROWS, idle: LATELY });
  }

  /** Two hashes of the answer's text stand for the address: it need not be read for that. */
  add(one: number, two: number, name: number, time: number): void {
    const most = this.#most;
    const row = this.#rows.upsertIp(this.#keyOf(one, two), time);
    if (this.#rows.isNew) this.#count[row] = 0;
    const count = this.#count[row]!;
    if (count > most) return;
    const start = row * most;
    for (let i = start; i < start + count; i++) if (this.#names[i] === name) return;
    this.#count[row] = count + 1;
    if (count < most) this.#names[start + count] = name;
  }

  /** Names of the last hour, at most one more than are told apart. */
  names(one: number, two: number, time: number): number {
    const row = this.#rows.findIp(this.#keyOf(one, two));
    return row < 0 || time - this.#rows.touched(row) > LATELY ? 0 : this.#count[row]!;
  }

  expire(now: number): void {
    this.#rows.expire(now);
  }

  #keyOf(one: number, two: number): Address {
    this.#key.w0 = one;
    this.#key.w1 = two;
    return this.#key;
  }
}
