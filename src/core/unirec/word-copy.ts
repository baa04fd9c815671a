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

/** Copies runs of the record at `at` of `source` into `target`. */
export type CopyWords = (source: DataView, at: number, target: DataView) => void;

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
          `target.setInt${bits}(${to + k}, source.getInt${bits}(at + ${from + k}, true), true);`,
      ),
    );
    known = new Function("source", "at", "target", body.join("\n")) as CopyWords;
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
  (source, at, target) => {
    for (const run of runs) copyRun(source, at, target, run);
  };

/** Copy one run word by word. */
function copyRun(source: DataView, at: number, target: DataView, run: Run): void {
  const { to, size } = run;
  const from = at + run.from;
  let i = 0;
  // Little-endian as the machine: a word's bytes are not turned round twice.
  for (; i + 4 <= size; i += 4) target.setInt32(to + i, source.getInt32(from + i, true), true);
  for (; i < size; i++) target.setInt8(to + i, source.getInt8(from + i));
}
