// SPDX-License-Identifier: BSD-3-Clause
/** Detectors over made flows, in a process of their own: prints a {@link Result} as JSON. */
import { allModules } from "../../src/control/modules.ts";
import { messageOf } from "../../src/core/errors.ts";
import { FLOWS } from "../../src/core/flow/flows.ts";
import type { AnyModule } from "../../src/core/module.ts";
import { Pipeline } from "../../src/core/pipeline.ts";
import type { ModuleRunner } from "../../src/core/runner.ts";
import { SECOND } from "../../src/core/unirec/time.ts";
import { Flow } from "./flow.ts";
import { FlowPort, MeterPorts } from "./ports.ts";
import { Traffic, type TrafficPlan } from "./traffic.ts";

export interface Plan {
  /** Detectors side by side in one pipeline, each with the parameters that are not as by default. */
  readonly detectors: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Step through the records that they would be given, and do nothing else. */
  readonly base?: true;
  readonly traffic: TrafficPlan;
  readonly flows: number;
  /** Flows before those, for the JIT. */
  readonly warmUp: number;
  /** Find out whether the flows leave any trace in the detectors' states. */
  readonly traces?: true;
}

export interface Result {
  readonly flows: number;
  /** Records that the detectors were given meanwhile: a uniflow each where they want those. */
  readonly records: number;
  /** User and system time of the process while flows were delivered, JIT and collector included. */
  readonly cpuSeconds: number;
  readonly alerts: number;
  /** Which of the meter's ports they read, and how: what stepping through the records costs depends on nothing else. */
  readonly reads: string;
  readonly stateBytes: number;
  /** Bytes by which the process has grown since before the detectors were set up. */
  readonly growth: number;
  /** Of all detectors, those that are not zero. */
  readonly counters: Readonly<Record<string, number>>;
  readonly leavesTraces?: boolean;
}

/** Flows in a second of event time. */
const RATE = 20_000;
const START = 1_704_067_200 * SECOND;
/** Seconds of flows that are looked at for traces. */
const TRACED = 5;

/** Makes flows a second at a time. */
class Source {
  readonly #flow = new Flow();
  readonly #traffic: Traffic;
  #second = 0;

  constructor(plan: TrafficPlan) {
    this.#traffic = new Traffic(plan);
  }

  /** Make the flows of a second and keep them in these ports. */
  fill(ports: readonly FlowPort[]): void {
    for (const port of ports) port.clear();
    const begin = START + this.#second++ * SECOND;
    for (let i = 0; i < RATE; i++) {
      this.#traffic.next(this.#flow, begin + i * (SECOND / RATE));
      for (const port of ports) port.put(this.#flow);
    }
  }

  /** The event time at which they are over. */
  get now(): number {
    return START + this.#second * SECOND;
  }
}

/** A pipeline behind a source. */
class Run {
  readonly source: Source;
  readonly runners: ModuleRunner[] = [];
  readonly reads: string;
  /** Those of which something is read. */
  readonly #ports: readonly FlowPort[];
  alerts = 0;

  constructor({ traffic, detectors }: Plan, defs: readonly AnyModule[]) {
    this.source = new Source(traffic);
    const meter = new MeterPorts(defs);
    const pipeline = new Pipeline({
      onAlert: () => {
        this.alerts++;
      },
    });
    const reads: string[] = [];
    for (const def of defs) {
      const runner = pipeline.add(def, detectors[def.name]);
      this.runners.push(runner);
      for (const input of Object.values(runner.inputs)) {
        const ports = meter.for(input.template).map(({ out }) => out);
        pipeline.linkNarrowest(ports, input);
        reads.push(`${input.template.direction ?? "any"} ${ports.map(({ name }) => name).join()}`);
      }
    }
    this.reads = reads.join(", ");
    this.#ports = meter.all.filter(({ out }) => out.linked);
  }

  get records(): number {
    return this.runners.reduce((sum, { records }) => sum + records, 0);
  }

  fill(): void {
    this.source.fill(this.#ports);
  }

  /** Deliver the flows of a second, and the event time at which they were over. */
  deliver(): void {
    for (const port of this.#ports) {
      port.deliver();
      port.out.advance(this.source.now);
    }
  }

  get state(): Uint8Array[] {
    return this.runners.map(({ state }) => state.save());
  }
}

/** The module with the inputs it has, stepping through them. */
const stepping = (def: AnyModule): AnyModule => ({
  ...def,
  setup: () => Object.fromEntries(Object.keys(def.inputs).map((name) => [name, step])),
});

function step(flow: { next(): boolean }): void {
  while (flow.next());
}

function measure(plan: Plan, defs: readonly AnyModule[]): Result {
  settle(plan.traffic);
  const rss = resident();
  const run = new Run(plan, defs);
  let cpu = 0;
  let flows = -plan.warmUp;
  let records = 0;
  for (; flows < plan.flows; flows += RATE) {
    run.fill();
    if (flows <= 0) {
      cpu = 0;
      records = run.records;
    }
    const before = process.cpuUsage();
    run.deliver();
    const { user, system } = process.cpuUsage(before);
    cpu += user + system;
  }
  const growth = resident() - rss;
  return {
    flows,
    records: run.records - records,
    cpuSeconds: cpu / 1e6,
    alerts: run.alerts,
    reads: run.reads,
    stateBytes: run.runners.reduce((sum, { state }) => sum + state.byteLength, 0),
    growth,
    counters: countersOf(run.runners),
    ...(plan.traces ? { leavesTraces: leavesTraces(plan, defs) } : {}),
  };
}

/** What making flows takes for itself is there before the first look at the memory. */
function settle(plan: TrafficPlan): void {
  const source = new Source(plan);
  for (let i = 0; i < 5; i++) source.fill([new FlowPort("flows", FLOWS)]);
}

function resident(): number {
  Bun.gc(true);
  return process.memoryUsage.rss();
}

function countersOf(runners: readonly ModuleRunner[]): Record<string, number> {
  const counters: Record<string, number> = {};
  for (const runner of runners)
    for (const [name, count] of Object.entries(runner.counters.snapshot()))
      if (count !== 0) counters[name] = (counters[name] ?? 0) + count;
  return counters;
}

/** Whether detectors know something else after such flows than after as much time without any. */
function leavesTraces(plan: Plan, defs: readonly AnyModule[]): boolean {
  const [busy, idle] = [1, 2].map(() => new Run(plan, defs)) as [Run, Run];
  for (const [i, runner] of idle.runners.entries()) runner.state.restore(busy.state[i]!);
  for (let second = 0; second < TRACED; second++) {
    busy.fill();
    busy.deliver();
    idle.source.fill([]);
    idle.deliver();
  }
  const traceless = idle.state;
  return busy.state.some((state, i) => Buffer.compare(state, traceless[i]!) !== 0);
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2]!) as Plan;
  const known = (await allModules()).map(({ def }) => def);
  const defs = Object.keys(plan.detectors).map((name) => known.find((def) => def.name === name)!);
  try {
    console.log(JSON.stringify(measure(plan, plan.base ? defs.map(stepping) : defs)));
  } catch (error) {
    console.error(messageOf(error));
    process.exit(70);
  }
}
