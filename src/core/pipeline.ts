// SPDX-License-Identifier: BSD-3-Clause
import type { AlertHandler } from "./alert.ts";
import { type Clock, wallClock } from "./clock.ts";
import { EXIT, messageOf, NemeanError } from "./errors.ts";
import { BiflowSplitter } from "./flow/split.ts";
import type { AnyModule } from "./module.ts";
import type { OutputPort } from "./port.ts";
import { type InputPort, ModuleRunner, type RunOptions } from "./runner.ts";
import { missingFields, type Template } from "./unirec/template.ts";

export interface PipelineOptions {
  readonly clock?: Clock;
  readonly onAlert?: AlertHandler;
  readonly sensor?: string;
  readonly interface?: string;
  /** Told when a module throws, which then begins anew: see {@link RunOptions.onFailure}. */
  readonly onFailure?: (module: string, message: string) => void;
}

export interface ModuleStats {
  readonly name: string;
  /** Records received and sent, by port. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  /** Seconds its handlers of records have taken. */
  readonly busy: number;
  /** Why it does not work at present. */
  readonly failure?: string;
}

/**
 * Modules of one process, linked port to port. A link hands over the batch itself: no copy, no queue.
 *
 * The link knows what its ends speak: one that leads from biflows to an input of uniflows goes through a
 * splitter, which all such links of an output share.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #modules: ModuleRunner[] = [];
  readonly #splitters = new Map<OutputPort, BiflowSplitter>();
  /** Inputs that are fed by a splitter. */
  readonly #split = new Map<InputPort, BiflowSplitter>();

  constructor(options: PipelineOptions = {}) {
    this.#options = options;
  }

  get modules(): readonly ModuleRunner[] {
    return this.#modules;
  }

  /** Set up a module. */
  add(def: AnyModule, params: RunOptions["params"] = {}, name = def.name): ModuleRunner {
    const { clock = wallClock, onFailure, ...rest } = this.#options;
    const runner = new ModuleRunner(def, {
      ...rest,
      clock,
      params,
      name,
      ...(onFailure ? { onFailure: (message) => onFailure(name, message) } : {}),
    });
    this.#modules.push(runner);
    return runner;
  }

  /** Link an output to an input; throws ERR_PIPELINE naming both and the fields that are missing. */
  link(output: OutputPort, input: InputPort): void {
    const splitter = this.#splitterFor(output, input.template);
    const source = splitter?.flows ?? output;
    try {
      source.link(input);
    } catch (error) {
      throw new NemeanError(
        "ERR_PIPELINE",
        EXIT.config,
        `${input.runner.name}.${input.name} cannot read ${output.name}: ${messageOf(error)}`,
      );
    }
    if (splitter) this.#split.set(input, splitter);
  }

  /** Link an input to the narrowest of several outputs that offers its required fields. */
  linkNarrowest(outputs: readonly OutputPort[], input: InputPort): void {
    const able = outputs
      .filter(({ template }) => missingFields(input.template, template).length === 0)
      .sort((a, b) => a.template.fields.length - b.template.fields.length);
    const [port] = able;
    if (port) {
      this.link(port, input);
      return;
    }
    const lacking = outputs.map(
      ({ name, template }) => `${name} lacks ${missingFields(input.template, template).join(", ")}`,
    );
    throw new NemeanError(
      "ERR_PIPELINE",
      EXIT.config,
      `${input.runner.name}.${input.name}: no port offers its fields (${lacking.join("; ")})`,
    );
  }

  #splitterFor(output: OutputPort, wanted: Template): BiflowSplitter | undefined {
    if (output.template.direction !== "biflow" || wanted.direction !== "uniflow") return undefined;
    let splitter = this.#splitters.get(output);
    if (!splitter) {
      splitter = new BiflowSplitter(output.template);
      output.link(splitter);
      this.#splitters.set(output, splitter);
    }
    return splitter;
  }

  stats(): ModuleStats[] {
    return this.#modules.map(({ name, inputs, outputs, counters, busyMs, failure }) => ({
      name,
      ...(failure === undefined ? {} : { failure }),
      busy: busyMs / 1000,
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([port, { records }]) => [port, records]),
      ),
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([port, { records }]) => [port, records]),
      ),
      counters: {
        ...counters.snapshot(),
        malformed_records: Object.values(inputs).reduce(
          (sum, input) => sum + input.cursor.malformed + (this.#split.get(input)?.malformed ?? 0),
          0,
        ),
      },
    }));
  }
}
