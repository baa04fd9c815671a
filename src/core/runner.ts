// SPDX-License-Identifier: BSD-3-Clause
import { AlertComposer, type AlertDetail, type AlertHandler } from "./alert.ts";
import { BackOff } from "./back-off.ts";
import { type Batch, RECORD_MAX } from "./batch.ts";
import { type Clock, wallClock } from "./clock.ts";
import { Counters } from "./counters.ts";
import { messageOf } from "./errors.ts";
import { type AnyModule, type Output, VERSION } from "./module.ts";
import { OutputPort, type Receiver } from "./port.ts";
import { StateStore } from "./state/state-store.ts";
import { type AnyReader, reader } from "./unirec/reader.ts";
import { fieldOf, type Template } from "./unirec/template.ts";
import { microsOfRaw, SECOND } from "./unirec/time.ts";
import { writer } from "./unirec/writer.ts";

/** Wall time (microseconds) after which a silent input no longer holds event time back. */
const SILENCE = 5 * SECOND;

type BatchHandler = (batch: AnyReader) => void;
interface AnyHandlers {
  readonly everySecond?: (now: number) => void;
  readonly announced?: (layout: Template, input: string) => void;
  readonly tick?: (now: number) => void;
  readonly produce?: () => number | undefined;
  readonly ask?: () => void;
  readonly end?: () => void;
  readonly [input: string]:
    | BatchHandler
    | ((now: number) => void)
    | ((layout: Template, input: string) => void)
    | (() => number | undefined)
    | (() => void)
    | undefined;
}

export interface RunOptions {
  /** Name of this instance; the module's when left out. */
  readonly name?: string;
  /** Checked parameter values; defaults fill the rest. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  readonly onAlert?: AlertHandler;
  readonly sensor?: string;
  /** The link the traffic was seen on, for alerts. */
  readonly interface?: string;
  /** Takes what the module writes to standard output. */
  readonly print?: (text: string) => void;
  /** Takes what the module warns the operator of. */
  readonly warn?: (message: string) => void;
  /**
   * Told when the module throws: it then begins anew after a while, empty, and its neighbours never notice. Left out,
   * what it throws goes to whoever drives it.
   */
  readonly onFailure?: (message: string) => void;
}

/** A module between its ports: gives it batches, event time and the end, and takes what it sends. */
export class ModuleRunner {
  readonly name: string;
  readonly def: AnyModule;
  readonly clock: Clock;
  readonly counters = new Counters();
  state: StateStore;
  readonly inputs: Readonly<Record<string, InputPort>>;
  readonly outputs: Readonly<Record<string, OutputPort>>;
  #handlers: AnyHandlers;
  readonly #options: RunOptions;
  readonly #backOff = new BackOff();
  /** Why it failed, until it works again. */
  #failure: string | undefined;
  /** Seconds of `performance.now()` at which it begins anew. */
  #retryAt = 0;
  readonly #composer: AlertComposer | undefined;
  readonly #onAlert: AlertHandler | undefined;
  /** Milliseconds its handlers of records have taken. */
  busyMs = 0;
  #now = Number.NEGATIVE_INFINITY;
  #ended = false;
  #stopping = false;
  /** Last second of the wall clock that the module was told of. */
  #wallSecond = Number.NEGATIVE_INFINITY;

  constructor(def: AnyModule, options: RunOptions = {}) {
    this.def = def;
    this.name = options.name ?? def.name;
    this.clock = options.clock ?? wallClock;
    this.#onAlert = options.onAlert;
    this.state = new StateStore(this.counters.add);
    this.outputs = mapValues(def.outputs, (template, name) => new OutputPort(name, template));
    this.#composer =
      def.rules &&
      new AlertComposer({
        detector: def.name,
        version: VERSION,
        rules: def.rules,
        sensor: options.sensor ?? "nemean",
        interface: options.interface ?? "",
      });
    this.#options = options;
    this.#handlers = this.#setUp();
    this.#backOff.started(performance.now() / 1000);
    this.inputs = mapValues(def.inputs, (template, name) => new InputPort(this, name, template));
  }

  #setUp(): AnyHandlers {
    const { def } = this;
    const { params, print = () => {}, warn = () => {} } = this.#options;
    const handlers = def.setup({
      params: { ...mapValues(def.params, (p) => p.default), ...params },
      out: mapValues(this.outputs, (port) => this.#output(port)),
      count: this.counters.add,
      state: this.state,
      clock: this.clock,
      print,
      warn,
      stop: () => {
        this.#stopping = true;
      },
    } as never) as AnyHandlers;
    for (const name of Object.keys(def.inputs))
      if (!handlers[name])
        throw new Error(`${def.name}: setup returns no handler for the input ${name}`);
    return handlers;
  }

  /** Why it does not work at present; undefined while it does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Give records to the module's handler. Ports call this. */
  handle(input: string, batch: AnyReader, records: number): void {
    if (!this.#works()) {
      this.counters.add("records_skipped", records);
      return;
    }
    try {
      (this.#handlers[input] as BatchHandler)(batch);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Call another handler of the module, where it has one. */
  #call(act: () => void): void {
    if (!this.#works()) return;
    try {
      act();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Whether it can be given something; one that has failed begins anew when its time has come. */
  #works(): boolean {
    if (this.#failure === undefined) return true;
    const now = performance.now() / 1000;
    if (now < this.#retryAt) return false;
    try {
      this.state = new StateStore(this.counters.add);
      this.#handlers = this.#setUp();
      this.#backOff.started(now);
      this.#failure = undefined;
      for (const input of Object.values(this.inputs)) input.announceAgain();
    } catch (error) {
      this.#failed(error);
    }
    return this.#failure === undefined;
  }

  /** @throws what the module threw, where nobody wants to be told */
  #failed(error: unknown): void {
    const { onFailure } = this.#options;
    if (!onFailure) throw error;
    const now = performance.now() / 1000;
    this.#retryAt = now + (this.#backOff.failed(now) ?? Number.POSITIVE_INFINITY);
    this.counters.add("failures");
    this.#failure = messageOf(error);
    onFailure(this.#failure);
  }

  /** Event time so far, microseconds since 1970; -Infinity before the first record. */
  get now(): number {
    return this.#now;
  }

  /** Whether the module has asked to be ended. */
  get stopping(): boolean {
    return this.#stopping;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the module follows event time, so that batches have to be cut where a second begins. */
  get followsTime(): boolean {
    return this.#handlers.everySecond !== undefined;
  }

  /** An input has taken a layout. Ports call this. */
  announced(layout: Template, input: string): void {
    this.#call(() => this.#handlers.announced?.(layout, input));
  }

  /** The wall clock is at `now` (microseconds since 1970); drivers call this some times a second. */
  tick(now: number): void {
    const second = Math.floor(now / SECOND);
    if (second === this.#wallSecond) return;
    this.#wallSecond = second;
    this.#call(() => this.#handlers.tick?.(second * SECOND));
  }

  /** Let a module without inputs send some records: see {@link Handlers.produce}. */
  produce(): number | undefined {
    return this.#handlers.produce?.();
  }

  /** The operator asks for what there is. */
  ask(): void {
    this.#call(() => this.#handlers.ask?.());
  }

  #output(port: OutputPort): Output<Template> {
    let record = writer(port.template);
    const push = (): void => {
      // What a flow carried may be too much for one record: a fact of the wire, not of the program.
      if (record.size > RECORD_MAX) {
        this.counters.add("records_too_long");
        return;
      }
      record.end(port.room(record.size));
      if (port.eager) port.flush();
    };
    return {
      get record() {
        return record;
      },
      push,
      announce: (layout) => {
        // The writer first: a layout that has none is not announced.
        record = writer(layout);
        port.announce(layout);
        return record;
      },
      forward: (cursor) => {
        const { layout, batch } = cursor as AnyReader;
        if (port.template !== layout) port.announce(layout);
        port.pass(batch);
      },
      send: (values, detail) => {
        record.begin().setAll(values);
        push();
        this.#alert(plain(values, port.template), detail);
      },
    };
  }

  #alert(record: Record<string, unknown>, detail: AlertDetail | undefined): void {
    if (!this.#composer || !this.#onAlert) return;
    this.#onAlert(this.#composer.compose(record, detail, Math.max(this.#now, 0)));
    if (this.#composer.forgotten > 0)
      this.counters.set("events_forgotten", this.#composer.forgotten);
  }

  /** Event time is the least of the inputs that are not ended and not silent. Ports call this. */
  advance(): void {
    let now = Number.POSITIVE_INFINITY;
    const wall = this.clock.now();
    for (const name in this.inputs) {
      const input = this.inputs[name]!;
      // Either way: whoever sets the clock back must not make a silent input one that was heard just now.
      if (!input.ended && Math.abs(wall - input.heard) <= SILENCE)
        now = Math.min(now, input.watermark);
    }
    if (now === Number.POSITIVE_INFINITY || now <= this.#now) return;
    const newSecond = Math.floor(now / SECOND) > Math.floor(this.#now / SECOND);
    this.#now = now;
    // The second, not the time within it: when it was noticed depends on the borders of batches.
    if (newSecond)
      this.#call(() => this.#handlers.everySecond?.(Math.floor(now / SECOND) * SECOND));
    for (const name in this.outputs) this.outputs[name]!.advance(now);
  }

  /** One input ended; when all have, so does the module. Ports call this. */
  end(): void {
    if (this.#ended) return;
    for (const name in this.inputs) if (!this.inputs[name]!.ended) return;
    this.#ended = true;
    this.#call(() => this.#handlers.end?.());
    for (const name in this.outputs) this.outputs[name]!.end();
  }

  /** Records received on all inputs. */
  get records(): number {
    return Object.values(this.inputs).reduce((sum, input) => sum + input.records, 0);
  }
}

/** Milliseconds that handlers have taken inside the handler that runs. */
let nestedMs = 0;

/** A module's input: the batches of one producer, under a cursor of the declared template. */
export class InputPort implements Receiver {
  readonly template: Template;
  readonly name: string;
  readonly runner: ModuleRunner;
  readonly cursor: AnyReader;
  records = 0;
  watermark = Number.NEGATIVE_INFINITY;
  /** Wall time at which this input last had something to say. */
  heard: number;
  ended = false;
  #layout: Template | undefined;

  constructor(runner: ModuleRunner, name: string, template: Template) {
    this.runner = runner;
    this.name = name;
    this.template = template;
    this.heard = runner.clock.now();
    this.cursor = reader(template) as AnyReader;
  }

  get followsTime(): boolean {
    return this.runner.followsTime;
  }

  /** Take the layout the producer sends; throws ERR_TEMPLATE when a required field is missing. */
  announce(layout: Template): void {
    this.cursor.negotiate(layout);
    this.#layout = layout;
    this.runner.announced(layout, this.name);
  }

  /** Say to a module that begins anew what it has been told before. */
  announceAgain(): void {
    if (this.#layout) this.runner.announced(this.#layout, this.name);
  }

  receive(batch: Batch): void {
    this.records += batch.count;
    this.heard = this.runner.clock.now();
    this.cursor.reset(batch);
    const outer = nestedMs;
    nestedMs = 0;
    const began = performance.now();
    this.runner.handle(this.name, this.cursor, batch.count);
    const took = performance.now() - began;
    // What it sent was handled meanwhile by others, who count that themselves.
    this.runner.busyMs += took - nestedMs;
    nestedMs = outer + took;
  }

  advance(watermark: number): void {
    this.heard = this.runner.clock.now();
    if (watermark > this.watermark) this.watermark = watermark;
    // Even when it says nothing new: meanwhile another input may have fallen silent.
    this.runner.advance();
  }

  end(): void {
    this.ended = true;
    this.runner.advance();
    this.runner.end();
  }
}

/** A record's values as an alert has them: raw 64 bits as microseconds and numbers, addresses as text. */
const plain = (values: Readonly<Record<string, unknown>>, template: Template) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (typeof value === "bigint")
        return [
          name,
          fieldOf(template, name)?.type === "time" ? microsOfRaw(value) : Number(value),
        ];
      return [name, typeof value === "object" ? String(value) : value];
    }),
  );

const mapValues = <V, R>(
  object: Readonly<Record<string, V>>,
  map: (value: V, key: string) => R,
): Record<string, R> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
