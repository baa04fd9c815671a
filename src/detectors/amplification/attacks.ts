// SPDX-License-Identifier: BSD-3-Clause
import { type AlertDetail, EVIDENCE_MAX, type EvidenceFlow } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Exchanges, SUM, SUMS } from "./exchanges.ts";
import type { Flow, Setup } from "./index.ts";
import { serviceText } from "./services.ts";

/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;

/** What makes an attack: many large answers, many servers, or many bytes. */
export const SIGN = { none: 0, large: 1, many: 2, big: 3 } as const;

function columnsOf(state: Setup["state"], rows: number) {
  return {
    /** Attacks so far, and those that last. */
    counts: state.column("attacks", "uint32", 2),
    /** What made it an attack; 0 when there is none. */
    sign: state.column("sign", "uint8", rows),
    /** Whether there were as many queries as answers when it began. */
    asked: state.column("asked", "uint8", rows),
    number: state.column("number", "uint32", rows),
    /** Since when the answers have been too large; 0 when they are not. */
    since: state.column("since", "float64", rows),
    /** End of the last answer that was part of it. */
    last: state.column("last", "float64", rows),
    /** What the event tells of: {@link SUMS} numbers, and the bytes of answers last told. */
    sums: state.column("sums", "float64", rows * SUMS),
    announced: state.column("announced", "float64", rows),
    /** Most servers of a part of the window. */
    servers: state.column("mostServers", "uint32", rows),
    /** Bytes of the largest answer, and the words of its server's address. */
    largest: state.column("largest", "float64", rows),
    server: state.column("server", "int32", rows * 4),
    /** Slot of the evidence, plus 1, and flows that were put there up to {@link EVIDENCE_MAX}. */
    evidenceOf: state.column("evidenceOf", "int32", rows),
    shown: state.column("shown", "uint8", rows),
  };
}

/** The attacks on victims: when they begin and end, and what is said of them. */
export class Attacks {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #rows: Table;
  readonly #exchanges: Exchanges;
  readonly #evidence: Evidence;
  readonly #columns: ReturnType<typeof columnsOf>;
  /** Microseconds without an answer of the attack after which it is over. */
  readonly #calm: number;

  constructor({ params, out, state }: Setup, rows: Table, exchanges: Exchanges, flows: Template) {
    this.#params = params;
    this.#out = out;
    this.#rows = rows;
    this.#exchanges = exchanges;
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#columns = columnsOf(state, params.victimsMax);
    this.#calm = params.calmTime * SECOND;
  }

  /** There is nothing against the row: it is a new client's, or its attack is over. */
  clear(row: number): void {
    const { sign, since, evidenceOf } = this.#columns;
    sign[row] = SIGN.none;
    since[row] = 0;
    evidenceOf[row] = 0;
  }

  isOpen(row: number): boolean {
    return this.#columns.sign[row] !== SIGN.none;
  }

  /** The answers are too many for the queries, as this one shows, which may be a new server's. */
  suspect(row: number, flow: Flow, isNew: boolean): void {
    const { since, largest, server, servers, evidenceOf, shown } = this.#columns;
    const { SRC_IP, BYTES, TIME_FIRST } = flow;
    if (evidenceOf[row] === 0) {
      evidenceOf[row] = this.#evidence.take(row) + 1;
      shown[row] = 0;
      since[row] = TIME_FIRST;
      largest[row] = -1;
      servers[row] = 0;
    }
    since[row] = Math.min(since[row]!, TIME_FIRST);
    if (BYTES > largest[row]!) {
      largest[row] = BYTES;
      server[row * 4] = SRC_IP.w0;
      server[row * 4 + 1] = SRC_IP.w1;
      server[row * 4 + 2] = SRC_IP.w2;
      server[row * 4 + 3] = SRC_IP.w3;
    }
    if (!isNew && shown[row] === EVIDENCE_MAX) return;
    if (shown[row]! < EVIDENCE_MAX) shown[row]!++;
    this.#evidence.keep(evidenceOf[row]! - 1, row, flow as never);
  }

  /** An attack begins by this sign, which an answer completed; the window is what is known of it. */
  begin(row: number, sign: number, flow: Flow): void {
    const columns = this.#columns;
    const { counts, sums } = columns;
    counts[0]!++;
    counts[1]!++;
    for (let what = 0; what < SUMS; what++)
      sums[row * SUMS + what] = this.#exchanges.sum(row, what);
    columns.sign[row] = sign;
    columns.asked[row] = Number(this.#of(row, SUM.reqPackets) >= this.#of(row, SUM.rspFlows));
    columns.number[row] = counts[0]!;
    columns.last[row] = flow.TIME_LAST;
    columns.servers[row] = this.#exchanges.servers(row);
    if (this.#flows(row).length === 0) {
      // Its slot was given away while it was a suspect.
      columns.evidenceOf[row] = this.#evidence.take(row) + 1;
      this.#evidence.keep(columns.evidenceOf[row]! - 1, row, flow as never);
    }
    this.#announce(row);
  }

  /** Sum up a flow of an attack's exchange: see {@link Exchanges.add}. */
  add(row: number, first: 0 | 3, flow: Flow): void {
    const { sums } = this.#columns;
    const at = row * SUMS + first;
    sums[at]!++;
    sums[at + 1]! += flow.PACKETS;
    sums[at + 2]! += flow.BYTES;
  }

  /** An answer that was part of the attack. */
  goOn(row: number, last: number): void {
    const { announced, servers, last: latest } = this.#columns;
    latest[row] = Math.max(latest[row]!, last);
    servers[row] = Math.max(servers[row]!, this.#exchanges.servers(row));
    if (this.#of(row, SUM.rspBytes) >= announced[row]! * 2) this.#announce(row);
  }

  /** Whether an open attack has ended before this time. */
  isOver(row: number, now: number): boolean {
    return this.isOpen(row) && now > this.#columns.last[row]! + this.#calm;
  }

  /** The attack is over, or the victim forgotten. */
  end(row: number): void {
    const { last, counts } = this.#columns;
    this.#announce(row, { closed: true, time: last[row]! + this.#calm });
    this.#exchanges.forget(row);
    this.clear(row);
    counts[1]!--;
  }

  /** End all attacks that have been over for long enough. */
  endOver(now: number): void {
    const { sign, counts } = this.#columns;
    if (counts[1] === 0) return;
    for (let row = 0; row < sign.length; row++) if (this.isOver(row, now)) this.end(row);
  }

  /** The stream ends: say what was not said yet. */
  tellRest(row: number): void {
    if (this.isOpen(row) && this.#of(row, SUM.rspBytes) > this.#columns.announced[row]!)
      this.#announce(row);
  }

  #flows(row: number): EvidenceFlow[] {
    return this.#evidence.flows(this.#columns.evidenceOf[row]! - 1, row);
  }

  #of(row: number, what: number): number {
    return this.#columns.sums[row * SUMS + what]!;
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { number, since, last, announced } = this.#columns;
    const bytes = this.#of(row, SUM.rspBytes);
    const server = this.#server(row);
    announced[row] = bytes;
    this.#out.alerts.send(
      {
        SRC_IP: server,
        DST_IP: this.#rows.ip(row, 0),
        SRC_PORT: this.#rows.number(row, 4),
        EVENT_ID: number[row]!,
        REQ_FLOWS: this.#of(row, SUM.reqFlows),
        REQ_PACKETS: this.#of(row, SUM.reqPackets),
        REQ_BYTES: this.#of(row, SUM.reqBytes),
        RSP_FLOWS: this.#of(row, SUM.rspFlows),
        RSP_PACKETS: this.#of(row, SUM.rspPackets),
        RSP_BYTES: bytes,
        TIME_FIRST: since[row]!,
        TIME_LAST: last[row]!,
      },
      {
        ...this.#detail(row, String(server)),
        evidence: this.#flows(row),
        ...closing,
      },
    );
  }

  #server(row: number): Address {
    const { server } = this.#columns;
    const address = new Address();
    address.w0 = server[row * 4]!;
    address.w1 = server[row * 4 + 1]!;
    address.w2 = server[row * 4 + 2]!;
    address.w3 = server[row * 4 + 3]!;
    return address;
  }

  #detail(row: number, server: string): AlertDetail {
    const columns = this.#columns;
    const victim = String(this.#rows.ip(row, 0));
    const port = this.#rows.number(row, 4);
    const servers = columns.servers[row]!;
    const [packets, bytes] = [this.#of(row, SUM.rspPackets), this.#of(row, SUM.rspBytes)];
    const [queries, asked] = [this.#of(row, SUM.reqPackets), this.#of(row, SUM.reqBytes)];
    const { observed, threshold, limit } = this.#measure(row);
    const who = servers > 1 ? `an estimated ${servers} servers` : server;
    const what = queries === 0 ? "without asking" : `for ${asked} bytes in ${queries} queries`;
    return {
      rule: columns.asked[row] === 1 ? "amplified" : "reflected",
      key: `${victim}<*:${port}`,
      reason:
        `${victim} received ${bytes} bytes in ${this.#of(row, SUM.rspFlows)} answers of ${serviceText(port)} from ` +
        `${who}, ${what} (limits ${this.#params.ratioMin} times the bytes of the queries, and ${limit})`,
      observed,
      threshold,
      flows: this.#of(row, SUM.rspFlows),
      packets,
      bytes,
      source: { ip: server, port, count: servers },
      target: { ip: victim },
    };
  }

  /** What made it an attack, as it is now, and its limit. */
  #measure(row: number): { observed: number; threshold: number; limit: string } {
    const { answersMin, answerBytes, reflectorsMin, bytesBig } = this.#params;
    const { sign, servers } = this.#columns;
    if (sign[row] === SIGN.many)
      return {
        observed: servers[row]!,
        threshold: reflectorsMin,
        limit: `${reflectorsMin} servers`,
      };
    if (sign[row] === SIGN.big)
      return {
        observed: this.#of(row, SUM.rspBytes),
        threshold: bytesBig,
        limit: `${bytesBig} bytes`,
      };
    return {
      observed: Math.max(this.#of(row, SUM.rspFlows), this.#of(row, SUM.reqPackets)),
      threshold: answersMin,
      limit: `${answersMin} answers of ${answerBytes} bytes`,
    };
  }
}
