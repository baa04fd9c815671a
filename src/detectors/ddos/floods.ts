// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail, EvidenceFlow } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { swap } from "../../core/unirec/ip.ts";
import type { Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Flow, Setup } from "./index.ts";
import { type Found, type HostTraffic, SECOND_BYTES, WINDOW, WINDOW_BYTES } from "./traffic.ts";

/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;
/** Confidence in a flood of a host whose usual traffic is not known. */
const UNSURE = 0.5;
/** What lasts for a day is usual from then on. */
const USUAL_AFTER = 86_400 * SECOND;
function columnsOf(state: Setup["state"], hosts: number) {
  return {
    /** Floods so far, and those that last. */
    counts: state.column("floods", "uint32", 2),
    /** Whether a host is under a flood. */
    open: state.column("open", "uint8", hosts),
    /** The flood's number, and its updates so far. */
    number: state.column("number", "uint32", hosts),
    updates: state.column("updates", "uint16", hosts),
    start: state.column("start", "float64", hosts),
    /** End of the last flow of a window that was over the limit. */
    last: state.column("last", "float64", hosts),
    /** Bytes since it began up to then, those that came after, and how many were told. */
    received: state.column("received", "float64", hosts),
    pending: state.column("pending", "float64", hosts),
    announced: state.column("announced", "float64", hosts),
    /** Most sources of a minute. */
    sources: state.column("floodSources", "uint32", hosts),
    /** Bytes of a window, and sources, that the flood had to reach. */
    limit: state.column("limit", "float64", hosts),
    sourcesLimit: state.column("sourcesLimit", "float64", hosts),
    /** Slot of the evidence, plus 1. */
    evidenceOf: state.column("evidenceOf", "int32", hosts),
  };
}

/** The floods of hosts: when they begin and end, and what is said of them. */
export class Floods {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #hosts: Table;
  readonly #traffic: HostTraffic;
  readonly #evidence: Evidence;
  readonly #columns: ReturnType<typeof columnsOf>;
  /** Microseconds below the limit after which a flood is over. */
  readonly #calm: number;

  constructor({ params, out, state }: Setup, hosts: Table, traffic: HostTraffic, flows: Template) {
    this.#params = params;
    this.#out = out;
    this.#hosts = hosts;
    this.#traffic = traffic;
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#columns = columnsOf(state, params.hostsMax);
    this.#calm = params.calmTime * SECOND;
  }

  /** The row is a new host's. */
  clear(row: number): void {
    this.#columns.open[row] = 0;
    this.#columns.evidenceOf[row] = 0;
  }

  isOpen(row: number): boolean {
    return this.#columns.open[row] !== 0;
  }

  /** Keep a flow of a suspect or a victim, when it is from a new source or the first. */
  show(row: number, flow: Flow, isNew: boolean): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === 0) evidenceOf[row] = this.#evidence.take(row) + 1;
    else if (!isNew) return;
    this.#evidence.keep(evidenceOf[row]! - 1, row, flow as never);
  }

  /** A flood begins, which this flow has shown. */
  begin(row: number, flow: Flow, found: Found, sourcesLimit: number): void {
    const columns = this.#columns;
    const { counts } = columns;
    counts[0]!++;
    counts[1]!++;
    columns.open[row] = 1;
    columns.number[row] = counts[0]!;
    columns.updates[row] = 0;
    columns.start[row] = found.window * WINDOW;
    columns.last[row] = this.#hosts.touched(row);
    columns.received[row] = this.#traffic.beginFlood(row, found);
    columns.pending[row] = 0;
    columns.sources[row] = this.#traffic.sources(row);
    columns.limit[row] = found.limit;
    columns.sourcesLimit[row] = sourcesLimit;
    if (this.#flows(row).length === 0) {
      // Its slot was given away while it was a suspect.
      columns.evidenceOf[row] = 0;
      this.show(row, flow, true);
    }
    this.#announce(row);
  }

  /** A flow of `bytes` from `first` to `last` has come to a victim. */
  goOn(row: number, first: number, last: number, bytes: number): void {
    const { start, received, pending, announced, sources, limit, last: latest } = this.#columns;
    const begun = start[row]!;
    const inside = first >= begun ? 1 : Math.max(0, last - begun + 1) / (last - first + 1);
    pending[row]! += bytes * inside;
    const above = this.#traffic.lastAbove(row, first, last, limit[row]!);
    if (above === 0) return;
    latest[row] = Math.max(latest[row]!, above);
    sources[row] = Math.max(sources[row]!, this.#traffic.sources(row));
    received[row]! += pending[row]!;
    pending[row] = 0;
    if (received[row]! >= announced[row]! * 2) this.#announce(row);
  }

  /** Whether an open flood has ended before this time. */
  isOver(row: number, now: number): boolean {
    return this.#columns.open[row] !== 0 && now > this.#endOf(row);
  }

  /** When a flood ends if nothing more comes. */
  #endOf(row: number): number {
    const { start, last } = this.#columns;
    return Math.min(last[row]! + this.#calm, start[row]! + USUAL_AFTER);
  }

  /** The flood is over, or the host is forgotten: say so, and see that it is not learnt. */
  end(row: number): void {
    const { start, last, received, sources, open, evidenceOf, counts } = this.#columns;
    const end = this.#endOf(row);
    this.#announce(row, { closed: true, time: end });
    if (end < start[row]! + USUAL_AFTER) this.#traffic.forgetFlood(row, last[row]!);
    else this.#traffic.setBase(row, (received[row]! / USUAL_AFTER) * WINDOW, sources[row]!);
    open[row] = 0;
    evidenceOf[row] = 0;
    counts[1]!--;
  }

  /** End all floods that have been over for long enough. */
  endOver(now: number): void {
    const { open, counts } = this.#columns;
    if (counts[1] === 0) return;
    for (let row = 0; row < open.length; row++) if (this.isOver(row, now)) this.end(row);
  }

  /** The stream ends: say what was not said yet. */
  tellRest(row: number): void {
    const { open, received, announced } = this.#columns;
    if (open[row] !== 0 && received[row]! > announced[row]!) this.#announce(row);
  }

  #flows(row: number): EvidenceFlow[] {
    return this.#evidence.flows(this.#columns.evidenceOf[row]! - 1, row);
  }

  /** Seconds that the flood has lasted. */
  #seconds(row: number): number {
    return Math.max(1, (this.#columns.last[row]! - this.#columns.start[row]!) / SECOND);
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { start, last, number, updates, received, announced, sources } = this.#columns;
    const target = this.#hosts.ip(row, 0);
    const seconds = this.#seconds(row);
    const base = (this.#traffic.base(row) * SECOND) / WINDOW;
    announced[row] = received[row]!;
    this.#out.alerts.send(
      {
        DST_IP: target,
        BYTES: Math.max(0, Math.round(received[row]! - base * seconds)),
        TIME_FIRST: start[row]!,
        TIME_LAST: last[row]!,
        EVENT_ID: (BigInt(number[row]!) << 32n) | BigInt(swap(target.w2) >>> 0),
        EVENT_SEQ: updates[row]!++,
        AVG_BYTES_CURRENT: Math.round(received[row]! / seconds),
        AVG_BYTES_ORIGINAL: Math.round(base),
        AVG_IP_CNT_CURRENT: sources[row]!,
        AVG_IP_CNT_ORIGINAL: Math.round(this.#traffic.sourcesBase(row)),
      },
      { ...this.#detail(row, String(target)), evidence: this.#flows(row), ...closing },
    );
  }

  #detail(row: number, address: string): AlertDetail {
    const { received, sources, limit, sourcesLimit } = this.#columns;
    const target = this.#named(address);
    const seconds = this.#seconds(row);
    const rate = Math.round(received[row]! / seconds / SECOND_BYTES);
    const least = Math.round(limit[row]! / WINDOW_BYTES);
    const base = Math.round(this.#traffic.base(row) / WINDOW_BYTES);
    const known = this.#traffic.isKnown(row);
    const usual = known
      ? `usual are ${base} kb/s from ${Math.round(this.#traffic.sourcesBase(row))}`
      : "what is usual is not known yet";
    return {
      key: target,
      reason:
        `${target} received ${rate} kb/s for ${Math.round(seconds)} s, from an estimated ${sources[row]} networks ` +
        `a minute; ${usual} (limits ${least} kb/s and ${Math.ceil(sourcesLimit[row]!)} networks)`,
      observed: rate,
      threshold: least,
      baseline: base,
      bytes: Math.round(received[row]!),
      source: { count: sources[row]! },
      target: { ip: address },
      ...(known ? {} : { confidence: UNSURE }),
    };
  }

  /** The victim's address, with the bits of its mask where it stands for a network. */
  #named(address: string): string {
    const { targetMask, targetMask6 } = this.#params;
    const [bits, all] = address.includes(":") ? [targetMask6, 128] : [targetMask, 32];
    return bits === all ? address : `${address}/${bits}`;
  }
}
