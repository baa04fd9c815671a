// SPDX-License-Identifier: BSD-3-Clause
import { basename, extname } from "node:path";
import { type NemeanError, paramError } from "../errors.ts";
import { FORMATS, type Format, formatOf } from "./formats.ts";
import { LISTS_MAX } from "./list-sets.ts";

/** A file with a threat list, as the operator names it. */
export interface ListSource {
  readonly name: string;
  readonly path: string;
  readonly format: Format;
  /** Bit of the list in bitmaps, from 1; 0 of an original's file, which has its own. */
  readonly number: number;
  /** 0 to 10. */
  readonly severity: number;
  readonly column?: string;
}

/** Of a host that is in contact with what is listed, where the list says no other. */
const SEVERITY = 7;
const NAME = /^[A-Za-z0-9][\w.-]{0,31}$/;
const OPTION = /^(severity|format|column|number)=(.+)$/;
const UNNAMED = /[^\w.-]/g;

/**
 * The lists of `name=path;option=value,…`: names and options may be left out.
 *
 * ```text
 *   feodo=/var/lib/nemean/lists/feodo.csv;severity=8;column=dst_ip,/etc/nemean/drop.txt
 * ```
 *
 * Options are `severity` (0 to 10), `format`, `column` of a table, and `number`, the list's bit in bitmaps from 1; left
 * out it is the lowest that no other has.
 * @throws {NemeanError} ERR_PARAM that names the list
 */
export function parseSources(text: string, module: string): ListSource[] {
  const drafts = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => draft(item, module));
  const taken = new Set(drafts.map(({ number }) => number));
  const sources = drafts.map((source): ListSource => {
    if (source.number !== undefined) return { ...source, number: source.number };
    if (source.format === "nemea") return { ...source, number: 0 };
    let number = 1;
    while (taken.has(number)) number++;
    taken.add(number);
    return { ...source, number };
  });
  const wrong = clash(sources);
  if (wrong !== undefined) throw paramError(`${module}: lists: ${wrong}`);
  return sources;
}

type Draft = Omit<ListSource, "number"> & { readonly number?: number };

function draft(item: string, module: string): Draft {
  const fail = (what: string): NemeanError => paramError(`${module}: lists: "${item}": ${what}`);
  const [first = "", ...settings] = item.split(";").map((part) => part.trim());
  const at = first.indexOf("=");
  const isNamed = at > 0 && NAME.test(first.slice(0, at));
  const path = isNamed ? first.slice(at + 1).trim() : first;
  if (path === "") throw fail("no file; expected name=path");
  const options = new Map<string, string>();
  for (const setting of settings) {
    const [, key = "", value = ""] = OPTION.exec(setting) ?? [];
    if (key === "") throw fail(`";${setting}" is none of ;severity= ;format= ;column= ;number=`);
    options.set(key, value);
  }
  const numberOf = (key: string, most: number): number | undefined => {
    const value = options.get(key);
    if (value === undefined) return undefined;
    const number = Number(value);
    const least = key === "number" ? 1 : 0;
    if (number >= least && number <= most && (key !== "number" || Number.isInteger(number)))
      return number;
    throw fail(`${key}: expected ${least} to ${most}, got "${value}"`);
  };
  const format = options.get("format") ?? formatOf(path);
  if (!FORMATS.includes(format as Format))
    throw fail(`format: expected ${FORMATS.join(", ")}, got "${format}"`);
  const number = numberOf("number", LISTS_MAX);
  if (number !== undefined && format === "nemea") throw fail("number: such a file has its own");
  const column = options.get("column");
  return {
    name: isNamed ? first.slice(0, at) : basename(path, extname(path)).replace(UNNAMED, "_"),
    path,
    format: format as Format,
    severity: numberOf("severity", 10) ?? SEVERITY,
    ...(number === undefined ? {} : { number }),
    ...(column === undefined ? {} : { column }),
  };
}

/** What no two lists may share. */
function clash(sources: readonly ListSource[]): string | undefined {
  const names = sources.map(({ name }) => name);
  const numbers = sources.map(({ number }) => number).filter((number) => number > 0);
  const name = names.find((each, i) => names.indexOf(each) !== i);
  if (name !== undefined) return `two lists are called ${name}; give one another name: name=path`;
  const number = numbers.find((each, i) => numbers.indexOf(each) !== i);
  if (number !== undefined) return `two lists have the number ${number}`;
  return numbers.some((each) => each > LISTS_MAX) ? `more than ${LISTS_MAX} lists` : undefined;
}

/** A file of NEMEA's downloader, whose lines say the numbers of their lists. */
export const originalSource = (path: string): ListSource => ({
  name: basename(path, extname(path)).replace(UNNAMED, "_"),
  path,
  format: "nemea",
  number: 0,
  severity: SEVERITY,
});
