// SPDX-License-Identifier: BSD-3-Clause

/** Named counters of one component, for the status page and /metrics. Names are snake_case nouns. */
export class Counters {
  readonly #values = new Map<string, number>();

  /** Add to a counter; a rare event's price, not for every record (keep a field and `set` it then). */
  readonly add = (name: string, by = 1): void => {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  };

  /** Set a counter that is kept elsewhere. */
  set(name: string, value: number): void {
    this.#values.set(name, value);
  }

  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** All counters as a plain object, in the order of their first use. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#values);
  }
}
