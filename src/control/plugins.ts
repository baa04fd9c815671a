// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../core/errors.ts";
import { FLOWS } from "../core/flow/flows.ts";
import { Meter, type MeterOptions } from "../core/flow/meter.ts";
import type { AnyProtocol } from "../core/metadata/protocol.ts";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import type { OutputPort } from "../core/port.ts";
import type { Template } from "../core/unirec/template.ts";

/** A table for a meter that will see no packet. */
const FLOWS_LEAST = 16;

/** Names of plugins, by output. */
export type PluginGroups = readonly (readonly string[])[];

/** What is between commas, or in parentheses between them. */
const PART = /^\s*(?:\(([^()]*)\)|([^(),]*))\s*(,|$)/;

/**
 * Names of plugins: `dns,http`; `all`, or `default` for those that are cheap: one output that has the fields of all.
 * Parentheses make outputs by hand: `(dns,passivedns),http` are two. `none` alone is no plugin at all.
 * @throws {NemeanError} ERR_USAGE that names what is wrong and what there is
 */
export function parsePlugins(text: string): PluginGroups {
  if (text.trim().toLowerCase() === "none") return [];
  const groups: (readonly string[])[] = [];
  for (let rest = text, comma = ","; comma === ","; ) {
    const part = PART.exec(rest);
    if (!part) throw usageError(`-p "${text}": write groups as (dns,http),tls`);
    const names = namesIn(part[1] ?? part[2]!);
    if (names.length > 0) groups.push(names);
    comma = part[3]!;
    rest = rest.slice(part[0].length);
  }
  if (groups.length === 0) throw usageError(`-p "${text}": no plugin; there are ${known()}`);
  return text.includes("(") ? groups : [[...new Set(groups.flat())]];
}

const namesIn = (text: string): string[] => {
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== "").flatMap(named))];
};

function named(name: string): string[] {
  if (name === "all") return PROTOCOLS.map((def) => def.name);
  if (name === "default")
    return PROTOCOLS.filter(({ byDefault }) => byDefault).map((def) => def.name);
  if (PROTOCOLS.some((def) => def.name === name)) return [name];
  throw usageError(`-p: no plugin "${name}"; there are ${known()}, all, default, none`);
}

const known = (): string => PROTOCOLS.map(({ name }) => name).join(", ");

/** What a meter is to find in flows, as plain data. */
export interface PluginPlan {
  readonly groups: PluginGroups;
  /** End and split flows as ipfixprobe's plugins do, and send only those in which one found something. */
  readonly compat: boolean;
}

/** A meter with plugins, and the ports of its flows: one for each of their groups, or the basic flows' without. */
export function meterWith(
  options: MeterOptions,
  plugins: PluginPlan | undefined,
): { meter: Meter; flows: readonly OutputPort[] } {
  if (!plugins) {
    const meter = new Meter(options);
    return { meter, flows: [meter.flows] };
  }
  const groups = plugins.groups.map((names) => ({
    name: plugins.groups.length === 1 ? "flows" : names.join("+"),
    protocols: names.map((name) => PROTOCOLS.find((def) => def.name === name)!),
  }));
  const meter = new Meter({ ...options, metadata: { groups, compat: plugins.compat } });
  return { meter, flows: meter.groups };
}

/** The layouts of a meter's flows with these plugins, one for each port. */
export const flowsTemplates = (plugins: PluginPlan | undefined): Template[] =>
  meterWith({ flowsMax: FLOWS_LEAST }, plugins).flows.map(({ template }) => template);

/** A line a plugin: name, whether it is on by default, what it finds, its fields. */
export function pluginList(): string {
  const width = Math.max(...PROTOCOLS.map(({ name }) => name.length));
  return PROTOCOLS.map(
    (def) => `${def.name.padEnd(width)}  ${mark(def)}  ${def.about} ${fieldsOf(def)}\n`,
  ).join("");
}

const mark = ({ byDefault }: AnyProtocol): string => (byDefault ? "on " : "off");
const fieldsOf = ({ fields }: AnyProtocol): string => `(${fields.spec})`;

/** The page of all plugins, in Markdown. */
export function pluginPage(): string {
  const rows = PROTOCOLS.flatMap((def) => [
    `## ${def.name}`,
    "",
    `${def.about} ${def.byDefault ? "In `default`." : "Not in `default`."} Source: ${def.source}.`,
    "",
    "| field | type | IPFIX element |",
    "|---|---|---|",
    ...def.fields.fields.map(
      ({ name, type }) => `| \`${name}\` | \`${type}\` | ${def.elements[name]} |`,
    ),
    "",
  ]);
  return [
    "# Plugins",
    "",
    "What the meter can find in flows beside their basic fields, written from the declarations in `src/core/metadata/protocols` by",
    "`bun run generate`. `nemean meter -p dns,tls` chooses; `-p default` takes those that are cheap, `-p all` all. With",
    "`--compat ipfixprobe` flows end and split as ipfixprobe's plugins have them, and only those in which one found something are sent.",
    "",
    `The basic fields: \`${FLOWS.spec}\`.`,
    "",
    ...rows,
  ].join("\n");
}
