// SPDX-License-Identifier: BSD-3-Clause

import type { PacketObserver, Sighting } from "../flow/observer.ts";
import { HOT, HOT_SHIFT, STATE } from "../flow/record.ts";
import { WORD } from "../packet/row.ts";
import type { OutputPort } from "../port.ts";
import type { AnyReader } from "../unirec/reader.ts";
import { Group, type PluginGroup } from "./group.ts";
import { bitsOf, Installed, lowest, NO_SIDE, type Plugins, Side, WORD_BITS } from "./installed.ts";
import { isEmpty, Packet } from "./packet.ts";
import { type AnyProtocol, type PluginOptions, VERDICT } from "./protocol.ts";

/** No plugin has any interest in a flow. */
const NOBODY = -1;

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
  readonly #plugins: Installed[] = [];
  /** Plugins that see packets without payload as well. */
  readonly #empty: Plugins;
  readonly #wantsEmpty: boolean;
  /** Plugins that may split a flow, and those that say at its end whether they keep it. */
  readonly #splitters: Plugins;
  readonly #pickers: Plugins;
  readonly #watchers: (Watchers | undefined)[] = new Array(256).fill(undefined);
  readonly #everything = new Watchers();
  readonly #arp = new Watchers();
  readonly #groups: Group[];
  readonly #sides: Side[] = [NO_SIDE];
  readonly #free: Side[] = [];
  readonly #packet = new Packet();

  constructor(groups: readonly PluginGroup[], options: PluginOptions) {
    const defs = new Set(groups.flatMap(({ protocols }) => protocols));
    if (defs.size > 2 * WORD_BITS) throw new Error(`more than ${2 * WORD_BITS} plugins`);
    for (const def of defs) this.#install(def, options);
    const those = (filter: (plugin: Installed) => unknown): Plugins =>
      bitsOf(this.#plugins.filter(filter).map(({ index }) => index));
    this.#splitters = those(({ splits }) => splits);
    this.#pickers = those(({ keeps }) => keeps);
    this.#empty = those(
      ({ def: { watch } }) => watch.empty === true || (options.compat && watch.empty),
    );
    this.#wantsEmpty = (this.#empty.low | this.#empty.high) !== 0;
    this.#groups = groups.map((group) => new Group(group, this.#plugins, options.compat));
    this.outputs = this.#groups.map(({ port }) => port);
  }

  #install(def: AnyProtocol, options: PluginOptions): void {
    const i = this.#plugins.length;
    const plugin = new Installed(def, i, options);
    this.#plugins.push(plugin);
    const bits: [number, number] = i < WORD_BITS ? [1 << i, 0] : [0, 1 << (i - WORD_BITS)];
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

  /** Flows in which a plugin found something, by plugin name. */
  get found(): Record<string, number> {
    return Object.fromEntries(this.#plugins.map(({ def, found }) => [def.name, found]));
  }

  /** Packets that broke the rules of a plugin's protocol, by plugin name. */
  get malformed(): Record<string, number> {
    return Object.fromEntries(this.#plugins.map(({ def, malformed }) => [def.name, malformed]));
  }

  splits(sighting: Sighting): boolean {
    const handle = sighting.hot[(sighting.record << HOT_SHIFT) + HOT.side]!;
    if (handle <= 0) return false;
    const side = this.#sides[handle]!;
    const low = side.takenLow & this.#splitters.low;
    const high = side.takenHigh & this.#splitters.high;
    if ((low | high) === 0) return false;
    this.#point(sighting);
    return this.#anySplits(side, low, 0) || this.#anySplits(side, high, WORD_BITS);
  }

  #anySplits({ states }: Side, bits: number, base: number): boolean {
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const i = base + lowest(rest);
      if (this.#plugins[i]!.splits!(this.#packet, states[i]!)) return true;
    }
    return false;
  }

  /** Whether a plugin may split flows. */
  get splitting(): boolean {
    return (this.#splitters.low | this.#splitters.high) !== 0;
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
    const { hot, record, rows, z, frames } = sighting;
    const w = record << HOT_SHIFT;
    const handle = hot[w + HOT.side]!;
    if (handle === NOBODY) return false;
    // A flow of which nobody wants the empty packets has no side before it has payload.
    if (handle === 0 && !this.#wantsEmpty && isEmpty(rows, z, frames)) return false;
    let side: Side | undefined;
    if (handle > 0) {
      side = this.#sides[handle]!;
      if ((side.low | side.high) === 0) return false;
    }
    this.#point(sighting);
    const packet = this.#packet;
    const empty = packet.size <= 0;
    side ??= this.#open(hot, w, packet);
    if (!side) return false;
    const low = empty ? side.low & this.#empty.low : side.low;
    const high = empty ? side.high & this.#empty.high : side.high;
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
      const bit = lowest(rest);
      const plugin = this.#plugins[base + bit]!;
      plugin.side = side;
      const { onPacket } = plugin;
      const verdict = onPacket(this.#packet, plugin);
      if (verdict === VERDICT.more) continue;
      if ((verdict & VERDICT.done) !== 0) {
        if (base === 0) side.low &= ~(1 << bit);
        else side.high &= ~(1 << bit);
      }
      if ((verdict & VERDICT.end) !== 0) ends = 1;
      if ((verdict & VERDICT.malformed) !== 0) plugin.malformed++;
    }
    return ends;
  }

  /** A flow ends: `flow` is its basic record. Send it with the fields, and forget what was learned. */
  end(handle: number, flow: AnyReader): void {
    const side = handle > 0 ? this.#sides[handle]! : undefined;
    if (side) {
      this.#drop(side, side.takenLow & this.#pickers.low, 0);
      this.#drop(side, side.takenHigh & this.#pickers.high, WORD_BITS);
    }
    for (const group of this.#groups)
      if (!group.isNarrow || (side && group.knows(side))) group.send(flow, side);
    if (side) this.#release(side);
  }

  /** Forget what the plugins of a word's bits have learned of a flow where that is nothing to tell. */
  #drop(side: Side, bits: number, base: number): void {
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const bit = lowest(rest);
      const plugin = this.#plugins[base + bit]!;
      if (plugin.keeps!(side.states[base + bit]!)) continue;
      plugin.found--;
      plugin.forget(side);
      if (base === 0) side.takenLow &= ~(1 << bit);
      else side.takenHigh &= ~(1 << bit);
    }
  }

  #release(side: Side): void {
    for (let rest = side.takenLow; rest !== 0; rest &= rest - 1)
      this.#plugins[lowest(rest)]!.forget(side);
    for (let rest = side.takenHigh; rest !== 0; rest &= rest - 1)
      this.#plugins[WORD_BITS + lowest(rest)]!.forget(side);
    side.takenLow = 0;
    side.takenHigh = 0;
    this.#free.push(side);
  }
}
