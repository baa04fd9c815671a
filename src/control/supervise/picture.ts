// SPDX-License-Identifier: BSD-3-Clause
/** The running product as a picture: its modules, and the links between them. @module */
import type { DeliveryStats } from "../delivery/delivery.ts";
import { allModules } from "../modules.ts";
import type { LinkStats, Snapshot } from "../snapshot.ts";
import type { CommandEntry, ModuleEntry, ProcessPlan } from "./layout.ts";
import type { LinkView, ModuleView } from "./view.ts";

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
export async function moduleViews({ plans, snapshots, modules, commands }: Scene): Promise<ModuleView[]> {
  const stats = [...snapshots.values()].flatMap((snapshot) => snapshot.modules);
  const view = (name: string) => {
    const { inputs = {}, outputs = {}, counters = {}, busy = 0 } = stats.find((each) => each.name === name) ?? {};
    const process = plans.find((plan) => plan.modules.includes(name))?.name ?? null;
    return { name, process, enabled: process !== null, inputs, outputs, counters, busy };
  };
  const loaded = (await allModules()).filter(({ kind }) => kind !== "collector");
  return [
    ...loaded.map(({ kind, def }): ModuleView => ({
      ...view(def.name),
      kind: kind === "detector" ? "detector" : "module",
      about: def.about,
      params: modules.find(({ name }) => name === def.name)?.params ?? {},
    })),
    ...commands.map(({ name, command }): ModuleView => ({
      ...view(name),
      kind: "command",
      about: command.join(" "),
      params: {},
    })),
  ];
}

const DETECT = ["detectors", "detector"];

/** Where records and alerts go. */
export function linkViews({ plans, snapshots, modules, delivery }: Scene): LinkView[] {
  const links: LinkView[] = [];
  const captures = plans.filter(({ kind }) => kind === "capture");
  const stats = (process: string): readonly LinkStats[] => snapshots.get(process)?.links ?? [];
  for (const capture of captures) {
    // Who reads from an interface is known for what is ours; the rest goes to the interface itself.
    const sent = stats(capture.name);
    for (const plan of plans.filter(({ kind }) => DETECT.includes(kind)))
      links.push(...flowsTo(plan, capture.name, sent[0], snapshots.get(plan.name)));
    for (const each of sent.slice(sent.length > 0 ? 1 : 0))
      links.push(toInterface(capture.name, each));
  }
  for (const plan of plans)
    for (const each of plan.kind === "capture" ? [] : stats(plan.name)) links.push(toInterface(each.from, each));
  for (const { kind, name, outputs } of modules) {
    const [port] = outputs;
    if (kind !== "detector" || port === undefined) continue;
    const sent = [...snapshots.values()].flatMap((each) => each.modules).find((each) => each.name === name);
    links.push({
      from: name,
      fromPort: port,
      to: "alerts",
      toPort: "alerts",
      via: "control",
      records: sent?.outputs[port] ?? 0,
      dropped: 0,
      queued: null,
    });
  }
  for (const sink of delivery?.sinks ?? [])
    links.push({
      from: "alerts",
      fromPort: "alerts",
      to: `sink:${sink.name}`,
      toPort: "alerts",
      via: "queue",
      records: sink.delivered,
      dropped: sink.dropped + sink.dead,
      queued: sink.waiting,
    });
  return links;
}

/** The flows of a capture to each of a process's detectors. */
function flowsTo(
  plan: ProcessPlan,
  capture: string,
  sent: LinkStats | undefined,
  snapshot: Snapshot | undefined,
): LinkView[] {
  return plan.modules.map((name) => {
    const inputs = Object.entries(snapshot?.modules.find((each) => each.name === name)?.inputs ?? {});
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

const toInterface = (from: string, { port, via, records, dropped }: LinkStats): LinkView => ({
  from,
  fromPort: port,
  to: via,
  toPort: "",
  via,
  records,
  dropped,
  queued: null,
});
