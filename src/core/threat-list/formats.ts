// SPDX-License-Identifier: BSD-3-Clause
import { extname } from "node:path";
import { csv } from "./csv.ts";
import { BrokenList, type Intake } from "./intake.ts";
import { json } from "./json.ts";
import { original } from "./original.ts";
import { plain } from "./plain.ts";

/** `json` is any JSON: STIX bundles and MISP events are known by their form. */
export const FORMATS = ["plain", "csv", "json", "stix", "misp", "nemea"] as const;
export type Format = (typeof FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".json": "json",
  ".ndjson": "json",
  ".jsonl": "json",
  ".stix": "stix",
  ".misp": "misp",
  ".blist": "nemea",
};

/** The format that a file's name says: one value a line when it says nothing. */
export const formatOf = (path: string): Format =>
  BY_EXTENSION[extname(path).toLowerCase()] ?? "plain";

export interface ListText {
  readonly text: string;
  readonly format: Format;
  /** When the file was written, milliseconds since 1970. */
  readonly written: number;
  readonly column?: string | undefined;
}

/**
 * Read a list; pauses now and then, so that a long one can be read between other things.
 * @throws {BrokenList} when it is none of its format, or more of it is bad than good
 */
export function* readList(list: ListText, into: Intake): Generator<undefined> {
  const { text, format, column } = list;
  if (text.trim() === "") throw new BrokenList("is empty");
  if (format === "plain") yield* plain(text, into);
  else if (format === "csv") yield* csv(text, into, column);
  else if (format === "nemea") yield* original(text, into);
  else yield* json(text, into, list);
  if (into.bad > into.entries + into.unused) {
    const { bad, entries, firstBad, firstBadLine } = into;
    throw new BrokenList(`${bad} bad lines, ${entries} good ones: ${firstBad}`, firstBadLine);
  }
}
