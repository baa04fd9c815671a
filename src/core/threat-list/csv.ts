// SPDX-License-Identifier: BSD-3-Clause
import { BrokenList, type Intake, quoted } from "./intake.ts";
import { lines } from "./lines.ts";

const SEPARATORS = [",", ";", "\t"] as const;
const COMMENT = /^\s*#+\s*/;
const NUMBER = /^[1-9][0-9]{0,3}$/;

/**
 * A table: the values are in the column called `column`, or of that number from 1; left out, in the first one that
 * holds one. A header may be a comment. Fields in quotes hold separators and doubled quotes (RFC 4180), no line ends.
 */
export function* csv(text: string, into: Intake, column?: string): Generator<undefined> {
  const isNumber = column !== undefined && NUMBER.test(column);
  /** Index of the values' column, once it is known. */
  let at = isNumber ? Number(column) - 1 : -1;
  let separator: string | undefined;
  /** Whether a row may still be the header. */
  let isFirst = true;

  function header(row: readonly string[]): void {
    at = row.findIndex((name) => name.trim().toLowerCase() === column?.toLowerCase());
  }

  function data(row: readonly string[], line: string): void {
    if (at < 0 && column === undefined) at = row.findIndex((field) => into.accepts(field.trim()));
    else if (at < 0) {
      header(row);
      if (at < 0) throw new BrokenList(`the header has no column ${quoted(column!)}`, into.line);
      return;
    }
    const value = row[at]?.trim();
    const isHeader = isFirst && (value === undefined || !into.accepts(value));
    isFirst = false;
    if (isHeader) return;
    if (value === undefined) into.refuse(`${quoted(line)} has no ${into.kind} where one should be`);
    else into.take(value);
  }

  yield* lines(text, into, (line) => {
    if (line.trim() === "") return;
    if (COMMENT.test(line)) {
      const content = line.replace(COMMENT, "");
      if (at < 0 && column !== undefined) header(fields(content, separatorOf(content)) ?? []);
      return;
    }
    separator ??= separatorOf(line);
    const row = fields(line, separator);
    if (row) data(row, line);
    else into.refuse(`${quoted(line)} has a quote that does not end`);
  });
}

const separatorOf = (line: string): string =>
  SEPARATORS.find((each) => line.includes(each)) ?? SEPARATORS[0]!;

/** The fields of a row; undefined when a quote does not end. */
function fields(line: string, separator: string): string[] | undefined {
  const out: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const start = skipBlanks(line, at);
    if (line[start] !== '"') {
      const end = line.indexOf(separator, at);
      out.push(line.slice(at, end < 0 ? line.length : end));
      if (end < 0) return out;
      at = end + 1;
      continue;
    }
    let end = line.indexOf('"', start + 1);
    while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
    if (end < 0) return undefined;
    out.push(line.slice(start + 1, end).replaceAll('""', '"'));
    const next = line.indexOf(separator, end + 1);
    if (next < 0) return out;
    at = next + 1;
  }
  return out;
}

function skipBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === " ") at++;
  return at;
}
