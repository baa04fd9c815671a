// SPDX-License-Identifier: BSD-3-Clause

/** Streams that are followed at once; past it the one heard of longest ago is forgotten. */
const STREAMS_MAX = 65_536;
/** A gap beyond this is an exporter that began anew. */
const GAP_MAX = 1_000_000;

/** Sequence numbers: what should come next of each stream, and so how much was lost. */
export class Sequences {
  readonly #next = new Map<string, number>();
  /** Units that were sent and have not come: records, of NetFlow v9 messages. */
  lost = 0;
  /** Messages that came late. */
  late = 0;
  /** Streams that began anew. */
  restarts = 0;

  /** A message of so many units has come; NaN where nobody knows how many they are. */
  follow(stream: string, sequence: number, units: number): void {
    const expected = this.#next.get(stream);
    const gap = expected === undefined ? 0 : (sequence - expected) | 0;
    if (gap < 0 && gap >= -GAP_MAX) {
      // It does not turn the clock back, and was not lost.
      this.late++;
      if (units > 0) this.lost = Math.max(0, this.lost - units);
      return;
    }
    if (gap < 0 || gap > GAP_MAX) this.restarts++;
    else this.lost += gap;
    if (expected !== undefined) this.#next.delete(stream);
    else if (this.#next.size >= STREAMS_MAX) this.#next.delete(this.#next.keys().next().value!);
    if (!Number.isNaN(units)) this.#next.set(stream, (sequence + units) >>> 0);
  }
}
