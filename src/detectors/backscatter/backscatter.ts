// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Memory } from "./memory.ts";
import { Networks } from "./networks.ts";
import type { Setup } from "./params.ts";
import { ERROR, type Flow, flows, NONE, responseOf, UDP } from "./responses.ts";
import { Victims } from "./victims.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Blocks of 512 bits of the memories of pairs and of senders: 4 MB and 0.5 MB a period. */
const PAIR_BLOCKS = 1 << 16;
const SENDER_BLOCKS = 1 << 13;
/** Responses that wait at once. */
const WAITING_MAX = 32_768;

/** Tells unasked responses from others. */
export class Backscatter {
  readonly #own: Networks;
  readonly #patience: number;
  readonly #count: Setup["count"];
  readonly #pairs: Memory;
  readonly #senders: Memory;
  readonly #waiting: WaitingRoom<typeof flows>;
  readonly #victims: Victims;

  constructor(context: Setup) {
    const { params, state, count } = context;
    const period = params.memory * SECOND;
    this.#own = new Networks(params.ownNetworks);
    this.#patience = params.patience * SECOND;
    this.#count = count;
    this.#pairs = new Memory("pairs", { blocks: PAIR_BLOCKS, period }, state);
    this.#senders = new Memory("senders", { blocks: SENDER_BLOCKS, period }, state);
    this.#waiting = new WaitingRoom("waiting", WAITING_MAX, flows, state);
    this.#victims = new Victims(context);
  }

  flows(flow: Flow): void {
    while (flow.next()) {
      const time = flow.TIME_LAST;
      this.#pairs.turn(time);
      this.#senders.turn(time);
      this.#decide(time);
      const response = responseOf(flow);
      if (response === NONE) this.#remember(flow);
      else if (this.#concerns(flow)) this.#wait(flow, time);
    }
  }

  /** Event time is `now`. */
  advance(now: number): void {
    this.#decide(now);
    // Those that wait are of a time that has not come for their victims yet.
    this.#victims.expire(now - this.#patience);
  }

  end(): void {
    this.#decide(Number.POSITIVE_INFINITY);
    this.#victims.end();
  }

  #remember(flow: Flow): void {
    const source = hashOf(flow.SRC_IP);
    this.#senders.add(source);
    // No datagram asks for what is decided on by pairs.
    if (flow.PROTOCOL !== UDP) this.#pairs.add(pairHash(source, hashOf(flow.DST_IP)));
  }

  /** Whether it goes from others to one's own. */
  #concerns(flow: Flow): boolean {
    return this.#own.isEmpty || (this.#own.has(flow.DST_IP) && !this.#own.has(flow.SRC_IP));
  }

  #wait(flow: Flow, time: number): void {
    if (this.#waiting.isFull) {
      this.#count("waiting_full");
      this.#decideFirst();
    }
    this.#waiting.enter(flow as unknown as AnyReader, time + this.#patience);
  }

  /** Decide on what has waited until `time`. */
  #decide(time: number): void {
    while (!this.#waiting.isEmpty && this.#waiting.until <= time) this.#decideFirst();
  }

  #decideFirst(): void {
    const flow = this.#waiting.leave();
    const receiver = hashOf(flow.DST_IP);
    const response = responseOf(flow);
    const isAsked =
      response === ERROR
        ? this.#senders.has(receiver)
        : this.#pairs.has(pairHash(receiver, hashOf(flow.SRC_IP)));
    if (!isAsked) this.#victims.answered(flow, response, receiver);
  }
}

/** IPv4 addresses never have the same; those of IPv6 that are made to have are remembered together. */
const hashOf = (ip: Ip): number =>
  hashWord(hashWord(0, ip.w0 ^ Math.imul(ip.w1, 0x9e3779b1)), ip.w2 ^ Math.imul(ip.w3, 0x85ebca6b));

/** The same in both directions. */
const pairHash = (a: number, b: number): number => hashWord(a ^ b, Math.imul(a, b));
