// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Behaviour, behaves, behaviourOf, LIMITS } from "./behaviour.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { Pairs } from "./pairs.ts";
import { Prober } from "./prober.ts";
import { SAID_MAX, SIGN } from "./signs.ts";

/** The rule of each {@link SIGN}. */
const RULES = ["behaviour", "behaviour", "node", "name", "pool", "probed", "stratum"] as const;

/** Pairs whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;

function columnsOf(state: Setup["state"], rows: number) {
  const counter = (name: string) => state.column(name, "uint32", rows);
  const number = (name: string) => state.column(name, "float64", rows);
  return {
    /** A {@link SIGN}. */
    sign: state.column("sign", "uint8", rows),
    /** Known to be something else, so that its behaviour says nothing. */
    explained: state.column("explained", "uint8", rows),
    flows: counter("flows"),
    /** Flows that are a piece of a connection, without beginning and end. */
    pieces: counter("pieces"),
    /** Flows in the last alert, 0 before it. */
    announced: counter("announced"),
    packetsUp: number("packetsUp"),
    bytesUp: number("bytesUp"),
    packetsDown: number("packetsDown"),
    first: number("first"),
    last: number("last"),
    evidenceOf: state.column("evidenceOf", "int32", rows),
    /** The beginning of what gave it away: text that ends at 0. */
    said: state.column("said", "uint8", rows * SAID_MAX),
  };
}
export type PoolColumns = ReturnType<typeof columnsOf>;

/** Clients and the servers that may be their pools. */
export class Pools {
  readonly columns: PoolColumns;
  readonly pairs: Pairs;
  readonly #context: Setup;
  readonly #evidence;
  readonly #prober: Prober | undefined;
  /** Rows with a sign, by the server's port: the flows of others on ignored ports are none of ours. */
  readonly followed: Uint32Array;

  constructor(context: Setup) {
    const { params, state } = context;
    const idle = params.idleTimeout * SECOND;
    this.#context = context;
    this.columns = columnsOf(state, params.pairsMax);
    this.followed = state.column("followed", "uint32", 65_536);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.pairs = new Pairs(state, {
      rows: params.pairsMax,
      idle,
      onLeave: (row) => {
        if (this.columns.sign[row] === SIGN.none) return;
        this.followed[this.pairs.port(row)]!--;
        this.#announce(row, { closed: true, time: this.pairs.touched(row) + idle });
      },
    });
    if (params.probe) this.#prober = new Prober(context, this.#answered);
  }

  /** The row of a client and a server, for a flow of theirs. */
  row(client: Ip, server: Ip, port: number, flow: Flow): number {
    const { first, last } = this.columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.pairs.upsert(client, server, port, TIME_LAST);
    if (this.pairs.isNew) this.#clear(row, TIME_FIRST, TIME_LAST);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    return row;
  }

  #clear(row: number, first: number, last: number): void {
    const { columns } = this;
    columns.sign[row] = columns.explained[row] = 0;
    columns.flows[row] = columns.pieces[row] = columns.announced[row] = 0;
    columns.packetsUp[row] = columns.bytesUp[row] = columns.packetsDown[row] = 0;
    columns.first[row] = first;
    columns.last[row] = last;
    columns.said[row * SAID_MAX] = 0;
  }

  /** A flow of a row showed something. */
  show(row: number, sign: number, flow: Flow): void {
    const isNews = sign > this.columns.sign[row]!;
    if (isNews) this.#raise(row, sign);
    this.#evidence.keep(this.columns.evidenceOf[row]!, row, flow as never);
    if (isNews) this.#announce(row);
    else this.#repeat(row);
  }

  /** A flow of a row showed nothing, but goes on. */
  judge(row: number, flow: Flow): void {
    const { sign, explained, evidenceOf } = this.columns;
    if (sign[row]! > SIGN.behaviour) {
      this.#repeat(row);
      return;
    }
    if (explained[row] !== 0) return;
    const isKnown = sign[row] === SIGN.behaviour;
    if (!isKnown) {
      if (!behaves(this.columns, row, this.#context.params.durationMin)) return;
      this.#raise(row, SIGN.behaviour);
    }
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    if (isKnown && !this.#isDue(row)) return;
    this.#announce(row);
    this.#prober?.want(this.pairs.server(row), this.pairs.port(row), flow.TIME_LAST);
  }

  #raise(row: number, sign: number): void {
    const { columns } = this;
    if (columns.sign[row] === SIGN.none) {
      this.followed[this.pairs.port(row)]!++;
      columns.evidenceOf[row] = this.#evidence.take(row);
    }
    columns.sign[row] = sign;
  }

  #isDue(row: number): boolean {
    return this.columns.flows[row]! >= this.columns.announced[row]! * 2;
  }

  #repeat(row: number): void {
    if (this.#isDue(row)) this.#announce(row);
  }

  /** A server has answered, or not, what a pool answers: so much for all of its clients that only behaved so. */
  readonly #answered = (server: Ip, port: number, isPool: boolean): void => {
    const name = String(server);
    const { sign, explained } = this.columns;
    this.pairs.forEach((row) => {
      if (sign[row] !== SIGN.behaviour || this.pairs.port(row) !== port) return;
      if (String(this.pairs.server(row)) !== name) return;
      if (isPool) {
        this.#raise(row, SIGN.probed);
        this.#announce(row);
        return;
      }
      this.#announce(row, { closed: true }, "; asked, the server did not answer as a pool");
      this.followed[port]!--;
      sign[row] = SIGN.none;
      explained[row] = 1;
    });
  };

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}, remark = ""): void {
    const { columns, pairs } = this;
    const sign = columns.sign[row]!;
    const [client, server, port] = [
      String(pairs.client(row)),
      String(pairs.server(row)),
      pairs.port(row),
    ];
    const { durationMin } = this.#context.params;
    const behaviour = behaviourOf(columns, row);
    const isShape = sign === SIGN.behaviour;
    const packets = columns.packetsUp[row]! + columns.packetsDown[row]!;
    columns.announced[row] = columns.flows[row]!;
    this.#context.out.alerts.send(
      {
        SRC_IP: pairs.client(row),
        DST_IP: pairs.server(row),
        DST_PORT: port,
        EVENT_SCALE: Math.min(packets, 0xffff_ffff),
        TIME_FIRST: columns.first[row]!,
        TIME_LAST: columns.last[row]!,
      },
      {
        rule: RULES[sign]!,
        key: `${client}>${server}:${port}`,
        reason: `${reasonOf(sign, { client, server: serverText(server, port), said: this.#said(row), behaviour, durationMin })}${remark}`,
        observed: isShape ? behaviour.seconds : columns.flows[row]!,
        threshold: isShape ? durationMin : 1,
        source: { ip: client },
        target: { ip: server, port },
        flows: columns.flows[row]!,
        packets,
        evidence: this.#evidence.flows(columns.evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #said(row: number): string {
    const { said } = this.columns;
    let text = "";
    for (let i = row * SAID_MAX; i < (row + 1) * SAID_MAX && said[i] !== 0; i++)
      text += String.fromCharCode(said[i]!);
    return text;
  }

  everySecond(now: number): void {
    this.pairs.expire(now);
    this.#prober?.poll(now);
  }

  end(): void {
    this.pairs.forEach((row) => {
      if (this.columns.sign[row] === SIGN.none) return;
      if (this.columns.announced[row] !== this.columns.flows[row]) this.#announce(row);
    });
    this.#prober?.close();
  }
}

const serverText = (server: string, port: number): string =>
  server.includes(":") ? `[${server}]:${port}` : `${server}:${port}`;

interface Facts {
  readonly client: string;
  readonly server: string;
  readonly said: string;
  readonly behaviour: Behaviour;
  readonly durationMin: number;
}

function reasonOf(sign: number, { client, server, said, behaviour, durationMin }: Facts): string {
  switch (sign) {
    case SIGN.stratum:
      return `${client} speaks Stratum, the protocol of mining pools, with ${server}: "${said}"`;
    case SIGN.probed:
      return `${client} is connected to ${server}, which answered as a mining pool when it was asked`;
    case SIGN.listed:
      return `${client} is connected to ${server}, which is in the list of mining pools`;
    case SIGN.name:
      return `${client} is connected by TLS to ${server} by the name of a mining pool: "${said}"`;
    case SIGN.node:
      return `${client} exchanges the messages of a cryptocurrency's nodes with ${server}`;
    default: {
      const { seconds, perMinute, size } = behaviour;
      return `${client} keeps up a connection to ${server} as miners do: for ${seconds} s (limit ${durationMin}), ${perMinute.toFixed(1)} packets a minute (${LIMITS.perMinute.join(" to ")}) of ${Math.round(size)} bytes (${LIMITS.size.join(" to ")})`;
    }
  }
}
