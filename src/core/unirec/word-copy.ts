// SPDX-License-Identifier: BSD-3-Clause
/**
 * Copying the fixed part of a record.
 *
 * A call of set() or fill() takes 40 to 80 ns, a loop over the words of a flow record 16, the same without a loop 10:
 * so the statements are generated, for parts that are short enough. What reaches their source are offsets.
 * @module
 */

/** A run of bytes: where it begins in the source, where in the target. */
export interface Run {
  readonly from: number;
  readonly to: number;
  size: number;
}

/** Copies runs of the record at `at` of `source` to the one at `p` of `target`. */
export type CopyWords = (source: DataView, at: number, target: DataView, p: number) => void;

/** Add a run to others, joined with the last one where it goes on at both ends. */
export function addRun(runs: Run[], { from, to, size }: Run): void {
  const last = runs.at(-1);
  if (last && from - last.from === last.size && to - last.to === last.size) last.size += size;
  else runs.push({ from, to, size });
}

/** Most bytes that are cleared or copied without a loop: beyond them code grows, and gains nothing. */
export const UNROLLED_MAX = 160;

const copies = new Map<string, CopyWords>();
/** Most functions that are kept: what peers announce must not fill the memory. */
const COPIES_MAX = 1024;

/** The function that copies the runs; records that lie alike share it. */
export function wordCopy(runs: readonly Run[]): CopyWords {
  if (runs.reduce((sum, { size }) => sum + size, 0) > UNROLLED_MAX) return looped(runs);
  const key = runs.map(({ from, to, size }) => `${from} ${to} ${size}`).join();
  let known = copies.get(key);
  if (!known) {
    const body = runs.map(({ from, to, size }) =>
      statements(
        size,
        (k, bits) =>
          `target.setInt${bits}(p + ${to + k}, source.getInt${bits}(at + ${from + k}, true), true);`,
      ),
    );
    known = new Function("source", "at", "target", "p", body.join("\n")) as CopyWords;
    if (copies.size >= COPIES_MAX) copies.delete(copies.keys().next().value!);
    copies.set(key, known);
  }
  return known;
}

/** A statement for each word of `size` bytes, then for each byte of the rest, as source text. */
export function statements(size: number, of: (at: number, bits: 8 | 32) => string): string {
  const words = Array.from({ length: size >> 2 }, (_, k) => of(4 * k, 32));
  const rest = Array.from({ length: size & 3 }, (_, k) => of((size & ~3) + k, 8));
  return [...words, ...rest].join(" ");
}

const looped =
  (runs: readonly Run[]): CopyWords =>
  (source, at, target, p) => {
    for (const { from, to, size } of runs) {
      const begin = at + from;
      const there = p + to;
      let i = 0;
      // Little-endian as the machine: a word's bytes are not turned round twice.
      for (; i + 4 <= size; i += 4)
        target.setInt32(there + i, source.getInt32(begin + i, true), true);
      for (; i < size; i++) target.setInt8(there + i, source.getInt8(begin + i));
    }
  };
