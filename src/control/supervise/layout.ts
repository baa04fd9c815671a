// SPDX-License-Identifier: BSD-3-Clause
/** Which processes a product is made of, and how records get from one to another. @module */
import type { MeterOptions } from "../../core/flow/meter.ts";
import type { AppliancePlan, LivePlan } from "../appliance.ts";
import { joinPorts, type ModulePort } from "../module-ports.ts";
import type { SourcePlan } from "../pipeline-run.ts";
import { forModules, type PluginPlan, portNames, withModules } from "../plugins.ts";
import type { TrapModulePlan } from "../trap-module.ts";
import type { ProcessSpec } from "./backend.ts";
import { type Link, numbered, Wiring } from "./wiring.ts";

/** Where packets, or flows, come from. */
export interface SourceEntry {
  /** Of its process: `capture@NAME`, or `collector@NAME`. */
  readonly name: string;
  readonly source: LivePlan | Extract<SourcePlan, { kind: "generator" | "files" | "collector" }>;
  /** Of a source that is not live; one that is has its own. */
  readonly meter?: MeterOptions;
}

export interface ModuleEntry {
  readonly name: string;
  readonly kind: "detector" | "module";
  readonly params: Readonly<Record<string, unknown>>;
  /** Whether a detector has a process of its own; other modules always do. */
  readonly own: boolean;
  /** Names of its ports. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What it wants to know of flows, of a detector. */
  readonly wants: readonly ModulePort[];
}

/** A program that takes `-i`, such as a NEMEA module in C. */
export interface CommandEntry {
  readonly name: string;
  readonly command: readonly string[];
  readonly inputs: number;
  readonly outputs: number;
}

/** What the product is to do, from wherever it is said. */
export interface Product {
  readonly sources: readonly SourceEntry[];
  readonly plugins?: PluginPlan;
  /** Seconds without packets after which a flow has ended. */
  readonly idle: number;
  readonly sensor: string;
  readonly modules: readonly ModuleEntry[];
  readonly commands: readonly CommandEntry[];
  readonly links: readonly Link[];
  /** Where flows go beside the modules: TRAP interfaces, and an IPFIX collector. */
  readonly interfaces?: string;
  readonly ipfix?: string;
  /** Resident megabytes above which a process is started anew. */
  readonly memory: number;
}

/** What a process has to do; it is told so over the control socket. Plain data. */
export type ProcessTask =
  | { readonly kind: "appliance"; readonly plan: AppliancePlan }
  | { readonly kind: "trap"; readonly plan: TrapModulePlan }
  | { readonly kind: "command"; readonly command: readonly string[] };

export interface ProcessPlan extends ProcessSpec {
  readonly task: ProcessTask;
  readonly modules: readonly string[];
  readonly memory: number;
}

/** NEMEA's default pipeline calls flows `flow_data_source` (modules.md H). */
const FLOWS = "data_source";
/** How long flows wait for others to be sent with, microseconds. */
const AUTOFLUSH = 200_000;
/** Seconds that flows may be on their way from a meter to a detector. */
const ON_THE_WAY = 5;
/** What names of sockets may hold. */
const UNFIT = /[^\w.-]/g;

/** What the meters of a product have to find, for its detectors too. */
const pluginsOf = ({ plugins, modules }: Product): PluginPlan | undefined =>
  withModules(
    plugins,
    joinPorts(modules.filter(({ kind }) => kind === "detector").flatMap(({ wants }) => wants)),
  );

/** Names of the sockets that a source's flows come from, one for each port of a meter with these plugins. */
function flowSockets({ sources }: Product, source: SourceEntry, plan: PluginPlan | undefined) {
  const suffix = sources.length === 1 ? "" : `-${source.name.replaceAll(UNFIT, "-")}`;
  return portNames(plan).map((name) => `${name}_${FLOWS}${suffix}`);
}

/**
 * The processes of a product: one for each source, one that exports their flows where that is wanted, one for the detectors that share it,
 * one for each other module and each command. Flows and records go between them by TRAP, so others can listen in.
 * @throws {NemeanError} ERR_USAGE for links that cannot be
 */
export function layoutOf(product: Product, stateFolder?: string): ProcessPlan[] {
  const plugins = pluginsOf(product);
  const taken = forModules(plugins);
  const wiring = new Wiring(product, (source) => flowSockets(product, source, plugins));
  const { sensor, memory } = product;
  const sent = [product.interfaces ?? [], ...wiring.flowOutputs].flat();
  const kept = stateFolder === undefined ? {} : { stateFolder };
  const common = { sensor, ...(plugins ? { plugins } : {}), ...kept };
  const captures = product.sources.map((entry) => {
    const sockets = flowSockets(product, entry, plugins);
    const read = flowSockets(product, entry, taken);
    const exported =
      product.ipfix === undefined ? [] : flowSockets(product, entry, product.plugins);
    const isRead = (name: string) => read.includes(name) || exported.includes(name);
    const specs = sockets.map((name) => flushing(name, isLive(entry) || isRead(name)));
    return captureOf(product, entry, [...specs, ...sent], common);
  });
  const feed = feedOf(product, taken);
  const detect = (
    name: string,
    kind: "detectors" | "detector",
    entries: readonly ModuleEntry[],
  ): ProcessPlan => {
    const modules = entries.map(({ name: module, params, outputs }) => {
      const interfaces = wiring.moduleOutputs(module, outputs);
      return { name: module, params, ...(interfaces === undefined ? {} : { interfaces }) };
    });
    const plan: AppliancePlan = {
      source: feed,
      modules,
      top: kind === "detectors",
      ...common,
      ...(taken ? { plugins: taken } : {}),
    };
    return {
      name,
      kind,
      task: { kind: "appliance", plan },
      modules: entries.map((each) => each.name),
      memory,
    };
  };
  const detectors = product.modules.filter(({ kind }) => kind === "detector");
  const shared = detectors.filter(({ own }) => !own);
  const others = product.modules.filter(({ kind }) => kind === "module");
  return [
    ...captures,
    ...exportersOf(product, { sensor, ...kept }),
    ...(shared.length > 0 ? [detect("detectors", "detectors", shared)] : []),
    ...detectors
      .filter(({ own }) => own)
      .map((each) => detect(`detector@${each.name}`, "detector", [each])),
    ...others.map(({ name, params, inputs, outputs }): ProcessPlan => {
      const plan = { module: name, params, interfaces: wiring.interfaces(name, inputs, outputs) };
      return {
        name: `module@${name}`,
        kind: "module",
        task: { kind: "trap", plan },
        modules: [name],
        memory,
      };
    }),
    ...product.commands.map(({ name, command: words, inputs, outputs }): ProcessPlan => {
      const specs = wiring.interfaces(name, numbered(inputs), numbered(outputs));
      const command = [...words, "-i", specs];
      return {
        name: `command@${name}`,
        kind: "command",
        command,
        task: { kind: "command", command },
        modules: [name],
        memory,
      };
    }),
  ];
}

/** A file waits for who reads its flows; where no detector does, for nobody to come. */
const flushing = (socket: string, isAsUsual: boolean): string =>
  `u:${socket}:autoflush=${AUTOFLUSH}${isAsUsual ? "" : ":timeout=HALF_WAIT"}`;

const isLive = ({ source }: SourceEntry): boolean =>
  source.kind === "live" ||
  source.kind === "collector" ||
  ("traffic" in source && source.traffic.live === true);

/** What sends the flows of all sources to a collector elsewhere: apart from captures, which have no business with the network. */
function exportersOf(
  product: Product,
  common: Pick<AppliancePlan, "sensor" | "stateFolder">,
): ProcessPlan[] {
  const { ipfix, plugins, memory } = product;
  if (ipfix === undefined) return [];
  const plan: AppliancePlan = {
    source: feedOf(product, plugins),
    modules: [],
    ...common,
    ...(plugins ? { plugins } : {}),
    ipfix,
  };
  return [
    {
      name: "exporter@ipfix",
      kind: "module",
      task: { kind: "appliance", plan },
      modules: [],
      memory,
    },
  ];
}

function captureOf(
  { memory }: Product,
  { name, source, meter }: SourceEntry,
  interfaces: readonly string[],
  common: Pick<AppliancePlan, "sensor" | "plugins" | "stateFolder">,
): ProcessPlan {
  const plan: AppliancePlan = {
    source,
    ...(meter ? { meter } : {}),
    modules: [],
    ...common,
    interfaces: interfaces.join(","),
  };
  return {
    name: `${source.kind === "collector" ? "collector" : "capture"}@${name}`,
    kind: "capture",
    task: { kind: "appliance", plan },
    modules: [],
    memory,
  };
}

/** The flows of all sources, for detectors. */
function feedOf(
  product: Product,
  plugins: PluginPlan | undefined,
): Extract<SourcePlan, { kind: "trap" }> {
  const { sources, idle } = product;
  return {
    kind: "trap",
    name: sources.map(({ name }) => name).join(","),
    senders: sources.map((source) =>
      flowSockets(product, source, plugins).map((name) => `u:${name}`),
    ),
    ...(sources.every(isLive) ? { lag: idle + ON_THE_WAY } : {}),
  };
}
