// SPDX-License-Identifier: BSD-3-Clause
import { type Clock, fastClock, wallClock } from "../core/clock.ts";
import { usageError } from "../core/errors.ts";
import { FlowIntake } from "../core/flow/intake.ts";
import type { Log } from "../core/log.ts";
import { Pulse } from "../core/net/poller.ts";
import { ModuleRunner } from "../core/runner.ts";
import { openInput } from "../core/trap/index.ts";
import type { TrapEnvironment, TrapInput, TrapOutput } from "../core/trap/interface.ts";
import type { ServiceSocket } from "../core/trap/service.ts";
import { parseInterfaces } from "../core/trap/specifier.ts";
import { writeAll } from "../core/write-all.ts";
import { moduleNamed } from "./modules.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "./snapshot.ts";
import { drain, linkOf, openOutputs, serviceOf, trapEnvironment } from "./trap-process.ts";

/** One module as a process with TRAP interfaces. Plain data: it goes to a Worker by message. */
export interface TrapModulePlan {
  readonly module: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The value of `-i`. */
  readonly interfaces: string;
  /** Seconds by which flows may come late. */
  readonly lateness?: number;
}

/** Milliseconds after which a module that is busy sending lets its sockets and signals have their turn. */
const LOOK_MS = 1;
/** Milliseconds between looks that others are shown. */
const SHOW_MS = 250;

/** What the thread is told and tells. */
export interface TrapParent {
  stopped(): boolean;
  /** Times the operator has asked (SIGUSR1). */
  asked(): number;
  /** Its interfaces are open. */
  ready(): void;
  /** Some times a second. */
  show(snapshot: Snapshot): void;
  readonly log: Log;
}

/**
 * Run a module between its interfaces until its inputs end, it asks to be ended, or it is told to stop.
 * @throws {NemeanError} what an operator has to mend: an interface that cannot be opened, records it cannot read
 */
export async function runTrapModule(plan: TrapModulePlan, parent: TrapParent): Promise<void> {
  const run = await TrapModuleRun.open(plan, parent);
  try {
    run.work();
  } finally {
    run.close();
  }
}

class TrapModuleRun {
  readonly #plan: TrapModulePlan;
  readonly #parent: TrapParent;
  readonly #runner: ModuleRunner;
  readonly #env: TrapEnvironment;
  readonly #inputs: TrapInput[] = [];
  #outputs: readonly TrapOutput[] = [];
  readonly #patient: boolean;
  #service: ServiceSocket | undefined;
  #asked = 0;
  readonly #began = performance.now();

  private constructor(plan: TrapModulePlan, runner: ModuleRunner, parent: TrapParent) {
    this.#plan = plan;
    this.#parent = parent;
    this.#runner = runner;
    this.#patient = runner.def.patient === true;
    this.#env = trapEnvironment(() => parent.stopped(), parent.log);
  }

  static async open(plan: TrapModulePlan, parent: TrapParent): Promise<TrapModuleRun> {
    const def = await moduleNamed(plan.module);
    const print = (text: string): void => writeAll(1, Buffer.from(text), "standard output");
    const warn = (message: string): void => parent.log("warning", message);
    const runner = new ModuleRunner(def, { params: plan.params, print, warn, clock: clockOf() });
    const run = new TrapModuleRun(plan, runner, parent);
    try {
      run.#connect();
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  /** Outputs first: who waits for them can connect while the inputs look for their senders. */
  #connect(): void {
    const { inputs, outputs } = specifiersOf(this.#runner, this.#plan.interfaces);
    const outputPorts = Object.values(this.#runner.outputs);
    this.#outputs = openOutputs(outputs, this.#patient, this.#env);
    for (const [i, output] of this.#outputs.entries()) {
      output.endsStream = this.#plan.params["noEof"] !== true;
      output.attach(outputPorts[i]!);
    }
    const { lateness } = this.#plan;
    for (const [i, port] of Object.values(this.#runner.inputs).entries()) {
      const intake = new FlowIntake(
        port,
        lateness === undefined ? {} : { lateness: lateness * 1e6 },
      );
      this.#inputs.push(openInput(inputs[i]!, intake, this.#env));
    }
    this.#service = serviceOf(this.#inputs, this.#outputs, this.#env);
    this.#env.poller.add(new Pulse(SHOW_MS, () => this.#parent.show(this.#snapshot())));
    this.#parent.ready();
  }

  work(): void {
    const { poller } = this.#env;
    const runner = this.#runner;
    const isSource = this.#inputs.length === 0;
    let next = 0;
    let look = 0;
    while (!this.#parent.stopped() && !runner.stopping && !runner.ended) {
      if (isSource && performance.now() >= next) {
        const wait: number | undefined = runner.produce();
        if (wait === undefined) break;
        next = performance.now() + wait;
        if (wait === 0 && next < look) continue;
        look = next + LOOK_MS;
      }
      poller.turn(isSource ? Math.max(0, next - performance.now()) : undefined);
      this.#look();
    }
    this.#finish();
  }

  #look(): void {
    this.#runner.tick(Date.now() * 1000);
    const asked = this.#parent.asked();
    for (; this.#asked < asked; this.#asked++) this.#runner.ask();
    for (const { failure } of this.#inputs) if (failure) throw failure;
  }

  #snapshot(): Snapshot {
    const { name, inputs, outputs, counters, busyMs } = this.#runner;
    const counts = (ports: Readonly<Record<string, { records: number }>>) =>
      Object.fromEntries(Object.entries(ports).map(([port, { records }]) => [port, records]));
    const ports = Object.keys(outputs);
    return {
      ...EMPTY_SNAPSHOT,
      at: Date.now() * 1000,
      uptime: (performance.now() - this.#began) / 1000,
      modules: [
        {
          name,
          inputs: counts(inputs),
          outputs: counts(outputs),
          counters: counters.snapshot(),
          busy: busyMs / 1000,
        },
      ],
      links: this.#outputs.map(({ stats }, i) => linkOf(name, ports[i]!, stats)),
      missed: this.#inputs.reduce((sum, { stats }) => sum + stats.missed, 0),
    };
  }

  /** Let the module end, then its receivers take what is left. */
  #finish(): void {
    const stopped = this.#parent.stopped();
    // Who reads from a process that is stopped waits for the next one: the stream has not ended.
    if (stopped) for (const output of this.#outputs) output.endsStream = false;
    const inputs = Object.values(this.#runner.inputs);
    for (const input of inputs) if (!input.ended) input.end();
    if (inputs.length === 0) this.#runner.end();
    drain(this.#outputs, this.#env, this.#patient);
  }

  close(): void {
    for (const input of this.#inputs) input[Symbol.dispose]();
    for (const output of this.#outputs) output.close();
    this.#service?.close();
  }
}

/** Interfaces for a module's ports; its last outputs may be left out where it says so. */
function specifiersOf({ def }: ModuleRunner, value: string) {
  const inputs = Object.keys(def.inputs).length;
  const outputs = Object.keys(def.outputs);
  const given = value.split(",").length - inputs;
  const optional = def.optionalOutputs ?? [];
  const missing = outputs.slice(Math.max(given, 0));
  const leftOut = missing.length > 0 && missing.every((name) => optional.includes(name));
  return parseInterfaces(value, inputs, leftOut ? outputs.length - missing.length : outputs.length);
}

/** The wall clock that compat modes look at: as many times as fast as `NEMEAN_CLOCK_RATE` says, for tests. */
function clockOf(): Clock {
  const rate = Number(process.env["NEMEAN_CLOCK_RATE"] ?? 1);
  if (rate > 0 && rate < Number.POSITIVE_INFINITY) return rate === 1 ? wallClock : fastClock(rate);
  throw usageError(
    `NEMEAN_CLOCK_RATE="${process.env["NEMEAN_CLOCK_RATE"]}": expected a number above 0`,
  );
}
