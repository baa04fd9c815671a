// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { put } from "../../core/state/distinct-addresses.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Values } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Distinct } from "./distinct.ts";
import { eventId } from "./event-id.ts";
import { type Exchange, METHOD } from "./exchange.ts";
import { type alerts, EVENT, type Flow, type Setup } from "./fields.ts";
import { Suspects } from "./suspects.ts";

type AlertRecord = Values<typeof alerts>;
type Said = Pick<AlertDetail, "rule" | "key" | "reason"> & Partial<AlertDetail>;

/** Who is refused: a client as a user, many clients as one user, a client as many users. All of one server each. */
export class Refusals {
  readonly #context: Setup;
  readonly #pairs: Suspects;
  readonly #users: Suspects;
  readonly #clients: Suspects;
  /** Clients of each user, users of each client, up to the limits. */
  readonly #clientsOf: Distinct;
  readonly #usersOf: Distinct;
  readonly #events: Uint32Array;
  readonly #client = new Int32Array(4);
  readonly #user = new Int32Array(1);

  constructor(context: Setup) {
    const { params, state } = context;
    const { pairsMax: rows, attemptsMin, clientsMin, usersMin } = params;
    this.#context = context;
    this.#pairs = new Suspects(context, {
      name: "pairs",
      key: ["ip", "ip", "number"],
      limit: attemptsMin,
      tell: (row, closedAt) => this.#tellOfPair(row, closedAt),
    });
    this.#users = new Suspects(context, {
      name: "users",
      key: ["ip", "number"],
      limit: clientsMin,
      tell: (row, closedAt) => this.#tellOfUser(row, closedAt),
    });
    this.#clients = new Suspects(context, {
      name: "clients",
      key: ["ip", "ip"],
      limit: usersMin,
      tell: (row, closedAt) => this.#tellOfClient(row, closedAt),
    });
    this.#clientsOf = new Distinct("clientsOf", state, { rows, most: clientsMin, words: 4 });
    this.#usersOf = new Distinct("usersOf", state, { rows, most: usersMin, words: 1 });
    this.#events = state.column("events", "uint32", 1);
  }

  refused(exchange: Exchange, flow: Flow): void {
    const { server, client, hash, time } = exchange;
    const pair = this.#pairs.table.upsertPairNumber(server, client, hash, time);
    const isNewPair = this.#pairs.table.isNew;
    this.#pairs.refused(pair, exchange, flow);
    const user = this.#users.table.upsertIpNumber(server, hash, time);
    if (this.#users.table.isNew) this.#clientsOf.clear(user);
    this.#users.refused(user, exchange, flow);
    const asked = this.#clients.table.upsertPair(server, client, time);
    if (this.#clients.table.isNew) this.#usersOf.clear(asked);
    this.#clients.refused(asked, exchange, flow);
    if (isNewPair) {
      this.#nameIt(exchange);
      this.#clientsOf.add(user, this.#client);
      this.#usersOf.add(asked, this.#user);
      this.#users.judge(user, grown(this.#users, user, this.#clientsOf), flow);
      this.#clients.judge(asked, grown(this.#clients, asked, this.#usersOf), flow);
    }
    // What many clients do to one user is one event.
    if (!this.#users.isOpen(user)) this.#pairs.judge(pair, this.#pairs.attempts[pair]!, flow);
  }

  /** A login that went well: after many refusals it was guessed, else it was but asked for the password before. */
  accepted(exchange: Exchange): void {
    const { server, client, hash, time } = exchange;
    const asked = this.#clients.table.findPair(server, client);
    const user = asked < 0 ? -1 : this.#users.table.findIpNumber(server, hash);
    if (user < 0) return;
    const pairs = this.#pairs.table;
    const pair = pairs.upsertPairNumber(server, client, hash, time);
    const isKnown = !pairs.isNew;
    if (isKnown && (this.#pairs.isOpen(pair) || this.#users.isOpen(user))) {
      if (this.#pairs.breach[pair] === 0 && exchange.method !== METHOD.options)
        this.#breached(pair, user, time);
      return;
    }
    pairs.delete(pair);
    if (!isKnown) return;
    this.#nameIt(exchange);
    letGo(this.#users, user, this.#clientsOf, this.#client);
    letGo(this.#clients, asked, this.#usersOf, this.#user);
  }

  expire(now: number): void {
    for (const suspects of [this.#pairs, this.#users, this.#clients]) suspects.expire(now);
  }

  end(): void {
    for (const suspects of [this.#pairs, this.#users, this.#clients]) suspects.end();
  }

  /** What the exchange's client and user are in the lists. */
  #nameIt({ client, hash }: Exchange): void {
    put(this.#client, 0, client);
    this.#user[0] = hash;
  }

  #breached(pair: number, user: number, time: number): void {
    this.#pairs.breach[pair] = time;
    if (this.#users.isOpen(user)) this.#users.breach[user] = time;
    const { table, attempts, last } = this.#pairs;
    const [server, client] = [table.ip(pair, 0), table.ip(pair, 4)];
    if (time > last[pair]!) last[pair] = time;
    const name = this.#pairs.name(pair);
    const isOne = this.#pairs.isOpen(pair);
    this.#send(
      this.#pairs,
      pair,
      { ...endsOf(server, client), SBFD_EVENT_TYPE: EVENT.guess, SBFD_USER: name },
      {
        rule: "breach",
        key: `breach ${client}>${server}:${name}`,
        reason: `${client} was let in as ${name} by the SIP server ${server} after ${attempts[pair]} ${attempts[pair] === 1 ? "refusal" : "refusals"}${isOne ? "" : ", while others were refused as this user"}`,
        observed: attempts[pair]!,
        threshold: isOne ? this.#context.params.attemptsMin : 1,
        ...(isOne ? {} : { confidence: UNSURE }),
        evidence: (isOne ? this.#pairs : this.#users).evidence(isOne ? pair : user),
        closed: true,
      },
    );
  }

  #tellOfPair(row: number, closedAt?: number): void {
    const { table, counted } = this.#pairs;
    const [server, client] = [table.ip(row, 0), table.ip(row, 4)];
    const name = this.#pairs.name(row);
    const { attemptsMin } = this.#context.params;
    this.#send(
      this.#pairs,
      row,
      { ...endsOf(server, client), SBFD_EVENT_TYPE: EVENT.guess, SBFD_USER: name },
      {
        rule: "guess",
        key: `guess ${client}>${server}:${table.number(row, 8)}`,
        reason: `${client} was refused ${counted[row]} times as ${name} by the SIP server ${server} (limit ${attemptsMin})`,
        threshold: attemptsMin,
        ...closing(closedAt),
      },
    );
  }

  #tellOfUser(row: number, closedAt?: number): void {
    const { table, counted, attempts, breach } = this.#users;
    const server = table.ip(row, 0);
    const name = this.#users.name(row);
    const { clientsMin } = this.#context.params;
    const words = this.#clientsOf.words;
    const first = addressAt(words, this.#clientsOf.first(row));
    this.#send(
      this.#users,
      row,
      {
        ...endsOf(server, first),
        SRC_PORT: 0,
        SBFD_EVENT_TYPE: EVENT.distributed,
        SBFD_AVG_ATTEMPTS: Math.floor(attempts[row]! / counted[row]!),
        SBFD_USER: name,
      },
      {
        rule: "distributed",
        key: `distributed *>${server}:${table.number(row, 4)}`,
        reason: `${counted[row]} clients were refused ${attempts[row]} times as ${name} by the SIP server ${server} (limit ${clientsMin} clients)${breach[row] === 0 ? "" : "; one was let in"}`,
        threshold: clientsMin,
        source: { count: counted[row]! },
        ...closing(closedAt),
      },
    );
  }

  #tellOfClient(row: number, closedAt?: number): void {
    const { table, counted, attempts } = this.#clients;
    const [server, client] = [table.ip(row, 0), table.ip(row, 4)];
    const { usersMin } = this.#context.params;
    this.#send(
      this.#clients,
      row,
      {
        ...endsOf(server, client),
        SBFD_EVENT_TYPE: EVENT.scan,
        SBFD_AVG_ATTEMPTS: Math.floor(attempts[row]! / counted[row]!),
      },
      {
        rule: "scan",
        key: `scan ${client}>${server}`,
        reason: `${client} was refused ${attempts[row]} times as ${counted[row]} users by the SIP server ${server} (limit ${usersMin} users), ${this.#clients.name(row)} first`,
        threshold: usersMin,
        ...closing(closedAt),
      },
    );
  }

  #send(suspects: Suspects, row: number, values: AlertRecord, said: Said): void {
    const { first, last, breach, attempts, counted, clientPort, serverPort } = suspects;
    if (suspects.event[row] === 0) suspects.event[row] = ++this.#events[0]!;
    const server = { ip: String(values.SBFD_TARGET), port: serverPort[row]! };
    this.#context.out.alerts.send(
      {
        SRC_PORT: clientPort[row]!,
        DST_PORT: serverPort[row]!,
        SBFD_LINK_BIT_FIELD: suspects.link[row]!,
        SBFD_PROTOCOL: suspects.protocol[row]!,
        SBFD_EVENT_TIME: first[row]!,
        SBFD_CEASE_TIME: last[row]!,
        SBFD_BREACH_TIME: breach[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        SBFD_EVENT_ID: eventId(Math.floor(first[row]! / SECOND), suspects.event[row]!),
        SBFD_ATTEMPTS: attempts[row]!,
        SBFD_AVG_ATTEMPTS: attempts[row]!,
        ...values,
      },
      {
        observed: counted[row]!,
        source: { ip: String(values.SBFD_SOURCE), port: clientPort[row]! },
        target: server,
        evidence: suspects.evidence(row),
        ...said,
      },
    );
  }
}

/** Of a user whom many try, one client is the right one. */
const UNSURE = 0.4;

const endsOf = (server: Address, client: Address) => ({
  SBFD_TARGET: server,
  SBFD_SOURCE: client,
});

const closing = (time?: number) => (time === undefined ? {} : { closed: true, time });

/** What there is now of a row that a new pair has come to: exact up to the limit, beyond it each pair counts. */
const grown = (suspects: Suspects, row: number, list: Distinct): number =>
  suspects.isOpen(row) ? suspects.counted[row]! + 1 : list.count(row);

/** Nothing is held against who logged in, nor against the row when nothing else is. */
function letGo(suspects: Suspects, row: number, list: Distinct, key: Int32Array): void {
  if (suspects.isOpen(row)) return;
  list.remove(row, key);
  if (list.count(row) === 0) suspects.table.delete(row);
}

function addressAt(words: Int32Array, at: number): Address {
  const address = new Address();
  address.w0 = words[at]!;
  address.w1 = words[at + 1]!;
  address.w2 = words[at + 2]!;
  address.w3 = words[at + 3]!;
  return address;
}
