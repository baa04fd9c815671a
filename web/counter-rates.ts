// SPDX-License-Identifier: BSD-3-Clause

/** Rates of counters that are looked at again and again. */
export class CounterRates {
  #before: ReadonlyMap<string, number> = new Map();
  #at: number | undefined;
  #rates: ReadonlyMap<string, number> = new Map();

  /**
   * Take a look at counters by name, made at a time in seconds; what each gained a second since the look before. A
   * counter that is new, or began anew and counts from 0, has none.
   */
  look(counters: ReadonlyMap<string, number>, at: number): ReadonlyMap<string, number> {
    const seconds = at - (this.#at ?? at);
    if (this.#at !== undefined && seconds <= 0) return this.#rates;
    const rates = new Map<string, number>();
    for (const [name, count] of counters) {
      const before = this.#before.get(name);
      if (before !== undefined && count >= before) rates.set(name, (count - before) / seconds);
    }
    this.#before = new Map(counters);
    this.#at = at;
    this.#rates = rates;
    return rates;
  }
}
