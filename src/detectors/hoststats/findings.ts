// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";

/** What a rule has found of a host. */
export interface Finding {
  readonly row: number;
  /** Number of the rule among those of the group. */
  readonly rule: number;
  /** What is held against the limit, and how many addresses had to do with it. */
  readonly observed: number;
  readonly addresses: number;
  /** What more the rule has to say. */
  readonly note: number;
  /** Event times: since when, and when it was found so last. */
  readonly since: number;
  readonly last: number;
  /** The event time at which it was over. */
  readonly closedAt?: number;
}

/**
 * The open events of hosts. A rule that holds opens one; it is told anew at each doubling, and once in each window in which the rule still
 * holds. It ends with a window in which the rule held no more, or with the host.
 */
export class Findings {
  readonly #rules: number;
  readonly #say: (finding: Finding) => void;
  /** A bit a rule: which are open, and which of them have held in this window. */
  readonly #open: Uint8Array;
  readonly #held: Uint8Array;
  /** Rows with an open event. */
  readonly #count: Int32Array;
  /** By row and rule. */
  readonly #observed: Float64Array;
  readonly #said: Float64Array;
  readonly #addresses: Uint32Array;
  readonly #note: Uint8Array;
  readonly #since: Float64Array;
  readonly #last: Float64Array;

  constructor(
    name: string,
    { rows, rules }: { rows: number; rules: number },
    state: StateStore,
    say: (finding: Finding) => void,
  ) {
    this.#rules = rules;
    this.#say = say;
    this.#open = state.column(`${name}.open`, "uint8", rows);
    this.#held = state.column(`${name}.held`, "uint8", rows);
    this.#count = state.column(`${name}.count`, "int32", 1);
    this.#observed = state.column(`${name}.observed`, "float64", rows * rules);
    this.#said = state.column(`${name}.said`, "float64", rows * rules);
    this.#addresses = state.column(`${name}.addresses`, "uint32", rows * rules);
    this.#note = state.column(`${name}.note`, "uint8", rows * rules);
    this.#since = state.column(`${name}.since`, "float64", rows * rules);
    this.#last = state.column(`${name}.last`, "float64", rows * rules);
  }

  /** The rule holds. */
  hold({ row, rule, observed, addresses, note, since, last }: Finding): void {
    const at = row * this.#rules + rule;
    const bit = 1 << rule;
    if ((this.#open[row]! & bit) === 0) {
      if (this.#open[row] === 0) this.#count[0]!++;
      this.#open[row]! |= bit;
      this.#since[at] = since;
      this.#last[at] = last;
    }
    this.#observed[at] = observed;
    this.#addresses[at] = addresses;
    this.#note[at] = note;
    if (last > this.#last[at]!) this.#last[at] = last;
    const isFirst = (this.#held[row]! & bit) === 0;
    this.#held[row]! |= bit;
    if (isFirst || observed >= this.#said[at]! * 2) this.#tell(row, rule);
  }

  /** The host's window was over at `time`. */
  turn(row: number, time: number): void {
    if (this.#open[row] === 0) return;
    this.#close(row, this.#open[row]! & ~this.#held[row]!, time);
    this.#held[row] = 0;
  }

  /** The host is forgotten. */
  leave(row: number, time: number): void {
    if (this.#open[row] === 0) return;
    this.#close(row, this.#open[row]!, time);
    this.#held[row] = 0;
  }

  /** Each row with an open event. */
  forEach(visit: (row: number) => void): void {
    if (this.#count[0] === 0) return;
    for (let row = 0; row < this.#open.length; row++) if (this.#open[row] !== 0) visit(row);
  }

  /** The stream has ended: tell what was not told yet. */
  end(): void {
    for (let row = 0; row < this.#open.length; row++) if (this.#open[row] !== 0) this.#endOf(row);
  }

  #endOf(row: number): void {
    for (let rule = 0; rule < this.#rules; rule++) {
      const at = row * this.#rules + rule;
      if ((this.#open[row]! & (1 << rule)) !== 0 && this.#said[at] !== this.#observed[at])
        this.#tell(row, rule);
    }
  }

  #close(row: number, bits: number, time: number): void {
    for (let rule = 0; rule < this.#rules; rule++)
      if ((bits & (1 << rule)) !== 0) this.#tell(row, rule, time);
    this.#open[row]! &= ~bits;
    if (bits !== 0 && this.#open[row] === 0) this.#count[0]!--;
  }

  #tell(row: number, rule: number, closedAt?: number): void {
    const at = row * this.#rules + rule;
    const observed = this.#observed[at]!;
    this.#said[at] = observed;
    this.#say({
      row,
      rule,
      observed,
      addresses: this.#addresses[at]!,
      note: this.#note[at]!,
      since: this.#since[at]!,
      last: this.#last[at]!,
      ...(closedAt === undefined ? {} : { closedAt }),
    });
  }
}
