// SPDX-License-Identifier: BSD-3-Clause
/** What IDEA's definition asks of a message, as far as an alert of flows goes. */
import { isIP } from "node:net";

type Json = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === "string" && pattern.test(value);
const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every(check);
/** An object with these keys, all optional. */
const objectOf =
  (keys: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === "object" && value !== null && wrongKeys(value as Json, keys).length === 0;

const isTime = matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
const isId = matches(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const isEndpoint = objectOf({
  IP4: listOf((value) => isIP(String(value)) === 4),
  IP6: listOf((value) => isIP(String(value)) === 6),
  Port: listOf((value) => isCount(value) && (value as number) <= 65_535),
  Proto: listOf(matches(/^[a-z0-9-]+$/)),
  Note: isText,
});

const MESSAGE: Readonly<Record<string, Check>> = {
  Format: (value) => value === "IDEA0",
  ID: isId,
  AggrID: listOf(isId),
  DetectTime: isTime,
  EventTime: isTime,
  CeaseTime: isTime,
  Category: listOf(isText),
  Confidence: (value) => typeof value === "number" && value >= 0 && value <= 1,
  Description: isText,
  Note: isText,
  Ref: listOf(matches(/^https:\/\/[!-~]+$/)),
  FlowCount: isCount,
  PacketCount: isCount,
  ByteCount: isCount,
  Source: listOf(isEndpoint),
  Target: listOf(isEndpoint),
  Attach: listOf(objectOf({ Handle: isText, Note: isText, ContentType: isText, Content: isText })),
  Node: listOf(
    objectOf({
      Name: matches(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/),
      SW: listOf(isText),
      Type: listOf(matches(/^[A-Z][A-Za-z]+$/)),
    }),
  ),
  // Keys that begin with an underscore are everybody's own.
  _Nemean: (value) => typeof value === "object" && value !== null,
};
const REQUIRED = ["Format", "ID", "DetectTime", "Category", "Node"];

/** Keys that a message has wrong, or not at all: none, when it is right. */
export function ideaComplaints(line: string): string[] {
  const message = JSON.parse(line) as Json;
  return [...REQUIRED.filter((key) => message[key] === undefined), ...wrongKeys(message, MESSAGE)];
}

const wrongKeys = (object: Json, keys: Readonly<Record<string, Check>>): string[] =>
  Object.entries(object)
    .filter(([key, value]) => !keys[key]?.(value))
    .map(([key]) => key);
