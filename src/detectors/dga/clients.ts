// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { put } from "../../core/state/distinct-addresses.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { DNS, type Flow, type Setup, shown } from "./fields.ts";
import type { LabelFinder } from "./label.ts";
import { MODEL } from "./model.ts";

/** 2^7 registers: a standard error of 9 %, far less up to some fifty. */
const BITS = 7;
const EVIDENCE_SLOTS = 256;
/** More severe by one when such a name was answered: what malware was looking for is there. */
const FOUND = 6;

/** What is known of each client. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    /** Begin of the window; first and last time. */
    start: state.column("start", "float64", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    /** The resolver that answered last. */
    server: state.column("server", "int32", rows * 4),
    /** Flows about made-up domains: of those that do not exist, of those that do once there is an event. */
    vain: state.column("vain", "uint32", rows),
    answered: state.column("answered", "uint32", rows),
    /** Made-up domains in the last alert, 0 before it. */
    announced: state.column("announced", "uint32", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** Counts the domains that clients ask for in vain, and tells of those who ask for many that look made up. */
export class Clients {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  /** Domains that do not exist: all, and those made up. */
  readonly #missing: HyperLogLog;
  readonly #madeUp: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #table: Table;
  readonly #window: number;
  readonly #idle: number;
  /** Clients with an open event. */
  readonly #suspects: Uint32Array;

  constructor({ params, out, state }: Setup) {
    const { clientsMax, idleTimeout, window } = params;
    const idle = idleTimeout * SECOND;
    this.#idle = idle;
    this.#settings = params;
    this.#out = out;
    this.#window = window * SECOND;
    this.#columns = columnsOf(state, clientsMax);
    this.#missing = new HyperLogLog("missing", clientsMax, BITS, state);
    this.#madeUp = new HyperLogLog("madeUp", clientsMax, BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#suspects = state.column("suspects", "uint32", 1);
    this.#table = state.table("clients", {
      key: ["ip"],
      rows: clientsMax,
      idle,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        this.#suspects[0]!--;
        const time = this.#table.touched(row) + (why === "idle" ? idle : 0);
        this.#announce(row, this.#names(row), { closed: true, time });
      },
    });
  }

  get hasSuspects(): boolean {
    return this.#suspects[0] !== 0;
  }

  expire(now: number): void {
    this.#table.expire(now);
  }

  /** A client was told that the domain does not exist whose label was found. */
  missing(client: Ip, server: Ip, { hash, isMadeUp }: LabelFinder, flow: Flow): void {
    const { start, first, last, vain, announced } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#table.upsertIp(client, TIME_LAST);
    if (this.#table.isNew) this.#begin(row, flow);
    else if (announced[row] === 0 && TIME_LAST - start[row]! > this.#window) this.#begin(row, flow);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    this.#missing.add(row, hash);
    if (!isMadeUp) return;
    put(this.#columns.server, row * 4, server);
    vain[row] = vain[row]! + 1;
    const isNew = this.#madeUp.add(row, hash);
    if (vain[row]! * 2 < this.#settings.namesMin) return;
    this.#keep(row, flow);
    if (isNew && vain[row]! >= this.#settings.namesMin) this.#weigh(row);
  }

  /** A made-up name was answered: of interest once its client is a suspect. */
  found(client: Ip, flow: Flow): void {
    const row = this.#table.findIp(client);
    if (row === -1 || flow.TIME_LAST - this.#table.touched(row) > this.#idle) return;
    const { announced, answered } = this.#columns;
    if (announced[row] === 0) return;
    answered[row] = answered[row]! + 1;
    this.#keep(row, flow);
    if (answered[row] === 1) this.#announce(row, this.#names(row));
  }

  #begin(row: number, { TIME_FIRST, TIME_LAST }: Flow): void {
    const { start, first, last, vain, answered, announced, evidenceOf } = this.#columns;
    start[row] = last[row] = TIME_LAST;
    first[row] = TIME_FIRST;
    vain[row] = answered[row] = announced[row] = 0;
    evidenceOf[row] = -1;
    this.#missing.clear(row);
    this.#madeUp.clear(row);
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  /** Different made-up domains that do not exist. */
  #names(row: number): number {
    return Math.min(this.#columns.vain[row]!, this.#madeUp.estimate(row));
  }

  #weigh(row: number): void {
    const { namesMin, shareMin } = this.#settings;
    const announced = this.#columns.announced[row]!;
    const names = this.#names(row);
    if (names < namesMin || names < announced * 2) return;
    if (names < this.#missing.estimate(row) * shareMin) return;
    if (announced === 0) this.#suspects[0]!++;
    this.#announce(row, names);
  }

  #announce(row: number, names: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { first, last, announced, answered, evidenceOf } = this.#columns;
    const { namesMin } = this.#settings;
    const client = this.#table.ip(row, 0);
    const server = addressAt(this.#columns.server, row * 4);
    const missing = Math.max(names, this.#missing.estimate(row));
    const found = answered[row]!;
    const seconds = Math.ceil((last[row]! - first[row]!) / SECOND);
    const share = Math.round((100 * names) / missing);
    const byChance = Math.round(missing * MODEL.mistaken * 10) / 10;
    const answers =
      found === 0 ? "none of them was answered since" : `${found} answers about others`;
    announced[row] = names;
    this.#out.alerts.send(
      {
        SRC_IP: client,
        DST_IP: server,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        DGA_NAMES: names,
        DGA_MISSING: missing,
        DGA_ANSWERED: found,
      },
      {
        key: String(client),
        reason: `${client} asked in ${seconds} s for about ${names} different domains that do not exist and look made up by an algorithm (limit ${namesMin}): ${share} % of the ${missing} it asked for in vain, by chance it would be ${byChance}; ${answers}`,
        observed: names,
        threshold: namesMin,
        baseline: byChance,
        source: { ip: String(client) },
        target: { ip: String(server), port: DNS },
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...(found === 0 ? {} : { severity: FOUND }),
        ...closing,
      },
    );
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    this.#table.forEach((row) => {
      const announced = this.#columns.announced[row]!;
      const names = this.#names(row);
      if (announced !== 0 && announced !== names) this.#announce(row, names);
    });
  }
}

/** An address of a list of words. */
function addressAt(words: Int32Array, at: number): Address {
  const address = new Address();
  address.w0 = words[at]!;
  address.w1 = words[at + 1]!;
  address.w2 = words[at + 2]!;
  address.w3 = words[at + 3]!;
  return address;
}
