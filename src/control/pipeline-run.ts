// SPDX-License-Identifier: BSD-3-Clause
import { GeneratorSource } from "../collectors/generator.ts";
import { PcapSource } from "../collectors/pcap.ts";
import type { AlertHandler } from "../core/alert.ts";
import { type BatchRing, RingReader } from "../core/batch-ring.ts";
import type { Meter, MeterOptions } from "../core/flow/meter.ts";
import { Merge } from "../core/merge.ts";
import { Pipeline } from "../core/pipeline.ts";
import type { FrameSource } from "../core/source.ts";
import type { TrafficOptions } from "../core/traffic/generator.ts";
import { CsvFile } from "./csv-file.ts";
import { moduleNamed } from "./modules.ts";
import { flowsTemplates, meterWith, type PluginPlan } from "./plugins.ts";
import type { Snapshot, SourceStats } from "./snapshot.ts";
import { restoreState, saveState } from "./state-files.ts";
import { FlowOutputs, type FlowTargets, trapEnvironment } from "./trap-process.ts";

/** Where the frames or the flows come from. Plain data: it goes to a Worker by message. */
export type SourcePlan =
  | {
      readonly kind: "files";
      readonly paths: readonly string[];
      readonly filter?: string;
      readonly loop?: number;
    }
  | { readonly kind: "generator"; readonly traffic: TrafficOptions }
  | {
      readonly kind: "rings";
      readonly name: string;
      /** Of each Worker those of its meter's ports. */
      readonly rings: readonly (readonly BatchRing[])[];
      readonly bell: SharedArrayBuffer;
    };

export interface PipelinePlan extends FlowTargets {
  readonly source: SourcePlan;
  readonly meter?: MeterOptions;
  /** Plugins of the meter, whose fields the flows then have that are written and sent. */
  readonly plugins?: PluginPlan;
  /** Modules and their checked parameters. */
  readonly modules: readonly {
    readonly name: string;
    readonly params: Readonly<Record<string, unknown>>;
  }[];
  readonly sensor: string;
  /** Write all flows there as UniRec text; `-` is standard output. */
  readonly flows?: string;
  /** Folder in which modules' states are kept over a restart. */
  readonly stateFolder?: string;
}

export interface PipelineHooks {
  readonly onAlert: AlertHandler;
  readonly onWarning: (message: string) => void;
  /** Whether it was told to end: an output that waits for its receivers then stops to. */
  readonly stopped?: () => boolean;
}

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
  readonly #outputs: FlowOutputs | undefined;
  readonly #began = performance.now();
  #alerts = 0;
  #finished = false;

  private constructor(plan: PipelinePlan, hooks: PipelineHooks) {
    this.#plan = plan;
    const { source } = plan;
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
    if (this.#source) {
      const { meter, flows } = meterWith(plan.meter ?? {}, plan.plugins);
      this.#meter = meter;
      for (const [i, port] of flows.entries()) port.link(this.#merges[i]!.input());
    }
    this.#pipeline = new Pipeline({
      sensor: plan.sensor,
      interface: this.#source?.name ?? (source.kind === "rings" ? source.name : ""),
      onAlert: (alert) => {
        this.#alerts++;
        hooks.onAlert(alert);
      },
    });
    if (plan.flows !== undefined) {
      this.#csv = new CsvFile(plan.flows, layouts[0]!);
      this.#merges[0]!.flows.link(this.#csv);
    }
    this.#outputs = openFlowOutputs(plan, hooks);
    this.#outputs?.attach(this.#merges.map(({ flows }) => flows));
  }

  /** Open the source, set up the modules and link them. */
  static async open(plan: PipelinePlan, hooks: PipelineHooks): Promise<PipelineRun> {
    const defs = await Promise.all(plan.modules.map(({ name }) => moduleNamed(name)));
    const run = new PipelineRun(plan, hooks);
    for (const [i, def] of defs.entries()) {
      const runner = run.#pipeline.add(def, plan.modules[i]!.params);
      for (const input of Object.values(runner.inputs))
        run.#pipeline.linkNarrowest(
          run.#merges.map(({ flows }) => flows),
          input,
        );
    }
    if (plan.stateFolder !== undefined)
      restoreState(plan.stateFolder, run.#pipeline.modules, hooks.onWarning);
    return run;
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
    let taken = 0;
    const rung = Atomics.load(this.#bell!, 0);
    for (const ring of this.#rings) taken += ring.drain();
    if (this.#rings.every((ring) => ring.ended)) return false;
    if (taken === 0)
      Atomics.wait(this.#bell!, 0, rung, this.#outputs ? WAIT_BESIDE_TRAP_MS : WAIT_MS);
    return true;
  }

  /** Export what the meter holds, let the modules end, and close everything. `stopped`: states are saved first. */
  finish(stopped = false): void {
    if (this.#finished) return;
    this.#finished = true;
    if (stopped) this.#outputs?.interrupt();
    this.#meter?.end();
    for (const merge of this.#merges) merge.close();
    this.#outputs?.close();
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
      outputDrops: this.#outputs?.dropped ?? 0,
      ...(this.#outputs?.exported ? { exported: this.#outputs.exported } : {}),
      rss: process.memoryUsage.rss(),
      finished: this.#finished,
    };
  }

  #sources(): SourceStats[] {
    if (!this.#source || !this.#meter) return [];
    const { name, kind, progress } = this.#source;
    return [
      {
        name,
        kind,
        workers: 1,
        meter: this.#meter.stats(),
        ...(progress === undefined ? {} : { progress }),
      },
    ];
  }
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
  { onWarning, stopped }: PipelineHooks,
): FlowOutputs | undefined {
  if (interfaces === undefined && ipfix === undefined) return undefined;
  const env = trapEnvironment(stopped ?? (() => false), (level, message) => {
    if (level === "warning" || level === "error") onWarning(message);
  });
  // What is captured now cannot wait; a file can.
  const targets = {
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(ipfix === undefined ? {} : { ipfix }),
  };
  return new FlowOutputs(targets, source.kind !== "rings", env);
}
