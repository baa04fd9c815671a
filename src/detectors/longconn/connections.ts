// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, ipHash } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address, isV4 } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { bytesText, type Flow, flows, type Setup, SYN, TCP } from "./fields.ts";

const FIN_RST = 0x05;
const HOUR = 3600 * SECOND;
/** Severities by duration, longest first: from the limit on, from four, eight and twelve hours on, as RITA 5 grades them. */
const GRADES = [
  { from: 12 * HOUR, severity: 5 },
  { from: 8 * HOUR, severity: 4 },
  { from: 4 * HOUR, severity: 3 },
  { from: 0, severity: 2 },
] as const;
/** Hosts with long connections to the same network from which on it is a service, whose connections are never above low. */
const COMMON = 3;
const COMMON_SEVERITY = 3;
/** Networks of peers that are remembered, and for how long. */
const PEERS = 4096;
/** Registers of their hosts, 2^6: so few are told apart. */
const HOST_BITS = 6;
const PEER_IDLE = 7 * 24 * HOUR;
const EVIDENCE_SLOTS = 512;

/** What is known of each connection. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    sent: state.column("sent", "float64", rows),
    received: state.column("received", "float64", rows),
    slices: state.column("slices", "uint32", rows),
    protocol: state.column("protocol", "uint8", rows),
    /** Duration and severity in the last alert, 0 before it. */
    announced: state.column("announced", "float64", rows),
    severity: state.column("severity", "uint8", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** Connections that go on, put together from the flows that a meter makes of them. */
export class Connections {
  readonly #out: Setup["out"];
  readonly #durationMin: number;
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #connections: Table;
  /** Networks of peers, and how many hosts have long connections to each. */
  readonly #peers: Table;
  readonly #hostsOf: HyperLogLog;

  constructor({ params, out, state }: Setup) {
    const rows = params.connectionsMax;
    const idle = params.pauseMax * SECOND;
    this.#out = out;
    this.#durationMin = params.durationMin * SECOND;
    this.#columns = columnsOf(state, rows);
    this.#hostsOf = new HyperLogLog("hostsOf", PEERS, HOST_BITS, state);
    this.#evidence = state.evidence("connectionEvidence", EVIDENCE_SLOTS, flows);
    this.#peers = state.table("peers", { key: ["ip"], rows: PEERS, idle: PEER_IDLE });
    this.#connections = state.table("connections", {
      key: ["ip", "ip", "number"],
      rows,
      idle,
      onLeave: (row, why) => {
        const time = this.#connections.touched(row) + (why === "idle" ? idle : 0);
        if (this.#columns.announced[row] !== 0) this.#announce(row, { closed: true, time });
      },
    });
  }

  expire(now: number): void {
    this.#connections.expire(now);
    this.#peers.expire(now);
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, first, last } = this.#columns;
    this.#connections.forEach((row) => {
      if (announced[row] !== 0 && announced[row] !== last[row]! - first[row]!) this.#announce(row);
    });
  }

  /** A flow of a connection to outside. */
  add(flow: Flow): void {
    const { first, last, sent, received, slices, evidenceOf } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    // What is idle must be gone, or it would leave as one that had to make room.
    this.#connections.expire(TIME_LAST);
    const row = this.#connections.upsertPairNumber(
      flow.SRC_IP,
      flow.DST_IP,
      (flow.SRC_PORT << 16) | flow.DST_PORT,
      TIME_LAST,
    );
    // A new connection with the same ports follows on one whose end was not seen.
    const isAnother = flow.PROTOCOL === TCP && (flow.TCP_FLAGS & SYN) !== 0;
    if (this.#connections.isNew) this.#begin(row, flow);
    else if (isAnother) this.#renew(row, flow);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    sent[row]! += flow.BYTES;
    received[row]! += flow.BYTES_REV;
    slices[row]!++;
    const duration = last[row]! - first[row]!;
    if (duration * 2 >= this.#durationMin) {
      if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
      this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    }
    if (duration >= this.#durationMin) this.#look(row, duration);
    if (flow.PROTOCOL === TCP && ((flow.TCP_FLAGS | flow.TCP_FLAGS_REV) & FIN_RST) !== 0)
      this.#finish(row);
  }

  #begin(row: number, { PROTOCOL, TIME_FIRST, TIME_LAST }: Flow): void {
    const { first, last, sent, received, slices, protocol, announced, severity, evidenceOf } =
      this.#columns;
    first[row] = TIME_FIRST;
    last[row] = TIME_LAST;
    protocol[row] = PROTOCOL;
    evidenceOf[row] = -1;
    for (const column of [sent, received, slices, announced, severity]) column[row] = 0;
  }

  #renew(row: number, flow: Flow): void {
    if (flow.TIME_FIRST < this.#columns.last[row]!) return; // The first slice comes late.
    if (this.#columns.announced[row] !== 0) this.#announce(row, { closed: true });
    this.#begin(row, flow);
  }

  #finish(row: number): void {
    if (this.#columns.announced[row] !== 0) this.#announce(row, { closed: true });
    this.#connections.delete(row);
  }

  #look(row: number, duration: number): void {
    const { announced, severity } = this.#columns;
    const now = this.#severity(row, duration);
    const isWorse = now > severity[row]!;
    if (!isWorse && duration < announced[row]! * 2) return;
    if (isWorse) severity[row] = now;
    this.#announce(row);
  }

  #severity(row: number, duration: number): number {
    const grade = GRADES.find(({ from }) => duration >= from)!.severity;
    if (this.#columns.announced[row] !== 0 && grade <= COMMON_SEVERITY) return grade;
    const peer = this.#peers.upsertIp(
      networkOf(this.#connections.ip(row, 4)),
      this.#columns.last[row]!,
    );
    if (this.#peers.isNew) this.#hostsOf.clear(peer);
    this.#hostsOf.add(peer, ipHash(this.#connections.ip(row, 0)));
    return this.#hostsOf.estimate(peer) >= COMMON ? Math.min(grade, COMMON_SEVERITY) : grade;
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { first, last, sent, received, slices, protocol, announced, severity, evidenceOf } =
      this.#columns;
    const duration = last[row]! - first[row]!;
    announced[row] = duration;
    const source = this.#connections.ip(row, 0);
    const target = this.#connections.ip(row, 4);
    const ports = this.#connections.number(row, 8);
    const [sourcePort, port] = [ports >>> 16, ports & 0xffff];
    const name = protocol[row] === TCP ? "TCP" : "UDP";
    this.#out.alerts.send(
      {
        SRC_IP: source,
        DST_IP: target,
        SRC_PORT: sourcePort,
        DST_PORT: port,
        PROTOCOL: protocol[row]!,
        BYTES: sent[row]!,
        BYTES_REV: received[row]!,
        DURATION: Math.round(duration / SECOND),
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule: "long",
        key: `${source}:${sourcePort}>${target}:${port}`,
        reason:
          `${source} has had a connection (${name}) to ${target} port ${port} for ${(duration / HOUR).toFixed(1)} h (limit ${(this.#durationMin / HOUR).toFixed(1)} h), ` +
          `and sent ${bytesText(sent[row]!)}, received ${bytesText(received[row]!)}`,
        observed: Math.round(duration / SECOND),
        threshold: this.#durationMin / SECOND,
        severity: severity[row]!,
        source: { ip: String(source), port: sourcePort },
        target: { ip: String(target), port },
        flows: slices[row]!,
        bytes: sent[row]! + received[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one. */
function networkOf(ip: Ip): Address {
  const network = Address.of(ip);
  if (isV4(ip)) {
    network.w2 &= 0x00ffffff;
    return network;
  }
  network.w1 &= 0x0000ffff;
  network.w2 = 0;
  network.w3 = 0;
  return network;
}
