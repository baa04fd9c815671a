// SPDX-License-Identifier: BSD-3-Clause
/** The rules, as functions of what a host has sent and received; the same in both modes. @module */
import type { Settings } from "./settings.ts";

/** Who asked: of flows with neither, a fixed share counts as each. */
export const REQUEST = 0;
export const RESPONSE = 1;
export const UNKNOWN = 2;
/** What UNKNOWN's place holds in `compat=nemea`, where all are counted beside requests and responses. */
export const ALL = UNKNOWN;

/** Which way flows went, seen from the host. */
export const OUT = 0;
export const IN = 1;

/** What is counted of flows of a direction and a kind. */
export const FLOWS = 0;
export const PACKETS = 1;
export const BYTES = 2;
export const SYNS = 3;
export const ACKS = 4;

/** Numbers from one kind of flows to the next, a cache line, and from one direction to the other. */
export const KIND = 8;
export const DIRECTION = 3 * KIND;

/** Sums of a host, taken out of its counters to judge it. */
export class Sums {
  readonly #all = new Float64Array(2 * KIND);
  readonly #unknown = new Float64Array(2 * KIND);
  readonly #request = new Float64Array(2 * KIND);
  readonly #response = new Float64Array(2 * KIND);
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** From counters of requests, of responses, of the rest. */
  load(counters: Float64Array, at: number): this {
    for (let i = 0; i < 2 * KIND; i++) {
      const from = this.#take(counters, at, i);
      const unknown = counters[from + 2 * KIND]!;
      this.#unknown[i] = unknown;
      this.#all[i] = this.#request[i]! + this.#response[i]! + unknown;
    }
    return this;
  }

  /** From counters of requests, of responses, of all, which end at 32 bits: so the rest may be less than nothing. */
  load32(counters: Float64Array, at: number): this {
    for (let i = 0; i < 2 * KIND; i++) {
      const all = counters[this.#take(counters, at, i) + 2 * KIND]!;
      this.#unknown[i] = (all - (this.#request[i]! + this.#response[i]!)) >>> 0;
      this.#all[i] = all;
    }
    return this;
  }

  /** Take requests and responses; returns where the former are. */
  #take(counters: Float64Array, at: number, i: number): number {
    const from = at + (i < KIND ? i : i + 2 * KIND);
    this.#request[i] = counters[from]!;
    this.#response[i] = counters[from + KIND]!;
    return from;
  }

  all(direction: number, what: number): number {
    return this.#all[direction * KIND + what]!;
  }

  /** Those that are known as requests. */
  asked(direction: number, what: number): number {
    return this.#request[direction * KIND + what]!;
  }

  /** Requests, with a share of what is unknown. */
  requests(direction: number, what: number): number {
    const i = direction * KIND + what;
    return Math.trunc(this.#request[i]! + this.#unknown[i]! * this.#settings.requestShare);
  }

  responses(direction: number, what: number): number {
    const i = direction * KIND + what;
    return Math.trunc(this.#response[i]! + this.#unknown[i]! * this.#settings.responseShare);
  }
}

/** It asks many addresses for connections, mostly without an answer. */
export function scans(sums: Sums, addresses: number, settings: Settings): boolean {
  const syns = sums.requests(OUT, SYNS);
  return (
    syns > settings.scanSyns &&
    syns > settings.scanSynsPerAck * sums.requests(OUT, ACKS) &&
    syns > settings.scanSynsPerAnswer * sums.responses(IN, SYNS) &&
    addresses >= settings.scanAddresses &&
    sums.asked(OUT, SYNS) > Math.trunc(sums.all(OUT, FLOWS) / 3) &&
    sums.all(OUT, SYNS) >= sums.all(OUT, ACKS)
  );
}

export type Flood = "syn" | "other" | undefined;

/** More small requests come than it can answer. `synPackets` are those of flows with a SYN. */
export function isFlooded(sums: Sums, synPackets: number, settings: Settings): Flood {
  const { byPackets, victimPacketsPerFlow: ratio } = settings;
  const flows = sums.requests(IN, FLOWS);
  const packets = sums.requests(IN, PACKETS);
  const manySyns =
    byPackets !== 0
      ? synPackets > settings.victimSyns
      : sums.all(IN, SYNS) > settings.victimSyns &&
        sums.all(IN, PACKETS) < ratio * sums.all(IN, FLOWS);
  const many =
    byPackets !== 0
      ? sums.asked(IN, PACKETS) > settings.victimFlows
      : flows > settings.victimFlows && packets < ratio * flows;
  const isSyn = manySyns && sums.all(IN, SYNS) > 2 * sums.all(IN, ACKS);
  if (
    !(isSyn || many) ||
    sums.responses(OUT, FLOWS) >= settings.victimAnswers * flows ||
    !isBelow(sums.requests(IN, BYTES), packets, settings.victimBytesPerPacket)
  )
    return undefined;
  return isSyn ? "syn" : "other";
}

/** It sends more small requests to each of its `addresses` than are answered. */
export function floods(sums: Sums, addresses: number, settings: Settings): Flood {
  const { attackerPacketsPerFlow: ratio } = settings;
  const each = Math.max(addresses, 1);
  const flows = sums.requests(OUT, FLOWS);
  const packets = sums.requests(OUT, PACKETS);
  const isSyn =
    Math.trunc(sums.all(OUT, FLOWS) / each) >= settings.attackerSyns &&
    sums.all(OUT, PACKETS) < ratio * sums.all(OUT, FLOWS) &&
    sums.all(OUT, SYNS) > 2 * sums.all(OUT, ACKS);
  const isOther = Math.trunc(flows / each) >= settings.attackerFlows && packets < ratio * flows;
  if (
    !(isSyn || isOther) ||
    sums.responses(IN, FLOWS) >= settings.victimAnswers * flows ||
    !isBelow(sums.requests(OUT, BYTES), packets, settings.attackerBytesPerPacket)
  )
    return undefined;
  return isSyn ? "syn" : "other";
}

/** Whether ⌊amount / count⌋ is below a whole limit; false of a count of 0, by which the original divides and dies. */
const isBelow = (amount: number, count: number, limit: number): boolean =>
  amount < limit * count && count > 0;

/** When a flooded or flooding host has to be looked at. */
export interface Limits {
  readonly least: number;
  readonly most: number;
  /** From here on flows are kept. */
  readonly suspect: number;
  /** From so many flows of a kind on the sum has to be looked at: of three kinds one has a third of it at least. */
  readonly part: number;
}

export function limitsOf(syns: number, flows: number): Limits {
  const least = Math.min(syns, flows);
  const suspect = Math.ceil(least / 2);
  return { least, most: Math.max(syns, flows), suspect, part: Math.floor(suspect / 3) };
}

export const passes = (before: number, after: number, limit: number): boolean =>
  before <= limit && after > limit;

/** Counters of SSH: packets and SYNs of requests, then of responses; those sent, then those received. */
export const SSH = {
  request: 0,
  response: 2,
  out: 0,
  in: 4,
  packets: 0,
  syns: 1,
  size: 8,
} as const;

/** Connections as long as failed logins come to it, and it answers each address often. */
export function isGuessedAt(
  counters: Float64Array,
  at: number,
  addresses: number,
  settings: Settings,
): boolean {
  const requests = counters[at + SSH.in + SSH.request + SSH.syns]!;
  const requestPackets = counters[at + SSH.in + SSH.request + SSH.packets]!;
  const responses = counters[at + SSH.out + SSH.response + SSH.syns]!;
  const responsePackets = counters[at + SSH.out + SSH.response + SSH.packets]!;
  return (
    requests > settings.sshRequests &&
    responses > settings.sshResponses &&
    requestPackets >= settings.sshRequestPacketsMin * requests &&
    requestPackets <= settings.sshRequestPacketsMax * requests &&
    responsePackets >= settings.sshResponsePacketsMin * responses &&
    responsePackets <= settings.sshResponsePacketsMax * responses &&
    requests > settings.sshServerRatio * counters[at + SSH.out + SSH.request + SSH.syns]! &&
    responses > settings.sshPerAddress * addresses
  );
}

/** It makes connections as long as failed logins, many to each address. */
export function guesses(
  counters: Float64Array,
  at: number,
  addresses: number,
  settings: Settings,
): boolean {
  const requests = counters[at + SSH.out + SSH.request + SSH.syns]!;
  const requestPackets = counters[at + SSH.out + SSH.request + SSH.packets]!;
  const responses = counters[at + SSH.in + SSH.response + SSH.syns]!;
  const responsePackets = counters[at + SSH.in + SSH.response + SSH.packets]!;
  const perAddress = addresses < settings.sshAddresses ? 1 : 0.5;
  return (
    requests > settings.sshRequests &&
    responses > settings.sshResponses &&
    requestPackets > settings.sshRequestPacketsMin * requests &&
    requestPackets < settings.sshRequestPacketsMax * requests &&
    responsePackets > settings.sshResponsePacketsMin * responses &&
    responsePackets < settings.sshResponsePacketsMax * responses &&
    counters[at + SSH.in + SSH.request + SSH.syns]! < settings.sshServerRatio * requests &&
    requests > perAddress * settings.sshPerAddress * addresses
  );
}

/** Bytes a packet from which a DNS response is one that amplifies. */
const LARGE = 1000;
export const isLarge = (bytes: number, packets: number): boolean =>
  bytes >= LARGE * Math.max(packets, 1);
