// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";

/** What a server is taken for; the number that its row has. */
export const ROLE = { dhcp: 67, dhcp6: 547, dns: 53 } as const;
/** What speaks against it. */
export const WHY = { nothing: 0, unknown: 1, second: 2 } as const;

/** Two months without an answer, and a server is a new one. */
const IDLE = 60 * 86_400 * SECOND;
const EVIDENCE_SLOTS = 64;

function columnsOf(state: Setup["state"], rows: number) {
  const counter = (name: string) => state.column(`server.${name}`, "uint32", rows);
  return {
    /** Of {@link WHY}. */
    why: state.column("server.why", "uint8", rows),
    /** Clients that count against it; those in the last alert, 0 before it. */
    clients: counter("clients"),
    announced: counter("announced"),
    first: state.column("server.first", "float64", rows),
    last: state.column("server.last", "float64", rows),
    /** The last client, and the server that clients had before. */
    client: state.column("server.client", "int32", rows * 4),
    former: state.column("server.former", "int32", rows * 4),
    evidenceOf: state.column("server.evidenceOf", "int32", rows),
  };
}

/** Servers of DHCP and DNS: those that are known, and what the others did. */
export class Servers {
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #rows: Table;
  readonly #dnsClientsMin: number;

  constructor({ params, out, state }: Setup) {
    const { serversMax } = params;
    this.#out = out;
    this.#dnsClientsMin = params.dnsClientsMin;
    this.#columns = columnsOf(state, serversMax);
    this.#evidence = state.evidence("server.evidence", EVIDENCE_SLOTS, shown);
    this.#rows = state.table("servers", {
      key: ["ip", "number"],
      rows: serversMax,
      idle: IDLE,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        const ended = why === "idle" ? { time: this.#rows.touched(row) + IDLE } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  /** The row of a server, which is known when it is new in the time to learn. */
  row(server: Ip, role: number, { TIME_FIRST, TIME_LAST }: Flow, isLearning: boolean): number {
    const { why, clients, announced, first, last, evidenceOf } = this.#columns;
    const row = this.#rows.upsertIpNumber(server, role, TIME_LAST);
    if (this.#rows.isNew) {
      why[row] = isLearning ? WHY.nothing : WHY.unknown;
      clients[row] = announced[row] = 0;
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
      evidenceOf[row] = -1;
    }
    return row;
  }

  isKnown(row: number): boolean {
    return this.#columns.why[row] === WHY.nothing;
  }

  /** There were two at the same time. */
  isSecond(row: number): void {
    this.#columns.why[row] = WHY.second;
  }

  /** A client counts against the server in a row; `former` is the one it had before. */
  accuse(row: number, client: Ip, former: Ip, flow: Flow): void {
    const { clients, announced, first, last, evidenceOf } = this.#columns;
    clients[row]!++;
    if (flow.TIME_FIRST < first[row]!) first[row] = flow.TIME_FIRST;
    if (flow.TIME_LAST > last[row]!) last[row] = flow.TIME_LAST;
    this.#put(this.#columns.client, row, client);
    this.#put(this.#columns.former, row, former);
    if (evidenceOf[row]! < 0) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    if (clients[row]! < this.#limit(row)) return;
    if (announced[row] === 0 || clients[row]! >= announced[row]! * 2) this.#announce(row);
  }

  #limit(row: number): number {
    return this.#rows.number(row, 4) === ROLE.dns ? this.#dnsClientsMin : 1;
  }

  #put(column: Int32Array, row: number, ip: Ip): void {
    column[row * 4] = ip.w0;
    column[row * 4 + 1] = ip.w1;
    column[row * 4 + 2] = ip.w2;
    column[row * 4 + 3] = ip.w3;
  }

  #address(column: Int32Array, row: number): Address {
    const address = new Address();
    address.w0 = column[row * 4]!;
    address.w1 = column[row * 4 + 1]!;
    address.w2 = column[row * 4 + 2]!;
    address.w3 = column[row * 4 + 3]!;
    return address;
  }

  expire(now: number): void {
    this.#rows.expire(now);
  }

  end(): void {
    this.#rows.forEach((row) => {
      const { announced, clients } = this.#columns;
      if (announced[row] !== 0 && announced[row] !== clients[row]) this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { clients, announced, first, last, client, evidenceOf } = this.#columns;
    announced[row] = clients[row]!;
    const server = this.#rows.ip(row, 0);
    const role = this.#rows.number(row, 4);
    const last4 = this.#address(client, row);
    this.#out.alerts.send(
      {
        SRC_IP: server,
        DST_IP: last4,
        DST_PORT: role,
        PROTOCOL: 17,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule: role === ROLE.dns ? "dns" : "dhcp",
        key: `${server} ${role === ROLE.dns ? "dns" : "dhcp"}`,
        reason: this.#inWords(row),
        observed: clients[row]!,
        threshold: this.#limit(row),
        source: { ip: String(server), port: role },
        target: { ip: String(last4), count: clients[row]! },
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #inWords(row: number): string {
    const { why, clients, former } = this.#columns;
    const server = this.#rows.ip(row, 0);
    const had = this.#address(former, row);
    const limit = `(limit ${this.#limit(row)})`;
    if (this.#rows.number(row, 4) === ROLE.dns)
      return `${server}, no DNS server before, answers ${clients[row]} clients ${limit} that had another; one had ${had}`;
    return why[row] === WHY.second
      ? `${server} answers DHCP requests at the same time as ${had}: ${clients[row]} times ${limit}`
      : `${server}, no DHCP server before, answered DHCP requests ${clients[row]} times ${limit}`;
  }
}
