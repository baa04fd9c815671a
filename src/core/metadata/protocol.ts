// SPDX-License-Identifier: BSD-3-Clause
/**
 * What travels in flows: one declaration a protocol, which adds fields to the flows it is found in. The table in
 * the docs, the templates of outputs and the tests' kit all read the same object.
 * @module
 */
import type { Template } from "../unirec/template.ts";
import type { RecordWriter, Setters } from "../unirec/writer.ts";
import type { Packet } from "./packet.ts";

/** What a plugin makes of a packet; a bit set. */
export const VERDICT = {
  /** Show me the next one too. */
  more: 0,
  /** This flow has nothing more for me. */
  done: 1,
  /** The flow ends with this packet. */
  end: 2,
  /** The protocol is there and breaks its own rules: counted, and nothing else. */
  malformed: 4,
} as const;

/** What a plugin learns of one flow. Objects are used again: `reset` makes one as new. */
export interface FlowState {
  reset(): void;
}

/** A plugin's place in the flow of the packet. */
export interface Slot<S> {
  /** What was learned so far; undefined as long as nothing was. */
  readonly state: S | undefined;
  /** The state, made when there is none yet: the flow then has the plugin's fields. */
  take(): S;
}

/** Which packets a plugin is shown. */
export interface Watch {
  /** IP protocols; all when left out. */
  readonly protocols?: readonly number[];
  /** Ports, of either side; all when left out. */
  readonly ports?: readonly number[];
  /** Packets without payload as well, or only where flows are to be as ipfixprobe's. */
  readonly empty?: boolean | "compat";
  /** ARP packets, and no others: they are flows only where a plugin watches them. */
  readonly arp?: boolean;
}

export interface PluginOptions {
  /** End and split flows, and fill fields, as ipfixprobe does. */
  readonly compat: boolean;
}

/** A plugin at work. */
export interface Plugin<S extends FlowState, T> {
  create(this: void): S;
  /**
   * Whether the packet belongs to another flow than the ones before it, which then ends. Asked before
   * {@link onPacket}, and only where there is a state.
   */
  splits?(this: void, packet: Packet, state: S): boolean;
  /** Look at a packet. Must not throw, whatever it holds, nor keep its memory. Returns a {@link VERDICT}. */
  onPacket(this: void, packet: Packet, slot: Slot<S>): number;
  /** Whether there is anything to tell of a flow that ends; yes when left out. */
  keeps?(this: void, state: S): boolean;
  /** How many records a flow that ends becomes, each with all its counters; 1 when left out. */
  rows?(this: void, state: S): number;
  /** Fill the fields of a flow that ends; `row` counts its records from 0. */
  write(this: void, state: S, record: RecordWriter & Setters<T>, row: number): void;
}

export interface ProtocolDef<S extends FlowState = FlowState, T extends Template = Template> {
  /** As ipfixprobe calls it, in lower case. */
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly fields: T;
  /** IPFIX element of each field, enterprise and number: `e8057id10`; `e0id58` is IANA's. */
  readonly elements: Readonly<Record<string, string>>;
  readonly watch: Watch;
  /** Whether it is on unless the operator chooses. */
  readonly byDefault: boolean;
  /** RFC or other source. */
  readonly source: string;
  setup(options: PluginOptions): Plugin<S, T>;
}

/** Any protocol, for code that handles all of them. */
export type AnyProtocol = Omit<ProtocolDef, "setup"> & { setup(options: PluginOptions): object };

/** Declare a protocol. The identity function is all it takes: the types do the work. */
export const defineProtocol = <S extends FlowState, const T extends Template>(
  def: ProtocolDef<S, T>,
): ProtocolDef<S, T> => def;
