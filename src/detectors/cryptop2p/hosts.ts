// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, ipHash } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { KIND, nameOf } from "./messages.ts";

/** 2^6 registers: a standard error of 13 %, next to none of few peers. */
const PEER_BITS = 6;
const EVIDENCE_SLOTS = 256;
/** Bytes kept of what gave a host away. */
const SAID_MAX = 48;
const FIRST_PRINTED = 0x20;
const LAST_PRINTED = 0x7e;
const DOT = 0x2e;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

function columnsOf(state: Setup["state"], rows: number) {
  const counter = (name: string) => state.column(name, "uint32", rows);
  const number = (name: string) => state.column(name, "float64", rows);
  return {
    flows: counter("flows"),
    /** Flows in the last alert, 0 before it. */
    announced: counter("announced"),
    /** Whether what was said shows the protocol; else the port does. */
    isShown: state.column("isShown", "uint8", rows),
    packets: number("packets"),
    bytes: number("bytes"),
    first: number("first"),
    last: number("last"),
    /** The first peer, and its port. */
    peer: state.column("peer", "int32", rows * 4),
    port: state.column("port", "uint16", rows),
    protocol: state.column("protocol", "uint8", rows),
    /** The beginning of what was said first: text that ends at 0. */
    said: state.column("said", "uint8", rows * SAID_MAX),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

const ruleOf = (kind: number): "mining" | "pool" | "peers" =>
  kind === KIND.miner ? "mining" : kind === KIND.name ? "pool" : "peers";

/** What a flow shows: filled anew for each. */
export class Finding {
  /** Of {@link KIND}; not `pool`, which is the miner's other side. */
  kind = 0;
  /** Where what gave it away lies. */
  at = 0;
  length = 0;
  /** The port that was called. */
  port = 0;
  /** Whether what was said shows the protocol; else only the port speaks for it. */
  isShown = false;
}

/** Hosts, and which protocols of cryptocurrencies they speak with how many peers. */
export class Hosts {
  readonly #out: Setup["out"];
  readonly #portPeersMin: number;
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #peers: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #rows: Table;

  constructor({ params, out, state }: Setup) {
    const { hostsMax } = params;
    const idle = params.idleTimeout * SECOND;
    this.#out = out;
    this.#portPeersMin = params.portPeersMin;
    this.#columns = columnsOf(state, hostsMax);
    this.#peers = new HyperLogLog("peers", hostsMax, PEER_BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#rows = state.table("hosts", {
      key: ["ip", "number"],
      rows: hostsMax,
      idle,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        const ended = why === "idle" ? { time: this.#rows.touched(row) + idle } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  /** A host spoke with a peer. */
  add(host: Ip, peer: Ip, flow: Flow, finding: Finding): void {
    const { TIME_FIRST, TIME_LAST } = flow;
    const { flows, packets, bytes, first, last } = this.#columns;
    const row = this.#rows.upsertIpNumber(host, finding.kind, TIME_LAST);
    if (this.#rows.isNew) this.#begin(row, peer, flow, finding);
    flows[row]!++;
    packets[row]! += flow.PACKETS + flow.PACKETS_REV;
    bytes[row]! += flow.BYTES + flow.BYTES_REV;
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    const isNewPeer = this.#peers.add(row, ipHash(peer));
    if (finding.isShown) this.#show(row, flow);
    else if (isNewPeer) this.#suspect(row, flow);
  }

  /** What was said shows the protocol. */
  #show(row: number, flow: Flow): void {
    const { isShown } = this.#columns;
    const isNews = isShown[row] === 0;
    isShown[row] = 1;
    this.#keepFlow(row, flow);
    if (isNews) this.#announce(row);
    else this.#repeat(row);
  }

  /** The port alone speaks for it: many peers have to. */
  #suspect(row: number, flow: Flow): void {
    const { isShown, announced } = this.#columns;
    this.#keepFlow(row, flow);
    if (isShown[row] === 1 || announced[row] !== 0) this.#repeat(row);
    else if (this.#peers.estimate(row) >= this.#portPeersMin) this.#announce(row);
  }

  #repeat(row: number): void {
    const { flows, announced } = this.#columns;
    if (flows[row]! >= announced[row]! * 2) this.#announce(row);
  }

  #keepFlow(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row]! < 0) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #begin(row: number, peer: Ip, flow: Flow, finding: Finding): void {
    const columns = this.#columns;
    columns.flows[row] = columns.announced[row] = columns.packets[row] = columns.bytes[row] = 0;
    columns.first[row] = flow.TIME_FIRST;
    columns.last[row] = flow.TIME_LAST;
    columns.peer[row * 4] = peer.w0;
    columns.peer[row * 4 + 1] = peer.w1;
    columns.peer[row * 4 + 2] = peer.w2;
    columns.peer[row * 4 + 3] = peer.w3;
    columns.port[row] = finding.port;
    columns.protocol[row] = flow.PROTOCOL;
    columns.evidenceOf[row] = -1;
    columns.isShown[row] = 0;
    this.#peers.clear(row);
    const { view } = flow as never as { view: DataView };
    this.#keep(row, view, finding);
  }

  /** Printable, and without the quotes it will stand in. */
  #keep(row: number, view: DataView, { at, length }: Finding): void {
    const { said } = this.#columns;
    const start = row * SAID_MAX;
    const kept = Math.min(length, SAID_MAX - 1);
    for (let i = 0; i < kept; i++) {
      const byte = view.getUint8(at + i);
      const isPrinted = byte >= FIRST_PRINTED && byte <= LAST_PRINTED;
      said[start + i] = byte === QUOTE ? APOSTROPHE : isPrinted ? byte : DOT;
    }
    said[start + kept] = 0;
  }

  expire(now: number): void {
    this.#rows.expire(now);
  }

  end(): void {
    this.#rows.forEach((row) => {
      const { announced, flows } = this.#columns;
      if (announced[row] !== 0 && announced[row] !== flows[row]) this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { flows, announced, packets, bytes, first, last } = this.#columns;
    const { port, protocol, evidenceOf, isShown } = this.#columns;
    announced[row] = flows[row]!;
    const host = this.#rows.ip(row, 0);
    const kind = this.#rows.number(row, 4);
    const peer = this.#peer(row);
    const peers = Math.max(1, this.#peers.estimate(row));
    const rule = isShown[row] === 0 ? "ports" : ruleOf(kind);
    const limit = isShown[row] === 0 ? this.#portPeersMin : 1;
    this.#out.alerts.send(
      {
        SRC_IP: host,
        DST_IP: peer,
        DST_PORT: port[row]!,
        PROTOCOL: protocol[row]!,
        PEERS: peers,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule,
        key: `${host} ${kind === KIND.miner || kind === KIND.name ? rule : nameOf(kind)}`,
        reason: `${host} ${this.#deed(row, kind)} with ${peers} ${peers === 1 ? "host" : "hosts"} in ${flows[row]} flows (limit ${limit}), the first ${this.#place(peer, row)}`,
        observed: peers,
        threshold: limit,
        source: { ip: String(host) },
        target: { ip: String(peer), port: port[row]!, count: peers },
        flows: flows[row]!,
        packets: packets[row]!,
        bytes: bytes[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #deed(row: number, kind: number): string {
    if (kind === KIND.miner) return `speaks Stratum, by which miners work ("${this.#said(row)}"),`;
    if (kind === KIND.name) return `speaks TLS by the name of a mining pool, "${this.#said(row)}",`;
    if (this.#columns.isShown[row] === 1)
      return `exchanges messages of the peers of ${nameOf(kind)}`;
    return `is connected at the port of ${nameOf(kind)}'s peers`;
  }

  #place(peer: Address, row: number): string {
    const text = String(peer);
    return `${text.includes(":") ? `[${text}]` : text}:${this.#columns.port[row]}`;
  }

  #peer(row: number): Address {
    const { peer } = this.#columns;
    const address = new Address();
    address.w0 = peer[row * 4]!;
    address.w1 = peer[row * 4 + 1]!;
    address.w2 = peer[row * 4 + 2]!;
    address.w3 = peer[row * 4 + 3]!;
    return address;
  }

  #said(row: number): string {
    const start = row * SAID_MAX;
    const text = this.#columns.said.subarray(start, start + SAID_MAX);
    return Buffer.from(text.subarray(0, text.indexOf(0))).toString("latin1");
  }
}
