// SPDX-License-Identifier: BSD-3-Clause
/**
 * One declaration per module. CLI help, the docs page, the configuration schema, the HTTP API and the test
 * harness all read the same object, so they cannot drift apart.
 * @module
 */
import type { AlertDetail, Rule } from "./alert.ts";
import type { Clock } from "./clock.ts";
import type { StateStore } from "./state/state-store.ts";
import type { Cursor, Reader, Template, Values } from "./unirec/template.ts";
import type { RecordWriter, Setters } from "./unirec/writer.ts";

export type ParamKind = "count" | "seconds" | "ratio" | "flag" | "choice" | "text";

export interface ParamOf<V> {
  readonly kind: ParamKind;
  readonly about: string;
  readonly default: V;
  readonly min?: number;
  readonly max?: number;
  readonly options?: readonly V[];
  /** The original's short letter. `i`, `h` and `v` belong to TRAP. */
  readonly flag?: string;
}
type Spec<V> = Omit<ParamOf<V>, "kind" | "options">;

/** Typed parameters: the kind gives the unit, the bounds give the configuration schema. */
export const param = {
  count: (spec: Spec<number>): ParamOf<number> => ({ kind: "count", min: 0, ...spec }),
  seconds: (spec: Spec<number>): ParamOf<number> => ({ kind: "seconds", min: 0, ...spec }),
  /** A fraction from 0 to 1. */
  ratio: (spec: Spec<number>): ParamOf<number> => ({ kind: "ratio", min: 0, max: 1, ...spec }),
  flag: (spec: Spec<boolean>): ParamOf<boolean> => ({ kind: "flag", ...spec }),
  text: (spec: Spec<string>): ParamOf<string> => ({ kind: "text", ...spec }),
  choice: <const V extends string>(
    spec: Omit<Spec<V>, "default"> & {
      readonly options: readonly V[];
      readonly default: NoInfer<V>;
    },
  ): ParamOf<V> => ({ kind: "choice", ...spec }),
  /** Whether a detector behaves as it should, or exactly as the NEMEA original did. */
  compat: (): ParamOf<"off" | "nemea"> => ({
    kind: "choice",
    options: ["off", "nemea"],
    default: "off",
    about: "`nemea` reproduces the original's behaviour, its proved defects included",
  }),
};

export type Params = Readonly<Record<string, ParamOf<unknown>>>;
export type Ports = Readonly<Record<string, Template>>;
export type ValuesOf<P> = { readonly [K in keyof P]: P[K] extends ParamOf<infer V> ? V : never };

export interface Output<T> {
  /** Send a record by its fields; those left out are zero or empty. Detectors add the detail. */
  send(record: Values<T>, detail?: AlertDetail): void;
  /** For flow-to-flow modules: `record.begin().copyFrom(flow)`, set fields, then `push()`. */
  readonly record: RecordWriter & Setters<T>;
  /** Send the record as it stands in {@link record}. */
  push(): void;
  /** Hand on the batch under an input's cursor as it is, in its layout: what relays do. */
  forward(batch: Cursor): void;
  /**
   * From now on the output has this layout, which its declaration leaves open; returns the writer of its records.
   * Throws ERR_TEMPLATE when a field is called as a member of the writer.
   */
  announce(layout: Template): RecordWriter;
}

/** What `setup` is given. */
export interface Context<P, O> {
  readonly params: ValuesOf<P>;
  readonly out: { readonly [K in keyof O]: Output<O[K]> };
  /** Add to a counter of the status page; for rare events, not for each record. */
  readonly count: (counter: string, by?: number) => void;
  /** All memory is taken here, as named columns with bounds, so that it can be saved and restored. */
  readonly state: StateStore;
  /** The wall clock, which only compat modes may look at: detection uses event time. */
  readonly clock: Clock;
  /** Write text to standard output: for modules whose product is text. Detectors raise alerts instead. */
  readonly print: (text: string) => void;
  /** Tell the operator of bad input that was passed over: one line, which says where. */
  readonly warn: (message: string) => void;
  /** Ask to be ended, as after a given number of records; `end` still comes. */
  readonly stop: () => void;
}

/** What `setup` returns: one handler per input, and what happens as event time passes or at the end. */
export type Handlers<I> = { readonly [K in keyof I]: (batch: Reader<I[K]>) => void } & {
  /**
   * Event time has passed into a new second, which begins at `now` (microseconds since 1970): no later
   * record has TIME_LAST below it. Called once per advance, however many seconds were skipped.
   */
  readonly everySecond?: (now: number) => void;
  /** The records of an input are laid out so: said before the first of them, and when the sender changes that. */
  readonly announced?: (layout: Template, input: string) => void;
  /** The wall clock has passed into a new second, `now` (microseconds since 1970); also when nothing comes. */
  readonly tick?: (now: number) => void;
  /**
   * For modules without inputs: send some records, about a batch. Returns the milliseconds until it wants to be
   * called again, 0 for at once; undefined once there are no more.
   */
  readonly produce?: () => number | undefined;
  /** The operator asks (SIGUSR1): show what there is, or read files again. */
  readonly ask?: () => void;
  /** All inputs have ended. */
  readonly end?: () => void;
};

export interface ModuleDef<
  P extends Params = Params,
  I extends Ports = Ports,
  O extends Ports = Ports,
> {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  /** Longer text for the docs page, in Markdown: what it finds, evasion, tuning, what to do. */
  readonly details?: string;
  /** The NEMEA module this one stands in for. */
  readonly replaces?: string;
  /** Other names it can be run by. */
  readonly aliases?: readonly string[];
  /** What its alerts are, by name: a detector has at least one. */
  readonly rules?: Readonly<Record<string, Rule>>;
  readonly params: P;
  readonly inputs: I;
  readonly outputs: O;
  /** Outputs that may be left unconnected. */
  readonly optionalOutputs?: readonly string[];
  /**
   * Outputs wait for slow receivers, and for the first one, unless the operator says otherwise: for modules that
   * read files, where waiting loses nothing.
   */
  readonly patient?: true;
  setup(context: Context<P, O>): Handlers<I>;
}

/** Any module, for code that handles all of them. */
export type AnyModule = Omit<ModuleDef, "setup"> & { setup(context: never): object };

/** Declare a module. The identity function is all it takes: the types do the work. */
export const defineModule = <const P extends Params, const I extends Ports, const O extends Ports>(
  def: ModuleDef<P, I, O>,
): ModuleDef<P, I, O> => def;

/** Version that all modules of this build carry. */
export const VERSION = "0.1.0";
