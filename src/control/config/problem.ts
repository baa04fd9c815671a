// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../../core/errors.ts";

/** What is wrong at a place of a configuration file, and the cure. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All that is wrong with a configuration, a line each: `nemean.toml:12:3: …`. */
export class ConfigError extends NemeanError {
  /** In the order of the text. */
  readonly problems: readonly Problem[];
  /** A line for each. */
  readonly lines: readonly string[];

  constructor(file: string, problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const lines = sorted.map(
      ({ line, column, message }) => `${file}:${line}:${column}: ${message}`,
    );
    super("ERR_CONFIG", EXIT.config, lines.join("\n"));
    this.problems = sorted;
    this.lines = lines;
  }
}

/** `; did you mean idle?` for a name that is nearly one of those there are; else the list of them. */
export function suggestion(name: string, known: readonly string[]): string {
  const wanted = name.toLowerCase();
  const near = known
    .map((each) => ({ each, far: distance(wanted, each.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0];
  if (near && near.far <= Math.max(1, Math.floor(wanted.length / 3)))
    return `; did you mean ${near.each}?`;
  return `; there are ${known.join(", ") || "none"}`;
}

/** Letters to add, drop, change or swap with their neighbour to make `b` of `a`. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
