// SPDX-License-Identifier: BSD-3-Clause
import { type Actor, DONE } from "../calendar.ts";
import { Ping, UdpExchange } from "../datagrams.ts";
import type { Message } from "../dns-message.ts";
import type { Host, IpVersion } from "../host.ts";
import type { Route } from "../path.ts";
import { Arrivals, type Stage } from "../stage.ts";
import { type Dialogue, type Outcome, TcpSession } from "../tcp-session.ts";
import type { Network } from "./network.ts";

const SECOND = 1_000_000;
/** Share of what is said over IPv6 where both ends have it. */
const V6_CHANCE = 0.22;

/** A TCP session to begin; without a dialogue one of an {@link Outcome} other than open. */
export interface Call {
  readonly client: Host;
  readonly server: Host;
  readonly port: number;
  readonly dialogue?: Dialogue;
  readonly outcome?: Outcome;
  readonly retries?: number;
  readonly version?: IpVersion;
}

/** A question over UDP, from an ephemeral port unless told. */
export interface Ask {
  readonly client: Host;
  readonly server: Host;
  readonly sourcePort?: number;
  readonly port: number;
  readonly request: Message;
  readonly response?: Message;
  readonly version?: IpVersion;
}

/** One datagram of a longer exchange, and the microseconds before it. */
export interface Datagram {
  readonly fromClient: boolean;
  readonly message: Message;
  readonly wait: number;
}

/** What kinds of conversation are begun with. Each enters its actors into the calendar once. */
export class Scene {
  readonly stage: Stage;
  readonly network: Network;
  /** Time of the first frame at the earliest, microseconds since 1970. */
  readonly start: number;
  readonly #scale: number;

  constructor(stage: Stage, network: Network, { start, scale }: { start: number; scale: number }) {
    this.stage = stage;
    this.network = network;
    this.start = start;
    this.#scale = scale;
  }

  pick<T>(items: readonly T[]): T {
    return this.stage.random.pick(items);
  }

  chance(probability: number): boolean {
    return this.stage.random.chance(probability);
  }

  /** A number of microseconds between two numbers of milliseconds. */
  milliseconds(least: number, most: number): number {
    return this.stage.random.between(least * 1000, most * 1000);
  }

  /** Begin it at random times, so many seconds apart on average. */
  often(seconds: number, begin: (now: number) => void): void {
    const mean = (seconds * SECOND) / this.#scale;
    this.stage.calendar.enter(this.start, new Arrivals(this.stage, mean, begin));
  }

  /** Begin it every so many seconds, from some time of the first round on; `jitter` is the share by which rounds differ. */
  every(seconds: number, begin: (now: number) => void, jitter = 0.002): void {
    const { random, calendar } = this.stage;
    const round = Math.round(seconds * SECOND);
    const act = (now: number): number => {
      begin(now);
      return now + round + Math.round((random.unit() - 0.5) * 2 * jitter * round);
    };
    calendar.enter(this.start + random.below(round), { act });
  }

  /** Do it once, at a time. */
  at(time: number, begin: (now: number) => void): void {
    const act = (now: number): number => {
      begin(now);
      return DONE;
    };
    this.stage.calendar.enter(time, { act });
  }

  tcp(time: number, call: Call): void {
    const { client, server, port, outcome = "open", version, ...rest } = call;
    const session = new TcpSession(this.stage, {
      ...rest,
      route: this.#route(client, server, version),
      sourcePort: client.nextPort(),
      targetPort: port,
      outcome,
      sequence: this.stage.random.word(),
    });
    this.stage.calendar.enter(time, session);
  }

  udp(time: number, ask: Ask): void {
    const { client, server, sourcePort = client.nextPort(), port, version, ...rest } = ask;
    const route = this.#route(client, server, version);
    const exchange = new UdpExchange(this.stage, { ...rest, route, sourcePort, targetPort: port });
    this.stage.calendar.enter(time, exchange);
  }

  /** More than a question and an answer over UDP. */
  talk(time: number, ask: Omit<Ask, "request" | "response">, datagrams: readonly Datagram[]): void {
    const { client, server, sourcePort = client.nextPort(), port, version } = ask;
    const route = this.#route(client, server, version);
    const ports = [sourcePort, port] as const;
    this.stage.calendar.enter(time, new UdpTalk(this.stage, route, ports, datagrams));
  }

  /** One echo request, and its reply. */
  ping(time: number, client: Host, server: Host, id: number): void {
    const ping = new Ping(this.stage, this.#route(client, server, 4), { id, count: 1 });
    this.stage.calendar.enter(time, ping);
  }

  #route(client: Host, server: Host, version?: IpVersion): Route {
    const { office } = this.network;
    return office.route(client, server, version ?? (this.chance(V6_CHANCE) ? 6 : 4));
  }
}

/** Datagrams of both sides, one after the other. */
class UdpTalk implements Actor {
  readonly #stage: Stage;
  readonly #route: Route;
  readonly #ports: readonly [number, number];
  readonly #datagrams: readonly Datagram[];
  #index = 0;

  constructor(
    stage: Stage,
    route: Route,
    ports: readonly [number, number],
    datagrams: readonly Datagram[],
  ) {
    this.#stage = stage;
    this.#route = route;
    this.#ports = ports;
    this.#datagrams = datagrams;
  }

  act(now: number): number {
    const { writer } = this.#stage;
    const { fromClient, message } = this.#datagrams[this.#index++]!;
    const path = fromClient ? this.#route.forth : this.#route.back;
    const [client, server] = this.#ports;
    const at = fromClient
      ? writer.openUdp(path, client, server)
      : writer.openUdp(path, server, client);
    writer.closeUdp(now, path, message(writer.bytes, at));
    const next = this.#datagrams[this.#index];
    return next === undefined ? DONE : now + next.wait;
  }
}
