// SPDX-License-Identifier: BSD-3-Clause
// Hot path: bench meter, 8 M packets over 1 M flows in random order. The cost is memory latency; reading 256
// slots and then 256 records before any is used lets their cache misses overlap, which is worth a factor of 2.
import { reserve } from "../memory.ts";
import type { PacketDecoder } from "../packet/decoder.ts";
import type { FrameBatch } from "../packet/frames.ts";
import { ROW } from "../packet/row.ts";
import { SECOND } from "../unirec/time.ts";
import { AddressPool } from "./address-pool.ts";
import type { ExportHandler, FlowTableOptions, PacketObserver, Sighting } from "./observer.ts";
import { COLD_SHIFT, END_REASON, ended, HOT_SHIFT, isBrief, STATE, TCP } from "./record.ts";
import { CANDIDATE, findCandidates, POOL_SHIFT, touchIndex, touchPool } from "./touch.ts";

/** First size of the index; it doubles when half full. */
const INDEX_FIRST = 1 << 16;
/** Records that share an earliest deadline: a sweep skips those blocks in which nothing can be due. */
const BLOCK_SHIFT = 6;
/** Records looked at for the one to leave when the table is full. */
const VICTIMS = 16;
/** Microseconds a packet may be older than its flow's first one and still belong to it. */
const REORDER_MAX = 60 * SECOND;

/** The touch passes add up what they read, so that they are not dead code. */
export let touched = 0;

/**
 * The table of biflows (RFC 5103): bounded, exact, one cache line a flow.
 *
 * A packet of a flow whose timeout has passed ends it and begins it anew, so what a flow counts depends on
 * its own packets alone: not on when the sweep runs, nor on how packets are cut into batches or spread
 * over Workers. The sweep, at every whole second of capture time, finds the flows that went silent.
 */
export class FlowTable {
  readonly hot: Int32Array;
  readonly doubles: Float64Array;
  readonly cold: Int32Array;
  readonly coldBytes: Uint8Array;
  /** Flows in the table now, and the most there ever were. */
  live = 0;
  peak = 0;
  /** Flows that had to leave since the table was full. */
  evicted = 0;
  created = 0;
  readonly #options: FlowTableOptions;
  /** Microseconds from its first packet after which a flow can be due at the earliest, unless it ends before. */
  readonly #soonest: number;
  readonly #export: ExportHandler;
  readonly #observer: PacketObserver | undefined;
  readonly #sighting = { record: 0, z: 0 } as Sighting;
  #index: Int32Array;
  #mask: number;
  /** Records never used begin here; those that were used and left are linked through their hash word. */
  #fresh = 1;
  #free = 0;
  readonly #earliest: Float64Array;
  /** Flows of a block that are due, and their flowEndReason. */
  readonly #due = new Int32Array(1 << BLOCK_SHIFT);
  readonly #dueReason = new Int32Array(1 << BLOCK_SHIFT);
  #dueCount = 0;
  readonly #addresses = new AddressPool();
  #victim = 1;

  constructor(options: FlowTableOptions, onExport: ExportHandler, observer?: PacketObserver) {
    this.#options = options;
    this.#soonest = Math.min(options.idle, options.active, options.brief ?? options.idle);
    this.#export = onExport;
    this.#observer = observer;
    const records = options.capacity + 1; // record 0 stands for none
    // Pages of these are only backed by memory once they are written, so a large capacity costs nothing idle.
    const hot = reserve(records * 64);
    this.hot = new Int32Array(hot);
    this.doubles = new Float64Array(hot);
    const cold = reserve(records * 32);
    this.cold = new Int32Array(cold);
    this.coldBytes = new Uint8Array(cold);
    this.#index = new Int32Array(new ArrayBuffer(INDEX_FIRST * 8));
    this.#mask = INDEX_FIRST - 1;
    this.#earliest = new Float64Array(new ArrayBuffer(((records >>> BLOCK_SHIFT) + 1) * 8)).fill(
      Infinity,
    );
  }

  /** Addresses of IPv6 flows: 8 words each, the lower side first. */
  get pool(): Int32Array {
    return this.#addresses.words;
  }

  /** Account the packets of a decoded batch from row `from` up to row `to`. */
  update(packets: PacketDecoder, frames: FrameBatch, from: number, to: number): void {
    const { rows } = packets;
    touched ^= touchIndex(this.#index, this.#mask, rows, from, to);
    touched ^= findCandidates(this.#index, this.#mask, this.hot, rows, from, to);
    touched ^= touchPool(this.pool, this.hot, rows, from, to);
    this.#process(packets, frames, from, to);
  }

  #process(packets: PacketDecoder, frames: FrameBatch, from: number, to: number): void {
    const { rows, time } = packets;
    const { hot, doubles } = this;
    const { active, idle } = this.#options;
    const linger = this.#options.linger ?? -1;
    const brief = this.#options.brief ?? Number.POSITIVE_INFINITY;
    const { view } = frames;
    const splitting = this.#observer?.splitting === true;
    for (let m = from; m < to; m++) {
      const z = m * ROW;
      const now = time[m]!;
      const direction = rows[z + 5]!;
      const flags = rows[z + 7]!;
      let record = rows[z + CANDIDATE]!;
      let w = record << HOT_SHIFT;
      // The candidate has the same hash, which leaves its key to be compared; the rest is rare.
      if (
        hot[w + 1] !== rows[z + 1] ||
        hot[w + 2] !== rows[z + 2] ||
        hot[w + 3] !== rows[z + 3] ||
        (hot[w + 5]! & STATE.used) === 0 ||
        ((rows[z + 1]! & 256) === 0
          ? hot[w + 4] !== rows[z + 4]
          : !this.#sameV6(view, rows[z + 8]!, direction, hot[w + 4]!))
      ) {
        record = this.#find(rows, z, view);
        w = record << HOT_SHIFT;
      }
      if (record === 0) {
        record = this.#create(rows, z, view, now);
        w = record << HOT_SHIFT;
      } else {
        const lasted = hot[w + 6]!;
        const since = now - doubles[record * 8 + 4]!;
        if (since - lasted >= idle) this.#restart(record, END_REASON.idle, rows, z, view, now);
        else if (since >= active) this.#restart(record, END_REASON.active, rows, z, view, now);
        else if (since >= brief && isBrief(hot, w))
          this.#restart(record, END_REASON.idle, rows, z, view, now);
        else if ((flags & TCP.syn) !== 0 && (rows[z + 1]! & 255) === 6 && ended(hot[w + 5]!))
          this.#restart(record, END_REASON.end, rows, z, view, now);
        else if (splitting && this.#observer!.splits(this.#sight(record, rows, z, frames)))
          this.#split(record, now);
        else if (since > lasted) hot[w + 6] = since | 0;
        else if (since < 0) this.#early(record, since, rows, z, view, now);
      }
      const ends = this.#observer?.packet(this.#sight(record, rows, z, frames));
      const state = hot[w + 5]!;
      const reverse = ((state >>> 16) & 1) ^ direction;
      hot[w + 5] = state | (flags << (reverse << 3));
      const packet = w + 10 + reverse;
      const counted = hot[packet]! + 1;
      hot[packet] = counted;
      doubles[record * 8 + 6 + reverse]! += rows[z + 6]!;
      if (counted === 1 && reverse === 1) this.cold[(record << COLD_SHIFT) + 5] = rows[z + 12]!;
      if (linger >= 0 && (rows[z + 1]! & 255) === 6 && (flags & (TCP.fin | TCP.rst)) !== 0)
        this.#hasten(record, now + linger);
      if (ends) {
        this.#export(record, END_REASON.end);
        this.#remove(record);
      }
    }
  }

  /** A packet and its flow, for the observer. */
  #sight(record: number, rows: Int32Array, z: number, frames: FrameBatch): Sighting {
    const sighting = this.#sighting;
    sighting.hot = this.hot;
    sighting.record = record;
    sighting.rows = rows;
    sighting.z = z;
    sighting.frames = frames;
    return sighting;
  }

  /**
   * The flow ends before this packet. As in ipfixprobe, the next one keeps its direction, and begins when this one
   * was last seen.
   */
  #split(record: number, now: number): void {
    const { hot, doubles } = this;
    const w = record << HOT_SHIFT;
    this.#export(record, END_REASON.end);
    const last = doubles[record * 8 + 4]! + hot[w + 6]!;
    hot[w + 5] = STATE.used | (hot[w + 5]! & STATE.direction);
    hot[w + 6] = Math.max(0, now - last);
    hot[w + 7] = 0;
    doubles[record * 8 + 4] = last;
    hot[w + 10] = 0;
    hot[w + 11] = 0;
    doubles[record * 8 + 6] = 0;
    doubles[record * 8 + 7] = 0;
    this.cold[(record << COLD_SHIFT) + 5] = 0;
    this.#dueAt(record, last + this.#soonest);
    this.created++;
  }

  /** The record of a row's flow, or 0: for packets whose candidate it is not. */
  #find(rows: Int32Array, z: number, view: DataView): number {
    const { hot } = this;
    const index = this.#index;
    const mask = this.#mask;
    const hash = rows[z]!;
    const kind = rows[z + 1]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = index[slot * 2 + 1]!;
      if (record === 0) return 0;
      const w = record << HOT_SHIFT;
      if (index[slot * 2] !== hash || hot[w + 1] !== kind) continue;
      if (hot[w + 2] !== rows[z + 2] || hot[w + 3] !== rows[z + 3]) continue;
      const same =
        (kind & 256) === 0
          ? hot[w + 4] === rows[z + 4]
          : this.#sameV6(view, rows[z + 8]!, rows[z + 5]!, hot[w + 4]!);
      if (same) return record;
    }
  }

  /** A packet from before the flow's first one: capture queues may deliver out of order, by less than a minute. */
  #early(
    record: number,
    since: number,
    rows: Int32Array,
    z: number,
    view: DataView,
    now: number,
  ): void {
    if (since < -REORDER_MAX) {
      this.#restart(record, END_REASON.forced, rows, z, view, now);
      return;
    }
    this.doubles[record * 8 + 4] = now;
    this.hot[(record << HOT_SHIFT) + 6]! -= since;
    // An earlier beginning brings the timeouts that count from it forward.
    this.#dueAt(record, now + this.#soonest);
  }

  /** Compare the addresses of an IPv6 packet with those of a flow. */
  #sameV6(view: DataView, ip: number, direction: number, pooled: number): boolean {
    const { pool } = this;
    const at = pooled << POOL_SHIFT;
    const first = direction === 0 ? ip + 8 : ip + 24;
    const second = direction === 0 ? ip + 24 : ip + 8;
    return (
      pool[at] === view.getInt32(first, true) &&
      pool[at + 1] === view.getInt32(first + 4, true) &&
      pool[at + 2] === view.getInt32(first + 8, true) &&
      pool[at + 3] === view.getInt32(first + 12, true) &&
      pool[at + 4] === view.getInt32(second, true) &&
      pool[at + 5] === view.getInt32(second + 4, true) &&
      pool[at + 6] === view.getInt32(second + 8, true) &&
      pool[at + 7] === view.getInt32(second + 12, true)
    );
  }

  /** A new flow for the packet of a row. */
  #create(rows: Int32Array, z: number, view: DataView, now: number): number {
    if (this.live * 2 >= this.#mask) this.#grow();
    if (this.live === this.#options.capacity) this.#evict();
    let record = this.#free;
    if (record !== 0) this.#free = this.hot[record << HOT_SHIFT]!;
    else record = this.#fresh++;
    const { hot } = this;
    const w = record << HOT_SHIFT;
    const hash = rows[z]!;
    hot[w] = hash;
    hot[w + 1] = rows[z + 1]!;
    hot[w + 2] = rows[z + 2]!;
    hot[w + 3] = rows[z + 3]!;
    hot[w + 4] =
      (rows[z + 1]! & 256) === 0
        ? rows[z + 4]!
        : this.#addresses.put(view, rows[z + 8]!, rows[z + 5]!);
    this.#begin(record, rows, z, view, now);
    const index = this.#index;
    const mask = this.#mask;
    let slot = hash & mask;
    while (index[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    index[slot * 2] = hash;
    index[slot * 2 + 1] = record;
    this.live++;
    if (this.live > this.peak) this.peak = this.live;
    return record;
  }

  /** Zero a record's counters; the packet of the row is the flow's first. */
  #begin(record: number, rows: Int32Array, z: number, view: DataView, now: number): void {
    const { hot, doubles, cold, coldBytes } = this;
    const w = record << HOT_SHIFT;
    hot[w + 5] = STATE.used | (rows[z + 5]! << 16);
    hot[w + 6] = 0;
    hot[w + 7] = 0;
    doubles[record * 8 + 4] = now;
    hot[w + 10] = 0;
    hot[w + 11] = 0;
    doubles[record * 8 + 6] = 0;
    doubles[record * 8 + 7] = 0;
    const c = record << COLD_SHIFT;
    const b = c * 4;
    const ethernet = rows[z + 11]!;
    if (ethernet >= 0) {
      // Source MAC first: it is the initiator's.
      cold[c] = view.getInt32(ethernet + 6, true);
      cold[c + 1] = view.getUint16(ethernet + 10, true);
      cold[c + 2] = view.getInt32(ethernet, true);
      cold[c + 3] = view.getUint16(ethernet + 4, true);
    } else {
      const sender = -2 - ethernet;
      cold[c] = sender >= 0 ? view.getInt32(sender, true) : 0;
      cold[c + 1] = sender >= 0 ? view.getUint16(sender + 4, true) : 0;
      cold[c + 2] = 0;
      cold[c + 3] = 0;
    }
    const mpls = rows[z + 13]!;
    if (mpls !== 0) {
      coldBytes[b + 6] = mpls >>> 24;
      coldBytes[b + 7] = mpls >>> 16;
      coldBytes[b + 14] = mpls >>> 8;
      coldBytes[b + 15] = mpls;
    }
    cold[c + 4] = rows[z + 12]!;
    cold[c + 5] = 0;
    this.#dueAt(record, now + this.#soonest);
    this.created++;
  }

  /** The flow ends before this packet, which is the first of the next flow with the same key. */
  #restart(
    record: number,
    reason: number,
    rows: Int32Array,
    z: number,
    view: DataView,
    now: number,
  ): void {
    this.#export(record, ended(this.hot[(record << HOT_SHIFT) + 5]!) ? END_REASON.end : reason);
    this.#begin(record, rows, z, view, now);
  }

  /** A TCP flow may have ended: it is due after its linger, not only after its idle time. */
  #hasten(record: number, due: number): void {
    if (ended(this.hot[(record << HOT_SHIFT) + 5]!)) this.#dueAt(record, due);
  }

  /** The record may be due at that time already. */
  #dueAt(record: number, due: number): void {
    const block = record >>> BLOCK_SHIFT;
    if (due < this.#earliest[block]!) this.#earliest[block] = due;
  }

  /**
   * Export the flows that are due before `now` (microseconds of capture time), in the order of their records.
   * A block of records is skipped while its earliest deadline, a lower bound, lies ahead.
   */
  sweep(now: number): void {
    const earliest = this.#earliest;
    const blocks = ((this.#fresh - 1) >>> BLOCK_SHIFT) + 1;
    for (let block = 0; block < blocks; block++) {
      if (earliest[block]! > now) continue;
      this.#sweepBlock(block, now);
      for (let i = 0; i < this.#dueCount; i++) {
        const record = this.#due[i]!;
        this.#export(record, this.#dueReason[i]!);
        this.#remove(record);
      }
    }
  }

  /** Note which flows of a block are due and why, and read their index slots: again the misses at once. */
  #sweepBlock(block: number, now: number): void {
    const { hot, doubles } = this;
    const { active, idle } = this.#options;
    const linger = this.#options.linger ?? idle;
    const brief = this.#options.brief ?? Number.POSITIVE_INFINITY;
    const index = this.#index;
    let count = 0;
    let sum = 0;
    let next = Number.POSITIVE_INFINITY;
    const end = Math.min((block + 1) << BLOCK_SHIFT, this.#fresh);
    for (let record = Math.max(block << BLOCK_SHIFT, 1); record < end; record++) {
      const w = record << HOT_SHIFT;
      const state = hot[w + 5]!;
      if ((state & STATE.used) === 0) continue;
      const first = doubles[record * 8 + 4]!;
      const over = (hot[w + 1]! & 255) === 6 && ended(state);
      let due = Math.min(first + hot[w + 6]! + (over ? linger : idle), first + active);
      if (first + brief < due && isBrief(hot, w)) due = first + brief;
      if (due > now) {
        if (due < next) next = due;
        continue;
      }
      sum ^= index[(hot[w]! & this.#mask) * 2]!;
      this.#due[count] = record;
      const reason = first + active <= now ? END_REASON.active : END_REASON.idle;
      this.#dueReason[count++] = over ? END_REASON.end : reason;
    }
    touched ^= sum;
    this.#dueCount = count;
    this.#earliest[block] = next;
  }

  /** Export all flows, in the order of their records, and begin with an empty table: the observation ends. */
  flush(): void {
    for (let record = 1; record < this.#fresh; record++) {
      const state = this.hot[(record << HOT_SHIFT) + 5]!;
      if ((state & STATE.used) === 0) continue;
      this.#export(record, ended(state) ? END_REASON.end : END_REASON.forced);
    }
    this.#index.fill(0);
    this.#earliest.fill(Number.POSITIVE_INFINITY, 0, (this.#fresh >>> BLOCK_SHIFT) + 1);
    this.#fresh = 1;
    this.#free = 0;
    this.#victim = 1;
    this.#addresses.clear();
    this.live = 0;
  }

  /** Make room: of the next few records the one with the fewest packets leaves, among equals the most idle. */
  #evict(): void {
    let victim = 0;
    let fewest = Number.POSITIVE_INFINITY;
    let oldest = Number.POSITIVE_INFINITY;
    for (let looked = 0; looked < VICTIMS; looked++) {
      const record = this.#victim;
      this.#victim = record + 1 < this.#fresh ? record + 1 : 1;
      const w = record << HOT_SHIFT;
      if ((this.hot[w + 5]! & STATE.used) === 0) continue;
      const packets = Math.min((this.hot[w + 10]! >>> 0) + (this.hot[w + 11]! >>> 0), 4);
      const last = this.doubles[record * 8 + 4]! + this.hot[w + 6]!;
      if (packets < fewest || (packets === fewest && last < oldest)) {
        victim = record;
        fewest = packets;
        oldest = last;
      }
    }
    this.#export(victim, END_REASON.resources);
    this.#remove(victim);
    this.evicted++;
  }

  /** Take a record out of the index, shifting back what had probed past it, and free it. */
  #remove(record: number): void {
    const { hot } = this;
    const w = record << HOT_SHIFT;
    const index = this.#index;
    const mask = this.#mask;
    let hole = hot[w]! & mask;
    while (index[hole * 2 + 1] !== record) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; index[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = index[slot * 2]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      index[hole * 2] = index[slot * 2]!;
      index[hole * 2 + 1] = index[slot * 2 + 1]!;
      hole = slot;
    }
    index[hole * 2 + 1] = 0;
    if ((hot[w + 1]! & 256) !== 0) this.#addresses.take(hot[w + 4]!);
    hot[w + 5] = 0;
    hot[w] = this.#free;
    this.#free = record;
    this.live--;
  }

  /** Double the index. Each half keeps the order of its hashes, so this reads and writes in sequence. */
  #grow(): void {
    const old = this.#index;
    const slots = (this.#mask + 1) * 2;
    const index = new Int32Array(reserve(slots * 8));
    const mask = slots - 1;
    for (let from = 0; from < old.length; from += 2) {
      const record = old[from + 1]!;
      if (record === 0) continue;
      let slot = old[from]! & mask;
      while (index[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
      index[slot * 2] = old[from]!;
      index[slot * 2 + 1] = record;
    }
    this.#index = index;
    this.#mask = mask;
  }
}
