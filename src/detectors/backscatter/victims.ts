// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Setup } from "./params.ts";
import { Peak } from "./peak.ts";
import { ECHO, ERROR, type Flow, flows, ICMP, RESET, SYN_ACK, TCP } from "./responses.ts";

/** EVENT_TYPE of a denial of service across NEMEA. */
const DOS = 10;
/** HyperLogLog of 2^8 registers: a standard error of 6.5 %. */
const ADDRESS_BITS = 8;
/** Victims whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 256;
/** What stands for the port of a victim that answers from several. */
const SEVERAL = -1;
const KINDS = 5;
/** What each kind of response is called. */
const NAMES: readonly (readonly [number, string])[] = [
  [SYN_ACK, "SYN-ACK"],
  [RESET, "RST"],
  [ECHO, "echo replies"],
  [ERROR, "ICMP errors"],
];
const COUNT_MAX = 2 ** 32 - 1;

/** Who answers without being asked, how much, and to how many. */
export class Victims {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #table: Table;
  readonly #addresses: HyperLogLog;
  readonly #peak: Peak;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Packets, of all kinds in the first place. */
  readonly #packets: Float64Array;
  readonly #announced: Float64Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  readonly #port: Int32Array;

  constructor({ params, out, state }: Setup) {
    const { victimsMax: rows } = params;
    const idle = params.idleTimeout * SECOND;
    this.#params = params;
    this.#out = out;
    this.#addresses = new HyperLogLog("addresses", rows, ADDRESS_BITS, state);
    this.#peak = new Peak("peak", rows, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#evidenceOf = state.column("evidenceOf", "int32", rows);
    this.#packets = state.column("packets", "float64", rows * KINDS);
    this.#announced = state.column("announced", "float64", rows);
    this.#first = state.column("first", "float64", rows);
    this.#last = state.column("last", "float64", rows);
    this.#port = state.column("port", "int32", rows);
    this.#table = state.table("victims", {
      key: ["ip"],
      rows,
      idle,
      onLeave: (row) => {
        const time = this.#table.touched(row) + idle;
        if (this.#announced[row] !== 0) this.#announce(row, { closed: true, time });
      },
    });
  }

  /** A victim has answered `receiver`, the hash of an address, unasked. */
  answered(flow: Flow, kind: number, receiver: number): void {
    const { TIME_FIRST: first, TIME_LAST: last, SRC_PORT: port } = flow;
    const row = this.#table.upsertIp(flow.SRC_IP, last);
    if (this.#table.isNew) this.#clear(row, first, last, port);
    const count = flow.PACKETS || 1;
    const packets = this.#packets[row * KINDS]! + count;
    this.#packets[row * KINDS] = packets;
    this.#packets[row * KINDS + kind]! += count;
    if (first < this.#first[row]!) this.#first[row] = first;
    if (last > this.#last[row]!) this.#last[row] = last;
    if (port !== this.#port[row]) this.#port[row] = SEVERAL;
    this.#addresses.add(row, receiver);
    this.#peak.add(row, count, first, last);
    this.#keep(row, packets - count, flow);
    if (this.#isAttack(row) && packets >= this.#announced[row]! * 2) this.#announce(row);
  }

  #clear(row: number, first: number, last: number, port: number): void {
    this.#packets.fill(0, row * KINDS, (row + 1) * KINDS);
    this.#announced[row] = 0;
    this.#first[row] = first;
    this.#last[row] = last;
    this.#port[row] = port;
    this.#addresses.clear(row);
    this.#peak.clear(row);
  }

  /** Of a victim that had so many packets before. */
  #keep(row: number, before: number, flow: Flow): void {
    const from = Math.floor(this.#params.packetsMin / 2);
    if (this.#packets[row * KINDS]! < from) return;
    if (before < from || before === 0) this.#evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(this.#evidenceOf[row]!, row, flow as unknown as AnyReader);
  }

  #isAttack(row: number): boolean {
    const { packetsMin, durationMin, minuteMin, addressesMin } = this.#params;
    return (
      this.#packets[row * KINDS]! >= packetsMin &&
      this.#last[row]! - this.#first[row]! >= durationMin * SECOND &&
      this.#peak.most(row) >= minuteMin &&
      (this.#announced[row] !== 0 || this.#addresses.estimate(row) >= addressesMin)
    );
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const ip = this.#table.ip(row, 0);
    const packets = this.#packets[row * KINDS]!;
    const addresses = this.#addresses.estimate(row);
    const port = Math.max(this.#port[row]!, 0);
    this.#announced[row] = packets;
    this.#out.alerts.send(
      {
        SRC_IP: ip,
        SRC_PORT: port,
        PROTOCOL: this.#isIcmp(row) ? ICMP : TCP,
        EVENT_TYPE: DOS,
        PACKETS: Math.min(packets, COUNT_MAX),
        PACKETS_MINUTE_MAX: Math.min(this.#peak.most(row), COUNT_MAX),
        ADDR_CNT: addresses,
        TIME_FIRST: this.#first[row]!,
        TIME_LAST: this.#last[row]!,
      },
      {
        key: String(ip),
        reason: this.#reason(row, String(ip), addresses),
        observed: packets,
        threshold: this.#params.packetsMin,
        packets,
        source: { count: addresses },
        target: { ip: String(ip), ...(port === 0 ? {} : { port }) },
        evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #isIcmp(row: number): boolean {
    const at = row * KINDS;
    return this.#packets[at + ECHO]! + this.#packets[at + ERROR]! > this.#packets[at]! / 2;
  }

  #reason(row: number, ip: string, addresses: number): string {
    const { packetsMin, durationMin, minuteMin } = this.#params;
    const kinds = NAMES.flatMap(([kind, name]) => {
      const packets = this.#packets[row * KINDS + kind]!;
      return packets === 0 ? [] : [`${packets} ${name}`];
    });
    const seconds = Math.floor((this.#last[row]! - this.#first[row]!) / SECOND);
    const port = this.#port[row] === SEVERAL ? "several ports" : `port ${this.#port[row]}`;
    const from = this.#isIcmp(row) ? "" : ` from ${port}`;
    return `${ip} sent ${kinds.join(", ")}${from} to about ${addresses} addresses that had not asked, within ${seconds} s, up to ${this.#peak.most(row)} in a minute (limits ${packetsMin} packets, ${durationMin} s, ${minuteMin} in a minute)`;
  }

  expire(now: number): void {
    this.#table.expire(now);
  }

  end(): void {
    this.#table.forEach((row) => {
      if (this.#announced[row] !== 0 && this.#announced[row] !== this.#packets[row * KINDS])
        this.#announce(row);
    });
  }
}
