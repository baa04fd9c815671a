// SPDX-License-Identifier: BSD-3-Clause

import { EVIDENCE_MAX } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Counters, LATE, type Limit, WINDOW } from "./counters.ts";
import { type Flow, flows, type Setup } from "./params.ts";
import { type Closing, Report } from "./report.ts";
import { AT, SEVERAL, STRIDE } from "./row.ts";
import { NETWORK, VECTOR } from "./vectors.ts";

/** HyperLogLog of 2^12 registers: a standard error of 1.6 %. Of a network's hosts, of 2^8: 6.5 %. */
const SOURCE_BITS = 12;
const HOST_BITS = 8;
/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 256;
/** Datagrams received for each that was sent, from which on they are no conversation: downloads have up to 20 or so. */
const ONE_SIDED = 32;

/** What a flow adds to its window, and what is read of it once. */
export interface Amount {
  first: number;
  last: number;
  window: number;
  packets: number;
  bytes: number;
  /** Hashes of who sent it, and of the host it went to. */
  source: number;
  target: number;
  /** Where the counter of the victim is. */
  counter: number;
}

/** Suspects and victims, each with a vector: when their floods begin and end. */
export class Floods {
  readonly #params: Setup["params"];
  readonly #counters: Counters;
  readonly #limitOf: (number: number) => Limit;
  readonly #table: Table;
  readonly #rows: Float64Array;
  readonly #sources: HyperLogLog;
  readonly #hosts: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Floods that last. */
  readonly #open: Uint32Array;
  readonly #calm: number;
  readonly #report: Report;

  /** @param limitOf packets and bytes of a window that make a flood of a vector's number */
  constructor(context: Setup, counters: Counters, limitOf: (number: number) => Limit) {
    const { params, state } = context;
    const rows = params.victimsMax;
    this.#params = params;
    this.#counters = counters;
    this.#limitOf = limitOf;
    this.#calm = params.calmTime * SECOND;
    this.#rows = state.column("rows", "float64", rows * STRIDE);
    this.#sources = new HyperLogLog("sources", rows, SOURCE_BITS, state);
    this.#hosts = new HyperLogLog("hosts", rows, HOST_BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#evidenceOf = state.column("evidenceOf", "int32", rows);
    this.#open = state.column("open", "uint32", 1);
    this.#table = state.table("victims", {
      key: ["ip", "number"],
      rows,
      idle: Math.max(this.#calm, 2 * WINDOW),
      onLeave: (row) => {
        if (this.#isOpen(row)) this.#close(row);
      },
    });
    this.#report = new Report(context, this.#table, this.#rows, limitOf);
  }

  /** A flow to a suspect, or to a network that is one. */
  add(flow: Flow, target: Ip, number: number, amount: Amount): void {
    const { last } = amount;
    const row = this.#table.upsertIpNumber(target, number, last);
    if (this.#table.isNew) this.#begin(row, amount.window);
    else {
      if (this.#isOver(row, last)) this.#close(row);
      this.#turn(row, amount.window);
    }
    this.#sum(row, flow, amount);
    if (number >= NETWORK && this.#hosts.add(row, amount.target))
      this.#rows[row * STRIDE + AT.hosts]!++;
    const isNew = this.#sources.add(row, amount.source);
    if (isNew) this.#rows[row * STRIDE + AT.sources]!++;
    if (isNew && this.#rows[row * STRIDE + AT.shown]! < EVIDENCE_MAX) this.#show(row, flow);
    if (this.#isOpen(row)) this.#goOn(row, number, amount.counter, last);
    else if (this.#isFlood(row, number, amount.counter)) this.#openAt(row, amount.counter, last);
  }

  #begin(row: number, window: number): void {
    const at = row * STRIDE;
    this.#rows.fill(0, at, at + STRIDE);
    this.#rows[at + AT.window] = window;
    this.#sources.clear(row);
    this.#hosts.clear(row);
  }

  /** A window begins: a suspect begins with it, a victim goes on. */
  #turn(row: number, window: number): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    const later = window - rows[at + AT.window]!;
    if (later === 0 || (later < 0 && later > -LATE)) return;
    if (!this.#isOpen(row)) {
      this.#begin(row, window);
      return;
    }
    rows[at + AT.window] = window;
    rows[at + AT.windowPackets] = 0;
    rows[at + AT.windowBytes] = 0;
  }

  #sum(row: number, flow: Flow, { first, last, packets, bytes }: Amount): void {
    const { DST_PORT } = flow;
    const rows = this.#rows;
    const at = row * STRIDE;
    if (rows[at + AT.flows] === 0) {
      rows[at + AT.first] = first;
      rows[at + AT.last] = last;
      rows[at + AT.port] = DST_PORT;
    }
    rows[at + AT.flows]!++;
    rows[at + AT.packets]! += flow.PACKETS;
    rows[at + AT.bytes]! += flow.BYTES;
    rows[at + AT.windowPackets]! += packets;
    rows[at + AT.windowBytes]! += bytes;
    if (first < rows[at + AT.first]!) rows[at + AT.first] = first;
    if (last > rows[at + AT.last]!) rows[at + AT.last] = last;
    if (DST_PORT !== rows[at + AT.port]) rows[at + AT.port] = SEVERAL;
  }

  #show(row: number, flow: Flow): void {
    const at = row * STRIDE;
    if (this.#rows[at + AT.shown]!++ === 0) this.#evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(this.#evidenceOf[row]!, row, flow as unknown as AnyReader);
  }

  /** Whether a suspect's window is over its limits, by packets or by bytes. */
  #isFlood(row: number, number: number, counter: number): boolean {
    const { sourcesMin, networkHosts, growth } = this.#params;
    const at = row * STRIDE;
    const rows = this.#rows;
    if (rows[at + AT.sources]! < sourcesMin) return false;
    const limit = this.#limitOf(number);
    const packets = rows[at + AT.windowPackets]!;
    const bytes = rows[at + AT.windowBytes]!;
    const counters = this.#counters;
    const byPackets =
      packets >= limit.packets && packets >= growth * counters.usualPackets(counter);
    const byBytes = bytes >= limit.bytes && bytes >= growth * counters.usualBytes(counter);
    if (!byPackets && !byBytes) return false;
    rows[at + AT.byBytes] = byPackets ? 0 : 1;
    if (number >= NETWORK && rows[at + AT.hosts]! < networkHosts) return false;
    return number % NETWORK !== VECTOR.udp || packets > ONE_SIDED * counters.sent(counter);
  }

  #openAt(row: number, counter: number, time: number): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    const counters = this.#counters;
    this.#open[0]!++;
    rows[at + AT.usualPackets] = counters.usualPackets(counter);
    rows[at + AT.usualBytes] = counters.usualBytes(counter);
    rows[at + AT.known] = counters.isKnown(rows[at + AT.window]!) ? 1 : 0;
    this.#measure(row, time);
    counters.flood(counter);
    this.#announce(row);
  }

  /** A flow of a flood, or to who was flooded not long ago. */
  #goOn(row: number, number: number, counter: number, time: number): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    const limit = this.#limitOf(number);
    if (
      rows[at + AT.windowPackets]! * 2 < limit.packets &&
      rows[at + AT.windowBytes]! * 2 < limit.bytes
    )
      return;
    this.#counters.flood(counter);
    this.#measure(row, time);
    if (rows[at + AT.packets]! >= rows[at + AT.announced]! * 2) this.#announce(row);
  }

  /** The flood lasts at this time: keep its highest rates. */
  #measure(row: number, time: number): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    rows[at + AT.flooded] = Math.max(rows[at + AT.flooded]!, time);
    rows[at + AT.mostPackets] = Math.max(rows[at + AT.mostPackets]!, rows[at + AT.windowPackets]!);
    rows[at + AT.mostBytes] = Math.max(rows[at + AT.mostBytes]!, rows[at + AT.windowBytes]!);
  }

  #isOpen(row: number): boolean {
    return this.#rows[row * STRIDE + AT.announced] !== 0;
  }

  #isOver(row: number, now: number): boolean {
    return this.#isOpen(row) && now > this.#rows[row * STRIDE + AT.flooded]! + this.#calm;
  }

  #close(row: number): void {
    const at = row * STRIDE;
    this.#announce(row, { closed: true, time: this.#rows[at + AT.flooded]! + this.#calm });
    this.#open[0]!--;
    this.#begin(row, this.#rows[at + AT.window]!);
  }

  #announce(row: number, closing: Closing = {}): void {
    const at = row * STRIDE;
    this.#rows[at + AT.announced] = this.#rows[at + AT.packets]!;
    this.#report.send(row, {
      sources: this.#atMost(row, this.#sources.estimate(row), AT.sources),
      hosts: this.#atMost(row, this.#hosts.estimate(row), AT.hosts),
      evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
      ...closing,
    });
  }

  /** An estimate, not below what is sure, nor above the number of flows. */
  #atMost(row: number, estimate: number, sure: number): number {
    const at = row * STRIDE;
    return Math.min(Math.max(estimate, this.#rows[at + sure]!), this.#rows[at + AT.flows]!);
  }

  /** Event time is `now`. */
  advance(now: number): void {
    if (this.#open[0] !== 0)
      this.#table.forEach((row) => {
        if (this.#isOver(row, now)) this.#close(row);
      });
    this.#table.expire(now);
  }

  /** The stream ends: say what was not said yet. */
  end(): void {
    this.#table.forEach((row) => {
      const at = row * STRIDE;
      if (this.#isOpen(row) && this.#rows[at + AT.packets]! > this.#rows[at + AT.announced]!)
        this.#announce(row);
    });
  }
}
