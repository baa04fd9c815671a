// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { holds, put } from "../../core/state/distinct-addresses.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import type { Hello } from "./hello.ts";
import { isRandomName } from "./random-name.ts";

/** Names that are told apart; beyond, each flow counts as one more. */
const NAMES_MAX = 16;
/** Servers that are told of. */
const SERVERS_MAX = 8;
const EVIDENCE_SLOTS = 128;
/** Characters of a fingerprint. */
const JA4_MAX = 36;

function columnsOf(state: Setup["state"], rows: number) {
  const counter = (name: string) => state.column(`tor.${name}`, "uint32", rows);
  return {
    flows: counter("flows"),
    /** Flows of the program with names that are not random. */
    others: counter("others"),
    names: counter("names"),
    servers: counter("servers"),
    /** Names in the last alert, 0 before it. */
    announced: counter("announced"),
    hashes: state.column("tor.hashes", "int32", rows * NAMES_MAX),
    addresses: state.column("tor.addresses", "int32", rows * SERVERS_MAX * 4),
    port: state.column("tor.port", "uint16", rows),
    ja4: state.column("tor.ja4", "uint8", rows * JA4_MAX),
    first: state.column("tor.first", "float64", rows),
    last: state.column("tor.last", "float64", rows),
    evidenceOf: state.column("tor.evidenceOf", "int32", rows),
  };
}

/** Programs, by host and fingerprint, that name their servers at random as Tor does. */
export class TorClients {
  readonly #out: Setup["out"];
  readonly #namesMin: number;
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #clients: Table;

  constructor({ params, out, state }: Setup) {
    const { clientsMax } = params;
    const idle = params.idleTimeout * SECOND;
    this.#out = out;
    this.#namesMin = params.torNamesMin;
    this.#columns = columnsOf(state, clientsMax);
    this.#evidence = state.evidence("tor.evidence", EVIDENCE_SLOTS, shown);
    this.#clients = state.table("tor.clients", {
      key: ["ip", "number"],
      rows: clientsMax,
      idle,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        const ended = why === "idle" ? { time: this.#clients.touched(row) + idle } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  /** Tor offers no protocols, so the flows of browsers cost one look at the fingerprint. */
  look(flow: Flow, hello: Hello): void {
    if (hello.offersProtocols || !hello.hasName) return;
    const { bytes, nameFrom, nameTo } = hello;
    if (isRandomName(bytes, nameFrom, nameTo)) this.#count(flow, hello);
    else {
      const row = this.#clients.findIpNumber(flow.SRC_IP, hello.ja4Hash);
      if (row >= 0) this.#columns.others[row]!++;
    }
  }

  #count(flow: Flow, hello: Hello): void {
    const { flows, others, names, announced, first, last } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#clients.upsertIpNumber(flow.SRC_IP, hello.ja4Hash, TIME_LAST);
    if (this.#clients.isNew) this.#begin(row, flow, hello);
    flows[row]!++;
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    this.#addServer(row, flow.DST_IP);
    if (!this.#addName(row, hello.nameHash)) return;
    this.#evidence.keep(this.#columns.evidenceOf[row]!, row, flow as never);
    // A crawler meets such names too, among many others.
    if (names[row]! < this.#namesMin || others[row]! >= flows[row]!) return;
    if (announced[row] === 0 || names[row]! >= announced[row]! * 2) this.#announce(row);
  }

  #begin(row: number, flow: Flow, { bytes, ja4From, ja4To }: Hello): void {
    const columns = this.#columns;
    columns.flows[row] = columns.others[row] = columns.names[row] = 0;
    columns.servers[row] = columns.announced[row] = 0;
    columns.port[row] = flow.DST_PORT;
    columns.first[row] = flow.TIME_FIRST;
    columns.last[row] = flow.TIME_LAST;
    columns.evidenceOf[row] = this.#evidence.take(row);
    for (let i = 0; i < JA4_MAX; i++)
      columns.ja4[row * JA4_MAX + i] = ja4From + i < ja4To ? bytes[ja4From + i]! : 0;
  }

  /** Returns whether the name is new. */
  #addName(row: number, hash: number): boolean {
    const { names, hashes } = this.#columns;
    const count = names[row]!;
    const at = row * NAMES_MAX;
    for (let i = 0; i < Math.min(count, NAMES_MAX); i++) if (hashes[at + i] === hash) return false;
    if (count < NAMES_MAX) hashes[at + count] = hash;
    names[row]!++;
    return true;
  }

  #addServer(row: number, server: Ip): void {
    const { servers, addresses } = this.#columns;
    const count = servers[row]!;
    const at = row * SERVERS_MAX;
    for (let i = 0; i < count; i++) if (holds(addresses, (at + i) * 4, server)) return;
    if (count === SERVERS_MAX) return;
    put(addresses, (at + count) * 4, server);
    servers[row]!++;
  }

  expire(now: number): void {
    this.#clients.expire(now);
  }

  end(): void {
    this.#clients.forEach((row) => {
      const { announced, names } = this.#columns;
      if (announced[row] !== 0 && announced[row] !== names[row]) this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { flows, names, servers, announced, port, first, last, evidenceOf } = this.#columns;
    announced[row] = names[row]!;
    const client = this.#clients.ip(row, 0);
    const relays = Array.from({ length: servers[row]! }, (_, i) => this.#server(row, i));
    const ja4 = this.#ja4(row);
    const named = relays.join(", ") + (servers[row] === SERVERS_MAX ? " and maybe others" : "");
    this.#out.alerts.send(
      {
        SRC_IP: client,
        DST_IP: relays[0]!,
        DST_PORT: port[row]!,
        PROTOCOL: 6,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        TLS_JA4: ja4,
      },
      {
        rule: "tor",
        key: `${client} tor ${ja4}`,
        reason: `${client} used ${names[row]} random server names (limit ${this.#namesMin}), as Tor invents them, in ${flows[row]} flows with the fingerprint ${ja4} to ${named}`,
        observed: names[row]!,
        threshold: this.#namesMin,
        source: { ip: String(client) },
        target: { ip: String(relays[0]), port: port[row]!, count: servers[row]! },
        flows: flows[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #server(row: number, i: number): Address {
    const { addresses } = this.#columns;
    const at = (row * SERVERS_MAX + i) * 4;
    const address = new Address();
    address.w0 = addresses[at]!;
    address.w1 = addresses[at + 1]!;
    address.w2 = addresses[at + 2]!;
    address.w3 = addresses[at + 3]!;
    return address;
  }

  #ja4(row: number): string {
    const text = this.#columns.ja4.subarray(row * JA4_MAX, (row + 1) * JA4_MAX);
    return Buffer.from(text)
      .toString("latin1")
      .replace(/[^a-z0-9_]/g, "");
  }
}
