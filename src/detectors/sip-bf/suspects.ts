// SPDX-License-Identifier: BSD-3-Clause
import type { Evidence } from "../../core/state/evidence.ts";
import type { KeyPart, Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Exchange, NAME_MAX } from "./exchange.ts";
import { type Flow, flows, type Setup } from "./fields.ts";

/** Suspects of each kind whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 256;
/** What may not be shown of a name that came from the wire. */
const HIDDEN = /[^!-~]/g;

export interface SuspectsOptions {
  readonly name: string;
  readonly key: readonly KeyPart[];
  /** What has to be counted for an alert. */
  readonly limit: number;
  /** Tell of a row; `closedAt` is the event time at which it came to its end. */
  readonly tell: (row: number, closedAt?: number) => void;
}

/** A table of suspects, and when they are told of: at the limit, at doublings, at the end. */
export class Suspects {
  readonly table: Table;
  /** What the limit is for; refusals are counted beside it. */
  readonly counted: Uint32Array;
  readonly attempts: Uint32Array;
  /** What was counted in the last alert, 0 before it. */
  readonly announced: Uint32Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** Time of a login that went well, 0 for none. */
  readonly breach: Float64Array;
  readonly clientPort: Uint16Array;
  readonly serverPort: Uint16Array;
  readonly link: Float64Array;
  readonly protocol: Uint8Array;
  /** Number of the event. */
  readonly event: Uint32Array;
  /** Slot of the evidence and 1; 0 for none. */
  readonly #evidenceOf: Int32Array;
  readonly #names: Uint8Array;
  readonly #lengths: Uint8Array;
  readonly #evidence: Evidence;
  readonly #options: SuspectsOptions;
  readonly #idle: number;

  constructor({ state, params }: Setup, options: SuspectsOptions) {
    const { name, key } = options;
    const { pairsMax: rows, idleTimeout } = params;
    this.#options = options;
    this.#idle = idleTimeout * SECOND;
    this.table = state.table(name, {
      key,
      rows,
      idle: this.#idle,
      onLeave: (row) => {
        if (this.isOpen(row)) this.#tell(row, this.last[row]! + this.#idle);
      },
    });
    this.counted = state.column(`${name}.counted`, "uint32", rows);
    this.attempts = state.column(`${name}.attempts`, "uint32", rows);
    this.announced = state.column(`${name}.announced`, "uint32", rows);
    this.first = state.column(`${name}.first`, "float64", rows);
    this.last = state.column(`${name}.last`, "float64", rows);
    this.breach = state.column(`${name}.breach`, "float64", rows);
    this.clientPort = state.column(`${name}.clientPort`, "uint16", rows);
    this.serverPort = state.column(`${name}.serverPort`, "uint16", rows);
    this.link = state.column(`${name}.link`, "float64", rows);
    this.protocol = state.column(`${name}.protocol`, "uint8", rows);
    this.event = state.column(`${name}.event`, "uint32", rows);
    this.#evidenceOf = state.column(`${name}.evidenceOf`, "int32", rows);
    this.#names = state.column(`${name}.names`, "uint8", rows * NAME_MAX);
    this.#lengths = state.column(`${name}.lengths`, "uint8", rows);
    this.#evidence = state.evidence(`${name}.evidence`, Math.min(EVIDENCE_SLOTS, rows), flows);
  }

  /** Count a refusal at the row that the table has just been asked for. */
  refused(row: number, exchange: Exchange, flow: Flow): void {
    const { answers, time } = exchange;
    if (this.table.isNew) this.#begin(row, exchange, flow);
    this.attempts[row]! += answers;
    if (flow.TIME_FIRST < this.first[row]!) this.first[row] = flow.TIME_FIRST;
    if (time > this.last[row]!) this.last[row] = time;
  }

  #begin(row: number, exchange: Exchange, flow: Flow): void {
    this.counted[row] = this.attempts[row] = this.announced[row] = this.#evidenceOf[row] = 0;
    this.breach[row] = this.event[row] = 0;
    this.first[row] = flow.TIME_FIRST;
    this.last[row] = exchange.time;
    this.clientPort[row] = exchange.clientPort;
    this.serverPort[row] = exchange.serverPort;
    this.link[row] = flow.LINK_BIT_FIELD;
    this.protocol[row] = flow.PROTOCOL;
    this.#lengths[row] = exchange.nameLength;
    this.#names.set(exchange.name, row * NAME_MAX);
  }

  /** Whether an alert was raised about the row that has not ended. */
  isOpen(row: number): boolean {
    return this.announced[row] !== 0;
  }

  /** Take what was counted now, and tell of it when that is due. */
  judge(row: number, counted: number, flow: Flow): void {
    this.counted[row] = counted;
    const { limit } = this.#options;
    if (counted * 2 < limit) return;
    if (this.#evidenceOf[row] === 0) this.#evidenceOf[row] = this.#evidence.take(row) + 1;
    this.#evidence.keep(this.#evidenceOf[row]! - 1, row, flow as never);
    if (counted >= (this.isOpen(row) ? this.announced[row]! * 2 : limit)) this.#tell(row);
  }

  #tell(row: number, closedAt?: number): void {
    this.announced[row] = this.counted[row]!;
    this.#options.tell(row, closedAt);
  }

  expire(now: number): void {
    this.table.expire(now);
  }

  /** Tell of what has come since each was told of last. */
  end(): void {
    this.table.forEach((row) => {
      if (this.isOpen(row) && this.announced[row] !== this.counted[row]) this.#tell(row);
    });
  }

  evidence(row: number) {
    return this.#evidence.flows(this.#evidenceOf[row]! - 1, row);
  }

  /** User and domain of the row's first flow; what is not printable ASCII stands as `?`. */
  name(row: number): string {
    const from = row * NAME_MAX;
    const bytes = this.#names.subarray(from, from + this.#lengths[row]!);
    return String.fromCharCode(...bytes).replace(HIDDEN, "?");
  }
}
