// SPDX-License-Identifier: BSD-3-Clause
import type { Field } from "../unirec/template.ts";
import { timeText } from "../unirec/time.ts";
import type { Row } from "./run-module.ts";

/** Rows as UniRec text with its header, in columns as the fields are given: any order. */
export function rowsText(fields: readonly Field[], rows: readonly Row[]): string {
  const header = fields.map(({ type, name }) => `${type} ${name}`).join(",");
  const lines = rows.map((row) =>
    fields.map((field) => valueText(field, row[field.name])).join(","),
  );
  return [header, ...lines].join("\n");
}

function valueText({ type }: Field, value: unknown): string {
  if (type === "string") return `"${String(value ?? "").replaceAll('"', '""')}"`;
  if (type.endsWith("*")) return `[${[value ?? []].flat().join("|")}]`;
  if (type === "time") return timeText(Number(value ?? 0));
  if (value === undefined)
    return { ipaddr: "::", macaddr: "00:00:00:00:00:00", bytes: "" }[type as "bytes"] ?? "0";
  return value instanceof Uint8Array ? value.toHex() : String(value);
}
