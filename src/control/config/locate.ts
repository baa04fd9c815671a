// SPDX-License-Identifier: BSD-3-Clause
/** Where the keys of a TOML text stand: parsers keep the values only, and errors are to say the place. @module */

export interface Place {
  readonly line: number;
  readonly column: number;
}

// No part takes what the next one takes too: a long line of blanks is not tried in all ways to divide it.
const HEADER = /^\s*(\[\[?)([^\]]+)\]/;
const KEY =
  /^\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=/;
const PART = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+)/g;
/** A value that goes on over the next lines. */
const LONG = /"""|'''/g;

const partsOf = (text: string): string[] =>
  [...text.matchAll(PART)].map(([, basic, literal, bare]) => basic ?? literal ?? bare!);

/**
 * Places by path, joined by dots: `meter.idle`, `sources.0.interface`, and of tables by theirs, `meter`. The text is
 * TOML that a parser has taken.
 */
export function placesOf(text: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const counts = new Map<string, number>();
  let table: string[] = [];
  let isInside = false;
  const note = (path: readonly string[], line: number, column: number): void => {
    const key = path.join(".");
    if (!places.has(key)) places.set(key, { line, column });
  };
  for (const [i, row] of text.split("\n").entries()) {
    const quotes = row.match(LONG)?.length ?? 0;
    const wasInside = isInside;
    if (quotes % 2 === 1) isInside = !isInside;
    if (wasInside) continue;
    const [, open, name] = HEADER.exec(row) ?? [];
    if (name !== undefined) {
      table = partsOf(name);
      if (open === "[[") {
        const key = table.join(".");
        const count = counts.get(key) ?? 0;
        counts.set(key, count + 1);
        note(table, i + 1, row.indexOf("[") + 1);
        table = [...table, String(count)];
      }
      note(table, i + 1, row.indexOf("[") + 1);
      continue;
    }
    const key = KEY.exec(row)?.[1];
    if (key === undefined) continue;
    const parts = partsOf(key);
    const column = row.length - row.trimStart().length + 1;
    for (let k = 1; k <= parts.length; k++) note([...table, ...parts.slice(0, k)], i + 1, column);
  }
  return places;
}

/** The place of a path, or of the nearest table around it. */
export function placeOf(places: ReadonlyMap<string, Place>, path: readonly string[]): Place {
  for (let k = path.length; k > 0; k--) {
    const known = places.get(path.slice(0, k).join("."));
    if (known) return known;
  }
  return { line: 1, column: 1 };
}
