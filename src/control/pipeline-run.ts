// SPDX-License-Identifier: BSD-3-Clause
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type GeneratorOptions, GeneratorSource } from "../collectors/generator.ts";
import { PcapSource } from "../collectors/pcap.ts";
import type { AlertHandler } from "../core/alert.ts";
import { type BatchRing, RingReader } from "../core/batch-ring.ts";
import type { Meter, MeterOptions } from "../core/flow/meter.ts";
import { FlowTop } from "../core/flow/top.ts";
import { Merge } from "../core/merge.ts";
import type { AnyModule } from "../core/module.ts";
import { Pulse } from "../core/net/poller.ts";
import { Pipeline } from "../core/pipeline.ts";
import type { InputPort, ModuleRunner } from "../core/runner.ts";
import type { FrameSource } from "../core/source.ts";
import type { TrapEnvironment, TrapOutput } from "../core/trap/interface.ts";
import type { ServiceSocket } from "../core/trap/service.ts";
import { parseInterfaces } from "../core/trap/specifier.ts";
import { type CollectorPlan, CollectorSource } from "./collector-source.ts";
import { CsvFile } from "./csv-file.ts";
import { ExportedFlows } from "./exported-flows.ts";
import { modulePorts, portFor } from "./module-ports.ts";
import { moduleNamed } from "./modules.ts";
import { flowsTemplates, forModules, meterWith, type PluginPlan, withModules } from "./plugins.ts";
import type { LinkStats, Snapshot, SourceStats } from "./snapshot.ts";
import { restoreState, saveState } from "./state-files.ts";
import { TrapFeed, type TrapFeedPlan } from "./trap-feed.ts";
import {
  drain,
  FlowOutputs,
  type FlowTargets,
  linkOf,
  openOutputs,
  serviceOf,
  trapEnvironment,
} from "./trap-process.ts";

/** Where the frames or the flows come from. Plain data: it goes to a Worker by message. */
export type SourcePlan =
  | {
      readonly kind: "files";
      readonly paths: readonly string[];
      readonly filter?: string;
      readonly loop?: number;
    }
  | { readonly kind: "generator"; readonly traffic: GeneratorOptions }
  | {
      readonly kind: "rings";
      readonly name: string;
      /** Of each Worker those of its meter's ports. */
      readonly rings: readonly (readonly BatchRing[])[];
      readonly bell: SharedArrayBuffer;
    }
  | CollectorPlan
  | TrapFeedPlan;

export interface PipelinePlan extends FlowTargets {
  readonly source: SourcePlan;
  readonly meter?: MeterOptions;
  /** Plugins of the meter, whose fields the flows then have that are written and sent. */
  readonly plugins?: PluginPlan;
  /** Modules and their checked parameters. */
  readonly modules: readonly {
    readonly name: string;
    readonly params: Readonly<Record<string, unknown>>;
    /** TRAP interfaces that send what its outputs send, one an output and divided by commas. */
    readonly interfaces?: string;
  }[];
  readonly sensor: string;
  /** Write all flows there as UniRec text; `-` is standard output. */
  readonly flows?: string;
  /** Whether the heaviest addresses and ports are kept track of. */
  readonly top?: boolean;
  /** Folder in which modules' states are kept over a restart. */
  readonly stateFolder?: string;
}

export interface PipelineHooks {
  readonly onAlert: AlertHandler;
  readonly onWarning: (message: string) => void;
  /** Whether it was told to end: an output that waits for its receivers then stops to. */
  readonly stopped?: () => boolean;
  /** Called some times a second, also while an output waits for its receivers. */
  readonly onPulse?: (run: PipelineRun) => void;
}

const PULSE_MS = 250;
/** Addresses and ports that are shown. */
const TOP = 20;
/** Milliseconds a run fed by rings waits for a batch before it looks at its stop flag again. */
const WAIT_MS = 100;
/** The same beside TRAP interfaces, whose clients give up when no hello comes for 200 ms (trap.md section 3). */
const WAIT_BESIDE_TRAP_MS = 20;

/**
 * One pipeline: a source, a meter (or the rings of capture Workers), the merge that gives the flows an order, and
 * the modules. Driven by `step`, in whichever thread.
 */
export class PipelineRun {
  readonly #plan: PipelinePlan;
  readonly #pipeline: Pipeline;
  /** One for each port of a meter. */
  readonly #merges: readonly Merge[];
  readonly #source: FrameSource | undefined;
  readonly #meter: Meter | undefined;
  readonly #rings: readonly RingReader[];
  readonly #bell: Int32Array | undefined;
  readonly #csv: CsvFile | undefined;
  readonly #env: TrapEnvironment;
  readonly #feed: TrapFeed | undefined;
  readonly #collector: CollectorSource | undefined;
  /** What a capture file has of exporters' traffic. */
  readonly #exported: ExportedFlows | undefined;
  readonly #outputs: FlowOutputs | undefined;
  readonly #top: FlowTop | undefined;
  readonly #moduleOutputs: {
    readonly module: string;
    readonly port: string;
    readonly output: TrapOutput;
  }[] = [];
  #service: ServiceSocket | undefined;
  readonly #began = performance.now();
  #alerts = 0;
  #finished = false;

  private constructor(plan: PipelinePlan, hooks: PipelineHooks) {
    this.#plan = plan;
    const { source } = plan;
    this.#env = trapEnvironment(hooks.stopped ?? (() => false), (level, message) => {
      if (level === "warning" || level === "error") hooks.onWarning(message);
    });
    const { onPulse } = hooks;
    if (onPulse) this.#env.poller.add(new Pulse(PULSE_MS, () => onPulse(this)));
    const layouts = flowsTemplates(plan.plugins);
    this.#merges = layouts.map((layout) => new Merge(layout));
    this.#rings =
      source.kind === "rings"
        ? source.rings.flatMap((rings) =>
            rings.map((ring, i) => new RingReader(ring, this.#merges[i]!.input())),
          )
        : [];
    this.#bell = source.kind === "rings" ? new Int32Array(source.bell) : undefined;
    this.#source = openSource(source, hooks.onWarning);
    if (source.kind === "trap") this.#feed = new TrapFeed(source, this.#merges, this.#env);
    if (source.kind === "collector")
      this.#collector = new CollectorSource(
        keptTemplates(source, plan.stateFolder),
        plan.plugins,
        this.#merges,
        hooks.onWarning,
      );
    if (this.#source) {
      const { meter, flows } = meterWith(plan.meter ?? {}, plan.plugins);
      this.#meter = meter;
      for (const [i, port] of flows.entries()) port.link(this.#merges[i]!.input());
      if (source.kind === "files") {
        this.#exported = new ExportedFlows(this.#source.name, plan.plugins, this.#merges);
        meter.onPackets = this.#exported.packets;
      }
    }
    this.#pipeline = new Pipeline({
      sensor: plan.sensor,
      interface: this.#source?.name ?? ("name" in source ? source.name : ""),
      onAlert: (alert) => {
        this.#alerts++;
        hooks.onAlert(alert);
      },
      // What is read from a file is to fail where a module does; a tap goes on without it.
      ...(source.kind === "trap"
        ? { onFailure: (name, message) => hooks.onWarning(`${name} failed: ${message}`) }
        : {}),
    });
    if (plan.top === true) {
      this.#top = new FlowTop();
      this.#merges[0]!.flows.link(this.#top);
    }
    if (plan.flows !== undefined) {
      this.#csv = new CsvFile(plan.flows, layouts[0]!);
      this.#merges[0]!.flows.link(this.#csv);
    }
    this.#outputs = openFlowOutputs(plan, this.#env);
    const modulePorts = plan.plugins?.modules?.length ?? 0;
    this.#outputs?.attach(
      this.#merges.map(({ flows }) => flows),
      this.#merges.length - modulePorts,
    );
  }

  /** Open the source, set up the modules and link them. */
  static async open(plan: PipelinePlan, hooks: PipelineHooks): Promise<PipelineRun> {
    const defs = await Promise.all(plan.modules.map(({ name }) => moduleNamed(name)));
    const run = new PipelineRun(withWants(plan, defs), hooks);
    for (const [i, def] of defs.entries()) {
      const { params, interfaces } = plan.modules[i]!;
      const runner = run.#pipeline.add(def, params);
      if (interfaces !== undefined) run.#send(runner, interfaces);
      for (const input of Object.values(runner.inputs)) run.#link(input);
    }
    run.#serve();
    if (plan.stateFolder !== undefined)
      restoreState(plan.stateFolder, run.#pipeline.modules, hooks.onWarning);
    return run;
  }

  /** Link an input to the output that is there for it, or to any flows that will do. */
  #link(input: InputPort): void {
    const ports = this.#plan.plugins?.modules ?? [];
    const flows = this.#merges.map((merge) => merge.flows);
    const out = flows.length - ports.length;
    const own = portFor(input.template, ports);
    this.#pipeline.linkNarrowest(own < 0 ? flows.slice(0, out) : [flows[out + own]!], input);
  }

  /** Send what a module sends by TRAP too. */
  #send(runner: ModuleRunner, interfaces: string): void {
    const ports = Object.entries(runner.outputs);
    const { outputs } = parseInterfaces(interfaces, 0, ports.length);
    for (const [i, output] of openOutputs(outputs, false, this.#env).entries()) {
      const [port, from] = ports[i]!;
      output.attach(from);
      this.#moduleOutputs.push({ module: runner.name, port, output });
    }
  }

  /** Let others ask for the counters of the interfaces, where flows come by TRAP. */
  #serve(): void {
    if (!this.#feed) return;
    const outputs = this.#moduleOutputs.map(({ output }) => output);
    this.#service = serviceOf(this.#feed.inputs, outputs, this.#env);
  }

  /** Whether all that it reads from is there. */
  get connected(): boolean {
    return this.#feed?.connected ?? true;
  }

  /** Why the source ended early; what it gave before has gone through. */
  get failure(): Error | undefined {
    return this.#source?.failure;
  }

  get progress(): number | undefined {
    return this.#source?.progress;
  }

  /** Do some work; false when there is none left. */
  step(): boolean {
    this.#outputs?.turn();
    if (this.#source && this.#meter) return this.#source.step(this.#meter.frames);
    if (this.#feed) {
      // Flows of now: what detectors do by the wall clock, such as looking whether lists have changed, is due. Not so in a replay.
      for (const runner of this.#pipeline.modules) runner.tick(Date.now() * 1000);
      return this.#feed.step();
    }
    if (this.#collector) return this.#collector.step();
    let taken = 0;
    const rung = Atomics.load(this.#bell!, 0);
    for (const ring of this.#rings) taken += ring.drain();
    if (this.#rings.every((ring) => ring.ended)) return false;
    if (taken === 0)
      Atomics.wait(this.#bell!, 0, rung, this.#outputs ? WAIT_BESIDE_TRAP_MS : WAIT_MS);
    return true;
  }

  /** It was told to stop, and what it holds goes out now: who receives that is not told that the stream has ended. */
  interrupt(): void {
    this.#outputs?.interrupt();
    for (const { output } of this.#moduleOutputs) output.endsStream = false;
  }

  /** Export what the meter holds, let the modules end, and close everything. `stopped`: states are saved first. */
  finish(stopped = false): void {
    if (this.#finished) return;
    this.#finished = true;
    if (stopped) this.interrupt();
    const outputs = this.#moduleOutputs.map(({ output }) => output);
    this.#feed?.drain();
    this.#meter?.end();
    this.#exported?.end();
    this.#collector?.end();
    for (const merge of this.#merges) merge.close();
    this.#outputs?.close();
    drain(outputs, this.#env, false);
    for (const output of outputs) output.close();
    this.#service?.close();
    this.#feed?.[Symbol.dispose]();
    // A stopped observation goes on later: detectors then know what they knew.
    if (stopped && this.#plan.stateFolder !== undefined)
      saveState(this.#plan.stateFolder, this.#pipeline.modules);
    this.#source?.[Symbol.dispose]();
    this.#csv?.close();
  }

  snapshot(): Snapshot {
    return {
      at: Date.now() * 1000,
      uptime: (performance.now() - this.#began) / 1000,
      sources: this.#sources(),
      modules: this.#pipeline.stats(),
      alerts: this.#alerts,
      mergeOverflows: this.#merges.reduce((sum, { overflows }) => sum + overflows, 0),
      ringDrops: this.#rings.reduce((sum, { dropped }) => sum + dropped, 0),
      missed: this.#feed?.stats.reduce((sum, { missed }) => sum + missed, 0) ?? 0,
      links: this.#links(),
      ...(this.#top ? { top: this.#top.view(TOP) } : {}),
      outputDrops: this.#outputs?.dropped ?? 0,
      ...(this.#outputs?.exported ? { exported: this.#outputs.exported } : {}),
      rss: process.memoryUsage.rss(),
      finished: this.#finished,
    };
  }

  /** What goes out by TRAP, and what comes in. */
  #links(): LinkStats[] {
    const flows = this.#outputs?.stats.map((stats) => linkOf("flows", "flows", stats)) ?? [];
    const records = this.#moduleOutputs.map(({ module, port, output }) =>
      linkOf(module, port, output.stats),
    );
    return [...flows, ...records];
  }

  #sources(): SourceStats[] {
    if (this.#collector) return [this.#collector.stats()];
    if (!this.#source || !this.#meter) return [];
    const { name, kind, progress } = this.#source;
    return [
      {
        name,
        kind,
        workers: 1,
        meter: this.#meter.stats(),
        ...(this.#exported?.counts ? { collector: this.#exported.counts } : {}),
        ...(progress === undefined ? {} : { progress }),
      },
    ];
  }
}

/** A collector whose templates survive a restart, where it has not been told of a file for them. */
function keptTemplates(plan: CollectorPlan, folder: string | undefined): CollectorPlan {
  if (folder === undefined || "templates" in plan.params) return plan;
  mkdirSync(folder, { recursive: true });
  const templates = join(folder, `${plan.name.replaceAll(/[^\w.-]/g, "-")}.templates`);
  return { ...plan, params: { ...plan.params, templates } };
}

/** What a source of packets has to find for the modules as well; of flows that come, their meters have been told. */
function withWants(plan: PipelinePlan, defs: readonly AnyModule[]): PipelinePlan {
  const { source, flows, interfaces, ipfix } = plan;
  if (source.kind === "rings" || source.kind === "trap" || plan.plugins?.modules) return plan;
  const plugins = withModules(plan.plugins, modulePorts(defs));
  if (!plugins) return plan;
  const isWanted = [flows, interfaces, ipfix].some((target) => target !== undefined);
  return { ...plan, plugins: isWanted ? plugins : forModules(plugins) };
}

function openSource(
  plan: SourcePlan,
  onWarning: (message: string) => void,
): FrameSource | undefined {
  if (plan.kind === "files") return new PcapSource(plan.paths, { ...plan, onWarning });
  return plan.kind === "generator" ? new GeneratorSource(plan.traffic) : undefined;
}

function openFlowOutputs(
  { interfaces, ipfix, source }: PipelinePlan,
  env: TrapEnvironment,
): FlowOutputs | undefined {
  if (interfaces === undefined && ipfix === undefined) return undefined;
  // What is captured now cannot wait; a file can.
  const targets = {
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(ipfix === undefined ? {} : { ipfix }),
  };
  const isLive =
    source.kind === "rings" ||
    source.kind === "collector" ||
    (source.kind === "trap" && source.lag !== undefined) ||
    (source.kind === "generator" && source.traffic.live === true);
  return new FlowOutputs(targets, !isLive, env);
}
