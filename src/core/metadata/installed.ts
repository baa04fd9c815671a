// SPDX-License-Identifier: BSD-3-Clause
import type { RecordWriter } from "../unirec/writer.ts";
import type { Packet } from "./packet.ts";
import type { AnyProtocol, FlowState, Plugin, PluginOptions, Slot } from "./protocol.ts";

/** What plugins know of one flow, beside its record. */
export class Side {
  /** Its place among the sides, which is what the record holds. */
  readonly index: number;
  /** Plugins that want to see more, a bit each. */
  low = 0;
  high = 0;
  /** Plugins that have a state, a bit each. */
  takenLow = 0;
  takenHigh = 0;
  readonly states: (FlowState | undefined)[];

  constructor(index: number, plugins: number) {
    this.index = index;
    this.states = new Array(plugins).fill(undefined);
  }
}

export const NO_SIDE = new Side(0, 0);

/** Plugins at once: a bit each in a word. */
export const WORD_BITS = 31;

/** Some of the plugins. */
export interface Plugins {
  readonly low: number;
  readonly high: number;
}

/** The plugins of these numbers, as bits. */
export function bitsOf(indexes: readonly number[]): Plugins {
  let low = 0;
  let high = 0;
  for (const i of indexes) {
    if (i < WORD_BITS) low |= 1 << i;
    else high |= 1 << (i - WORD_BITS);
  }
  return { low, high };
}

/** The lowest plugin of a word's bits that are not 0. */
export const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits);

/**
 * A plugin at its place in an engine, and its slot in the flow that is looked at.
 *
 * Plugins are objects of as many kinds as there are protocols: looking a method up on each of them, for each packet,
 * costs more than what most of them do. Here all have the same kind.
 */
export class Installed implements Slot<FlowState> {
  readonly def: AnyProtocol;
  readonly index: number;
  readonly onPacket: (packet: Packet, slot: Slot<FlowState>) => number;
  readonly splits: ((packet: Packet, state: FlowState) => boolean) | undefined;
  readonly keeps: ((state: FlowState) => boolean) | undefined;
  readonly rows: ((state: FlowState) => number) | undefined;
  readonly write: (state: FlowState, record: RecordWriter, row: number) => void;
  /** The flow that is looked at. */
  side: Side = NO_SIDE;
  /** Flows in which it found something. */
  found = 0;
  /** Packets that broke the rules of its protocol. */
  malformed = 0;
  readonly #create: () => FlowState;
  #reset: (this: FlowState) => void = () => {};
  readonly #pool: FlowState[] = [];

  constructor(def: AnyProtocol, index: number, options: PluginOptions) {
    const plugin = def.setup(options) as Plugin<FlowState, unknown>;
    this.def = def;
    this.index = index;
    this.onPacket = plugin.onPacket;
    this.splits = plugin.splits;
    this.keeps = plugin.keeps;
    this.rows = plugin.rows;
    this.write = plugin.write as Installed["write"];
    this.#create = plugin.create;
  }

  get state(): FlowState | undefined {
    return this.side.states[this.index];
  }

  take(): FlowState {
    const { side, index } = this;
    const known = side.states[index];
    if (known) return known;
    const made = this.#pool.pop() ?? this.#make();
    side.states[index] = made;
    if (index < WORD_BITS) side.takenLow |= 1 << index;
    else side.takenHigh |= 1 << (index - WORD_BITS);
    this.found++;
    return made;
  }

  #make(): FlowState {
    const made = this.#create();
    this.#reset = made.reset;
    return made;
  }

  /** Forget what it knows of a flow in which it has a state. */
  forget({ states }: Side): void {
    const state = states[this.index]!;
    this.#reset.call(state);
    this.#pool.push(state);
    states[this.index] = undefined;
  }
}
