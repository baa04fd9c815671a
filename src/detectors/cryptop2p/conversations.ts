// SPDX-License-Identifier: BSD-3-Clause

import type { NameTable } from "../../core/threat-list/name-table.ts";
import { Networks } from "../../core/threat-list/networks.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import type { UniRecType } from "../../core/unirec/types.ts";
import type { Flow, Setup } from "./fields.ts";
import { Finding, Hosts } from "./hosts.ts";
import { KIND, KIND_OF_PORT, kindOf, mayBeDiscovery } from "./messages.ts";
import { poolNames } from "./pool-names.ts";

const TCP = 6;
const UDP = 17;
/** Packets of one who is connected: of a scan there are fewer. */
const CONNECTED_MIN = 3;
/** Where JA4 tells of the protocols that a client offers, two digits 0 for none. */
const JA4_ALPN = 8;
const ZERO = 0x30;

/** Looks at what each flow said first, whom TLS named, and at ports. */
export class Conversations {
  readonly #hosts: Hosts;
  readonly #networks: Networks;
  readonly #pools: NameTable;
  readonly #finding = new Finding();
  /** Where the sender's records have the descriptors; -1 for what they lack. */
  #content = -1;
  #reverse = -1;
  #name = -1;
  #ja4 = -1;

  /** Throws ERR_PARAM. */
  constructor(context: Setup) {
    this.#hosts = new Hosts(context);
    this.#networks = new Networks(context.params.networks, "cryptop2p", "networks");
    this.#pools = poolNames(context.params.poolNames);
  }

  negotiate(layout: Template): void {
    const offset = (name: string, type: UniRecType): number => {
      const field = fieldOf(layout, name);
      return field?.type === type ? field.offset : -1;
    };
    this.#content = offset("IDP_CONTENT", "bytes");
    this.#reverse = offset("IDP_CONTENT_REV", "bytes");
    this.#name = offset("TLS_SNI", "string");
    this.#ja4 = offset("TLS_JA4", "string");
  }

  study(flow: Flow): void {
    const cursor = flow as never as AnyReader;
    while (flow.next()) {
      const { PROTOCOL } = flow;
      if (PROTOCOL === TCP) this.#look(flow, cursor);
      else if (PROTOCOL === UDP && this.#content >= 0 && this.#reverse >= 0)
        this.#lookAtDatagrams(flow, cursor);
    }
  }

  #look(flow: Flow, cursor: AnyReader): void {
    if (this.#content >= 0 && this.#lookAt(flow, cursor, this.#content)) return;
    if (this.#reverse >= 0 && this.#lookAt(flow, cursor, this.#reverse)) return;
    if (this.#name < 0 || !this.#lookAtName(flow, cursor)) this.#lookAtPort(flow);
  }

  /** Look at one direction; returns whether it said something. */
  #lookAt(flow: Flow, cursor: AnyReader, descriptor: number): boolean {
    const at = cursor.span(descriptor);
    const length = cursor.spanLength;
    const kind = kindOf(cursor.view, at, length);
    if (kind === KIND.none) return false;
    const isForward = descriptor === this.#content;
    const isMining = kind === KIND.miner || kind === KIND.pool;
    this.#show(isMining ? KIND.miner : kind, at, length);
    this.#add(flow, isMining ? isForward === (kind === KIND.miner) : this.#isOwn(flow));
    return true;
  }

  #lookAtName(flow: Flow, cursor: AnyReader): boolean {
    const at = cursor.span(this.#name);
    const length = cursor.spanLength;
    if (length === 0) return false;
    const isPool = this.#pools.findDomain(cursor.batch.bytes, at, at + length) !== 0;
    if (!isPool || this.#isBrowser(cursor)) return false;
    this.#show(KIND.name, at, length);
    this.#add(flow, true);
    return true;
  }

  /** Whether the client offers protocols of the web, as who looks at a pool's pages. */
  #isBrowser(cursor: AnyReader): boolean {
    if (this.#ja4 < 0) return false;
    const at = cursor.span(this.#ja4) + JA4_ALPN;
    return cursor.spanLength > JA4_ALPN && cursor.view.getUint8(at) !== ZERO;
  }

  #lookAtDatagrams(flow: Flow, cursor: AnyReader): void {
    const at = cursor.span(this.#content);
    if (!mayBeDiscovery(cursor.view, at, cursor.spanLength)) return;
    const back = cursor.span(this.#reverse);
    if (!mayBeDiscovery(cursor.view, back, cursor.spanLength)) return;
    this.#show(KIND.ethereum, at, 0);
    this.#add(flow, this.#isOwn(flow));
  }

  /** A connection to a network's own port. */
  #lookAtPort(flow: Flow): void {
    const kind = KIND_OF_PORT[flow.DST_PORT]!;
    if (kind === KIND.none || flow.PACKETS < CONNECTED_MIN) return;
    if (flow.has.PACKETS_REV && flow.PACKETS_REV === 0) return;
    this.#show(kind, 0, 0);
    this.#finding.isShown = false;
    this.#add(flow, true);
  }

  #show(kind: number, at: number, length: number): void {
    const finding = this.#finding;
    finding.kind = kind;
    finding.at = at;
    finding.length = length;
    finding.isShown = true;
  }

  /** Whether of two peers the flow's source is to be told of. */
  #isOwn(flow: Flow): boolean {
    return this.#networks.has(flow.SRC_IP) || !this.#networks.has(flow.DST_IP);
  }

  #add(flow: Flow, isSource: boolean): void {
    this.#finding.port = isSource ? flow.DST_PORT : flow.SRC_PORT;
    if (isSource) this.#hosts.add(flow.SRC_IP, flow.DST_IP, flow, this.#finding);
    else this.#hosts.add(flow.DST_IP, flow.SRC_IP, flow, this.#finding);
  }

  expire(now: number): void {
    this.#hosts.expire(now);
  }

  end(): void {
    this.#hosts.end();
  }
}
