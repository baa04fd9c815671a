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

/**
 * Names of plugins: `dns,http`; `all`, or `default` for those that are cheap.
 * @throws {NemeanError} ERR_USAGE that names what is wrong and what there is
 */
export function parsePlugins(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  if (names.length === 0) throw usageError(`-p "${text}": no plugin; there are ${known()}`);
  return [...new Set(names.flatMap(named))];
}

function named(name: string): string[] {
  if (name === "all") return PROTOCOLS.map((def) => def.name);
  if (name === "default")
    return PROTOCOLS.filter(({ byDefault }) => byDefault).map((def) => def.name);
  if (PROTOCOLS.some((def) => def.name === name)) return [name];
  throw usageError(`-p: no plugin "${name}"; there are ${known()}, all, default`);
}

const known = (): string => PROTOCOLS.map(({ name }) => name).join(", ");

/** What a meter is to find in flows, as plain data. */
export interface PluginPlan {
  readonly names: readonly string[];
  /** End and split flows as ipfixprobe's plugins do, and send only those in which one found something. */
  readonly compat: boolean;
}

/** A meter with plugins, and the port whose flows have their fields. */
export function meterWith(
  options: MeterOptions,
  plugins: PluginPlan | undefined,
): { meter: Meter; flows: OutputPort } {
  if (!plugins) {
    const meter = new Meter(options);
    return { meter, flows: meter.flows };
  }
  const protocols = plugins.names.map((name) => PROTOCOLS.find((def) => def.name === name)!);
  const groups = [{ name: "flows", protocols }];
  const meter = new Meter({ ...options, metadata: { groups, compat: plugins.compat } });
  return { meter, flows: meter.groups[0]! };
}

/** The layout of a meter's flows with these plugins. */
export const flowsTemplate = (plugins: PluginPlan | undefined): Template =>
  meterWith({ flowsMax: FLOWS_LEAST }, plugins).flows.template;

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
