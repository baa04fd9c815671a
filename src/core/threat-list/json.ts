// SPDX-License-Identifier: BSD-3-Clause
import { BrokenList, type Intake, quoted } from "./intake.ts";
import { isObject } from "./json-object.ts";
import { items, lines } from "./lines.ts";
import type { Kind } from "./matcher.ts";
import { isMisp, misp } from "./misp.ts";
import { isStix, stix } from "./stix.ts";

/** Members that feeds keep their values in, the most telling first. */
const MEMBERS: Readonly<Record<Kind, readonly string[]>> = {
  ip: ["ip", "ip_address", "ipaddress", "dst_ip", "src_ip", "cidr", "prefix", "network", "address"],
  domain: ["domain", "fqdn", "hostname", "host", "domain_name"],
  url: ["url", "uri"],
};
const ANY = ["indicator", "ioc", "ioc_value", "value"];

/** When the file was written (milliseconds since 1970), and a member's name. */
interface JsonOptions {
  readonly written: number;
  readonly column?: string | undefined;
}

/**
 * A JSON document or JSON Lines: a STIX bundle, MISP events, or values: texts, or objects with the value in the member
 * `column`, else in one of the usual name; in an array, or in arrays that are members of the document.
 */
export function* json(text: string, into: Intake, options: JsonOptions): Generator<undefined> {
  const document = parsed(text);
  if (document === undefined) yield* jsonLines(text, into, options);
  else if (isStix(document)) yield* stix(document, into, options.written);
  else if (isMisp(document)) yield* misp(document, into);
  else yield* items(valuesOf(document), into, (item) => value(item, into, options));
}

/** The document; undefined when it may be JSON Lines. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const line = text.slice(0, text.indexOf("\n")).trim();
    if (line.startsWith("{") && line.endsWith("}")) return undefined;
    throw new BrokenList(`is no JSON: ${(error as Error).message}`);
  }
}

const jsonLines = (text: string, into: Intake, options: JsonOptions): Generator<undefined> =>
  lines(text, into, (line) => {
    if (line.trim() === "") return;
    let item: unknown;
    try {
      item = JSON.parse(line);
    } catch {
      into.refuse(`${quoted(line)} is no JSON`);
      return;
    }
    value(item, into, options);
  });

/** The values of a document: its own, or those of the arrays it has as members. */
function valuesOf(document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document;
  const lists = isObject(document) ? Object.values(document).filter(Array.isArray) : [];
  if (lists.length === 0) throw new BrokenList("has no array of values");
  return lists.flat();
}

function value(item: unknown, into: Intake, { column }: JsonOptions): void {
  if (typeof item === "string" && column === undefined) {
    into.take(item);
    return;
  }
  if (!isObject(item)) {
    into.refuse(`${quoted(JSON.stringify(item))} is neither a text nor an object`);
    return;
  }
  const names = column === undefined ? [...MEMBERS[into.kind], ...ANY] : [column];
  const name = names.find((each) => typeof item[each] === "string");
  if (name !== undefined) into.take(item[name] as string);
  // What a feed says of itself, such as its time, stands among its values.
  else if (item["type"] === "metadata") into.unused++;
  else into.refuse(`${quoted(JSON.stringify(item))} has none of ${names.join(", ")}`);
}
