// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { Counters, WINDOW } from "./counters.ts";
import { type Amount, Floods } from "./floods.ts";
import { kindOf, leastOf, NONE } from "./kinds.ts";
import type { Flow, Setup } from "./params.ts";

/** What part of a flood makes a suspect, who is looked at by itself. */
const SUSPECT_PART = 0.25;

/** Counts packets to each host, by kind, and looks at who receives many. */
export class Detector {
  readonly #count: Setup["count"];
  /** Packets of a window that make a suspect, by kind. */
  readonly #suspectAt: readonly number[];
  readonly #counters: Counters;
  readonly #floods: Floods;
  /** What the flow at hand adds to its window; one object is filled again and again. */
  readonly #amount: Amount = { first: 0, last: 0, window: 0, packets: 0, source: 0 };

  constructor(context: Setup) {
    const { params, state, count } = context;
    const limits = leastOf(params).map((least) => least * (WINDOW / SECOND));
    this.#count = count;
    this.#suspectAt = limits.map((limit) => limit * SUSPECT_PART);
    this.#counters = new Counters(params.countersMax, state);
    this.#floods = new Floods(context, limits);
  }

  flows(flow: Flow): void {
    while (flow.next()) {
      const kind = kindOf(flow);
      if (kind !== NONE && !isGroup(flow.DST_IP)) this.#receive(flow, kind);
    }
  }

  advance(now: number): void {
    this.#floods.advance(now);
  }

  end(): void {
    this.#floods.end();
  }

  #receive(flow: Flow, kind: number): void {
    const { PACKETS, TIME_LAST } = flow;
    // Of one packet it is the same, and reading a time is not for nothing.
    const first = PACKETS === 1 ? TIME_LAST : flow.TIME_FIRST;
    const duration = TIME_LAST - first;
    if (duration < 0) {
      this.#count("flows_ended_before_begun");
      return;
    }
    // Of a longer flow that part counts which came in the time of a window.
    const packets = duration > WINDOW ? (PACKETS * WINDOW) / duration : PACKETS;
    const window = Math.floor(TIME_LAST / WINDOW);
    const hash = hashWord(hashOf(flow.DST_IP), kind);
    if (!this.#counters.add(hash, window, packets, this.#suspectAt[kind]!)) return;
    const amount = this.#amount;
    amount.first = first;
    amount.last = TIME_LAST;
    amount.window = window;
    amount.packets = packets;
    amount.source = hashOf(flow.SRC_IP);
    this.#floods.add(flow, kind, amount);
  }
}

/** Whether an address is a multicast group, or broadcast. */
const isGroup = (ip: Ip & { readonly isV4: boolean }): boolean =>
  ip.isV4 ? (ip.w2 & 0xff) >= 224 : (ip.w0 & 0xff) === 0xff;

/** IPv4 addresses never have the same. */
const hashOf = (ip: Ip): number =>
  hashWord(hashWord(0, ip.w0 ^ Math.imul(ip.w1, 0x9e3779b1)), ip.w2 ^ Math.imul(ip.w3, 0x85ebca6b));
