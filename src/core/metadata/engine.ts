// SPDX-License-Identifier: BSD-3-Clause

import { RECORD_MAX } from "../batch.ts";
import { FLOWS } from "../flow/flows.ts";
import type { PacketObserver, Sighting } from "../flow/observer.ts";
import { HOT, HOT_SHIFT, STATE } from "../flow/record.ts";
import { WORD } from "../packet/row.ts";
import { OutputPort } from "../port.ts";
import type { AnyReader } from "../unirec/reader.ts";
import { parseTemplate } from "../unirec/template.ts";
import { type RecordWriter, writer } from "../unirec/writer.ts";
import { Packet } from "./packet.ts";
import {
  type AnyProtocol,
  type FlowState,
  type Plugin,
  type PluginOptions,
  type Slot,
  VERDICT,
} from "./protocol.ts";

type AnyPlugin = Plugin<FlowState, unknown>;

/** Plugins that share an output. */
export interface PluginGroup {
  /** Name of the output. */
  readonly name: string;
  readonly protocols: readonly AnyProtocol[];
}

/** Plugins at once: a bit each in a word. */
const WORD_BITS = 31;
/** No plugin has any interest in a flow. */
const NOBODY = -1;

/** What plugins know of one flow, beside its record. */
class Side {
  /** Its place among the sides, which is what the record holds. */
  readonly index: number;
  /** Plugins that want to see more, a bit each. */
  low = 0;
  high = 0;
  readonly states: (FlowState | undefined)[];

  constructor(index: number, plugins: number) {
    this.index = index;
    this.states = new Array(plugins).fill(undefined);
  }
}

/** Which plugins are shown the packets of a protocol: whatever their ports, and of certain ports. */
class Watchers {
  always: [number, number] = [0, 0];
  readonly byPort = new Map<number, [number, number]>();
}

/**
 * Shows the packets of flows to the plugins that have an interest in them, keeps what they learn, and sends the flows
 * with their fields, one output a group. A flow without interest costs one comparison a packet.
 */
export class MetadataEngine implements PacketObserver {
  readonly outputs: readonly OutputPort[];
  /** Flows in which a plugin found something, by plugin name. */
  readonly found: Record<string, number> = {};
  /** Packets that broke the rules of a plugin's protocol, by plugin name. */
  readonly malformed: Record<string, number> = {};
  readonly #plugins: AnyPlugin[] = [];
  readonly #protocols: AnyProtocol[] = [];
  /** Plugins that see packets without payload as well. */
  #emptyLow = 0;
  #emptyHigh = 0;
  readonly #splitters: number[] = [];
  /** Plugins that say at a flow's end whether they keep it. */
  readonly #pickers: number[] = [];
  readonly #watchers: (Watchers | undefined)[] = new Array(256).fill(undefined);
  readonly #everything = new Watchers();
  readonly #arp = new Watchers();
  readonly #groups: Group[];
  readonly #slots: SlotOf[] = [];
  readonly #sides: Side[] = [new Side(0, 0)];
  readonly #free: Side[] = [];
  readonly #pools: FlowState[][] = [];
  readonly #packet = new Packet();
  readonly #compat: boolean;

  constructor(groups: readonly PluginGroup[], options: PluginOptions) {
    this.#compat = options.compat;
    for (const { protocols } of groups)
      for (const def of protocols) if (!this.#protocols.includes(def)) this.#add(def, options);
    this.#groups = groups.map(({ name, protocols }) => {
      const indexes = protocols.map((def) => this.#protocols.indexOf(def));
      return new Group(name, protocols, indexes);
    });
    this.outputs = this.#groups.map(({ port }) => port);
  }

  #add(def: AnyProtocol, options: PluginOptions): void {
    const i = this.#plugins.length;
    if (i >= 2 * WORD_BITS) throw new Error(`more than ${2 * WORD_BITS} plugins`);
    const plugin = def.setup(options) as unknown as AnyPlugin;
    this.#protocols.push(def);
    this.#plugins.push(plugin);
    this.#pools.push([]);
    this.found[def.name] = 0;
    this.malformed[def.name] = 0;
    this.#slots.push(new SlotOf(i, () => this.#takeState(i)));
    const bits: [number, number] = i < WORD_BITS ? [1 << i, 0] : [0, 1 << (i - WORD_BITS)];
    if (def.watch.empty) {
      this.#emptyLow |= bits[0];
      this.#emptyHigh |= bits[1];
    }
    if (plugin.splits) this.#splitters.push(i);
    if (plugin.keeps) this.#pickers.push(i);
    const { ports } = def.watch;
    for (const { always, byPort } of this.#watchersOf(def)) {
      if (!ports) {
        always[0] |= bits[0];
        always[1] |= bits[1];
        continue;
      }
      for (const port of ports) {
        const mask = byPort.get(port) ?? [0, 0];
        byPort.set(port, [mask[0] | bits[0], mask[1] | bits[1]]);
      }
    }
  }

  #watchersOf({ watch: { protocols, arp } }: AnyProtocol): Watchers[] {
    if (arp) return [this.#arp];
    if (!protocols) return [this.#everything];
    return protocols.map((protocol) => (this.#watchers[protocol] ??= new Watchers()));
  }

  #takeState(i: number): FlowState {
    this.found[this.#protocols[i]!.name]!++;
    return this.#pools[i]!.pop() ?? this.#plugins[i]!.create();
  }

  splits(sighting: Sighting): boolean {
    const handle = sighting.hot[(sighting.record << HOT_SHIFT) + HOT.side]!;
    if (handle <= 0 || this.#splitters.length === 0) return false;
    const { states } = this.#sides[handle]!;
    let isSet = false;
    for (const i of this.#splitters) {
      const state = states[i];
      if (!state) continue;
      if (!isSet) this.#point(sighting);
      isSet = true;
      if (this.#plugins[i]!.splits!(this.#packet, state)) return true;
    }
    return false;
  }

  #point({ hot, record, rows, z, frames }: Sighting): void {
    const w = record << HOT_SHIFT;
    const initiator = (hot[w + HOT.state]! & STATE.direction) === 0 ? 0 : 1;
    this.#packet.set(rows, z, frames, {
      reverse: initiator === rows[z + WORD.direction]! ? 0 : 1,
      first: hot[w + HOT.packets]! === 0 && hot[w + HOT.packetsReverse]! === 0,
    });
  }

  packet(sighting: Sighting): boolean {
    const { hot, record } = sighting;
    const w = record << HOT_SHIFT;
    const handle = hot[w + HOT.side]!;
    if (handle === NOBODY) return false;
    let side: Side | undefined;
    if (handle > 0) {
      side = this.#sides[handle]!;
      if ((side.low | side.high) === 0) return false;
    }
    this.#point(sighting);
    const packet = this.#packet;
    const isEmpty = packet.size <= 0;
    // A flow of which nobody wants the empty packets has no side before it has payload.
    if (!side && isEmpty && (this.#emptyLow | this.#emptyHigh) === 0) return false;
    side ??= this.#open(hot, w, packet);
    if (!side) return false;
    const low = isEmpty ? side.low & this.#emptyLow : side.low;
    const high = isEmpty ? side.high & this.#emptyHigh : side.high;
    return (this.#show(side, low, 0) | this.#show(side, high, WORD_BITS)) !== 0;
  }

  /** A side for a flow in which somebody has an interest. */
  #open(hot: Int32Array, w: number, packet: Packet): Side | undefined {
    const { isArp, protocol } = packet;
    let [low, high] = [0, 0];
    for (const watchers of isArp ? [this.#arp] : [this.#everything, this.#watchers[protocol]]) {
      if (!watchers) continue;
      low |= watchers.always[0];
      high |= watchers.always[1];
      for (const port of [packet.sourcePort, packet.targetPort]) {
        const mask = watchers.byPort.get(port);
        if (!mask) continue;
        low |= mask[0];
        high |= mask[1];
      }
    }
    if ((low | high) === 0) {
      hot[w + HOT.side] = NOBODY;
      return undefined;
    }
    let side = this.#free.pop();
    if (!side) {
      side = new Side(this.#sides.length, this.#plugins.length);
      this.#sides.push(side);
    }
    side.low = low;
    side.high = high;
    hot[w + HOT.side] = side.index;
    return side;
  }

  /** Show the packet to the plugins of a word's bits; 1 when one of them ends the flow. */
  #show(side: Side, bits: number, base: number): number {
    let ends = 0;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest);
      const i = base + bit;
      const slot = this.#slots[i]!;
      slot.states = side.states;
      const verdict = this.#plugins[i]!.onPacket(this.#packet, slot);
      if (verdict === VERDICT.more) continue;
      if ((verdict & VERDICT.done) !== 0) {
        if (base === 0) side.low &= ~(1 << bit);
        else side.high &= ~(1 << bit);
      }
      if ((verdict & VERDICT.end) !== 0) ends = 1;
      if ((verdict & VERDICT.malformed) !== 0) this.malformed[this.#protocols[i]!.name]!++;
    }
    return ends;
  }

  /** A flow ends: `flow` is its basic record. Send it with the fields, and forget what was learned. */
  end(handle: number, flow: AnyReader): void {
    const side = handle > 0 ? this.#sides[handle]! : undefined;
    if (side) for (const i of this.#pickers) this.#drop(side, i);
    for (const group of this.#groups) {
      if (!group.port.linked) continue;
      if (this.#compat && !group.indexes.some((i) => side?.states[i])) continue;
      group.send(flow, side?.states, this.#plugins);
    }
    if (side) this.#release(side);
  }

  /** Forget what a plugin has learned of a flow when that is nothing to tell. */
  #drop(side: Side, i: number): void {
    const state = side.states[i];
    if (!state || this.#plugins[i]!.keeps!(state)) return;
    this.found[this.#protocols[i]!.name]!--;
    this.#forget(side, i);
  }

  #forget({ states }: Side, i: number): void {
    const state = states[i];
    if (!state) return;
    state.reset();
    this.#pools[i]!.push(state);
    states[i] = undefined;
  }

  #release(side: Side): void {
    for (let i = 0; i < side.states.length; i++) this.#forget(side, i);
    this.#free.push(side);
  }
}

/** A plugin's place in whichever flow is looked at. */
class SlotOf implements Slot<FlowState> {
  states: (FlowState | undefined)[] = [];
  readonly #index: number;
  readonly #create: () => FlowState;

  constructor(index: number, create: () => FlowState) {
    this.#index = index;
    this.#create = create;
  }

  get state(): FlowState | undefined {
    return this.states[this.#index];
  }

  take(): FlowState {
    const { states } = this;
    const known = states[this.#index];
    if (known) return known;
    const made = this.#create();
    states[this.#index] = made;
    return made;
  }
}

/** Plugins that share an output: the basic flow and their fields. */
class Group {
  readonly port: OutputPort;
  readonly indexes: readonly number[];
  readonly #record: RecordWriter;
  /** Flows whose fields are longer than a record may be, sent without them. */
  tooLong = 0;

  constructor(name: string, protocols: readonly AnyProtocol[], indexes: readonly number[]) {
    const fields = [FLOWS.spec, ...protocols.map(({ fields }) => fields.spec)];
    const template = parseTemplate(fields.join(","), "biflow");
    this.port = new OutputPort(name, template);
    this.indexes = indexes;
    this.#record = writer(template);
  }

  send(flow: AnyReader, states: Side["states"] | undefined, plugins: readonly AnyPlugin[]): void {
    let rows = 1;
    if (states)
      for (const i of this.indexes) {
        const state = states[i];
        if (state) rows = Math.max(rows, plugins[i]!.rows?.(state) ?? 1);
      }
    for (let row = 0; row < rows; row++) this.#sendRow(row, flow, { states, plugins });
  }

  #sendRow(
    row: number,
    flow: AnyReader,
    { states, plugins }: { states: Side["states"] | undefined; plugins: readonly AnyPlugin[] },
  ): void {
    const record = this.#record;
    record.begin().copyFrom(flow);
    if (states)
      for (const i of this.indexes) {
        const state = states[i];
        if (state && row < (plugins[i]!.rows?.(state) ?? 1))
          plugins[i]!.write(state, record as never, row);
      }
    if (record.size > RECORD_MAX) {
      this.tooLong++;
      record.begin().copyFrom(flow);
    }
    record.end(this.port.room(record.size));
  }
}
