// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { hashWord, ipHash } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { DAYS, Days } from "./days.ts";
import { type Flow, flows, type Setup } from "./fields.ts";
import { Walk } from "./walk.ts";

/** A source without a new contact for so long is forgotten. */
const IDLE = DAYS * 86_400 * SECOND;
/** Addresses that failed last, of each source: tried again they are known, even where others have taken their pairs' places. */
const RECENT = 16;
/** Sources whose failed flows are kept as evidence; all of so many first ones are, then one of 16. */
const EVIDENCE_SLOTS = 1024;
const KEPT_FIRST = 32;
/** A scan has at most one port for so many addresses; peer-to-peer networks have nearly as many ports as addresses. */
const ADDRESSES_A_PORT = 4;
/** And at least so many failures for each success. */
const FAILURES_A_SUCCESS = 3;
const SEVERITY = { verdict: 3, scan: 5 } as const;
/** Of a verdict of few contacts, and of many. */
const CONFIDENCE = { verdict: 0.4, scan: 0.9 } as const;
const TCP = 6;
/** EVENT_TYPE of a port scan across NEMEA. */
const PORT_SCAN = 1;

/** What is known of each source. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    walk: state.column("walk", "float64", rows),
    /** First contacts that failed and that succeeded. */
    failed: state.column("failed", "uint32", rows),
    succeeded: state.column("succeeded", "uint32", rows),
    /** Addresses that failed last, by hash. */
    recent: state.column("recent", "int32", rows * RECENT),
    /** Ports of those that failed, as a bitmap of 64; a port that more than half of them have, and its votes. */
    portBits: state.column("portBits", "int32", rows * 2),
    port: state.column("port", "uint16", rows),
    votes: state.column("votes", "uint32", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    /** Failures in the last alert, 0 where no event is open; its severity; whether it is of a slow scan. */
    announced: state.column("announced", "uint32", rows),
    severity: state.column("severity", "uint8", rows),
    isSlow: state.column("isSlow", "uint8", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** Sources of contacts that fail, each with its walk. */
export class Sources {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #walk: Walk;
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #days: Days;
  readonly #evidence: Evidence;
  readonly #sources: Table;

  constructor({ params, out, state }: Setup) {
    const { sourcesMax } = params;
    this.#settings = params;
    this.#out = out;
    this.#walk = new Walk(params);
    this.#columns = columnsOf(state, sourcesMax);
    this.#days = new Days(sourcesMax, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#sources = state.table("sources", {
      key: ["ip"],
      rows: sourcesMax,
      idle: IDLE,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        const time = this.#sources.touched(row) + (why === "idle" ? IDLE : 0);
        this.#announce(row, { closed: true, time });
      },
    });
  }

  expire(now: number): void {
    this.#sources.expire(now);
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, failed } = this.#columns;
    this.#sources.forEach((row) => {
      if (announced[row] !== 0 && announced[row] !== failed[row]) this.#announce(row);
    });
  }

  /** A first contact has succeeded; of a source that is not watched nothing is done. */
  succeed(source: Ip, time: number): void {
    this.#sources.expire(time);
    const row = this.#sources.findIp(source);
    if (row < 0) return;
    const { walk, succeeded, announced } = this.#columns;
    succeeded[row]!++;
    walk[row] = this.#walk.step(walk[row]!, true);
    // It is a scanner no more.
    if (announced[row] === 0 || !this.#walk.isBenign(walk[row]!)) return;
    this.#announce(row, { closed: true });
    announced[row] = 0;
    this.#columns.severity[row] = 0;
    this.#columns.isSlow[row] = 0;
  }

  /** A first contact has failed; `credit` are successes that a source had when it was not watched. */
  fail(flow: Flow, credit: number): void {
    const { walk, failed, first, last, evidenceOf, announced } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    this.#sources.expire(TIME_LAST);
    const row = this.#sources.upsertIp(flow.SRC_IP, TIME_LAST);
    if (this.#sources.isNew) this.#watch(row, flow, credit);
    const destination = ipHash(flow.DST_IP);
    if (this.#isKnown(row, destination)) return;
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    const failures = failed[row]! + 1;
    failed[row] = failures;
    this.#vote(row, flow.DST_PORT);
    this.#days.add(row, destination, TIME_LAST);
    walk[row] = this.#walk.step(walk[row]!, false);
    if (evidenceOf[row] === -1 && walk[row]! > 0) evidenceOf[row] = this.#evidence.take(row);
    if (evidenceOf[row] !== -1 && (failures <= KEPT_FIRST || failures % 16 === 0))
      this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    if (announced[row] !== 0 || this.#walk.isScanner(walk[row]!)) this.#look(row);
  }

  #watch(row: number, { TIME_FIRST, TIME_LAST }: Flow, credit: number): void {
    const { walk, first, last, evidenceOf, portBits } = this.#columns;
    walk[row] = 0;
    for (let i = 0; i < credit; i++) walk[row] = this.#walk.step(walk[row]!, true);
    first[row] = TIME_FIRST;
    last[row] = TIME_LAST;
    evidenceOf[row] = -1;
    portBits[row * 2] = 0;
    portBits[row * 2 + 1] = 0;
    const { failed, succeeded, votes, announced, severity, isSlow } = this.#columns;
    for (const column of [failed, votes, announced, severity, isSlow]) column[row] = 0;
    succeeded[row] = credit;
    this.#days.clear(row, TIME_LAST);
  }

  /** Whether the address failed lately; from now on it did. */
  #isKnown(row: number, hash: number): boolean {
    const { recent, failed } = this.#columns;
    const at = row * RECENT;
    const kept = Math.min(failed[row]!, RECENT);
    for (let i = at; i < at + kept; i++) if (recent[i] === hash) return true;
    recent[at + (failed[row]! % RECENT)] = hash;
    return false;
  }

  /** Note the port, and who has the majority (Boyer and Moore's vote). */
  #vote(row: number, number: number): void {
    const { portBits, port, votes } = this.#columns;
    const hash = hashWord(0, number);
    portBits[row * 2 + (hash & 1)]! |= 1 << (hash >>> 27);
    if (votes[row] === 0) port[row] = number;
    votes[row]! += port[row] === number ? 1 : -1;
  }

  /** The verdict is that it scans: whether there is something to say. */
  #look(row: number): void {
    const { failed, succeeded, announced, severity, first, last, isSlow } = this.#columns;
    const { addressesMin, slowAfter } = this.#settings;
    const isDoubled = failed[row]! >= announced[row]! * 2;
    const isGrown =
      severity[row] !== SEVERITY.scan &&
      failed[row]! >= addressesMin &&
      failed[row]! >= succeeded[row]! * FAILURES_A_SUCCESS &&
      this.#addresses(row) >= addressesMin &&
      this.#addresses(row) >= this.#ports(row) * ADDRESSES_A_PORT;
    if (!(isDoubled || isGrown)) return;
    const takesDays = last[row]! - first[row]! >= slowAfter * SECOND;
    const isSlowScan = isGrown && takesDays;
    // An event has one rule: what was told of as a verdict ends, and a slow scan begins.
    if (isSlowScan && announced[row] !== 0) this.#announce(row, { closed: true });
    if (isSlowScan) isSlow[row] = 1;
    severity[row] = isGrown ? SEVERITY.scan : Math.max(severity[row]!, SEVERITY.verdict);
    this.#announce(row);
  }

  #addresses(row: number): number {
    return Math.min(this.#columns.failed[row]!, this.#days.estimate(row));
  }

  /** How many ports, by how many of the 64 bits are not set. */
  #ports(row: number): number {
    const { portBits } = this.#columns;
    const free = 64 - ones(portBits[row * 2]!) - ones(portBits[row * 2 + 1]!);
    return 64 * Math.log(64 / Math.max(1, free));
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { failed, succeeded, port, votes, first, last, announced, severity, isSlow, evidenceOf } =
      this.#columns;
    announced[row] = failed[row]!;
    const source = this.#sources.ip(row, 0);
    const addresses = this.#addresses(row);
    const ports = Math.max(1, Math.round(this.#ports(row)));
    const contacts = failed[row]! + succeeded[row]!;
    const isScan = severity[row] === SEVERITY.scan;
    const rule = isSlow[row] === 1 ? "slow" : "scan";
    const most = ports === 1 || votes[row]! * 2 > failed[row]! ? port[row]! : 0;
    this.#out.alerts.send(
      {
        SRC_IP: source,
        DST_PORT: most,
        PROTOCOL: TCP,
        EVENT_TYPE: PORT_SCAN,
        ADDR_CNT: addresses,
        FAILED: failed[row]!,
        SUCCEEDED: succeeded[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule,
        key: rule === "slow" ? `${source}:slow` : String(source),
        reason:
          `${failed[row]} of ${contacts} first contacts of ${source} by TCP have failed, with about ${addresses} addresses and ` +
          `${ports} ${ports === 1 ? "port" : "ports"} in ${spanText(last[row]! - first[row]!)}: a scanner, by the sequential test` +
          (isScan ? ` (limit ${this.#settings.addressesMin} addresses)` : " alone"),
        observed: isScan ? addresses : failed[row]!,
        threshold: isScan
          ? this.#settings.addressesMin
          : Math.ceil(this.#walk.scanner / this.#walk.failure),
        severity: severity[row]!,
        confidence: isScan ? CONFIDENCE.scan : CONFIDENCE.verdict,
        source: { ip: String(source) },
        target: { count: addresses, ...(most === 0 ? {} : { port: most }) },
        flows: contacts,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }
}

/** Ones of a word. */
function ones(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function spanText(span: number): string {
  const seconds = Math.ceil(span / SECOND);
  if (seconds < 7200) return `${seconds} s`;
  return seconds < 172_800
    ? `${(seconds / 3600).toFixed(1)} h`
    : `${(seconds / 86_400).toFixed(1)} days`;
}
