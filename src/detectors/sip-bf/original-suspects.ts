// SPDX-License-Identifier: BSD-3-Clause
/** What the original keeps of users and clients, and what it says of them. @module */
import type { Address } from "../../core/unirec/ip.ts";
import { EVENT } from "./fields.ts";

/** Attempts of one client at one user. */
export interface Attempts {
  readonly client: Client;
  readonly user: User;
  readonly first: number;
  readonly link: number;
  readonly protocol: number;
  last: number;
  breach: number;
  logins: number;
  count: number;
}

/** Many clients at one user, or many users of one client. */
export interface Group {
  last: number;
  others: number;
  logins: number;
  breach: number;
  breacher: Address | undefined;
  /** It was told of, or is none. */
  isOver: boolean;
}

export const groupAt = (last: number): Group => ({
  last,
  others: 0,
  logins: 0,
  breach: 0,
  breacher: undefined,
  isOver: false,
});

/** A user of the server. */
export class User {
  readonly name: string;
  readonly all: Attempts[] = [];
  distributed: Group | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

/** Who asks the server. */
export class Client {
  readonly address: Address;
  readonly port: number;
  readonly all: Attempts[] = [];
  scan: Group | undefined;

  constructor(address: Address, port: number) {
    this.address = address;
    this.port = port;
  }
}

/** What an alert says; the server adds itself. */
export interface Finding {
  readonly type: number;
  readonly source: Address;
  readonly clientPort: number;
  readonly link: number;
  readonly protocol: number;
  readonly first: number;
  readonly last: number;
  readonly breach: number;
  readonly attempts: number;
  readonly average: number;
  readonly user: string;
}
export function guessOf(attempts: Attempts, domain: string): Finding {
  const { client, user, link, protocol, first, last, breach, count: all } = attempts;
  return {
    type: EVENT.guess,
    source: client.address,
    clientPort: client.port,
    ...{ link, protocol, first, last, breach },
    attempts: all,
    average: all,
    user: `${user.name}@${domain}`,
  };
}

export function scanOf({ address, port, all }: Client, scan: Group): Finding {
  return {
    ...groupOf(all, scan),
    type: EVENT.scan,
    source: address,
    clientPort: port,
    breach: 0,
    user: "",
  };
}

export function distributedOf({ name, all }: User, group: Group, domain: string): Finding {
  return {
    ...groupOf(all, group),
    type: EVENT.distributed,
    source: group.breacher ?? all[0]!.client.address,
    clientPort: 0,
    breach: group.breach,
    user: `${name}@${domain}`,
  };
}

function groupOf(all: readonly Attempts[], { last, others }: Group) {
  const { link, protocol } = all[0]!;
  const sum = all.reduce((total, attempts) => total + attempts.count, 0);
  return {
    link,
    protocol,
    first: Math.min(...all.map(({ first }) => first)),
    last,
    attempts: sum + others,
    average: Math.floor(sum / all.length),
  };
}
