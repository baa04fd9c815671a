// SPDX-License-Identifier: BSD-3-Clause
/** The part of JSON Schema that the API's description uses: what is wrong with a value, or nothing. */
import { SCHEMAS, type Schema } from "../schemas.ts";

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

function objectErrors(value: Record<string, unknown>, schema: Schema, at: string): string[] {
  const properties = (schema["properties"] ?? {}) as Record<string, Schema>;
  const required = (schema["required"] ?? []) as string[];
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  const wrong = missing.map((name) => `${at}: no ${name}`);
  for (const [name, item] of Object.entries(value)) {
    const more = schema["additionalProperties"];
    const own = properties[name] ?? (typeof more === "object" ? (more as Schema) : undefined);
    if (own) wrong.push(...schemaErrors(item, own, `${at}.${name}`));
    else if (more === false) wrong.push(`${at}: unexpected ${name}`);
  }
  return wrong;
}

export function schemaErrors(value: unknown, schema: Schema, at = "$"): string[] {
  const reference = schema["$ref"] as string | undefined;
  if (reference) return schemaErrors(value, SCHEMAS[reference.split("/").at(-1)!]!, at);
  const types = [schema["type"]].flat();
  const integer = types.includes("integer") && Number.isInteger(value);
  if (!types.includes(typeOf(value)) && !integer)
    return [`${at}: is ${typeOf(value)}, not ${types}`];
  const choices = schema["enum"] as unknown[] | undefined;
  if (choices && !choices.includes(value)) return [`${at}: none of ${choices}`];
  if (schema["format"] === "date-time" && !RFC3339.test(value as string)) return [`${at}: no time`];
  if ((schema["minimum"] as number) > (value as number)) return [`${at}: below the minimum`];
  if (Array.isArray(value))
    return value.flatMap((item, i) => schemaErrors(item, schema["items"] as Schema, `${at}[${i}]`));
  if (typeof value === "object" && value !== null)
    return objectErrors(value as Record<string, unknown>, schema, at);
  return [];
}
