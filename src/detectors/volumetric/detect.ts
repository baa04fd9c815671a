// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { Address, swap } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Counters, type Limit, WINDOW } from "./counters.ts";
import { type Amount, Floods } from "./floods.ts";
import type { Flow, Setup } from "./params.ts";
import { leastOf, NETWORK, NONE, VECTOR, vectorOf } from "./vectors.ts";

/** What part of a flood makes a suspect, who is looked at by itself. */
const SUSPECT_PART = 0.25;
/** Bytes of a window at one kb/s. */
const WINDOW_BYTES = (1000 / 8) * (WINDOW / SECOND);

/** What a vector's windows are held against: from which on there is a suspect, and a flood. */
interface Limits {
  readonly suspect: Limit;
  readonly flood: Limit;
}

/** Counts what hosts and networks receive that is of no conversation, and looks at who receives much. */
export class Detector {
  readonly #count: Setup["count"];
  /** By vector, of hosts; then of networks. */
  readonly #limits: readonly Limits[];
  readonly #networkLimits: readonly Limits[];
  readonly #counters: Counters;
  readonly #floods: Floods;
  readonly #masks4: Address;
  readonly #masks6: Address;
  readonly #network = new Address();
  /** What the flow at hand adds to its window; one object is filled again and again. */
  readonly #amount: Amount = {
    ...{ first: 0, last: 0, window: 0, packets: 0, bytes: 0 },
    ...{ source: 0, target: 0, counter: 0 },
  };

  constructor(context: Setup) {
    const { params, state, count } = context;
    this.#count = count;
    this.#limits = limitsOf(params, 1);
    this.#networkLimits = limitsOf(params, params.networkTimes);
    this.#counters = new Counters(params.countersMax, params.baselineTime, state);
    this.#floods = new Floods(context, this.#counters, (number) =>
      number < NETWORK ? this.#limits[number]!.flood : this.#networkLimits[number - NETWORK]!.flood,
    );
    this.#masks4 = masksOf(params.networkMask, 32);
    this.#masks6 = masksOf(params.networkMask6, 128);
  }

  flows(flow: Flow): void {
    while (flow.next()) {
      const vector = vectorOf(flow);
      if (vector !== NONE && !isGroup(flow.DST_IP)) this.#receive(flow, vector);
    }
  }

  advance(now: number): void {
    this.#floods.advance(now);
  }

  end(): void {
    this.#floods.end();
  }

  #receive(flow: Flow, vector: number): void {
    const { PACKETS, TIME_LAST, DST_IP } = flow;
    // Of one packet it is the same, and reading a time is not for nothing.
    const first = PACKETS === 1 ? TIME_LAST : flow.TIME_FIRST;
    const duration = TIME_LAST - first;
    if (duration < 0) {
      this.#count("flows_ended_before_begun");
      return;
    }
    // Of a longer flow that part counts which came in the time of a window.
    const share = duration > WINDOW ? WINDOW / duration : 1;
    const amount = this.#amount;
    amount.first = first;
    amount.last = TIME_LAST;
    amount.window = Math.floor(TIME_LAST / WINDOW);
    amount.packets = PACKETS * share;
    amount.bytes = flow.BYTES * share;
    amount.target = hashOf(DST_IP);
    const counters = this.#counters;
    const at = counters.at(hashWord(amount.target, vector), amount.window);
    counters.add(at, amount.packets, amount.bytes);
    const limits = this.#limits[vector]!;
    if (counters.isWarm(at, limits.suspect)) {
      amount.source = hashOf(flow.SRC_IP);
      amount.counter = at;
      this.#floods.add(flow, DST_IP, vector, amount);
    }
    // What makes a flood of a host is none of its network.
    if (!counters.isOver(at, limits.flood)) this.#receiveNetwork(flow, vector);
    if (vector === VECTOR.udp) this.#send(flow);
  }

  #receiveNetwork(flow: Flow, vector: number): void {
    const amount = this.#amount;
    const number = vector + NETWORK;
    const at = this.#counters.at(hashWord(this.#networkHash(flow.DST_IP), number), amount.window);
    this.#counters.add(at, amount.packets, amount.bytes);
    if (!this.#counters.isWarm(at, this.#networkLimits[vector]!.suspect)) return;
    amount.source = hashOf(flow.SRC_IP);
    amount.counter = at;
    this.#floods.add(flow, this.#networkOf(flow.DST_IP), number, amount);
  }

  /** Who sends as many as it receives is in a conversation that comes in flows of one direction. */
  #send({ SRC_IP }: Flow): void {
    const { packets, window } = this.#amount;
    const counters = this.#counters;
    const host = hashWord(hashOf(SRC_IP), VECTOR.udp);
    const network = hashWord(this.#networkHash(SRC_IP), VECTOR.udp + NETWORK);
    counters.addSent(counters.at(host, window), packets);
    counters.addSent(counters.at(network, window), packets);
  }

  /** As {@link hashOf} of an address's network, without making that. */
  #networkHash(ip: Ip & { readonly isV4: boolean }): number {
    const masks = ip.isV4 ? this.#masks4 : this.#masks6;
    return hashWords(ip.w0 & masks.w0, ip.w1 & masks.w1, ip.w2 & masks.w2, ip.w3 & masks.w3);
  }

  /** The network of an address: one object is filled again and again. */
  #networkOf(ip: Ip & { readonly isV4: boolean }): Address {
    const masks = ip.isV4 ? this.#masks4 : this.#masks6;
    const network = this.#network;
    network.w0 = ip.w0 & masks.w0;
    network.w1 = ip.w1 & masks.w1;
    network.w2 = ip.w2 & masks.w2;
    network.w3 = ip.w3 & masks.w3;
    return network;
  }
}

function limitsOf(params: Setup["params"], times: number): Limits[] {
  const bytes = params.rateMin * WINDOW_BYTES * times;
  return leastOf(params).map((least) => {
    const packets = least * (WINDOW / SECOND) * times;
    return {
      suspect: { packets: packets * SUSPECT_PART, bytes: bytes * SUSPECT_PART },
      flood: { packets, bytes },
    };
  });
}

/** Whether an address is a multicast group, or broadcast. */
const isGroup = (ip: Ip & { readonly isV4: boolean }): boolean =>
  ip.isV4 ? (ip.w2 & 0xff) >= 224 : (ip.w0 & 0xff) === 0xff;

const hashOf = (ip: Ip): number => hashWords(ip.w0, ip.w1, ip.w2, ip.w3);

/** IPv4 addresses never have the same. */
const hashWords = (w0: number, w1: number, w2: number, w3: number): number =>
  hashWord(hashWord(0, w0 ^ Math.imul(w1, 0x9e3779b1)), w2 ^ Math.imul(w3, 0x85ebca6b));

/** The mask over an address's words for a prefix; an IPv4 address is its third word, of which the others are the same in all of them. */
function masksOf(bits: number, all: 32 | 128): Address {
  const masks = new Address();
  masks.w0 = masks.w1 = masks.w2 = masks.w3 = -1;
  if (all === 32) masks.w2 = maskOf(bits);
  else
    [masks.w0, masks.w1, masks.w2, masks.w3] = [0, 32, 64, 96].map((before) =>
      maskOf(bits - before),
    ) as [number, number, number, number];
  return masks;
}

/** So many bits in front of a word in network order. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return swap(bits >= 32 ? -1 : -1 << (32 - bits));
}
