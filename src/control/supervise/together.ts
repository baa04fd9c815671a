// SPDX-License-Identifier: BSD-3-Clause
import type { IpfixStats } from "../../core/ipfix/exporter.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Supervised } from "./supervised.ts";

type Own = Pick<Snapshot, "uptime" | "rss" | "alerts">;

/** What all processes say of themselves, as one. */
export function togetherOf(processes: readonly Supervised[], own: Own): Snapshot {
  const ours = processes.filter(({ plan }) => plan.task.kind === "appliance");
  const all = ours.map(({ snapshot }) => snapshot);
  const sum = (value: (snapshot: Snapshot) => number): number =>
    all.reduce((total, each) => total + value(each), 0);
  const exported = all
    .flatMap((each) => each.exported ?? [])
    .reduce<IpfixStats | undefined>(added, undefined);
  const top = all.find((each) => each.top !== undefined)?.top;
  // The oldest word is the one that tells of a process that has fallen silent.
  const words = ours.filter(({ state }) => state !== "ended" && state !== "stopped");
  const said = (words.length > 0 ? words : ours).map(({ snapshot }) => snapshot.at);
  return {
    ...own,
    at: said.length === 0 ? 0 : Math.min(...said),
    sources: all.flatMap(({ sources }) => sources),
    modules: all.flatMap(({ modules }) => modules),
    links: all.flatMap(({ links }) => links),
    mergeOverflows: sum(({ mergeOverflows }) => mergeOverflows),
    ringDrops: sum(({ ringDrops }) => ringDrops),
    missed: sum(({ missed }) => missed),
    outputDrops: sum(({ outputDrops }) => outputDrops),
    finished: ours.length > 0 && ours.every(({ state }) => state === "ended"),
    ...(exported ? { exported } : {}),
    ...(top ? { top } : {}),
  };
}

const added = (sum: IpfixStats | undefined, each: IpfixStats): IpfixStats =>
  sum === undefined
    ? each
    : (Object.fromEntries(
        Object.entries(each).map(([key, value]) => [
          key,
          value + (sum[key as keyof IpfixStats] as number),
        ]),
      ) as unknown as IpfixStats);
