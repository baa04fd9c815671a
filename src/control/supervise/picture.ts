// SPDX-License-Identifier: BSD-3-Clause
/** The running product as a picture: its modules, and the links between them. @module */
import type { DeliveryStats } from "../delivery/delivery.ts";
import type { ModulePort } from "../module-ports.ts";
import { allModules } from "../modules.ts";
import type { LinkStats, Snapshot } from "../snapshot.ts";
import type { CommandEntry, ModuleEntry, ProcessPlan } from "./layout.ts";
import type { LinkView, ModuleView } from "./view.ts";
import { numbered } from "./wiring.ts";

/** What is drawn. */
export interface Scene {
  readonly plans: readonly ProcessPlan[];
  /** By process. */
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly modules: readonly ModuleEntry[];
  readonly commands: readonly CommandEntry[];
  readonly delivery?: DeliveryStats;
}

/** All modules there are, and the commands of the configuration. */
export async function moduleViews({
  plans,
  snapshots,
  modules,
  commands,
}: Scene): Promise<ModuleView[]> {
  const stats = [...snapshots.values()].flatMap((snapshot) => snapshot.modules);
  const view = (name: string) => {
    const {
      inputs = {},
      outputs = {},
      counters = {},
      busy = 0,
    } = stats.find((each) => each.name === name) ?? {};
    const process = plans.find((plan) => plan.modules.includes(name))?.name ?? null;
    return { name, process, enabled: process !== null, inputs, outputs, counters, busy };
  };
  const loaded = (await allModules()).filter(({ kind }) => kind !== "collector");
  return [
    ...loaded.map(
      ({ kind, def }): ModuleView => ({
        ...view(def.name),
        kind: kind === "detector" ? "detector" : "module",
        about: def.about,
        params: modules.find(({ name }) => name === def.name)?.params ?? {},
      }),
    ),
    ...commands.map(
      ({ name, command }): ModuleView => ({
        ...view(name),
        kind: "command",
        about: command.join(" "),
        params: {},
      }),
    ),
  ];
}

/** Where records and alerts go. */
export function linkViews(scene: Scene): LinkView[] {
  return [...flowLinks(scene), ...recordLinks(scene), ...alertLinks(scene), ...sinkLinks(scene)];
}

/** Flows of each capture to the detectors, and to who else wants them. */
function flowLinks(scene: Scene): LinkView[] {
  const { plans, snapshots } = scene;
  const detecting = plans.filter(({ kind }) => kind === "detectors" || kind === "detector");
  return plans
    .filter(({ kind }) => kind === "capture")
    .flatMap(({ name: capture }) => {
      const sent = snapshots.get(capture)?.links ?? [];
      const [first, ...others] = sent.filter(({ via }) => !isForModules(via));
      return [
        ...detecting.flatMap((plan) => flowsTo(plan, capture, sent, scene)),
        ...(first ? toReaders(scene, capture, first) : []),
        ...others.flatMap((each) => toAll(scene, capture, each)),
      ];
    });
}

const isForModules = (via: string): boolean => via.startsWith("u:module_");

/** The link that a detector with these wants reads: of what it needs, else of all flows for detectors, else of those that go out. */
function linkFor(wants: readonly ModulePort[], links: readonly LinkStats[]): LinkStats | undefined {
  const [narrow] = wants.filter(({ needs }) => needs.length > 0);
  const name = ["module", ...(narrow?.needs ?? []), "data_source"].join("_");
  return links.find(({ via }) => via.startsWith(`u:${name}`)) ?? links[0];
}

/** What modules send by TRAP. */
const recordLinks = (scene: Scene): LinkView[] =>
  scene.plans
    .filter(({ kind }) => kind !== "capture")
    .flatMap(({ name }) => scene.snapshots.get(name)?.links ?? [])
    .flatMap((each) => toAll(scene, each.from, each));

/** To modules and commands that read from the interface; to the interface itself where none of ours does. */
function toAll(scene: Scene, from: string, link: LinkStats): LinkView[] {
  const readers = toReaders(scene, from, link);
  return readers.length > 0 ? readers : [viewOf(from, link, { to: link.via, toPort: "" })];
}

function toReaders({ plans, modules, commands }: Scene, from: string, link: LinkStats): LinkView[] {
  return plans.flatMap(({ modules: [name = ""], task }) => {
    if (task.kind === "appliance") return [];
    const specs = task.kind === "trap" ? task.plan.interfaces : task.command.at(-1)!;
    const ports =
      modules.find((each) => each.name === name)?.inputs ??
      numbered(commands.find((each) => each.name === name)?.inputs ?? 0);
    const read = specs.split(",").slice(0, ports.length);
    return ports.flatMap((toPort, i) =>
      // One of ours is to have all of them, also those from before it was there.
      read[i] === link.via
        ? [viewOf(from, { ...link, dropped: link.dropped + link.unheard }, { to: name, toPort })]
        : [],
    );
  });
}

const viewOf = (
  from: string,
  { port, via, records, dropped }: LinkStats,
  to: Pick<LinkView, "to" | "toPort">,
): LinkView => ({ from, fromPort: port, ...to, via, records, dropped, queued: null });

/** What detectors find. */
function alertLinks({ modules, snapshots }: Scene): LinkView[] {
  const stats = [...snapshots.values()].flatMap((each) => each.modules);
  return modules.flatMap(({ kind, name, outputs: [port] }) => {
    if (kind !== "detector" || port === undefined) return [];
    const records = stats.find((each) => each.name === name)?.outputs[port] ?? 0;
    const to = { to: "alerts", toPort: "alerts", via: "control" };
    return [{ from: name, fromPort: port, ...to, records, dropped: 0, queued: null }];
  });
}

const sinkLinks = ({ delivery }: Scene): LinkView[] =>
  (delivery?.sinks ?? []).map(({ name, delivered, dropped, dead, waiting }) => ({
    from: "alerts",
    fromPort: "alerts",
    to: `sink:${name}`,
    toPort: "alerts",
    via: "queue",
    records: delivered,
    dropped: dropped + dead,
    queued: waiting,
  }));

/** The flows of a capture to each of a process's detectors. */
function flowsTo(
  plan: ProcessPlan,
  capture: string,
  links: readonly LinkStats[],
  { modules, snapshots }: Scene,
): LinkView[] {
  const snapshot = snapshots.get(plan.name);
  return plan.modules.map((name) => {
    const wants = modules.find((each) => each.name === name)?.wants ?? [];
    const sent = linkFor(wants, links);
    const inputs = Object.entries(
      snapshot?.modules.find((each) => each.name === name)?.inputs ?? {},
    );
    return {
      from: capture,
      fromPort: sent?.port ?? "flows",
      to: name,
      toPort: inputs[0]?.[0] ?? "flows",
      via: sent?.via ?? "",
      records: inputs.reduce((sum, [, records]) => sum + records, 0),
      dropped: snapshot?.missed ?? 0,
      queued: null,
    };
  });
}
