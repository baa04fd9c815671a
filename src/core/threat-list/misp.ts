// SPDX-License-Identifier: BSD-3-Clause
import { BrokenList, type Intake } from "./intake.ts";
import { isObject, type JsonObject } from "./json-object.ts";
import { items } from "./lines.ts";
import type { Kind } from "./matcher.ts";

/** Types of attributes, and what they hold; two values are parted by `|`. */
const TYPES: ReadonlyMap<string, readonly (Kind | "port")[]> = new Map([
  ["ip-src", ["ip"]],
  ["ip-dst", ["ip"]],
  ["ip-src|port", ["ip", "port"]],
  ["ip-dst|port", ["ip", "port"]],
  ["domain", ["domain"]],
  ["hostname", ["domain"]],
  ["hostname|port", ["domain", "port"]],
  ["domain|ip", ["domain", "ip"]],
  ["url", ["url"]],
  ["uri", ["url"]],
] as const);

const eventsOf = (document: unknown): readonly unknown[] => {
  if (!isObject(document)) return Array.isArray(document) ? document : [];
  return Array.isArray(document["response"]) ? document["response"] : [document];
};

/** An event as MISP's feeds have them, a file each, or as its API answers. */
export const isMisp = (document: unknown): boolean =>
  eventsOf(document).some((event) => isObject(event) && isObject(event["Event"]));

/** The attributes of MISP events, and of their objects, that are meant for detection (`to_ids`). */
export function* misp(document: unknown, into: Intake): Generator<undefined> {
  for (const wrapped of eventsOf(document)) {
    const event = isObject(wrapped) ? wrapped["Event"] : undefined;
    if (!isObject(event)) throw new BrokenList("expected events, each as { Event: … }");
    yield* items(attributesOf(event), into, (attribute) => take(attribute, into));
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const attributesOf = (event: JsonObject): readonly unknown[] => [
  ...listOf(event["Attribute"]),
  ...listOf(event["Object"]).flatMap((object) =>
    isObject(object) ? listOf(object["Attribute"]) : [],
  ),
];

function take(attribute: unknown, into: Intake): void {
  const { type, value, to_ids: forDetection, deleted } = isObject(attribute) ? attribute : {};
  if (typeof type !== "string" || typeof value !== "string") {
    into.refuse("attribute without type and value");
    return;
  }
  const kinds = TYPES.get(type);
  if (!kinds || forDetection === false || deleted === true) {
    into.unused++;
    return;
  }
  const parts = value.split("|");
  const [first, second] = kinds;
  if (first === "ip" && second === "port") into.takeOf("ip", atPort(parts));
  else
    for (const [i, kind] of kinds.entries()) if (kind !== "port") into.takeOf(kind, parts[i] ?? "");
}

/** An IPv4 address at its port; of IPv6 the address at all ports. */
const atPort = ([ip = "", port = ""]: readonly string[]): string =>
  ip.includes(":") || port === "" ? ip : `${ip}:${port}`;
