// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail, EvidenceFlow } from "../../core/alert.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Limit, WINDOW } from "./counters.ts";
import type { Setup } from "./params.ts";
import { AT, STRIDE } from "./row.ts";
import { NETWORK, SPEC, VECTOR } from "./vectors.ts";

/** EVENT_TYPE of a denial of service across NEMEA, and of a SYN flood. */
const DOS = 10;
const SYN_FLOOD = 11;
const COUNT_MAX = 2 ** 32 - 1;
/** Confidence in a flood of whom the usual traffic is not known. */
const UNSURE = 0.7;
const SECONDS = WINDOW / SECOND;
/** Bytes of a window at one kb/s. */
const KILOBITS = (1000 / 8) * SECONDS;

export type Closing = Pick<AlertDetail, "closed" | "time">;

/** What an event tells that is not in a row's numbers. */
export interface Told extends Closing {
  readonly sources: number;
  readonly hosts: number;
  readonly evidence: readonly EvidenceFlow[];
}

/** What is said of floods. */
export class Report {
  readonly #params: Setup["params"];
  readonly #out: Setup["out"];
  readonly #table: Table;
  readonly #rows: Float64Array;
  readonly #limitOf: (number: number) => Limit;

  constructor(
    { params, out }: Setup,
    table: Table,
    rows: Float64Array,
    limitOf: (number: number) => Limit,
  ) {
    this.#params = params;
    this.#out = out;
    this.#table = table;
    this.#rows = rows;
    this.#limitOf = limitOf;
  }

  send(row: number, { sources, hosts, evidence, ...closing }: Told): void {
    const at = row * STRIDE;
    const rows = this.#rows;
    const number = this.#table.number(row, 4);
    const vector = number % NETWORK;
    const port = Math.max(rows[at + AT.port]!, 0);
    const address = this.#table.ip(row, 0);
    this.#out.alerts.send(
      {
        DST_IP: address,
        DST_PORT: port,
        PROTOCOL: SPEC[vector]!.protocol,
        EVENT_TYPE: vector === VECTOR.syn ? SYN_FLOOD : DOS,
        FLOWS: Math.min(rows[at + AT.flows]!, COUNT_MAX),
        PACKETS: Math.min(rows[at + AT.packets]!, COUNT_MAX),
        BYTES: rows[at + AT.bytes]!,
        PACKETS_SECOND_MAX: Math.min(Math.round(rows[at + AT.mostPackets]! / SECONDS), COUNT_MAX),
        BYTES_SECOND_MAX: Math.round(rows[at + AT.mostBytes]! / SECONDS),
        ADDR_CNT: sources,
        TIME_FIRST: rows[at + AT.first]!,
        TIME_LAST: rows[at + AT.last]!,
      },
      {
        ...this.#detail(row, number, sources, hosts),
        source: { count: sources },
        target: {
          ip: String(address),
          ...(port === 0 ? {} : { port }),
          ...(number >= NETWORK ? { count: hosts } : {}),
        },
        evidence,
        ...closing,
      },
    );
  }

  #detail(row: number, number: number, sources: number, hosts: number): AlertDetail {
    const at = row * STRIDE;
    const rows = this.#rows;
    const vector = number % NETWORK;
    const { rule, packets } = SPEC[vector]!;
    const isNetwork = number >= NETWORK;
    const victim = this.#named(String(this.#table.ip(row, 0)), isNetwork);
    const isKnown = rows[at + AT.known] !== 0;
    const { unit, observed, threshold, baseline } = this.#measure(row, number);
    const seconds = (rows[at + AT.last]! - rows[at + AT.first]!) / SECOND;
    const spread = isNetwork ? `an estimated ${hosts} hosts of ` : "";
    const usual = isKnown ? `usual are ${baseline}` : "what is usual is not known yet";
    return {
      rule: isNetwork ? "network" : rule,
      key: `${victim}<${rule}`,
      reason:
        `${spread}${victim} received ${rows[at + AT.packets]} ${packets} (${rows[at + AT.bytes]} bytes) from an estimated ${sources} sources ` +
        `within ${seconds.toFixed(1)} s, up to ${observed} ${unit} over ${SECONDS} s; ${usual} ` +
        `(limits ${threshold} ${unit} and ${this.#params.sourcesMin} sources)`,
      observed,
      threshold,
      ...(isKnown ? { baseline } : { confidence: UNSURE }),
      flows: rows[at + AT.flows]!,
      packets: rows[at + AT.packets]!,
      bytes: rows[at + AT.bytes]!,
    };
  }

  /** What made it a flood: the highest rate so far, the limit that it had to reach, and what is usual. */
  #measure(row: number, number: number) {
    const at = row * STRIDE;
    const rows = this.#rows;
    const isBytes = rows[at + AT.byBytes] !== 0;
    const one = isBytes ? KILOBITS : SECONDS;
    const { bytes, packets } = this.#limitOf(number);
    const usual = rows[at + (isBytes ? AT.usualBytes : AT.usualPackets)]!;
    const least = Math.max(isBytes ? bytes : packets, this.#params.growth * usual);
    return {
      unit: isBytes ? "kb/s" : "packets a second",
      observed: Math.round(rows[at + (isBytes ? AT.mostBytes : AT.mostPackets)]! / one),
      threshold: Math.round(least / one),
      baseline: Math.round(usual / one),
    };
  }

  /** The victim's address, with the bits of its mask where it is a network. */
  #named(address: string, isNetwork: boolean): string {
    if (!isNetwork) return address;
    const { networkMask, networkMask6 } = this.#params;
    return `${address}/${address.includes(":") ? networkMask6 : networkMask}`;
  }
}
