// SPDX-License-Identifier: BSD-3-Clause
import { type AlertDetail, EVIDENCE_MAX } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { LATE } from "./counters.ts";
import { type Flow, flows, type Setup } from "./params.ts";
import { TCP_VECTOR, VECTORS, vectorText } from "./vectors.ts";

/** Microseconds of a window. */
export const WINDOW = 10 * SECOND;
/** HyperLogLog of 2^12 registers: a standard error of 1.6 %. */
const REFLECTOR_BITS = 12;
/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 256;
/** EVENT_TYPE of a denial of service across NEMEA, and of amplification through DNS. */
const DOS = 10;
const DNS_AMPLIFICATION = 15;
const TCP = 6;
const UDP = 17;
const COUNT_MAX = 2 ** 32 - 1;
/** What stands for the port of a victim that is answered at several. */
const SEVERAL = -1;

/** Where in a victim's numbers lies what. */
const AT = {
  window: 0,
  /** Packets of unasked answers in this window, and queries, of which half stay for the next one. */
  answers: 1,
  queries: 2,
  /** What the event tells of; of a suspect, what this window does. */
  flows: 3,
  packets: 4,
  bytes: 5,
  first: 6,
  last: 7,
  port: 8,
  /** How often the sketch of reflectors has changed: as many there are at least, and while they are few, just as many. */
  reflectors: 9,
  /** Flows that were put with the evidence. */
  shown: 10,
  /** Packets last told; 0 of who is a suspect only. */
  announced: 11,
} as const;
const STRIDE = 12;

/** Suspects and victims, each with a vector. */
export class Victims {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #table: Table;
  readonly #rows: Float64Array;
  readonly #reflectors: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Attacks that last. */
  readonly #open: Uint32Array;
  readonly #calm: number;

  constructor({ params, out, state }: Setup) {
    this.#params = params;
    this.#out = out;
    this.#calm = params.calmTime * SECOND;
    this.#rows = state.column("rows", "float64", params.victimsMax * STRIDE);
    this.#reflectors = new HyperLogLog("reflectors", params.victimsMax, REFLECTOR_BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#evidenceOf = state.column("evidenceOf", "int32", params.victimsMax);
    this.#open = state.column("open", "uint32", 1);
    this.#table = state.table("victims", {
      key: ["ip", "number"],
      rows: params.victimsMax,
      idle: Math.max(this.#calm, 2 * WINDOW),
      onLeave: (row) => {
        if (this.#isOpen(row)) this.#close(row);
      },
    });
  }

  /** A suspect sends a query to a reflector's port. */
  asked(flow: Flow, vector: number, window: number): void {
    const row = this.#table.findIpNumber(flow.SRC_IP, vector);
    if (row < 0) return;
    this.#turn(row, window);
    this.#rows[row * STRIDE + AT.queries]! += flow.PACKETS;
  }

  /** A suspect is answered unasked, by a reflector of this hash. */
  answered(flow: Flow, vector: number, window: number, reflector: number): void {
    const { TIME_LAST } = flow;
    const row = this.#table.upsertIpNumber(flow.DST_IP, vector, TIME_LAST);
    if (this.#table.isNew) this.#begin(row, window);
    else {
      if (this.#isOver(row, TIME_LAST)) this.#close(row);
      this.#turn(row, window);
    }
    this.#add(row, flow, reflector);
    if (this.#isOpen(row) ? this.#hasDoubled(row) : this.#isAttack(row)) this.#announce(row);
  }

  /** Somebody of this hash refuses what a victim never sent, as servers do that are no reflectors. */
  refused(flow: Flow, vector: number, reflector: number): void {
    const row = this.#table.findIpNumber(flow.DST_IP, vector);
    if (row < 0 || !this.#isOpen(row) || this.#isOver(row, flow.TIME_LAST)) return;
    this.#add(row, flow, reflector);
    if (this.#hasDoubled(row)) this.#announce(row);
  }

  #add(row: number, flow: Flow, reflector: number): void {
    const { TIME_FIRST, TIME_LAST, PACKETS, DST_PORT } = flow;
    const rows = this.#rows;
    const at = row * STRIDE;
    if (rows[at + AT.flows] === 0) {
      rows[at + AT.first] = TIME_FIRST;
      rows[at + AT.last] = TIME_LAST;
      rows[at + AT.port] = DST_PORT;
    }
    rows[at + AT.answers]! += PACKETS;
    rows[at + AT.flows]!++;
    rows[at + AT.packets]! += PACKETS;
    rows[at + AT.bytes]! += flow.BYTES;
    if (TIME_FIRST < rows[at + AT.first]!) rows[at + AT.first] = TIME_FIRST;
    if (TIME_LAST > rows[at + AT.last]!) rows[at + AT.last] = TIME_LAST;
    if (DST_PORT !== rows[at + AT.port]) rows[at + AT.port] = SEVERAL;
    const isNew = this.#reflectors.add(row, reflector);
    if (isNew) rows[at + AT.reflectors]!++;
    if (isNew && rows[at + AT.shown]! < EVIDENCE_MAX) this.#show(row, flow);
  }

  #begin(row: number, window: number): void {
    const at = row * STRIDE;
    this.#rows.fill(0, at, at + STRIDE);
    this.#rows[at + AT.window] = window;
    this.#reflectors.clear(row);
  }

  /** A window begins: a suspect begins with it, a victim goes on. */
  #turn(row: number, window: number): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    const later = window - rows[at + AT.window]!;
    if (later === 0 || (later < 0 && later > -LATE)) return;
    const queries = later > 0 ? rows[at + AT.queries]! / 2 ** later : 0;
    if (this.#isOpen(row)) {
      rows[at + AT.window] = window;
      rows[at + AT.answers] = 0;
    } else this.#begin(row, window);
    rows[at + AT.queries] = queries;
  }

  #show(row: number, flow: Flow): void {
    const at = row * STRIDE;
    if (this.#rows[at + AT.shown]!++ === 0) this.#evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(this.#evidenceOf[row]!, row, flow as unknown as AnyReader);
  }

  #isOpen(row: number): boolean {
    return this.#rows[row * STRIDE + AT.announced] !== 0;
  }

  #isAttack(row: number): boolean {
    const { answersMin, queriesTimes, reflectorsMin } = this.#params;
    const at = row * STRIDE;
    const rows = this.#rows;
    return (
      rows[at + AT.reflectors]! >= reflectorsMin &&
      rows[at + AT.answers]! >= answersMin + queriesTimes * rows[at + AT.queries]!
    );
  }

  #hasDoubled(row: number): boolean {
    const at = row * STRIDE;
    return this.#rows[at + AT.packets]! >= this.#rows[at + AT.announced]! * 2;
  }

  #isOver(row: number, now: number): boolean {
    return this.#isOpen(row) && now > this.#rows[row * STRIDE + AT.last]! + this.#calm;
  }

  #close(row: number): void {
    const { last, window } = AT;
    const at = row * STRIDE;
    this.#announce(row, { closed: true, time: this.#rows[at + last]! + this.#calm });
    this.#open[0]!--;
    this.#begin(row, this.#rows[at + window]!);
  }

  /** Event time is `now`. */
  advance(now: number): void {
    if (this.#open[0] !== 0) this.#closeOver(now);
    this.#table.expire(now);
  }

  #closeOver(now: number): void {
    this.#table.forEach((row) => {
      if (this.#isOver(row, now)) this.#close(row);
    });
  }

  /** The stream ends: say what was not said yet. */
  end(): void {
    this.#table.forEach((row) => {
      const at = row * STRIDE;
      if (this.#isOpen(row) && this.#rows[at + AT.packets]! > this.#rows[at + AT.announced]!)
        this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    const vector = this.#table.number(row, 4);
    const port = Math.max(rows[at + AT.port]!, 0);
    const isTcp = vector === TCP_VECTOR;
    if (!this.#isOpen(row)) this.#open[0]!++;
    rows[at + AT.announced] = rows[at + AT.packets]!;
    // An estimate, not below what is sure, nor above the number of flows.
    const reflectors = Math.min(
      Math.max(this.#reflectors.estimate(row), rows[at + AT.reflectors]!),
      rows[at + AT.flows]!,
    );
    this.#out.alerts.send(
      {
        DST_IP: this.#table.ip(row, 0),
        SRC_PORT: VECTORS[vector]!.port,
        DST_PORT: port,
        PROTOCOL: isTcp ? TCP : UDP,
        EVENT_TYPE: VECTORS[vector]!.rule === "dns" ? DNS_AMPLIFICATION : DOS,
        FLOWS: Math.min(rows[at + AT.flows]!, COUNT_MAX),
        PACKETS: Math.min(rows[at + AT.packets]!, COUNT_MAX),
        BYTES: rows[at + AT.bytes]!,
        ADDR_CNT: reflectors,
        TIME_FIRST: rows[at + AT.first]!,
        TIME_LAST: rows[at + AT.last]!,
      },
      {
        ...this.#detail(row, vector, reflectors),
        target: { ip: String(this.#table.ip(row, 0)), ...(port === 0 ? {} : { port }) },
        evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #detail(row: number, vector: number, reflectors: number): AlertDetail {
    const { reflectorsMin, answersMin } = this.#params;
    const at = row * STRIDE;
    const [packets, bytes] = [this.#rows[at + AT.packets]!, this.#rows[at + AT.bytes]!];
    const victim = String(this.#table.ip(row, 0));
    const { rule, port } = VECTORS[vector]!;
    const seconds = (this.#rows[at + AT.last]! - this.#rows[at + AT.first]!) / SECOND;
    return {
      rule,
      key: `${victim}<${rule}`,
      reason:
        `${victim} received ${packets} packets (${bytes} bytes) of ${vectorText(vector)} from an estimated ${reflectors} ` +
        `reflectors it had not asked, within ${seconds.toFixed(1)} s (limits ${reflectorsMin} reflectors and ${answersMin} packets in 10 s)`,
      observed: reflectors,
      threshold: reflectorsMin,
      flows: this.#rows[at + AT.flows]!,
      packets,
      bytes,
      source: { count: reflectors, ...(port === 0 ? {} : { port }) },
    };
  }
}
