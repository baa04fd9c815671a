// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Connection } from "./connection.ts";
import { type Flow, flows, RULES, SAME, type Setup } from "./fields.ts";
import { SlidingCounts } from "./sliding-counts.ts";
import { attemptsOn, SEEN, type Victim, Victims } from "./victims.ts";

/** Suspects whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;
/** Servers that the reason names. */
const NAMED = 4;
/** What the services are called. */
const CALLED = ["SSH", "RDP", "TELNET"] as const;
/** What is counted of each client; an attempt's number is that of a connection and 1. */
const KIND = { incoming: 0, incomingAttempt: 1, outgoing: 2, outgoingAttempt: 3 } as const;
const KINDS = 4;
/** NOTE without the comma behind its last name. */
const LAST_COMMA = /,$/;

function columnsOf(state: Setup["state"], rows: number) {
  return {
    /** Attempts of the attack by direction, counted on from what was in the window when it was told of. */
    attempts: state.column("attempts", "uint32", rows * 2),
    /** Attempts in the last alert, 0 before it. */
    announced: state.column("announced", "uint32", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    /** Slot of the evidence and 1; 0 for none. */
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** The clients of each service, and what is told of those that guess: at the limit, at doublings, at the end. */
export class Clients {
  readonly #context: Setup;
  readonly #clients: Table;
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #counts: SlidingCounts;
  readonly #victims: Victims;
  readonly #evidence: Evidence;
  readonly #idle: number;
  readonly #suspectAt: number;

  constructor(context: Setup) {
    const { state, params } = context;
    const { clientsMax: rows, window, idleTimeout, attemptsMin } = params;
    this.#context = context;
    this.#columns = columnsOf(state, rows);
    this.#counts = new SlidingCounts("counts", state, {
      rows,
      kinds: KINDS,
      window: window * SECOND,
    });
    this.#victims = new Victims("victims", rows, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#idle = idleTimeout * SECOND;
    this.#suspectAt = Math.ceil(attemptsMin / 2);
    this.#clients = state.table("clients", {
      key: ["ip", "number"],
      rows,
      idle: this.#idle,
      onLeave: (row) => this.#close(row),
    });
  }

  /** Count a connection, seen from one direction; returns the client's row. */
  connection(service: number, { client }: Connection, flow: Flow, seen: number): number {
    const { TIME_FIRST, TIME_LAST } = flow;
    const { announced, last } = this.#columns;
    const row = this.#clients.upsertIpNumber(client, service, TIME_LAST);
    if (this.#clients.isNew) this.#begin(row, TIME_FIRST);
    else if (announced[row] !== 0 && TIME_LAST - last[row]! > this.#idle) {
      this.#close(row);
      this.#begin(row, TIME_FIRST);
    }
    this.#counts.add(row, seen === SEEN.incoming ? KIND.incoming : KIND.outgoing, TIME_LAST);
    return row;
  }

  /** The connection that was counted looks like a failed login. */
  attempt(row: number, { server, serverPort }: Connection, flow: Flow, seen: number): void {
    const { TIME_FIRST, TIME_LAST } = flow;
    const { first, last, attempts, announced } = this.#columns;
    const kind = seen === SEEN.incoming ? KIND.incomingAttempt : KIND.outgoingAttempt;
    this.#counts.add(row, kind, TIME_LAST);
    this.#victims.add(row, server, serverPort, seen);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    this.#show(row, kind, flow);
    if (announced[row] === 0) this.#judge(row, kind);
    else {
      attempts[row * 2 + seen]!++;
      if (this.#attemptsOf(row) >= announced[row]! * 2) this.#announce(row);
    }
  }

  expire(now: number): void {
    this.#clients.expire(now);
  }

  /** Tell what has come to each attack since it was told of last. */
  end(): void {
    const { announced } = this.#columns;
    this.#clients.forEach((row) => {
      if (announced[row] !== 0 && announced[row] !== this.#attemptsOf(row)) this.#announce(row);
    });
  }

  #begin(row: number, time: number): void {
    const { attempts, announced, evidenceOf, first, last } = this.#columns;
    attempts[row * 2] = attempts[row * 2 + 1] = announced[row] = evidenceOf[row] = 0;
    first[row] = last[row] = time;
    this.#counts.clear(row);
    this.#victims.clear(row);
  }

  #show(row: number, kind: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === 0) {
      if (this.#counts.count(row, kind) < this.#suspectAt) return;
      evidenceOf[row] = this.#evidence.take(row) + 1;
    }
    this.#evidence.keep(evidenceOf[row]! - 1, row, flow as never);
  }

  #judge(row: number, kind: number): void {
    const { attemptsMin, shareMin } = this.#context.params;
    const made = this.#counts.count(row, kind);
    if (made < attemptsMin || made < this.#counts.count(row, kind - 1) * shareMin) return;
    const { attempts } = this.#columns;
    attempts[row * 2] = this.#counts.count(row, KIND.incomingAttempt);
    attempts[row * 2 + 1] = this.#counts.count(row, KIND.outgoingAttempt);
    this.#announce(row);
  }

  #attemptsOf(row: number): number {
    const { attempts } = this.#columns;
    return Math.max(attempts[row * 2]!, attempts[row * 2 + 1]!);
  }

  /** The last word on an attack, which came true when no attempt had come for the timeout. */
  #close(row: number): void {
    const { announced, last } = this.#columns;
    if (announced[row] !== 0) this.#announce(row, { closed: true, time: last[row]! + this.#idle });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { announced, first, last } = this.#columns;
    const client = this.#clients.ip(row, 0);
    const made = this.#attemptsOf(row);
    const listed = this.#victims.list(row);
    announced[row] = made;
    this.#context.out.alerts.send(
      {
        ...SAME,
        SRC_IP: client,
        DST_IP: listed[0]!.ip,
        DST_PORT: listed[0]!.port,
        EVENT_SCALE: made,
        DETECTION_TIME: last[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        NOTE: noteOf(listed),
      },
      { ...this.#detail(row, String(client), listed), ...closing },
    );
  }

  #detail(row: number, client: string, listed: readonly Victim[]): AlertDetail {
    const { attemptsMin, window } = this.#context.params;
    const { announced, evidenceOf } = this.#columns;
    const service = this.#clients.number(row, 4);
    const count = this.#victims.count(row);
    const { ip, port } = listed[0]!;
    return {
      rule: RULES[service]!,
      key: `${client}>*:${RULES[service]}`,
      reason: `${announced[row]} connections of ${client} look like failed ${CALLED[service]} logins (limit ${attemptsMin} in ${window} s), to ${namesOf(listed, count)}`,
      observed: announced[row]!,
      threshold: attemptsMin,
      source: { ip: client },
      target: count === 1 ? { ip, port } : { port, count },
      evidence: this.#evidence.flows(evidenceOf[row]! - 1, row),
    };
  }
}

/** The victims as the original writes them, without a comma at the end. */
function noteOf(listed: readonly Victim[]): string {
  const side = (seen: 0 | 1): string =>
    [...new Set(listed.filter(({ attempts }) => attempts[seen]! > 0).map(({ ip }) => ip))]
      .sort()
      .map((ip) => `${ip},`)
      .join("");
  return `I:${side(SEEN.incoming)}O:${side(SEEN.outgoing)}`.replace(LAST_COMMA, "");
}

function namesOf(listed: readonly Victim[], count: number): string {
  const named = listed.slice(0, NAMED);
  const names = named.map((victim) => `${victim.ip} port ${victim.port} (${attemptsOn(victim)})`);
  const others = count - named.length;
  if (others <= 0) return names.join(", ");
  return `${names.join(", ")} and ${count > listed.length ? "about " : ""}${others} more`;
}
