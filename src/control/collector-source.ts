// SPDX-License-Identifier: BSD-3-Clause
import { Collecting } from "../collectors/ipfix/collecting.ts";
import ipfix from "../collectors/ipfix/index.ts";
import { mappingOf } from "../core/ipfix/collect/layout.ts";
import type { Merge } from "../core/merge.ts";
import type { ValuesOf } from "../core/module.ts";
import { CollectedFlows } from "./collected-flows.ts";
import type { PluginPlan } from "./plugins.ts";
import type { SourceStats } from "./snapshot.ts";

/** Flows that exporters send to a port of this machine. Plain data: it goes to a Worker by message. */
export interface CollectorPlan {
  readonly kind: "collector";
  /** Shown in statistics, and as the interface of alerts. */
  readonly name: string;
  /** Parameters of the collector that are not as by default. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** Parameters that are of no use in a pipeline: it says what the layout is, and shows the counters. */
const UNUSED = ["fields", "raw", "report"];
/** What an operator may set. */
export const COLLECTOR_PARAMS = Object.fromEntries(
  Object.entries(ipfix.params).filter(([name]) => !UNUSED.includes(name)),
);

const TICK_MS = 1000;
/** What a meter counts, and a collector has nothing of. */
const NO_METER = {
  ignored: { nonIp: 0, malformed: 0, unknownLink: 0 },
  ended: { idle: 0, active: 0, end: 0, forced: 0, resources: 0 },
  live: 0,
  peak: 0,
  evicted: 0,
  fragments: 0,
  fragmentsUnmatched: 0,
  clockJumps: 0,
} as const;

/** A collector in the place of a meter. */
export class CollectorSource {
  readonly name: string;
  readonly #flows: CollectedFlows;
  readonly #collecting: Collecting;
  #tickAt = 0;

  /** @throws {NemeanError} what an operator has to mend: a port that is taken, a mapping that is wrong */
  constructor(
    { name, params }: CollectorPlan,
    plugins: PluginPlan | undefined,
    merges: readonly Merge[],
    warn: (message: string) => void,
  ) {
    this.name = name;
    this.#flows = new CollectedFlows(name, plugins, merges);
    const defaults = Object.entries(ipfix.params).map(([key, param]) => [key, param.default]);
    const settings = {
      ...Object.fromEntries(defaults),
      ...params,
    } as ValuesOf<typeof ipfix.params>;
    this.#collecting = new Collecting(this.#flows.sink, {
      ...settings,
      mapping: mappingOf(settings.mapping),
      scale: settings.sampled === "scale",
      warn,
    });
  }

  /** Take what has come, or wait for it a little; false once nothing comes any more. */
  step(): boolean {
    const wait = this.#collecting.produce();
    this.#flows.flush();
    const now = performance.now();
    if (now > this.#tickAt) {
      this.#tickAt = now + TICK_MS;
      this.#collecting.tick();
      this.#flows.tick();
    }
    return wait !== undefined;
  }

  /** Take what has come, and let what it sends end. */
  end(): void {
    this.#collecting.end();
    this.#flows.end();
  }

  stats(): SourceStats {
    const { flows, packets, bytes, tooLong } = this.#flows.totals;
    return {
      name: this.name,
      kind: "collector",
      workers: 1,
      meter: { ...NO_METER, flows, packets, bytes },
      collector: { ...this.#collecting.counts, records_too_long: tooLong },
    };
  }
}
