// SPDX-License-Identifier: BSD-3-Clause

import type { Batch } from "../../src/core/batch.ts";
import { FLOWS } from "../../src/core/flow/flows.ts";
import { uniflowOf } from "../../src/core/flow/split.ts";
import { Address } from "../../src/core/unirec/ip.ts";
import { fieldOf } from "../../src/core/unirec/template.ts";
import { SECOND, writeTime } from "../../src/core/unirec/time.ts";
import { Random } from "../capture/random.ts";

/** What a detector is sent: the meter's biflows, split. */
export const LAYOUT = uniflowOf(FLOWS);
export const offsetOf = (name: string): number => fieldOf(LAYOUT, name)!.offset;

const SRC_IP = offsetOf("SRC_IP");
const DST_IP = offsetOf("DST_IP");
const SRC_PORT = offsetOf("SRC_PORT");
const DST_PORT = offsetOf("DST_PORT");
const PROTOCOL = offsetOf("PROTOCOL");
const PACKETS = offsetOf("PACKETS");
const BYTES = offsetOf("BYTES");
const TCP_FLAGS = offsetOf("TCP_FLAGS");
const TIME_FIRST = offsetOf("TIME_FIRST");
const TIME_LAST = offsetOf("TIME_LAST");
const SIZE = LAYOUT.fixedSize;

const START = 1_704_067_200 * SECOND;
/** Event time between two flows: 100,000 flows a second. */
const STEP = 10;
/** Scanners at work at the same time, and ports that each tries of a victim. */
const SCANNERS = 8;
const PORTS = 2000;
/** Hosts whose connections fail now and then, each with two servers. */
const CLIENTS = 20_000;

const TCP = 6;
const UDP = 17;
const SYN = 2;
/** SYN, FIN, PSH and ACK: a connection that was. */
const DONE = 0x1b;

/**
 * Mixed traffic, batch by batch: 97 of 100 flows are what people and servers do, 1 is a port scanner's probe,
 * 2 are connections that failed. Every tenth host has IPv6. Equal seeds give equal flows.
 */
export class Traffic {
  readonly #random = new Random(1);
  readonly #address = new Address();
  /** Flows made so far. */
  count = 0;
  #probes = 0;

  /** Event time of the next flow, in microseconds since 1970. */
  get now(): number {
    return START + this.count * STEP;
  }

  /** Fill a batch. */
  fill(batch: Batch): void {
    batch.clear();
    while (batch.fits(SIZE)) this.#flow(batch.view, batch.push(SIZE));
  }

  #flow(view: DataView, p: number): void {
    const random = this.#random;
    const kind = random.below(100);
    view.setUint16(p + SRC_PORT, 1024 + random.below(64_000), true);
    if (kind === 0) this.#scan(view, p);
    else if (kind < 3) this.#failed(view, p);
    else this.#ordinary(view, p);
    writeTime(view, p + TIME_FIRST, this.now - random.below(5 * SECOND));
    writeTime(view, p + TIME_LAST, this.now);
    this.count++;
  }

  #scan(view: DataView, p: number): void {
    const probe = this.#probes++;
    const scanner = probe % SCANNERS;
    const nth = Math.floor(probe / SCANNERS);
    this.#hosts(view, p, scanner, 1_000_000 + Math.floor(nth / PORTS) * SCANNERS + scanner);
    this.#counts(view, p, TCP, (nth % PORTS) + 1, SYN, 1);
  }

  #failed(view: DataView, p: number): void {
    const client = 100 + this.#random.below(CLIENTS);
    this.#hosts(view, p, client, 900_000 + ((client * 7 + this.#random.below(2)) & 1023));
    this.#counts(view, p, TCP, 443 + this.#random.below(3), SYN, 1 + this.#random.below(3));
  }

  #ordinary(view: DataView, p: number): void {
    const random = this.#random;
    this.#hosts(view, p, 100 + random.below(CLIENTS), random.below(500_000));
    const udp = random.below(3) === 0;
    this.#counts(view, p, udp ? UDP : TCP, udp ? 53 : 443, udp ? 0 : DONE, 1 + random.below(60));
  }

  #hosts(view: DataView, p: number, source: number, target: number): void {
    this.#host(view, p + SRC_IP, 0x0a000000 + source, source % 10 === 9);
    this.#host(view, p + DST_IP, 0x0b000000 + target, source % 10 === 9);
  }

  #host(view: DataView, at: number, number: number, v6: boolean): void {
    const ip = this.#address.setV4(number);
    view.setInt32(at, v6 ? 0x0120 : 0, true);
    view.setInt32(at + 4, 0, true);
    view.setInt32(at + 8, ip.w2, true);
    view.setInt32(at + 12, v6 ? 1 : -1, true);
  }

  #counts(
    view: DataView,
    p: number,
    protocol: number,
    port: number,
    flags: number,
    packets: number,
  ) {
    view.setUint8(p + PROTOCOL, protocol);
    view.setUint16(p + DST_PORT, port, true);
    view.setUint8(p + TCP_FLAGS, flags);
    view.setUint32(p + PACKETS, packets, true);
    view.setUint32(p + BYTES, packets * 100, true);
  }
}
