// SPDX-License-Identifier: BSD-3-Clause
import { messageOf } from "../../core/errors.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import type { Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { AddressList, readEntries } from "./address-list.ts";
import { judgedPorts } from "./behaviour.ts";
import { FLAG, type Flow, type Setup, TCP } from "./fields.ts";
import { Pools } from "./pools.ts";
import { SIGN, Signs } from "./signs.ts";

/** Flags of a connection's beginning or end. */
const EDGES = FLAG.syn | FLAG.rst | FLAG.fin;
const ENDS = FLAG.rst | FLAG.fin;

/** Looks at each TCP flow: at what it carried, at who is in a list, and at how those behave that stay connected. */
export class Connections {
  readonly #context: Setup;
  readonly #pools: Pools;
  readonly #signs = new Signs();
  /** 1 for each server port whose connections are judged by their behaviour. */
  readonly #judged: Uint8Array;
  readonly #idle: number;
  #black: AddressList;
  #white: AddressList;

  /** Throws ERR_PARAM. */
  constructor(context: Setup) {
    const { params } = context;
    this.#context = context;
    this.#judged = judgedPorts(params.portsIgnored);
    this.#idle = params.idleTimeout * SECOND;
    this.#black = this.#list(params.blacklist);
    this.#white = this.#list(params.whitelist);
    this.#pools = new Pools(context);
  }

  #list(file: string): AddressList {
    return new AddressList(readEntries(file, this.#context.warn));
  }

  /** The lists as they are in their files now. */
  readAgain(): void {
    const { params, warn } = this.#context;
    try {
      this.#black = this.#list(params.blacklist);
      this.#white = this.#list(params.whitelist);
    } catch (error) {
      warn(`miner goes on with the former lists: ${messageOf(error)}`);
    }
  }

  negotiate(layout: Template): void {
    this.#signs.negotiate(layout);
  }

  study(flow: Flow): void {
    const cursor = flow as unknown as AnyReader;
    const white = this.#white;
    while (flow.next()) {
      if (flow.PROTOCOL !== TCP) continue;
      if (white.size > 0) {
        if (white.has(flow.DST_IP, flow.DST_PORT) || white.has(flow.SRC_IP, flow.SRC_PORT))
          continue;
      }
      const found = this.#signs.look(cursor);
      const sign = found < SIGN.listed && this.#black.size > 0 ? this.#listed(flow, found) : found;
      if (sign === SIGN.none) {
        this.#follow(flow, cursor);
        continue;
      }
      const row = this.#add(flow, this.#signs.fromSource);
      if (sign === found) this.#signs.keep(cursor, this.#pools.columns, row);
      this.#pools.show(row, sign, flow);
    }
  }

  /** What the list says, else what was found; a SYN alone makes no connection. */
  #listed(flow: Flow, found: number): number {
    const fromSource = this.#black.has(flow.DST_IP, flow.DST_PORT);
    if (!fromSource && !this.#black.has(flow.SRC_IP, flow.SRC_PORT)) return found;
    const flags = fromSource ? flow.TCP_FLAGS : flow.TCP_FLAGS | flow.TCP_FLAGS_REV;
    if ((flags & FLAG.ack) === 0) return found;
    this.#signs.fromSource = fromSource;
    return SIGN.listed;
  }

  /** The flow shows nothing: it matters when it goes on with something, or stays connected. */
  #follow(flow: Flow, cursor: AnyReader): void {
    const { followed, columns } = this.#pools;
    const { SRC_PORT, DST_PORT } = flow;
    // The server has the lower port, as a rule.
    let fromSource = SRC_PORT >= DST_PORT;
    const port = fromSource ? DST_PORT : SRC_PORT;
    const mayBeTurned = followed[fromSource ? SRC_PORT : DST_PORT] !== 0;
    if (this.#judged[port] === 0 && followed[port] === 0 && !mayBeTurned) return;
    const isTurned = mayBeTurned && this.#isKnown(flow, !fromSource);
    if (isTurned) fromSource = !fromSource;
    const isExplained = this.#signs.isExplained(cursor);
    const flags = flow.TCP_FLAGS | flow.TCP_FLAGS_REV;
    // A connection that ends has nothing to come; one that begins is kept only to remember what it is.
    const mayOpen =
      this.#judged[port] === 1 && (flags & ENDS) === 0 && ((flags & FLAG.syn) === 0 || isExplained);
    if (!mayOpen && !isTurned && !this.#isKnown(flow, fromSource)) return;
    const row = this.#add(flow, fromSource);
    if (isExplained) columns.explained[row] = 1;
    this.#pools.judge(row, flow);
  }

  /** Whether there is a row of the flow's ends. */
  #isKnown(flow: Flow, fromSource: boolean): boolean {
    const { pairs } = this.#pools;
    const row = fromSource
      ? pairs.find(flow.SRC_IP, flow.DST_IP, flow.DST_PORT)
      : pairs.find(flow.DST_IP, flow.SRC_IP, flow.SRC_PORT);
    return row >= 0 && flow.TIME_LAST - pairs.touched(row) <= this.#idle;
  }

  /** Add a flow to the row of its ends, of which the source is the client or not. */
  #add(flow: Flow, fromSource: boolean): number {
    const { columns } = this.#pools;
    const row = fromSource
      ? this.#pools.row(flow.SRC_IP, flow.DST_IP, flow.DST_PORT, flow)
      : this.#pools.row(flow.DST_IP, flow.SRC_IP, flow.SRC_PORT, flow);
    const { PACKETS, PACKETS_REV } = flow;
    columns.flows[row]!++;
    if (((flow.TCP_FLAGS | flow.TCP_FLAGS_REV) & EDGES) === 0) columns.pieces[row]!++;
    columns.packetsUp[row]! += fromSource ? PACKETS : PACKETS_REV;
    columns.bytesUp[row]! += fromSource ? flow.BYTES : flow.BYTES_REV;
    columns.packetsDown[row]! += fromSource ? PACKETS_REV : PACKETS;
    return row;
  }

  everySecond(now: number): void {
    this.#pools.everySecond(now);
  }

  end(): void {
    this.#pools.end();
  }
}
