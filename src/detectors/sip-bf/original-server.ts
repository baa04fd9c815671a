// SPDX-License-Identifier: BSD-3-Clause
import { type Address, swap } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Setup } from "./fields.ts";
import {
  type Attempts,
  Client,
  distributedOf,
  type Finding,
  type Group,
  groupAt,
  guessOf,
  scanOf,
  User,
} from "./original-suspects.ts";

/** A response, as the original takes it; times in whole seconds. */
export interface Response {
  readonly server: Address;
  readonly client: Address;
  readonly serverPort: number;
  readonly clientPort: number;
  readonly link: number;
  readonly protocol: number;
  readonly time: number;
  readonly isOk: boolean;
  readonly user: string;
  readonly domain: string;
}

type Limits = Setup["params"];

type Report = (finding: Finding) => void;

/** Take one out as the original does: the last one takes its place. */
function takeOut(all: Attempts[], one: Attempts): void {
  const at = all.indexOf(one);
  if (at < 0) return;
  const last = all.pop()!;
  if (at < all.length) all[at] = last;
}

/** A server with those who were refused there. */
export class Server {
  readonly address: Address;
  readonly port: number;
  readonly #domain: string;
  readonly #limits: Limits;
  readonly #users = new Map<string, User>();
  readonly #clients = new Map<string, Client>();

  constructor({ server, serverPort, domain }: Response, limits: Limits) {
    this.address = server;
    this.port = serverPort;
    this.#domain = domain;
    this.#limits = limits;
  }

  /** Users and clients that are kept. */
  get size(): number {
    return this.#users.size + this.#clients.size;
  }

  take(response: Response): void {
    const name = String(response.client);
    const known = this.#users.get(response.user);
    const knownClient = this.#clients.get(name);
    const { scan } = knownClient ?? {};
    const distributed = known?.distributed;
    if (knownClient && scan)
      updateScan(scan, response, attemptsOf(known, knownClient), this.#limits);
    if (distributed)
      updateDistributed(distributed, response, attemptsOf(known, knownClient), this.#limits);
    if (scan || distributed) return;
    const client = knownClient ?? new Client(response.client, response.clientPort);
    const user = known ?? new User(response.user);
    this.#clients.set(name, client);
    this.#users.set(user.name, user);
    this.#plain(response, user, client);
  }

  #plain({ isOk, time, link, protocol }: Response, user: User, client: Client): void {
    const { clientsMin, usersMin } = this.#limits;
    const known = attemptsOf(user, client);
    if (isOk) {
      if (known) this.#login(known, time);
      return;
    }
    if (known) {
      known.last = time;
      known.count++;
      return;
    }
    const fresh = { client, user, first: time, last: time, link, protocol, breach: 0, logins: 0 };
    const attempts: Attempts = { ...fresh, count: 1 };
    user.all.push(attempts);
    client.all.push(attempts);
    if (client.all.length === usersMin) client.scan = groupAt(time);
    if (user.all.length === clientsMin) user.distributed = groupAt(time);
  }

  #login(attempts: Attempts, time: number): void {
    const { attemptsMin, loginsMax } = this.#limits;
    if (attempts.breach !== 0) {
      attempts.last = time;
      if (++attempts.logins > loginsMax) forget(attempts);
    } else if (attempts.count >= attemptsMin) {
      attempts.breach = attempts.last = time;
      attempts.logins++;
      attempts.count++;
    } else forget(attempts);
  }

  /** Report what has ended by then, and forget it. */
  sweep(now: number, report: Report): void {
    for (const client of byAddress(this.#clients)) {
      const { scan } = client;
      if (!scan || scan.isOver || !this.#isIdle(scan.last, now)) continue;
      report(scanOf(client, scan));
      scan.isOver = true;
    }
    for (const user of byName(this.#users)) {
      this.#sweepUser(user, now, report);
      if (user.all.length === 0) this.#users.delete(user.name);
    }
    for (const [name, { all }] of this.#clients) if (all.length === 0) this.#clients.delete(name);
  }

  #sweepUser(user: User, now: number, report: Report): void {
    const { distributed } = user;
    if (!distributed) {
      for (const attempts of [...user.all]) this.#sweepAttempts(attempts, now, report);
      return;
    }
    if (!distributed.isOver && this.#isIdle(distributed.last, now)) {
      report(distributedOf(user, distributed, this.#domain));
      distributed.isOver = true;
    }
    if (!distributed.isOver) return;
    const gone = user.all.filter(({ client: { scan } }) => !scan || scan.isOver);
    for (const attempts of gone) forget(attempts);
    if (gone.length > 0) user.distributed = undefined;
  }

  #sweepAttempts(attempts: Attempts, now: number, report: Report): void {
    const { attemptsMin, loginsMax } = this.#limits;
    const { scan } = attempts.client;
    if (scan) {
      if (scan.isOver) forget(attempts);
    } else if (attempts.logins > loginsMax) forget(attempts);
    else if (this.#isIdle(attempts.last, now)) {
      if (attempts.count >= attemptsMin) report(guessOf(attempts, this.#domain));
      forget(attempts);
    }
  }

  #isIdle(last: number, now: number): boolean {
    return now - last > this.#limits.idleTimeout;
  }

  /** Report all there is: the stream ends. */
  end(report: Report): void {
    const { attemptsMin, loginsMax } = this.#limits;
    for (const client of byAddress(this.#clients))
      if (client.scan && !client.scan.isOver) report(scanOf(client, client.scan));
    for (const user of byName(this.#users)) {
      const { distributed } = user;
      if (distributed && !distributed.isOver)
        report(distributedOf(user, distributed, this.#domain));
      if (distributed) continue;
      for (const attempts of user.all)
        if (attempts.count >= attemptsMin && !attempts.client.scan && attempts.logins <= loginsMax)
          report(guessOf(attempts, this.#domain));
    }
  }
}

/** Addresses in the order of their bytes. */
export const order = (a: Ip, b: Ip): number =>
  unsigned(a.w0) - unsigned(b.w0) ||
  unsigned(a.w1) - unsigned(b.w1) ||
  unsigned(a.w2) - unsigned(b.w2) ||
  unsigned(a.w3) - unsigned(b.w3);
const unsigned = (word: number): number => swap(word) >>> 0;

const byAddress = (clients: ReadonlyMap<string, Client>): Client[] =>
  [...clients.values()].sort((a, b) => order(a.address, b.address));
const byName = (users: ReadonlyMap<string, User>): User[] =>
  [...users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));

const attemptsOf = (user: User | undefined, client: Client | undefined): Attempts | undefined =>
  user?.all.find((attempts) => attempts.client === client);

function forget(attempts: Attempts): void {
  takeOut(attempts.user.all, attempts);
  takeOut(attempts.client.all, attempts);
}

function updateScan(
  scan: Group,
  { isOk, time }: Response,
  attempts: Attempts | undefined,
  { loginsMax }: Limits,
): void {
  if (scan.isOver) return;
  if (isOk && ++scan.logins > loginsMax) scan.isOver = true;
  if (isOk && attempts && attempts.breach === 0) attempts.breach = time;
  count(scan, attempts, time);
}

function updateDistributed(
  group: Group,
  { isOk, time, client }: Response,
  attempts: Attempts | undefined,
  { loginsMax }: Limits,
): void {
  if (group.isOver) return;
  if (isOk) {
    group.breach = time;
    group.logins++;
    if (!group.breacher) group.breacher = client;
    else if (group.logins > loginsMax) group.isOver = true;
  }
  count(group, attempts, time);
}

function count(group: Group, attempts: Attempts | undefined, time: number): void {
  if (attempts) {
    attempts.last = time;
    attempts.count++;
  } else group.others++;
  group.last = time;
}
