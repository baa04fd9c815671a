// SPDX-License-Identifier: BSD-3-Clause
import { holds, put } from "../../core/state/distinct-addresses.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, ipHash } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Columns, columnsOf, DOMAIN_BYTES } from "./columns.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { type Closing, type Moved, ODD_MIN, Reports } from "./reports.ts";
import type { Sighting } from "./sighting.ts";
import { dearness, signsOf } from "./signs.ts";

/** 2^8 registers for names: a standard error of 6.5 %, less up to some hundred; 2^6 for clients: 13 %. */
const NAME_BITS = 8;
const CLIENT_BITS = 6;
const EVIDENCE_SLOTS = 256;
/** Names below a domain are seldom repeated by a tunnel: this share of them at least is different. */
const DIFFERENT_MIN = 0.5;
/** Counts what clients move in names below domains, and tells of it. */
export class Domains {
  readonly #settings: Setup["params"];
  readonly #columns: Columns;
  readonly #names: HyperLogLog;
  readonly #clients: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #table: Table;
  readonly #reports: Reports;
  readonly #window: number;

  constructor({ params, out, state }: Setup) {
    const { domainsMax, idleTimeout, window } = params;
    const idle = idleTimeout * SECOND;
    this.#settings = params;
    this.#window = window * SECOND;
    this.#columns = columnsOf(state, domainsMax);
    this.#names = new HyperLogLog("names", domainsMax, NAME_BITS, state);
    this.#clients = new HyperLogLog("clients", domainsMax, CLIENT_BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#reports = new Reports(out, this.#columns, this.#evidence);
    this.#table = state.table("domains", {
      key: ["number", "number"],
      rows: domainsMax,
      idle,
      onLeave: (row, why) =>
        this.#close(row, this.#table.touched(row) + (why === "idle" ? idle : 0)),
    });
  }

  expire(now: number): void {
    this.#table.expire(now);
  }

  /** A client asked a server for a name that looks encoded. */
  learn(client: Ip, server: Ip, seen: Sighting, flow: Flow): void {
    const { start, first, last, queries, bytes, bits, longest, announced } = this.#columns;
    const { name, more, moreMean } = seen;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#table.upsertNumbers(name.domainLow, name.domainHigh, TIME_LAST);
    if (this.#table.isNew) this.#begin(row, seen, flow);
    else if (announced[row] === 0 && TIME_LAST - start[row]! > this.#window)
      this.#countAnew(row, flow);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    const payload = name.payload + more * moreMean;
    queries[row] = queries[row]! + 1 + more;
    bytes[row] = bytes[row]! + payload;
    bits[row] = bits[row]! + (name.bits * payload) / name.payload;
    longest[row] = longest[row]! + name.longest * (1 + more);
    this.#learnKind(row, seen);
    put(this.#columns.server, row * 4, server);
    this.#weighClient(row, client, payload);
    this.#clients.add(row, ipHash(client));
    const isNew = this.#names.add(row, name.hash);
    if (name.odd > 0 && name.payload >= ODD_MIN) this.#learnOdd(row, client, seen, flow);
    if ((isNew || more > 0) && bytes[row]! * 2 >= this.#settings.bytesMin) this.#suspect(row, flow);
  }

  #begin(row: number, { bytes, name }: Sighting, flow: Flow): void {
    const { last, odd, evidenceOf, domain, domainSize } = this.#columns;
    this.#countAnew(row, flow);
    last[row] = flow.TIME_LAST;
    odd[row] = 0;
    evidenceOf[row] = -1;
    const to = name.end;
    const from = Math.max(name.domain, to - DOMAIN_BYTES);
    domainSize[row] = to - from;
    for (let at = from; at < to; at++) domain[row * DOMAIN_BYTES + at - from] = bytes[at]!;
  }

  #countAnew(row: number, { TIME_FIRST, TIME_LAST }: Flow): void {
    const { start, first, lookAt, announced } = this.#columns;
    const { queries, bytes, bits, longest, more, carriers, missing, listed } = this.#columns;
    const { heavyBytes, heavyWeight } = this.#columns;
    start[row] = TIME_LAST;
    first[row] = TIME_FIRST;
    lookAt[row] = this.#settings.bytesMin;
    queries[row] = more[row] = carriers[row] = missing[row] = listed[row] = 0;
    bytes[row] = bits[row] = longest[row] = announced[row] = 0;
    heavyBytes[row] = heavyWeight[row] = 0;
    this.#names.clear(row);
    this.#clients.clear(row);
  }

  #learnKind(row: number, seen: Sighting): void {
    const { more, carriers, missing, listed } = this.#columns;
    const count = 1 + seen.more;
    more[row] = more[row]! + seen.more;
    if (seen.isCarrier) carriers[row] = carriers[row]! + count;
    if (seen.isMissing) missing[row] = missing[row]! + count;
    if (seen.isListed) listed[row] = listed[row]! + count;
  }

  /** Boyer and Moore's majority vote, each byte a vote: who moves most of them stands at the end, if somebody does. */
  #weighClient(row: number, client: Ip, payload: number): void {
    const { heavy, heavyBytes, heavyWeight } = this.#columns;
    const weight = heavyWeight[row]!;
    if (weight > 0 && holds(heavy, row * 4, client)) {
      heavyWeight[row] = weight + payload;
      heavyBytes[row] = heavyBytes[row]! + payload;
    } else if (weight >= payload) heavyWeight[row] = weight - payload;
    else {
      put(heavy, row * 4, client);
      heavyWeight[row] = payload - weight;
      heavyBytes[row] = payload;
    }
  }

  /** Count a name that is odd on its own; the first one is told of. */
  #learnOdd(row: number, client: Ip, { name }: Sighting, flow: Flow): void {
    const { odd, oddSize, oddClient } = this.#columns;
    odd[row] = odd[row]! + 1;
    if (odd[row] !== 1) return;
    oddSize[row] = name.payload;
    put(oddClient, row * 4, client);
    this.#keep(row, flow);
    this.#reports.odd(row);
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #suspect(row: number, flow: Flow): void {
    this.#keep(row, flow);
    if (this.#columns.bytes[row]! >= this.#columns.lookAt[row]!) this.#weigh(row);
  }

  /** What one client moved: each of them alike, or the one that does most. What was repeated carried nothing. */
  #moved(row: number): Moved {
    const { queries, more, bytes, heavyBytes } = this.#columns;
    const count = queries[row]!;
    const different = Math.min(count, this.#names.estimate(row) + more[row]!);
    const clients = Math.max(1, this.#clients.estimate(row));
    const most = Math.max(bytes[row]! / clients, heavyBytes[row]!);
    const limit = this.#settings.bytesMin * dearness(signsOf(this.#columns, row).length);
    return { different, clients, moved: Math.round((most * different) / count), limit };
  }

  #weigh(row: number): void {
    const { bytesMin, namesMin } = this.#settings;
    const { bytes, queries, lookAt, announced } = this.#columns;
    const found = this.#moved(row);
    const { different, moved } = found;
    const limit = Math.max(found.limit, announced[row]! * 2);
    // Signs may come, and lower the limit.
    lookAt[row] = bytes[row]! + Math.min(bytesMin, Math.abs(limit - moved)) / 2;
    if (different < namesMin || different < queries[row]! * DIFFERENT_MIN || moved < limit) return;
    this.#announce(row, found);
  }

  #announce(row: number, found: Moved, closing: Closing = {}): void {
    this.#columns.announced[row] = found.moved;
    this.#reports.names(row, found, closing);
  }

  #close(row: number, time: number): void {
    const closing = { closed: true, time };
    if (this.#columns.announced[row] !== 0) this.#announce(row, this.#moved(row), closing);
    if (this.#columns.odd[row] !== 0) this.#reports.odd(row, closing);
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, odd } = this.#columns;
    this.#table.forEach((row) => {
      const found = this.#moved(row);
      if (announced[row] !== 0 && announced[row] !== found.moved) this.#announce(row, found);
      if (odd[row]! > 1) this.#reports.odd(row);
    });
  }
}
