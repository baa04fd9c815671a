// SPDX-License-Identifier: BSD-3-Clause
import { BrokenList, type Intake, quoted } from "./intake.ts";
import { isObject, type JsonObject } from "./json-object.ts";
import { items } from "./lines.ts";
import type { Kind } from "./matcher.ts";

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["ipv4-addr", "ip"],
  ["ipv6-addr", "ip"],
  ["domain-name", "domain"],
  ["url", "url"],
]);
/** A comparison of a simple pattern; the text may hold `\'` and `\\`. */
const COMPARISON = /([a-z0-9-]+):value\s*=\s*'((?:[^'\\]|\\.)*)'/g;
const ESCAPED = /\\(.)/g;
/** What may stand between comparisons: any of them is enough. */
const ALTERNATIVES = /^[\s()[\]]*(?:OR[\s()[\]]*)*$/;

export const isStix = (document: unknown): document is JsonObject =>
  isObject(document) && document["type"] === "bundle";

/**
 * The indicators of a STIX 2.1 bundle whose pattern is comparisons of an address, a name or a URL, joined by OR. Others,
 * and those that were revoked or no longer valid when the file was written, are counted as unused.
 */
export function stix(document: JsonObject, into: Intake, written: number): Generator<undefined> {
  const objects = document["objects"] ?? [];
  if (!Array.isArray(objects)) throw new BrokenList("objects: expected an array");
  return items(objects, into, (object: unknown) => {
    if (!isObject(object) || object["type"] !== "indicator") into.unused++;
    else if (object["revoked"] === true || isOver(object["valid_until"], written)) into.unused++;
    else pattern(object, into);
  });
}

const isOver = (until: unknown, written: number): boolean =>
  typeof until === "string" && Date.parse(until) <= written;

function pattern(indicator: JsonObject, into: Intake): void {
  const { pattern: text, pattern_type: language = "stix" } = indicator;
  if (typeof text !== "string") {
    into.refuse(`indicator ${quoted(String(indicator["id"]))} has no pattern`);
    return;
  }
  const rest = text.replace(COMPARISON, "");
  if (language !== "stix" || !ALTERNATIVES.test(rest)) {
    into.unused++;
    return;
  }
  for (const [, type = "", value = ""] of text.matchAll(COMPARISON)) {
    const kind = KINDS.get(type);
    if (kind) into.takeOf(kind, value.replace(ESCAPED, "$1"));
    else into.unused++;
  }
}
