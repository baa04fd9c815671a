// SPDX-License-Identifier: BSD-3-Clause
import { type AlertDetail, EVIDENCE_MAX } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, hashWord } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { LATE, WINDOW } from "./counters.ts";
import { KIND, SPEC } from "./kinds.ts";
import { Leader } from "./leader.ts";
import { type Flow, flows, type Setup } from "./params.ts";

/** HyperLogLogs of 2^8 registers: a standard error of 6.5 %, better below 100. */
const BITS = 8;
/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 256;
/** EVENT_TYPE of a denial of service across NEMEA, and of a SYN flood. */
const DOS = 10;
const SYN_FLOOD = 11;
const COUNT_MAX = 2 ** 32 - 1;
/** What stands for the port of a victim where there are several. */
const SEVERAL = -1;
const SECONDS = WINDOW / SECOND;
/** Of whom is no flood by his sources or ports it is asked again when there are so many times the packets. */
const AGAIN = 1.25;

/** Where in the numbers of a suspect or victim lies what. */
const AT = {
  window: 0,
  /** Packets of this window, as a rate over it, and how many there have to be to judge it. */
  windowPackets: 1,
  judgedAt: 2,
  /** What the event tells of; of a suspect, what this window does. */
  flows: 3,
  packets: 4,
  bytes: 5,
  first: 6,
  last: 7,
  port: 8,
  /** Flows that were put with the evidence. */
  shown: 9,
  /** Packets last told; 0 of who is a suspect only. */
  announced: 10,
  /** When the flood was last above half its limit. */
  flooded: 11,
  /** Packets of the window with the most. */
  most: 12,
} as const;
const STRIDE = 13;

/** What a flow adds to its window, and what is read of it once. */
export interface Amount {
  first: number;
  last: number;
  window: number;
  packets: number;
  /** Hash of who sent it. */
  source: number;
}

/** Suspects and victims, each with a kind: when their floods begin and end, and what is said of them. */
export class Floods {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  /** Packets of a window that make a flood, by kind. */
  readonly #limits: readonly number[];
  readonly #table: Table;
  readonly #rows: Float64Array;
  readonly #sources: HyperLogLog;
  readonly #ports: HyperLogLog;
  readonly #leader: Leader;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Floods that last. */
  readonly #open: Uint32Array;
  readonly #calm: number;

  constructor({ params, out, state }: Setup, limits: readonly number[]) {
    const rows = params.victimsMax;
    this.#params = params;
    this.#out = out;
    this.#limits = limits;
    this.#calm = params.calmTime * SECOND;
    this.#rows = state.column("rows", "float64", rows * STRIDE);
    this.#sources = new HyperLogLog("sources", rows, BITS, state);
    this.#ports = new HyperLogLog("ports", rows, BITS, state);
    this.#leader = new Leader(rows, state);
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
  }

  /** A flow to a suspect. */
  add(flow: Flow, kind: number, amount: Amount): void {
    const row = this.#table.upsertIpNumber(flow.DST_IP, kind, amount.last);
    if (this.#table.isNew) this.#begin(row, amount.window);
    else {
      if (this.#isOver(row, amount.last)) this.#close(row);
      this.#turn(row, amount.window);
    }
    this.#sum(row, flow, amount);
    const at = row * STRIDE;
    if (this.#rows[at + AT.shown]! < EVIDENCE_MAX) this.#show(row, flow);
    if (this.#isOpen(row)) this.#goOn(row, kind, amount.last);
    else if (this.#isFlood(row, kind)) {
      this.#open[0]!++;
      this.#measure(row, amount.last);
      this.#announce(row);
    }
  }

  #begin(row: number, window: number): void {
    const at = row * STRIDE;
    this.#rows.fill(0, at, at + STRIDE);
    this.#rows[at + AT.window] = window;
    this.#sources.clear(row);
    this.#ports.clear(row);
    this.#leader.clear(row);
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
  }

  #sum(row: number, flow: Flow, { first, last, packets, source }: Amount): void {
    const { DST_PORT, PACKETS } = flow;
    const rows = this.#rows;
    const at = row * STRIDE;
    if (rows[at + AT.flows] === 0) {
      rows[at + AT.first] = first;
      rows[at + AT.last] = last;
      rows[at + AT.port] = DST_PORT;
    }
    rows[at + AT.flows]!++;
    rows[at + AT.packets]! += PACKETS;
    rows[at + AT.bytes]! += flow.BYTES;
    rows[at + AT.windowPackets]! += packets;
    if (first < rows[at + AT.first]!) rows[at + AT.first] = first;
    if (last > rows[at + AT.last]!) rows[at + AT.last] = last;
    if (DST_PORT !== rows[at + AT.port]) rows[at + AT.port] = SEVERAL;
    this.#sources.add(row, source);
    this.#ports.add(row, hashWord(0, DST_PORT));
    this.#leader.vote(row, flow.SRC_IP, PACKETS);
  }

  #show(row: number, flow: Flow): void {
    const at = row * STRIDE;
    if (this.#rows[at + AT.shown]!++ === 0) this.#evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(this.#evidenceOf[row]!, row, flow as unknown as AnyReader);
  }

  #isFlood(row: number, kind: number): boolean {
    const { sourcesMax, synsPerPort } = this.#params;
    const at = row * STRIDE;
    const packets = this.#rows[at + AT.windowPackets]!;
    if (packets < this.#limits[kind]! || packets < this.#rows[at + AT.judgedAt]!) return false;
    this.#rows[at + AT.judgedAt] = packets * AGAIN;
    if (sourcesMax !== 0 && this.#sources.estimate(row) > sourcesMax) return false;
    return kind !== KIND.syn || packets >= synsPerPort * this.#ports.estimate(row);
  }

  /** A flow of a flood, or to who was flooded not long ago. */
  #goOn(row: number, kind: number, time: number): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    if (rows[at + AT.windowPackets]! * 2 < this.#limits[kind]!) return;
    this.#measure(row, time);
    if (rows[at + AT.packets]! >= rows[at + AT.announced]! * 2) this.#announce(row);
  }

  /** The flood lasts at this time: keep its highest rate. */
  #measure(row: number, time: number): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    rows[at + AT.flooded] = Math.max(rows[at + AT.flooded]!, time);
    rows[at + AT.most] = Math.max(rows[at + AT.most]!, rows[at + AT.windowPackets]!);
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

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    const kind = this.#table.number(row, 4);
    const packets = rows[at + AT.packets]!;
    const sources = Math.min(this.#sources.estimate(row), rows[at + AT.flows]!);
    const leader = this.#leader.of(row, packets);
    rows[at + AT.announced] = packets;
    this.#out.alerts.send(
      {
        SRC_IP: leader ?? new Address(),
        DST_IP: this.#table.ip(row, 0),
        DST_PORT: Math.max(rows[at + AT.port]!, 0),
        PROTOCOL: SPEC[kind]!.protocol,
        EVENT_TYPE: kind === KIND.syn ? SYN_FLOOD : DOS,
        FLOWS: Math.min(rows[at + AT.flows]!, COUNT_MAX),
        PACKETS: Math.min(packets, COUNT_MAX),
        BYTES: rows[at + AT.bytes]!,
        PACKETS_SECOND_MAX: Math.min(Math.round(rows[at + AT.most]! / SECONDS), COUNT_MAX),
        ADDR_CNT: sources,
        TIME_FIRST: rows[at + AT.first]!,
        TIME_LAST: rows[at + AT.last]!,
      },
      {
        ...this.#detail(row, kind, sources, leader),
        evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #detail(row: number, kind: number, sources: number, leader: Address | undefined): AlertDetail {
    const at = row * STRIDE;
    const rows = this.#rows;
    const victim = String(this.#table.ip(row, 0));
    const port = Math.max(rows[at + AT.port]!, 0);
    const { rule, packets: name } = SPEC[kind]!;
    const [packets, bytes] = [rows[at + AT.packets]!, rows[at + AT.bytes]!];
    const rate = Math.round(rows[at + AT.most]! / SECONDS);
    const limit = this.#limits[kind]! / SECONDS;
    const most = leader === undefined ? "" : `, most of them from ${leader}`;
    const who = sources === 1 && leader ? String(leader) : `an estimated ${sources} sources${most}`;
    const seconds = (rows[at + AT.last]! - rows[at + AT.first]!) / SECOND;
    return {
      rule,
      key: `${victim}<${rule}`,
      reason:
        `${victim} received ${packets} ${name} (${bytes} bytes) from ${who}, within ${seconds.toFixed(1)} s, ` +
        `up to ${rate} a second over ${SECONDS} s (limit ${limit})`,
      observed: rate,
      threshold: limit,
      flows: rows[at + AT.flows]!,
      packets,
      bytes,
      source: { count: sources, ...(leader ? { ip: String(leader) } : {}) },
      target: { ip: victim, ...(port === 0 ? {} : { port }) },
    };
  }
}
