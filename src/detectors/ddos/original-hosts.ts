// SPDX-License-Identifier: BSD-3-Clause
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Setup } from "./index.ts";

/** Seconds of a window, and windows of a host. */
export const WINDOW = 60;
export const WINDOWS = 7;
/** Seconds between two reports of a flood. */
const REPORT_PERIOD = 300;
/** Words of the table of sources of 512 bits, of which a source takes that of its address modulo 511. */
const SOURCE_WORDS = 16;
const SOURCE_BITS = 511;
/** Bytes of a window at one kb/s. */
export const RATE_BYTES = (1000 / 8) * WINDOW;

/** A flood that was noticed has no average of what was before until the windows move: then it is valid. */
const FLOOD = { none: 0, noticed: 1, valid: 2 } as const;
/** Where in the clock lies what: the latest TIME_LAST and the current window's start in seconds, and its index. */
const CLOCK = { now: 0, start: 1, index: 2, floods: 3 } as const;

function columnsOf(state: Setup["state"], hosts: number) {
  return {
    clock: state.column("clock", "float64", 4),
    address: state.column("address", "uint32", hosts),
    bytes: state.column("bytes", "float64", hosts * WINDOWS),
    sources: state.column("sources", "uint16", hosts * WINDOWS),
    /** Sources seen in the current window. */
    seen: state.column("seen", "int32", hosts * SOURCE_WORDS),
    total: state.column("total", "float64", hosts),
    flood: state.column("flood", "uint8", hosts),
    number: state.column("number", "uint32", hosts),
    updates: state.column("updates", "uint8", hosts),
    /** Second at which the flood began, later the one of the last report. */
    since: state.column("since", "float64", hosts),
    excess: state.column("excess", "float64", hosts),
    /** Bytes and sources of a window before the flood. */
    bytesBefore: state.column("bytesBefore", "float64", hosts),
    sourcesBefore: state.column("sourcesBefore", "float64", hosts),
    /** Sums over the windows of the flood that have left, and their number. */
    bytesSum: state.column("bytesSum", "float64", hosts),
    sourcesSum: state.column("sourcesSum", "float64", hosts),
    windows: state.column("windows", "uint8", hosts),
  };
}

/** The hosts of ddos_detector with their windows and floods. */
export class OriginalHosts {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #rows: Table;
  readonly #host: ReturnType<typeof columnsOf>;

  constructor({ params, out, state }: Setup) {
    this.#params = params;
    this.#out = out;
    this.#host = columnsOf(state, params.hostsMax);
    this.#rows = state.table("hosts", {
      key: ["number", "number"],
      rows: params.hostsMax,
      idle: Number.POSITIVE_INFINITY,
    });
  }

  /** A flow has ended at this second: the windows move; after a pause longer than all of them everything is new. */
  keepTime(second: number): void {
    const { clock } = this.#host;
    if (second > clock[CLOCK.now]!) {
      if (second - clock[CLOCK.now]! > WINDOW * WINDOWS) {
        this.clear();
        clock[CLOCK.start] = second - (second % WINDOW);
      }
      clock[CLOCK.now] = second;
    }
    const move = Math.floor((clock[CLOCK.now]! - clock[CLOCK.start]!) / WINDOW);
    if (move <= 0) return;
    for (const row of this.#inOrder()) this.#move(row, move);
    clock[CLOCK.index] = (clock[CLOCK.index]! + move) % WINDOWS;
    clock[CLOCK.start]! += move * WINDOW;
  }

  /** The row of a host, made when there is none; `time` is the record's. */
  row(address: number, time: number): number {
    const host = this.#host;
    const row = this.#rows.upsertNumbers(address, 0, time);
    if (!this.#rows.isNew) return row;
    host.address[row] = address;
    host.bytes.fill(0, row * WINDOWS, (row + 1) * WINDOWS);
    host.sources.fill(0, row * WINDOWS, (row + 1) * WINDOWS);
    host.seen.fill(0, row * SOURCE_WORDS, (row + 1) * SOURCE_WORDS);
    host.total[row] = 0;
    host.flood[row] = FLOOD.none;
    return row;
  }

  addSource(row: number, address: number): void {
    const { seen, sources } = this.#host;
    const index = address % SOURCE_BITS;
    const word = row * SOURCE_WORDS + (index >>> 5);
    const bit = 1 << (index & 31);
    if ((seen[word]! & bit) !== 0) return;
    seen[word]! |= bit;
    sources[this.#at(row, WINDOWS - 1)]!++;
  }

  /** Spread a flow's bytes over the windows; what lies before one that the flow fills is lost. */
  addBytes(row: number, first: number, last: number, amount: number): void {
    const host = this.#host;
    let bytes = amount;
    let seconds = last - first + 1;
    for (let window = WINDOWS - 1; window >= 0 && bytes > 0; window--) {
      const start = host.clock[CLOCK.start]! - (WINDOWS - 1 - window) * WINDOW;
      if (last < start) continue;
      const fills = last > start + WINDOW;
      const inside = fills ? WINDOW : last - start + 1;
      const share = first >= start ? bytes : Math.floor((bytes * inside) / seconds);
      host.bytes[this.#at(row, window)]! += share;
      host.total[row]! += share;
      if (first >= start || fills) return;
      bytes -= share;
      seconds -= inside;
    }
  }

  /** Notice two windows in a row that are far above the mean of those before them. */
  notice(row: number): void {
    const { bytes, sources, flood } = this.#host;
    const { rateMin, growth, sourcesGrowth } = this.#params;
    if (flood[row] !== FLOOD.none) return;
    let window = 0;
    while (window < WINDOWS - 2 && bytes[this.#at(row, window)] === 0) window++;
    let bytesSum = 0;
    let sourcesSum = 0;
    for (let counted = 1; window < WINDOWS - 2; window++, counted++) {
      bytesSum += bytes[this.#at(row, window)]!;
      sourcesSum += sources[this.#at(row, window)]!;
      const most = Math.max(rateMin * RATE_BYTES, growth * Math.floor(bytesSum / counted));
      const mostSources = sourcesGrowth * Math.floor(sourcesSum / counted);
      const isAbove = (i: number): boolean => bytes[i]! > most && sources[i]! > mostSources;
      if (!isAbove(this.#at(row, window + 1)) || !isAbove(this.#at(row, window + 2))) continue;
      this.#begin(row, this.#startOf(window + 1));
      return;
    }
  }

  #begin(row: number, second: number): void {
    const host = this.#host;
    host.flood[row] = FLOOD.noticed;
    host.number[row] = ++host.clock[CLOCK.floods]!;
    host.updates[row] = 0;
    host.since[row] = second;
    host.bytesBefore[row] = 0;
    host.sourcesBefore[row] = 0;
    this.#startSums(row);
  }

  #startSums(row: number): void {
    const host = this.#host;
    host.excess[row] = 0;
    host.bytesSum[row] = 0;
    host.sourcesSum[row] = 0;
    host.windows[row] = 0;
  }

  /** Forget all hosts; valid floods are reported with all of their windows. */
  clear(): void {
    const host = this.#host;
    for (const row of this.#inOrder()) {
      for (let i = row * WINDOWS; i < (row + 1) * WINDOWS; i++) {
        host.excess[row]! += Math.max(0, host.bytes[i]! - host.bytesBefore[row]!);
        host.bytesSum[row]! += host.bytes[i]!;
        host.sourcesSum[row]! += host.sources[i]!;
        host.windows[row]!++;
      }
      this.#report(row, host.clock[CLOCK.start]! + WINDOW);
      this.#rows.delete(row);
    }
  }

  /** Hosts in the order of the original's tree. */
  #inOrder(): number[] {
    const rows: number[] = [];
    this.#rows.forEach((row) => {
      rows.push(row);
    });
    return rows.sort((a, b) => this.#host.address[a]! - this.#host.address[b]!);
  }

  /** Where a window of a host lies: 0 is the oldest, 6 the current one. */
  #at(row: number, window: number): number {
    return row * WINDOWS + ((this.#host.clock[CLOCK.index]! + 1 + window) % WINDOWS);
  }

  /** Second at which a window begins. */
  #startOf(window: number): number {
    return this.#host.clock[CLOCK.start]! - (WINDOWS - 1 - window) * WINDOW;
  }

  #move(row: number, move: number): void {
    const host = this.#host;
    const end = this.#startOf(WINDOWS);
    if (host.flood[row] === FLOOD.valid) this.#end(row, move);
    if (host.flood[row] === FLOOD.noticed) this.#validate(row);
    if (host.flood[row] === FLOOD.valid) this.#sumUp(row, move);
    for (let window = 0; window < move; window++) {
      const i = this.#at(row, window);
      host.total[row]! -= host.bytes[i]!;
      host.bytes[i] = 0;
      host.sources[i] = 0;
    }
    host.seen.fill(0, row * SOURCE_WORDS, (row + 1) * SOURCE_WORDS);
    if (host.total[row]! <= this.#params.pruneRate * RATE_BYTES * WINDOWS) {
      this.#report(row, end);
      this.#rows.delete(row);
    } else if (
      host.flood[row] === FLOOD.valid &&
      host.since[row]! + REPORT_PERIOD <= this.#startOf(move)
    ) {
      if (this.#isWorthy(row)) this.#report(row, this.#startOf(move));
      else host.flood[row] = FLOOD.none;
    }
  }

  /** A flood none of whose windows stay is over. */
  #end(row: number, move: number): void {
    const host = this.#host;
    const last = this.#lastFlooded(row);
    if (last >= move) return;
    for (let window = 0; window <= last; window++)
      host.excess[row]! += host.bytes[this.#at(row, window)]! - host.bytesBefore[row]!;
    this.#report(row, this.#startOf(WINDOWS));
    host.flood[row] = FLOOD.none;
  }

  /** The newest window that is still flooded; -1 when none is. */
  #lastFlooded(row: number): number {
    const { bytes, sources, bytesBefore, sourcesBefore } = this.#host;
    const { growth, sourcesGrowth } = this.#params;
    for (let window = WINDOWS - 1; window >= 0; window--) {
      const i = this.#at(row, window);
      if (
        bytes[i]! >= growth * bytesBefore[row]! &&
        sources[i]! >= sourcesGrowth * sourcesBefore[row]!
      )
        return window;
    }
    return -1;
  }

  /** Average what was before a flood that was noticed; leading windows without traffic do not count. */
  #validate(row: number): void {
    const host = this.#host;
    const before = (host.since[row]! - this.#startOf(0)) / WINDOW;
    let first = 0;
    while (first < before && host.bytes[this.#at(row, first)] === 0) first++;
    let bytes = 0;
    let sources = 0;
    for (let window = first; window < before; window++) {
      bytes += host.bytes[this.#at(row, window)]!;
      sources += host.sources[this.#at(row, window)]!;
    }
    host.bytesBefore[row] = Math.floor(bytes / (before - first));
    host.sourcesBefore[row] = Math.floor(sources / (before - first));
    host.flood[row] = FLOOD.valid;
  }

  /** Add up the windows of a flood that are about to leave. */
  #sumUp(row: number, move: number): void {
    const host = this.#host;
    const first = Math.max(0, (host.since[row]! - this.#startOf(0)) / WINDOW);
    for (let window = first; window < move; window++) {
      const i = this.#at(row, window);
      if (host.bytes[i]! <= host.bytesBefore[row]!) continue;
      host.excess[row]! += host.bytes[i]! - host.bytesBefore[row]!;
      host.bytesSum[row]! += host.bytes[i]!;
      host.sourcesSum[row]! += host.sources[i]!;
      host.windows[row]!++;
    }
  }

  /** Whether there was enough traffic before a flood to report it. */
  #isWorthy(row: number): boolean {
    return this.#host.bytesBefore[row]! >= this.#params.baseMin * RATE_BYTES;
  }

  /** Send a valid flood that is worthy. */
  #report(row: number, last: number): void {
    const host = this.#host;
    if (host.flood[row] !== FLOOD.valid || !this.#isWorthy(row)) return;
    const windows = Math.max(1, host.windows[row]!);
    this.#out.alerts.send({
      DST_IP: new Address().setV4(host.address[row]!),
      BYTES: host.excess[row]!,
      TIME_FIRST: host.since[row]! * SECOND,
      TIME_LAST: last * SECOND,
      EVENT_ID: (BigInt(host.number[row]!) << 32n) | BigInt(host.address[row]!),
      EVENT_SEQ: host.updates[row]!++,
      AVG_BYTES_CURRENT: Math.floor(host.bytesSum[row]! / (windows * WINDOW)),
      AVG_BYTES_ORIGINAL: Math.floor(host.bytesBefore[row]! / WINDOW),
      AVG_IP_CNT_CURRENT: Math.floor(host.sourcesSum[row]! / windows),
      AVG_IP_CNT_ORIGINAL: host.sourcesBefore[row]!,
    });
    host.since[row] = last;
    this.#startSums(row);
  }
}
