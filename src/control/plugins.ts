// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../core/errors.ts";
import { FLOWS } from "../core/flow/flows.ts";
import { Meter, type MeterOptions } from "../core/flow/meter.ts";
import type { AnyProtocol } from "../core/metadata/protocol.ts";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import type { OutputPort } from "../core/port.ts";
import type { Template } from "../core/unirec/template.ts";
import { hasAllFlows, type ModulePort } from "./module-ports.ts";

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
  /** Of the flows that go out; none for flows of basic fields. */
  readonly groups: PluginGroups;
  /** End and split flows as ipfixprobe's plugins do, and send only those in which one found something. */
  readonly compat: boolean;
  /** What modules want beside: see {@link modulePorts}. */
  readonly modules?: readonly ModulePort[];
  /** No flows go out: there are the outputs for modules alone. */
  readonly isForModules?: boolean;
}

/** What a meter has to find for modules as well; undefined when basic fields are all. */
export function withModules(
  plan: PluginPlan | undefined,
  modules: readonly ModulePort[],
): PluginPlan | undefined {
  return modules.length === 0 ? plan : { groups: [], compat: false, ...plan, modules };
}

/** The same for modules alone, where they can do without the flows that others get. */
export const forModules = <P extends PluginPlan | undefined>(plan: P): P =>
  hasAllFlows(plan?.modules ?? []) ? { ...plan, isForModules: true } : plan;

/** The groups of plugins of a plan's ports for flows that go out; one without plugins for the basic flows. */
const groupsOut = ({ groups, isForModules }: PluginPlan): PluginGroups =>
  isForModules ? [] : groups.length === 0 ? [[]] : groups;

/** Names of the ports of a meter's flows: first those that go out, then those for modules. */
export function portNames(plan: PluginPlan = { groups: [], compat: false }): string[] {
  const out = groupsOut(plan);
  const modules = plan.modules ?? [];
  return [
    ...out.map((names) => (out.length === 1 ? "flow" : names[0]!)),
    ...modules.map(({ needs }) => `${["module", ...needs].join("_")}`),
  ];
}

/** For each of {@link portNames} the plugins of which one has to have found something; none where all flows will do. */
export const needsOfPorts = (plan: PluginPlan = { groups: [], compat: false }): PluginGroups => [
  ...groupsOut(plan).map(() => []),
  ...(plan.modules ?? []).map(({ needs }) => needs),
];

const defNamed = (name: string): AnyProtocol => PROTOCOLS.find((def) => def.name === name)!;

/** A meter with plugins, and the ports of its flows, as many as {@link portNames}. */
export function meterWith(
  options: MeterOptions,
  plan: PluginPlan | undefined,
): { meter: Meter; flows: readonly OutputPort[] } {
  if (!plan) {
    const meter = new Meter(options);
    return { meter, flows: [meter.flows] };
  }
  const out = groupsOut(plan);
  const isBasic = out[0]?.length === 0;
  const groups = [
    ...(isBasic ? [] : out).map((names) => ({
      name: out.length === 1 ? "flows" : names.join("+"),
      protocols: names.map(defNamed),
    })),
    ...(plan.modules ?? []).map(({ needs, also }) => ({
      name: ["flows", ...needs].join("+"),
      protocols: [...needs, ...also].map(defNamed),
      ...(needs.length === 0 ? {} : { needs: needs.map(defNamed) }),
    })),
  ];
  const meter = new Meter({ ...options, metadata: { groups, compat: plan.compat } });
  return { meter, flows: isBasic ? [meter.flows, ...meter.groups] : meter.groups };
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
