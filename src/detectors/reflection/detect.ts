// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Counters } from "./counters.ts";
import type { Flow, Setup } from "./params.ts";
import { NONE, TCP_VECTOR, VECTORS, vectorsByPort } from "./vectors.ts";
import { Victims, WINDOW } from "./victims.ts";

const TCP = 6;
const UDP = 17;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
/** ECE and CWR (RFC 3168 6.1.1) say nothing of who asked. */
const FLAGS = 0x3f;
/** Where notifications of SNMP go to, which agents may well send from their own port (RFC 3417 3.2). */
const SNMP_TRAP = 162;
/** What part of the least answers of an attack makes a suspect, who is looked at by itself. */
const SUSPECT_PART = 0.25;
/** Windows in which a group may answer. */
const GROUP_WINDOWS = 6;

/** Tells answers that nobody asked for from others, and counts them of who gets too many. */
export class Detector {
  readonly #count: Setup["count"];
  readonly #byPort = vectorsByPort();
  readonly #suspectAt: number;
  readonly #counters: Counters;
  readonly #victims: Victims;

  constructor(context: Setup) {
    this.#count = context.count;
    this.#suspectAt = context.params.answersMin * SUSPECT_PART;
    this.#counters = new Counters(context.params.countersMax, context.state);
    this.#victims = new Victims(context);
  }

  flows(flow: Flow): void {
    while (flow.next()) {
      const protocol = flow.PROTOCOL;
      if (protocol === UDP) this.#datagrams(flow);
      else if (protocol === TCP) this.#segments(flow);
    }
  }

  advance(now: number): void {
    this.#victims.advance(now);
  }

  end(): void {
    this.#victims.end();
  }

  #datagrams(flow: Flow): void {
    const from = this.#byPort[flow.SRC_PORT]!;
    const to = this.#byPort[flow.DST_PORT]!;
    if (to !== NONE && to !== from) this.#asked(flow, to);
    if (from !== NONE && flow.PACKETS_REV === 0 && isAnswer(flow, from, to))
      this.#answered(flow, from);
  }

  #segments(flow: Flow): void {
    const flags = flow.TCP_FLAGS & FLAGS & ~RST;
    if (flags === SYN) this.#asked(flow, TCP_VECTOR);
    else if (flags === (SYN | ACK)) {
      if (isUnasked(flow)) this.#answered(flow, TCP_VECTOR);
    } else if ((flow.TCP_FLAGS & FLAGS & ~ACK) === RST && flow.PACKETS_REV === 0)
      this.#refused(flow);
  }

  /** A reset alone is one of many to a victim, and tells of none: hosts reset what they have forgotten. */
  #refused(flow: Flow): void {
    const window = Math.floor(flow.TIME_LAST / WINDOW);
    if (this.#counters.answers(hashOf(flow.DST_IP, TCP_VECTOR), window) >= this.#suspectAt)
      this.#victims.refused(flow, TCP_VECTOR, sourceHash(flow.SRC_IP));
  }

  /** The source has asked: what it is answered counts less. */
  #asked(flow: Flow, vector: number): void {
    const hash = hashOf(flow.SRC_IP, vector);
    const window = Math.floor(flow.TIME_LAST / WINDOW);
    if (isGroup(flow.DST_IP)) this.#counters.addGroup(hash, window + GROUP_WINDOWS);
    else if (this.#counters.answers(hash, window) >= this.#suspectAt)
      this.#victims.asked(flow, vector, window);
  }

  #answered(flow: Flow, vector: number): void {
    const { TIME_FIRST, TIME_LAST, DST_IP, PACKETS } = flow;
    if (TIME_LAST < TIME_FIRST) {
      this.#count("flows_ended_before_begun");
      return;
    }
    if (isGroup(DST_IP)) return;
    const window = Math.floor(TIME_LAST / WINDOW);
    const hash = hashOf(DST_IP, vector);
    const answers = this.#counters.add(hash, window, PACKETS);
    if (answers < this.#suspectAt || this.#counters.hasAskedGroup(hash, window)) return;
    this.#victims.answered(flow, vector, window, sourceHash(flow.SRC_IP));
  }
}

/** Whether datagrams from a vector's port are answers: by where they go, and by their size. */
function isAnswer(flow: Flow, from: number, to: number): boolean {
  if (flow.DST_PORT === SNMP_TRAP) return false;
  const { bytesMin = 0, bytesMinBoth } = VECTORS[from]!;
  if (from !== to) return bytesMin === 0 || flow.BYTES >= bytesMin * flow.PACKETS;
  return bytesMinBoth !== undefined && flow.BYTES >= bytesMinBoth * flow.PACKETS;
}

/** Whether nothing came back, or only the victim's refusal. */
const isUnasked = (flow: Flow): boolean =>
  flow.PACKETS_REV === 0 || (flow.TCP_FLAGS_REV & FLAGS & ~ACK) === RST;

/** Whether an address is a multicast group, or broadcast. */
const isGroup = (ip: Ip & { readonly isV4: boolean }): boolean =>
  ip.isV4 ? (ip.w2 & 0xff) >= 224 : (ip.w0 & 0xff) === 0xff;

const hashOf = (ip: Ip, vector: number): number => hashWord(sourceHash(ip), vector);

/** IPv4 addresses never have the same. */
const sourceHash = (ip: Ip): number =>
  hashWord(hashWord(0, ip.w0 ^ Math.imul(ip.w1, 0x9e3779b1)), ip.w2 ^ Math.imul(ip.w3, 0x85ebca6b));
