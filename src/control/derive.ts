// SPDX-License-Identifier: BSD-3-Clause
/** Everything that is derived from one module declaration: help, docs page, configuration schema. @module */
import type { AnyExporter } from "../core/exporter.ts";
import type { AnyModule, ParamOf, Ports } from "../core/module.ts";
import type { Format } from "../core/unirec/template.ts";

type Param = ParamOf<unknown>;
/** Whatever declares parameters: a module, an exporter. */
type Declared = Pick<AnyModule, "name" | "about" | "params">;
const entries = (def: Declared): [string, Param][] => Object.entries(def.params);

/** `idleTimeout` as an option: `idle-timeout`. */
export const dashed = (name: string): string =>
  name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

/** The values a parameter takes, in words. */
export function allowed({ kind, min, max, options }: Param): string {
  if (options) return options.join(", ");
  if (kind === "flag") return "true, false";
  if (kind === "text") return "text";
  const unit = kind === "seconds" ? "seconds" : kind === "ratio" ? "number" : "whole number";
  if (min === undefined) return unit;
  return max === undefined ? `${unit}, ${min} or more` : `${unit} from ${min} to ${max}`;
}

/** The text of `nemean help NAME`. */
export function help(def: AnyModule): string {
  const rows = entries(def).map(([name, p]): [string, string] => [
    `  ${p.flag ? `-${p.flag}, ` : "    "}--${dashed(name)} <${p.kind}>`,
    `${p.about}; ${allowed(p)}; default ${p.default}`,
  ]);
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  const lines = [`${def.name}: ${def.about}`];
  if (def.replaces) lines.push(`Stands in for NEMEA's ${def.replaces}.`);
  if (def.details) lines.push("", def.details.trim().replaceAll("**", ""));
  if (rows.length > 0)
    lines.push(
      "",
      "Parameters:",
      ...rows.map(([left, right]) => `${left.padEnd(width + 2)}${right}`),
    );
  lines.push("", ...ports("Input", def.inputs), ...ports("Output", def.outputs));
  return `${lines.join("\n").trimEnd()}\n`;
}

const ports = (title: string, list: Ports): string[] =>
  Object.entries(list).map(
    ([name, { fields, spec, direction, format }]) =>
      `${title} ${name}${direction ? ` (${direction})` : ""}: ${fields.length > 0 ? spec : contents(format, spec)}`,
  );

/** The module's reference page, in Markdown. */
export function page(def: AnyModule): string {
  const lines = [`# ${def.name}`, "", def.about, ""];
  if (def.replaces) lines.push(`Stands in for NEMEA's \`${def.replaces}\`.`, "");
  if (def.details) lines.push(def.details.trim(), "");
  lines.push(...parameterTable(def), ...ruleTable(def));
  lines.push(...portLists("Input", def.inputs), ...portLists("Output", def.outputs));
  return `${lines.join("\n")}\n`;
}

/** The exporter's reference page, in Markdown; `details` tell how its receiver is set up. */
export function exporterPage(def: AnyExporter): string {
  const lines = [`# ${def.name}`, "", def.about, ""];
  if (def.details) lines.push(def.details.trim(), "");
  return `${[...lines, ...parameterTable(def)].join("\n")}\n`;
}

function parameterTable(def: Declared): string[] {
  const rows = entries(def).map(([name, p]) => {
    const letter = p.flag ? ` (\`-${p.flag}\`)` : "";
    return `| \`${name}\`${letter} | ${p.default} | ${allowed(p)} | ${p.about} |`;
  });
  return [
    "## Parameters",
    "",
    "| parameter | default | values | meaning |",
    "|---|---|---|---|",
    ...rows,
  ];
}

function ruleTable({ rules }: AnyModule): string[] {
  if (!rules) return [];
  const rows = Object.entries(rules).map(
    ([name, { id, title, category, severity, confidence, techniques }]) =>
      `| \`${name}\` | ${id} | ${title} | ${category} | ${severity} | ${confidence} | ${techniques.join(", ")} |`,
  );
  const head = "| rule | id | title | category | severity | confidence | ATT&CK |";
  return ["", "## Alerts", "", head, "|---|---|---|---|---|---|---|", ...rows];
}

/** What a port without fields of its own takes or sends. */
function contents(format: Format | undefined, spec: string): string {
  if (format === "any") return "Messages of any format.";
  if (format === "raw") return "Raw messages.";
  if (format === "json")
    return spec === "" ? "JSON messages." : `JSON messages called \`${spec}\`.`;
  return "UniRec records with any fields.";
}

const portLists = (title: string, list: Ports): string[] =>
  Object.entries(list).flatMap(([name, { fields, direction, format, spec }]) => [
    "",
    `## ${title} \`${name}\`${direction ? ` (${direction})` : ""}`,
    "",
    ...(fields.length > 0 ? [] : [contents(format, spec)]),
    ...fields.map(
      ({ type, name: field, optional }) => `- \`${type} ${field}\`${optional ? ", optional" : ""}`,
    ),
  ]);

/** The JSON Schema of the module's parameters in a configuration. */
export function schema(def: Declared): object {
  return {
    type: "object",
    title: def.name,
    description: def.about,
    additionalProperties: false,
    properties: Object.fromEntries(
      entries(def).map(([name, p]) => [
        name,
        { ...schemaType(p), default: p.default, description: p.about },
      ]),
    ),
  };
}

function schemaType({ kind, options, min, max }: Param): object {
  if (options) return { enum: options };
  if (kind === "flag") return { type: "boolean" };
  if (kind === "text") return { type: "string" };
  const type = kind === "count" ? "integer" : "number";
  return {
    type,
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}

/**
 * What `-h` prints when LIBTRAP_OUTPUT_FORMAT is json, keys and values as libtrap has them (modules.md B): tools
 * around the Supervisor read it.
 */
export function trapInfo(def: AnyModule): object {
  return {
    name: def.name,
    description: def.about,
    num_ifc_in: Object.keys(def.inputs).length,
    num_ifc_out: Object.keys(def.outputs).length,
    params: entries(def).map(([name, p]) => ({
      short_opt: p.flag ?? "",
      long_opt: dashed(name),
      description: p.about,
      argument_type: argumentType(p),
      mandatory_argument: p.kind !== "flag",
    })),
  };
}

function argumentType({ kind, min }: Param): string {
  if (kind === "flag") return "none";
  if (kind === "count") return min !== undefined && min >= 0 ? "uint64" : "int64";
  return kind === "seconds" || kind === "ratio" ? "float" : "string";
}
