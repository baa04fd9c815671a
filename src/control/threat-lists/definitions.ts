// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { parse } from "smol-toml";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { FORMATS, type Format, formatOf } from "../../core/threat-list/formats.ts";
import type { Kind } from "../../core/threat-list/matcher.ts";
import { suggestion } from "../config/problem.ts";

/** A list that is fetched from somewhere, as the operator wrote it down. */
export interface Definition {
  readonly name: string;
  readonly url: URL;
  readonly kind: Kind;
  readonly format: Format;
  readonly column?: string;
  /** Seconds between two requests. */
  readonly interval: number;
  /** Bytes. */
  readonly sizeMax: number;
  /** Whether plain HTTP will do, and whether the URL's host may have an address that is not public. */
  readonly insecure: boolean;
  readonly internal: boolean;
}

const KINDS: readonly Kind[] = ["ip", "domain", "url"];
const NAME = /^[A-Za-z0-9][\w.-]{0,31}$/;
const KEYS = "name url kind format column interval megabytes insecure internal".split(" ");
const SCHEMES = new Set(["http:", "https:"]);
const LISTS_MAX = 64;
const DAY = 86_400;
const INTERVAL_MIN = 300;
const MEGABYTES = 64;
const MEGABYTES_MAX = 256;

type Table = Readonly<Record<string, unknown>>;

/**
 * Read the lists of a TOML file: tables `[[lists]]`.
 * @throws {NemeanError} ERR_CONFIG with the first thing that is wrong
 */
export function readDefinitions(file: string): Definition[] {
  let document: Table;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new NemeanError("ERR_CONFIG", EXIT.config, `${file}: ${messageOf(error).split("\n")[0]}`);
  }
  const fail = (what: string): NemeanError =>
    new NemeanError("ERR_CONFIG", EXIT.config, `${file}: ${what}`);
  const { lists = [], ...others } = document;
  const [stray] = Object.keys(others);
  if (stray !== undefined || !Array.isArray(lists))
    throw fail(`expected tables [[lists]] and nothing else${stray ? `, found ${stray}` : ""}`);
  if (lists.length > LISTS_MAX) throw fail(`more than ${LISTS_MAX} lists`);
  const definitions = lists.map((table: Table, i) => definition(table, i, fail));
  const names = definitions.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw fail(`two lists are called ${twice}`);
  return definitions;
}

function definition(table: Table, i: number, fail: (what: string) => NemeanError): Definition {
  const { name } = table;
  const where = typeof name === "string" ? `list ${name}` : `list ${i + 1}`;
  const wrong = (what: string): NemeanError => fail(`${where}: ${what}`);
  for (const key of Object.keys(table))
    if (!KEYS.includes(key)) throw wrong(`there is no "${key}"${suggestion(key, KEYS)}`);
  if (typeof name !== "string" || !NAME.test(name))
    throw wrong("name: expected letters, digits, dots, - and _, at most 32");
  const url = urlOf(table["url"]);
  if (!url) throw wrong("url: expected https://HOST/PATH without a user");
  const flag = (key: string): boolean => {
    const value = table[key] ?? false;
    if (typeof value !== "boolean") throw wrong(`${key}: expected true or false`);
    return value;
  };
  const number = (key: string, [least, usual, most]: readonly [number, number, number]): number => {
    const value = table[key] ?? usual;
    if (typeof value !== "number" || value < least || value > most)
      throw wrong(`${key}: expected a number from ${least} to ${most}`);
    return value;
  };
  const insecure = flag("insecure");
  if (url.protocol === "http:" && !insecure)
    throw wrong("url: http:// can be forged on the way; https://, or insecure = true");
  const kind = table["kind"];
  if (!KINDS.includes(kind as Kind)) throw wrong(`kind: expected ${KINDS.join(", ")}`);
  const format = table["format"] ?? formatOf(url.pathname);
  if (!FORMATS.includes(format as Format)) throw wrong(`format: expected ${FORMATS.join(", ")}`);
  const { column } = table;
  if (column !== undefined && typeof column !== "string") throw wrong("column: expected a text");
  return {
    name,
    url,
    kind: kind as Kind,
    format: format as Format,
    interval: number("interval", [INTERVAL_MIN, DAY, 365 * DAY]),
    sizeMax: number("megabytes", [1, MEGABYTES, MEGABYTES_MAX]) * 1e6,
    insecure,
    internal: flag("internal"),
    ...(column === undefined ? {} : { column }),
  };
}

function urlOf(value: unknown): URL | undefined {
  const url = typeof value === "string" ? URL.parse(value) : null;
  const isPlain = url && url.username === "" && url.password === "" && url.hostname !== "";
  return isPlain && SCHEMES.has(url.protocol) ? url : undefined;
}

const EXTENSIONS: Readonly<Record<Format, string>> = {
  plain: ".txt",
  csv: ".csv",
  json: ".json",
  stix: ".stix",
  misp: ".misp",
  nemea: ".blist",
};

/** The name of a list's file, whose end tells its format. */
export const fileNameOf = ({ name, format }: Definition): string =>
  extname(name) === EXTENSIONS[format] ? name : `${name}${EXTENSIONS[format]}`;
