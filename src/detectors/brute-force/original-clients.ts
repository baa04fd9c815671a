// SPDX-License-Identifier: BSD-3-Clause
import type { Address } from "../../core/unirec/ip.ts";
import type { Setup } from "./fields.ts";
import { type Side, TALKED_CLOSED } from "./services.ts";

const TELNET_PACKETS_MIN = 6;
const PROFILE_FLOWS = 15;
const PROFILE_EVERY = 10;

interface Connection {
  readonly victim: Address;
  readonly time: number;
  readonly matched: boolean;
}

/** One direction of a client's connections. */
class ConnectionList {
  readonly #all: Connection[] = [];
  matched = 0;
  matchedSince = 0;
  totalSince = 0;

  get size(): number {
    return this.#all.length;
  }

  add(connection: Connection, isReported: boolean, sizeMax: number): void {
    this.#all.push(connection);
    const count = connection.matched ? 1 : 0;
    this.matched += count;
    if (this.#all.length > sizeMax) this.#shift();
    if (!isReported) return;
    this.totalSince++;
    this.matchedSince += count;
  }

  #shift(): void {
    if (this.#all.shift()!.matched) this.matched--;
  }

  /** Drop what is not later than that, from the front. */
  expire(time: number): void {
    while (this.#all.length > 0 && this.#all[0]!.time <= time) this.#shift();
  }

  reported(): void {
    this.matchedSince = this.totalSince = 0;
  }

  clear(): void {
    this.#all.length = 0;
    this.matched = 0;
    this.reported();
  }

  /** Percent of what came since the last report. */
  get share(): number {
    return this.totalSince === 0 ? 0 : (this.matchedSince / this.totalSince) * 100;
  }

  get victims(): string {
    const names = this.#all.filter(({ matched }) => matched).map(({ victim }) => String(victim));
    return [...new Set(names)]
      .sort()
      .map((name) => `${name},`)
      .join("");
  }
}

/** What the original keeps of a client of one service. */
export class Client {
  readonly address: Address;
  readonly incoming = new ConnectionList();
  readonly outgoing = new ConnectionList();
  /** Time of the last report; 0 when there was none. */
  reportedAt = 0;
  last = 0;

  constructor(address: Address) {
    this.address = address;
  }

  get matchedSince(): number {
    return Math.max(this.incoming.matchedSince, this.outgoing.matchedSince);
  }

  reported(time: number): void {
    this.reportedAt = time;
    this.incoming.reported();
    this.outgoing.reported();
  }

  expire(time: number): void {
    this.incoming.expire(time);
    this.outgoing.expire(time);
  }

  ended(): void {
    this.incoming.clear();
    this.outgoing.clear();
    this.reportedAt = 0;
  }
}

/** What a TELNET server usually answers; the counter is that of all servers together. */
export class Profiles {
  readonly #servers = new Map<string, { flows: Side[]; packetsMax: number; bytesMax: number }>();
  readonly #serversMax: number;
  readonly #count: Setup["count"];
  #fed = 0;

  constructor(serversMax: number, count: Setup["count"]) {
    this.#serversMax = serversMax;
    this.#count = count;
  }

  matches(server: string, side: Side): boolean {
    if ((side.flags & TALKED_CLOSED) !== TALKED_CLOSED || side.packets < TELNET_PACKETS_MIN)
      return false;
    let profile = this.#servers.get(server);
    if (!profile) {
      if (this.#servers.size >= this.#serversMax) {
        this.#servers.delete(this.#servers.keys().next().value!);
        this.#count("servers_evicted");
      }
      profile = { flows: [], packetsMax: -1, bytesMax: -1 };
      this.#servers.set(server, profile);
    }
    this.#fed = (this.#fed + 1) & 0xffff;
    profile.flows.push(side);
    if (profile.flows.length > PROFILE_FLOWS) profile.flows.shift();
    const isFirst = profile.packetsMax < 0;
    if (isFirst ? profile.flows.length === PROFILE_FLOWS : this.#fed === PROFILE_EVERY) {
      profile.packetsMax = middle(profile.flows.map(({ packets }) => packets)) + 5;
      profile.bytesMax = middle(profile.flows.map(({ bytes }) => bytes)) + 500;
      if (!isFirst) this.#fed = 0;
    }
    return side.packets <= profile.packetsMax && side.bytes <= profile.bytesMax;
  }
}

const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >>> 1]!;
