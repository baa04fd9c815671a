// SPDX-License-Identifier: BSD-3-Clause
/**
 * vportscan's algorithm written against offsets: no template, no cursor, no module, no output port.
 * The table is the core's, whose cost both variants have.
 * @module
 */
import type { EvidenceFlow } from "../../src/core/alert.ts";
import type { Batch } from "../../src/core/batch.ts";
import type { Receiver } from "../../src/core/port.ts";
import { StateStore } from "../../src/core/state/state-store.ts";
import type { Table } from "../../src/core/state/table.ts";
import { ipText } from "../../src/core/unirec/ip.ts";
import { readTime, SECOND } from "../../src/core/unirec/time.ts";
import { LAYOUT, offsetOf } from "./traffic.ts";
import type { Finding, Make } from "./variant.ts";

const SRC_IP = offsetOf("SRC_IP");
const DST_IP = offsetOf("DST_IP");
const SRC_PORT = offsetOf("SRC_PORT");
const DST_PORT = offsetOf("DST_PORT");
const PROTOCOL = offsetOf("PROTOCOL");
const PACKETS = offsetOf("PACKETS");
const TCP_FLAGS = offsetOf("TCP_FLAGS");
const TIME_FIRST = offsetOf("TIME_FIRST");
const TIME_LAST = offsetOf("TIME_LAST");
const SIZE = LAYOUT.fixedSize;

const PORTS_MAX = 50;
const SUSPECT_AT = PORTS_MAX / 2;
const PACKETS_MAX = 4;
const IDLE = 300 * SECOND;
const PAIRS = 65_536;
const BITMAPS = 1024;
const BITMAP_BYTES = 8192;
const SLOTS = 512;
const FLOWS_KEPT = 20;

const addressText = (view: DataView, at: number): string =>
  ipText({
    w0: view.getInt32(at, true),
    w1: view.getInt32(at + 4, true),
    w2: view.getInt32(at + 8, true),
    w3: view.getInt32(at + 12, true),
  });

class ByHand implements Receiver {
  readonly #found: (finding: Finding) => void;
  readonly #pairs: Table;
  readonly #source = { w0: 0, w1: 0, w2: 0, w3: 0 };
  readonly #target = { w0: 0, w1: 0, w2: 0, w3: 0 };
  readonly #ports = new Uint16Array(PAIRS * PORTS_MAX);
  readonly #portCount = new Uint32Array(PAIRS);
  readonly #announced = new Uint32Array(PAIRS);
  readonly #first = new Float64Array(PAIRS);
  readonly #last = new Float64Array(PAIRS);
  readonly #bitmaps = new Uint8Array(BITMAPS * BITMAP_BYTES);
  readonly #bitmapOwner = new Int32Array(BITMAPS);
  readonly #bitmapOf = new Int32Array(PAIRS);
  #bitmapNext = 0;
  readonly #kept = new Uint8Array(SLOTS * FLOWS_KEPT * SIZE);
  readonly #keptView = new DataView(this.#kept.buffer);
  readonly #keptCount = new Uint32Array(SLOTS);
  readonly #slotOwner = new Int32Array(SLOTS);
  readonly #slotOf = new Int32Array(PAIRS);
  #slotNext = 0;

  constructor(found: (finding: Finding) => void) {
    this.#found = found;
    this.#pairs = new StateStore(() => {}).table("pairs", {
      key: ["ip", "ip"],
      rows: PAIRS,
      idle: IDLE,
      onLeave: (row) => {
        if (this.#announced[row] !== 0) this.#announce(row, true);
        if (this.#bitmapOwner[this.#bitmapOf[row]!] === row + 1)
          this.#bitmapOwner[this.#bitmapOf[row]!] = 0;
      },
    });
  }

  receive({ view, start, length }: Batch): void {
    const end = start + length;
    for (let at = start; at < end; ) {
      const p = at + 2;
      at = p + view.getUint16(at);
      if (view.getUint8(p + PROTOCOL) !== 6 || (view.getUint8(p + TCP_FLAGS) & ~4) !== 2) continue;
      if (view.getUint32(p + PACKETS, true) <= PACKETS_MAX) this.#probe(view, p);
    }
  }

  #probe(view: DataView, p: number): void {
    const source = this.#source;
    source.w0 = view.getInt32(p + SRC_IP, true);
    source.w1 = view.getInt32(p + SRC_IP + 4, true);
    source.w2 = view.getInt32(p + SRC_IP + 8, true);
    source.w3 = view.getInt32(p + SRC_IP + 12, true);
    const target = this.#target;
    target.w0 = view.getInt32(p + DST_IP, true);
    target.w1 = view.getInt32(p + DST_IP + 4, true);
    target.w2 = view.getInt32(p + DST_IP + 8, true);
    target.w3 = view.getInt32(p + DST_IP + 12, true);
    const first = readTime(view, p + TIME_FIRST);
    const last = readTime(view, p + TIME_LAST);
    const row = this.#pairs.upsertPair(source, target, last);
    if (this.#pairs.isNew) {
      this.#portCount[row] = 0;
      this.#announced[row] = 0;
      this.#first[row] = first;
      this.#last[row] = last;
    }
    if (first < this.#first[row]!) this.#first[row] = first;
    if (last > this.#last[row]!) this.#last[row] = last;
    if (!this.#add(row, view.getUint16(p + DST_PORT, true))) return;
    const tried = ++this.#portCount[row]!;
    if (tried < SUSPECT_AT) return;
    if (tried === SUSPECT_AT) this.#takeSlot(row);
    this.#keep(row, view, p);
    if (tried === PORTS_MAX || (tried > PORTS_MAX && tried >= this.#announced[row]! * 2))
      this.#announce(row, false);
  }

  #add(row: number, port: number): boolean {
    const listed = this.#portCount[row]!;
    if (listed >= PORTS_MAX) return this.#mark(row, port);
    const ports = this.#ports;
    const start = row * PORTS_MAX;
    const end = start + listed;
    for (let i = start; i < end; i++) if (ports[i] === port) return false;
    ports[end] = port;
    if (listed + 1 < PORTS_MAX) return true;
    const bitmap = this.#bitmapNext++ % BITMAPS;
    this.#bitmapOwner[bitmap] = row + 1;
    this.#bitmapOf[row] = bitmap;
    this.#bitmaps.fill(0, bitmap * BITMAP_BYTES, (bitmap + 1) * BITMAP_BYTES);
    for (let i = start; i < start + PORTS_MAX; i++) this.#mark(row, ports[i]!);
    return true;
  }

  #mark(row: number, port: number): boolean {
    const bitmap = this.#bitmapOf[row]!;
    if (this.#bitmapOwner[bitmap] !== row + 1) return false;
    const at = bitmap * BITMAP_BYTES + (port >>> 3);
    const bit = 1 << (port & 7);
    if ((this.#bitmaps[at]! & bit) !== 0) return false;
    this.#bitmaps[at]! |= bit;
    return true;
  }

  #takeSlot(row: number): void {
    const slot = this.#slotNext++ % SLOTS;
    this.#slotOwner[slot] = row + 1;
    this.#slotOf[row] = slot;
    this.#keptCount[slot] = 0;
  }

  #keep(row: number, view: DataView, p: number): void {
    const slot = this.#slotOf[row]!;
    if (this.#slotOwner[slot] !== row + 1) return;
    const to = (slot * FLOWS_KEPT + (this.#keptCount[slot]!++ % FLOWS_KEPT)) * SIZE;
    let i = 0;
    for (; i + 4 <= SIZE; i += 4) this.#keptView.setInt32(to + i, view.getInt32(p + i));
    for (; i < SIZE; i++) this.#kept[to + i] = view.getUint8(p + i);
  }

  #evidence(row: number): EvidenceFlow[] {
    const slot = this.#slotOf[row]!;
    if (this.#slotOwner[slot] !== row + 1) return [];
    const kept = this.#keptCount[slot]!;
    const view = this.#keptView;
    const flows: EvidenceFlow[] = [];
    for (let i = Math.max(0, kept - FLOWS_KEPT); i < kept; i++) {
      const at = (slot * FLOWS_KEPT + (i % FLOWS_KEPT)) * SIZE;
      flows.push({
        DST_IP: addressText(view, at + DST_IP),
        SRC_IP: addressText(view, at + SRC_IP),
        TIME_FIRST: readTime(view, at + TIME_FIRST),
        TIME_LAST: readTime(view, at + TIME_LAST),
        PACKETS: view.getUint32(at + PACKETS, true),
        DST_PORT: view.getUint16(at + DST_PORT, true),
        SRC_PORT: view.getUint16(at + SRC_PORT, true),
        PROTOCOL: view.getUint8(at + PROTOCOL),
        TCP_FLAGS: view.getUint8(at + TCP_FLAGS),
      });
    }
    return flows;
  }

  #announce(row: number, closed: boolean): void {
    this.#announced[row] = this.#portCount[row]!;
    this.#found({
      key: `${this.#pairs.ip(row, 0)}>${this.#pairs.ip(row, 4)}`,
      observed: this.#portCount[row]!,
      firstTime: this.#first[row]!,
      lastTime: this.#last[row]!,
      closed,
      evidence: this.#evidence(row),
    });
  }

  advance(watermark: number): void {
    this.#pairs.expire(Math.floor(watermark / SECOND) * SECOND);
  }

  end(): void {
    this.#pairs.forEach((row) => {
      if (this.#announced[row] !== 0 && this.#announced[row] !== this.#portCount[row])
        this.#announce(row, false);
    });
  }
}

export const byHand: Make = (found) => new ByHand(found);
