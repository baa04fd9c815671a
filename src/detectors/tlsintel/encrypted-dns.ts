// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import type { Hello } from "./hello.ts";
import { Named } from "./matchers.ts";

const TCP = 6;
/** RFC 7858 and RFC 9250: DNS over TLS and over QUIC. */
const DNS_PORT = 853;
const HTTPS = 443;
const EVIDENCE_SLOTS = 128;
/** Why a server was taken for a resolver. */
const BY = { port: 1, name: 2, address: 3 } as const;

function columnsOf(state: Setup["state"], rows: number) {
  const number = (name: string) => state.column(`dns.${name}`, "float64", rows);
  return {
    flows: state.column("dns.flows", "uint32", rows),
    announced: state.column("dns.announced", "uint32", rows),
    packets: number("packets"),
    bytes: number("bytes"),
    first: number("first"),
    last: number("last"),
    port: state.column("dns.port", "uint16", rows),
    protocol: state.column("dns.protocol", "uint8", rows),
    by: state.column("dns.by", "uint8", rows),
    isPublic: state.column("dns.isPublic", "uint8", rows),
    evidenceOf: state.column("dns.evidenceOf", "int32", rows),
  };
}

/** Hosts that ask resolvers elsewhere in a way that nobody can read. */
export class EncryptedDns {
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #uses: Table;
  readonly #resolvers: Named;
  readonly #networks: Named;

  /** Throws ERR_PARAM. */
  constructor({ params, out, state }: Setup, networks: Named) {
    const { clientsMax } = params;
    const idle = params.idleTimeout * SECOND;
    this.#out = out;
    this.#networks = networks;
    this.#resolvers = new Named(params.resolvers, "resolvers");
    this.#columns = columnsOf(state, clientsMax);
    this.#evidence = state.evidence("dns.evidence", EVIDENCE_SLOTS, shown);
    this.#uses = state.table("dns.uses", {
      key: ["ip", "ip"],
      rows: clientsMax,
      idle,
      onLeave: (row, why) => {
        const ended = why === "idle" ? { time: this.#uses.touched(row) + idle } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  look(flow: Flow, hello: Hello): void {
    const by = this.#isResolver(flow, hello);
    if (by === 0 || this.#networks.hasAddress(flow.DST_IP)) return;
    const { flows, packets, bytes, first, last, announced } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#uses.upsertPair(flow.SRC_IP, flow.DST_IP, TIME_LAST);
    if (this.#uses.isNew) this.#begin(row, flow, by);
    flows[row]!++;
    packets[row]! += flow.PACKETS + flow.PACKETS_REV;
    bytes[row]! += flow.BYTES + flow.BYTES_REV;
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    this.#evidence.keep(this.#columns.evidenceOf[row]!, row, flow as never);
    if (flows[row]! >= announced[row]! * 2) this.#announce(row);
  }

  /** By what the server is a resolver, 0 if it is none. Addresses are looked up only where there is no name. */
  #isResolver({ DST_PORT, DST_IP }: Flow, { bytes, nameFrom, nameTo }: Hello): number {
    if (DST_PORT === DNS_PORT) return BY.port;
    if (nameTo > nameFrom) return this.#resolvers.hasName(bytes, nameFrom, nameTo) ? BY.name : 0;
    return DST_PORT === HTTPS && this.#resolvers.hasAddress(DST_IP) ? BY.address : 0;
  }

  #begin(row: number, flow: Flow, by: number): void {
    const columns = this.#columns;
    columns.flows[row] = columns.announced[row] = columns.packets[row] = columns.bytes[row] = 0;
    columns.first[row] = flow.TIME_FIRST;
    columns.last[row] = flow.TIME_LAST;
    columns.port[row] = flow.DST_PORT;
    columns.protocol[row] = flow.PROTOCOL;
    columns.by[row] = by;
    const isPublic = by !== BY.port || this.#resolvers.hasAddress(flow.DST_IP);
    columns.isPublic[row] = isPublic ? 1 : 0;
    columns.evidenceOf[row] = this.#evidence.take(row);
  }

  expire(now: number): void {
    this.#uses.expire(now);
  }

  end(): void {
    this.#uses.forEach((row) => {
      const { announced, flows } = this.#columns;
      if (announced[row] !== flows[row]) this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { flows, packets, bytes, first, last, announced } = this.#columns;
    const { port, protocol, isPublic, evidenceOf } = this.#columns;
    announced[row] = flows[row]!;
    const client = this.#uses.ip(row, 0);
    const server = this.#uses.ip(row, 4);
    const whose = isPublic[row] === 1 ? "a known public resolver" : "a server elsewhere";
    this.#out.alerts.send(
      {
        SRC_IP: client,
        DST_IP: server,
        DST_PORT: port[row]!,
        PROTOCOL: protocol[row]!,
        PACKETS: Math.min(packets[row]!, 0xffff_ffff),
        BYTES: bytes[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule: "dns",
        key: `${client}>${server} dns`,
        reason: `${client} sent encrypted DNS to ${whose}, ${server} at ${protocol[row] === TCP ? "TCP" : "UDP"} port ${port[row]}: ${flows[row]} flows (limit 1), ${this.#how(row)}`,
        observed: flows[row]!,
        threshold: 1,
        source: { ip: String(client) },
        target: { ip: String(server), port: port[row]! },
        flows: flows[row]!,
        packets: packets[row]!,
        bytes: bytes[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #how(row: number): string {
    const { by } = this.#columns;
    if (by[row] === BY.port) return "at the port of DNS over TLS and QUIC";
    return by[row] === BY.name ? "by the resolver's name" : "without a server name";
  }
}
