// SPDX-License-Identifier: BSD-3-Clause
import type { Intake } from "./intake.ts";

/** Lines, or objects, that are read before others have a turn: some ten milliseconds' work. */
const SLICE = 16_384;

/** The lines of a text, without their ends, each counted in `into.line`; now and then a pause. */
export function* lines(
  text: string,
  into: Intake,
  take: (line: string) => void,
): Generator<undefined> {
  let from = text.startsWith("\ufeff") ? 1 : 0;
  while (from < text.length) {
    let to = text.indexOf("\n", from);
    if (to < 0) to = text.length;
    into.line++;
    take(text.slice(from, text[to - 1] === "\r" && to > from ? to - 1 : to));
    from = to + 1;
    if (into.line % SLICE === 0) yield;
  }
}

/** The same for things that are no lines. */
export function* items<T>(
  list: readonly T[],
  into: Intake,
  take: (item: T) => void,
): Generator<undefined> {
  for (const item of list) {
    into.line++;
    take(item);
    if (into.line % SLICE === 0) yield;
  }
}
