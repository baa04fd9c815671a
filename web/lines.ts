// SPDX-License-Identifier: BSD-3-Clause

/** A line of two texts: in both, or in the one before or after alone. */
export interface DiffLine {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

/** Pairs of lines that are compared at most; texts that differ in more are shown as a whole. */
const PAIRS_MAX = 4_000_000;

const all = (lines: readonly string[], kind: DiffLine["kind"]): DiffLine[] =>
  lines.map((text) => ({ kind, text }));

/** Lines of the longest common subsequence and what is around it. */
function middle(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > PAIRS_MAX)
    return [...all(before, "removed"), ...all(after, "added")];
  const width = after.length + 1;
  // Of the rests from i and j on: how many lines they have in common.
  const common = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i * width + j] =
        before[i] === after[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ kind: "same", text: before[i]! });
      i++;
      j++;
    } else if (common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
      lines.push({ kind: "removed", text: before[i++]! });
    else lines.push({ kind: "added", text: after[j++]! });
  }
  return [...lines, ...all(before.slice(i), "removed"), ...all(after.slice(j), "added")];
}

/** What became of a text, line by line. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return [
    ...all(a.slice(0, head), "same"),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...all(a.slice(a.length - tail), "same"),
  ];
}

/** Lines that differ, with some around them; null stands for those left out. */
export function aroundChanges(lines: readonly DiffLine[], around = 3): (DiffLine | null)[] {
  const shown: (DiffLine | null)[] = [];
  lines.forEach((line, i) => {
    const near = lines.slice(Math.max(0, i - around), i + around + 1);
    if (near.some(({ kind }) => kind !== "same")) shown.push(line);
    else if (shown.at(-1) !== null) shown.push(null);
  });
  return shown;
}

/** Where in a text a line and column are, both counted from 1. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf("\n", start);
    if (end < 0) break;
    start = end + 1;
  }
  return Math.min(start + column - 1, text.length);
}
