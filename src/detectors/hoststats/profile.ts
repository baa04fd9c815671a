// SPDX-License-Identifier: BSD-3-Clause
import type { EvidenceFlow } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Finding, Findings } from "./findings.ts";
import { type Flow, flows } from "./flow.ts";
import { HEAD, HostTable } from "./host-table.ts";
import type { Setup } from "./params.ts";

type Found = Pick<Finding, "observed" | "addresses" | "note">;

export interface ProfileOptions {
  readonly name: string;
  /** Hosts at once, numbers counted of each, rules. */
  readonly rows: number;
  readonly numbers: number;
  readonly rules: number;
  /** Seconds. */
  readonly window: number;
  /** Hosts whose flows are kept as evidence, sent and received apart. */
  readonly evidence: number;
  readonly say: (finding: Finding, ip: Address) => void;
}

/**
 * What is counted of hosts in windows, each of which begins with a flow of the host; and their open events.
 * A host that is silent for less than `idle` keeps its window: pauses split no attack.
 */
export class Profile {
  readonly table: HostTable;
  /** Those of a row begin at {@link at}. */
  readonly numbers: Float64Array;
  /** Event time of the flow that is counted: to be set before {@link rowOf}. */
  time = 0;
  /** How many flows the last one stands for: of a host just let in, those before it are taken to have been alike. */
  weight = 1;
  readonly #evicted: string;
  readonly #window: number;
  readonly #idle: number;
  readonly #count: Setup["count"];
  readonly #findings: Findings;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;

  constructor({ state, count, params }: Setup, options: ProfileOptions) {
    const { name, rows, numbers, rules, say } = options;
    this.#evicted = `${name}_evicted`;
    this.#window = options.window * SECOND;
    this.#idle = params.idleTimeout * SECOND;
    this.#count = count;
    this.table = new HostTable(name, { rows, numbers }, state);
    this.numbers = this.table.numbers;
    this.#findings = new Findings(`${name}.findings`, { rows, rules }, state, (finding) =>
      say(finding, this.table.ip(finding.row)),
    );
    this.#evidence = state.evidence(`${name}.evidence`, options.evidence, flows);
    this.#evidenceOf = state.column(`${name}.evidenceOf`, "int32", rows * 2);
  }

  /** Where the numbers of a row begin. */
  at(row: number): number {
    return row * this.table.size + HEAD.size;
  }

  /**
   * The row of a host at {@link time}, made where there is none; its numbers are those of the window that this lies in. `hash` is the table's.
   */
  rowOf(ip: Ip, hash: number): number {
    const row = this.known(ip, hash);
    return row < 0 ? this.admit(ip, hash, 1) : row;
  }

  /** As {@link rowOf}, but -1 where there is none. */
  known(ip: Ip, hash: number): number {
    this.weight = 1;
    const row = this.table.find(ip, hash);
    return row < 0 ? -1 : this.#touch(row);
  }

  /** Make a row for a host that has none, at a flow that stands for so many. */
  admit(ip: Ip, hash: number, weight: number): number {
    this.weight = weight;
    return this.#insert(ip, hash);
  }

  /** The row is touched at {@link time}. */
  #touch(row: number): number {
    const { table, numbers, time } = this;
    const at = row * table.size;
    const touched = numbers[at + HEAD.touched]!;
    const over = numbers[at + HEAD.began]! + this.#window;
    if (time > touched) numbers[at + HEAD.touched] = time;
    if (time < over && time - touched <= this.#idle) return row;
    if (time - touched > this.#idle) this.#findings.leave(row, touched + this.#idle);
    else this.#findings.turn(row, over);
    this.#begin(row, time);
    return row;
  }

  #insert(ip: Ip, hash: number): number {
    const { table, time } = this;
    const row = table.next();
    if (row < table.used) {
      const touched = this.numbers[row * table.size + HEAD.touched]!;
      this.#findings.leave(row, touched + this.#idle);
      if (time - touched <= this.#idle) this.#count(this.#evicted);
    }
    table.insert(row, ip, hash);
    this.numbers[row * table.size + HEAD.touched] = time;
    this.#begin(row, time);
    return row;
  }

  #begin(row: number, time: number): void {
    const { numbers } = this;
    const { size } = this.table;
    const at = row * size;
    for (let i = at + HEAD.size; i < at + size; i++) numbers[i] = 0;
    numbers[at + HEAD.began] = time;
  }

  /** Keep a flow that the host has sent (0) or received (1); in a new slot where the host is suspected since this flow. */
  keep(row: number, direction: number, isFirst: boolean, flow: Flow): void {
    const slot = row * 2 + direction;
    if (isFirst) this.#evidenceOf[slot] = this.#evidence.take(slot);
    this.#evidence.keep(this.#evidenceOf[slot]!, slot, flow as never);
  }

  evidence(row: number, direction: number): EvidenceFlow[] {
    const slot = row * 2 + direction;
    return this.#evidence.flows(this.#evidenceOf[slot]!, slot);
  }

  /** A rule holds of the host, at the flow that it was touched with. */
  hold(row: number, rule: number, found: Found): void {
    const at = row * this.table.size;
    this.#findings.hold({
      row,
      rule,
      ...found,
      since: this.numbers[at + HEAD.began]!,
      last: this.numbers[at + HEAD.touched]!,
    });
  }

  /** Close the events of hosts that are silent at event time `now`. */
  expire(now: number): void {
    this.#findings.forEach((row) => {
      const touched = this.numbers[row * this.table.size + HEAD.touched]!;
      if (now - touched > this.#idle) this.#findings.leave(row, touched + this.#idle);
    });
  }

  end(): void {
    this.#findings.end();
  }
}
