// SPDX-License-Identifier: BSD-3-Clause
import { type Actor, DONE } from "./calendar.ts";
import type { Message } from "./dns-message.ts";
import type { Route } from "./path.ts";
import type { Stage } from "./stage.ts";

export interface UdpFields {
  readonly route: Route;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly request: Message;
  /** Without one the request stays unanswered. */
  readonly response?: Message;
}

/** A request over UDP and its answer. */
export class UdpExchange implements Actor {
  readonly #stage: Stage;
  readonly #fields: UdpFields;
  #asked = false;

  constructor(stage: Stage, fields: UdpFields) {
    this.#stage = stage;
    this.#fields = fields;
  }

  act(now: number): number {
    const { writer } = this.#stage;
    const { route, sourcePort, targetPort, request, response } = this.#fields;
    if (this.#asked) {
      const at = writer.openUdp(route.back, targetPort, sourcePort);
      writer.closeUdp(now, route.back, response!(writer.bytes, at));
      return DONE;
    }
    this.#asked = true;
    const at = writer.openUdp(route.forth, sourcePort, targetPort);
    writer.closeUdp(now, route.forth, request(writer.bytes, at));
    return response === undefined ? DONE : now + 2 * route.back.source.delay + 150;
  }
}

const ECHO_SIZE = 56;
const ECHO_MICROS = 1_000_000;

/** `ping -c count`: an echo request a second, and the replies. */
export class Ping implements Actor {
  readonly #stage: Stage;
  readonly #route: Route;
  readonly #id: number;
  readonly #count: number;
  #sequence = 1;
  #reply = false;

  constructor(stage: Stage, route: Route, { id, count }: { id: number; count: number }) {
    this.#stage = stage;
    this.#route = route;
    this.#id = id;
    this.#count = count;
  }

  act(now: number): number {
    const { forth, back } = this.#route;
    const reply = this.#reply;
    const echo = { reply, id: this.#id, sequence: this.#sequence, size: ECHO_SIZE };
    const delay = 2 * forth.target.delay;
    this.#stage.writer.echo(now, reply ? back : forth, echo);
    this.#reply = !reply;
    if (!reply) return now + delay;
    return this.#sequence++ === this.#count ? DONE : now + ECHO_MICROS - delay;
  }
}

/** A host asks for the address of another one of its segment, and is answered (RFC 826). */
export class ArpExchange implements Actor {
  readonly #stage: Stage;
  readonly #route: Route;
  #asked = false;

  constructor(stage: Stage, route: Route) {
    this.#stage = stage;
    this.#route = route;
  }

  act(now: number): number {
    const reply = this.#asked;
    this.#asked = true;
    this.#stage.writer.arp(now, reply ? this.#route.back : this.#route.forth, reply);
    return reply ? DONE : now + 2 * this.#route.forth.target.delay;
  }
}
