// SPDX-License-Identifier: BSD-3-Clause
/** UniRec's time as text in a view: `YYYY-MM-DDTHH:MM:SS.uuuuuu`. @module */
import { six } from "./text-digits.ts";
import { SECOND, timeText } from "./time.ts";

/**
 * The texts of the last seconds, one of each 64: flows begin and end within a few of them, and to copy a text takes
 * five words. A slot begins with a second that belongs to another one, so that it is never taken for known.
 */
const SLOTS = 64;
const WORDS = 5;
const known = Int32Array.from({ length: SLOTS }, (_, i) => i ^ 1);
const texts = new Int32Array(SLOTS * WORDS);

/** The 8 bytes of a UniRec time. */
export function time(out: DataView, at: number, view: DataView, from: number): number {
  const second = view.getInt32(from + 4, true);
  const slot = second & (SLOTS - 1);
  if (known[slot] !== second) remember(slot, second);
  const text = slot * WORDS;
  out.setInt32(at, texts[text]!, true);
  out.setInt32(at + 4, texts[text + 1]!, true);
  out.setInt32(at + 8, texts[text + 2]!, true);
  out.setInt32(at + 12, texts[text + 3]!, true);
  out.setInt32(at + 16, texts[text + 4]!, true);
  return six(out, at + 20, micros(view.getUint32(from, true)));
}

/**
 * What `microsOfFraction` gives (unirec.md section 2.2), 0 to 1,000,000. Its two roundings by nanoseconds make one:
 * with f the fraction, floor(ceil(f * 10^9 / 2^32) / 1000) is the most k for which f * 10^6 > (k - 1/1000) * 2^32,
 * which holds among whole numbers when f * 10^6 + floor(2^32 / 1000) >= k * 2^32. All below 2^53, so exact.
 */
const micros = (fraction: number): number => ((fraction * 1e6 + 4_294_967) * 2 ** -32) | 0;

function remember(slot: number, second: number): void {
  const text = timeText((second >>> 0) * SECOND);
  for (let i = 0; i < WORDS; i++) {
    let word = 0;
    for (let j = 0; j < 4; j++) word |= text.charCodeAt(4 * i + j) << (8 * j);
    texts[slot * WORDS + i] = word;
  }
  known[slot] = second;
}
