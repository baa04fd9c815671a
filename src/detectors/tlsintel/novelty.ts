// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { hashWord, ipHash } from "../../core/state/hyper-log-log.ts";
import { SEEN, Seen } from "../../core/state/seen.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import type { Hello } from "./hello.ts";
import type { Named } from "./matchers.ts";

const HOUR = 3600 * SECOND;
const WEEK = 7 * 24 * HOUR;
/** Pairs of host and fingerprint are remembered for one to two weeks, in two halves of a megabyte. */
const PAIRS = { words: 1 << 18, span: WEEK };
/** Flows between two looks at the time, which takes longer to read than all else, where all is known. */
const LOOKS = 1024;
/** A host is met here once a week for each of its fingerprints. Three without any, and it is a new one. */
const IDLE = 3 * WEEK;
/** Counters of hosts by fingerprint: two that share one make each other common, which is quiet. */
const COMMON_BITS = 16;
const COUNT_MAX = 255;
const EVIDENCE_SLOTS = 128;

/** A fingerprint that a host has not shown before, nor many others. */
interface News {
  readonly hosts: number;
  readonly hello: Hello;
}

interface Meeting {
  readonly hash: number;
  /** Whether the host has not shown the fingerprint before. */
  readonly isNew: boolean;
}

/** Fingerprints by host: which are new, once there has been time to learn. */
export class Novelty {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #networks: Named;
  readonly #hosts: Table;
  readonly #pairs: Seen;
  /** Flows looked at. */
  readonly #looks: Uint32Array;
  /** Event time of the first flow. */
  readonly #start: Float64Array;
  readonly #common: Uint8Array;
  readonly #since: Float64Array;
  /** Fingerprints ever learned of a host, and how many were told of. */
  readonly #learned: Uint32Array;
  readonly #told: Uint32Array;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;

  constructor({ params, out, state }: Setup, networks: Named) {
    const { hostsMax } = params;
    this.#settings = params;
    this.#out = out;
    this.#networks = networks;
    this.#pairs = new Seen("ja4.pairs", PAIRS, state);
    this.#looks = state.column("ja4.looks", "uint32", 1);
    this.#start = state.column("ja4.start", "float64", 1);
    this.#common = state.column("ja4.common", "uint8", 1 << COMMON_BITS);
    this.#since = state.column("ja4.since", "float64", hostsMax);
    this.#learned = state.column("ja4.learned", "uint32", hostsMax);
    this.#told = state.column("ja4.told", "uint32", hostsMax);
    this.#evidence = state.evidence("ja4.evidence", EVIDENCE_SLOTS, shown);
    this.#evidenceOf = state.column("ja4.evidenceOf", "int32", hostsMax);
    this.#hosts = state.table("ja4.hosts", { key: ["ip"], rows: hostsMax, idle: IDLE });
  }

  look(flow: Flow, hello: Hello): void {
    const hash = hello.ja4Hash;
    const pair = hashWord(hash, ipHash(flow.SRC_IP));
    // Most flows end here.
    const isDue = ++this.#looks[0]! % LOOKS === 0;
    if ((this.#pairs.has(pair) && !isDue) || !this.#networks.hasAddress(flow.SRC_IP)) return;
    const { TIME_LAST } = flow;
    this.#pairs.turn(TIME_LAST);
    const seen = this.#pairs.add(pair);
    if (seen !== SEEN.now) this.#meet(flow, hello, { hash, isNew: seen === SEEN.never });
  }

  #meet(flow: Flow, hello: Hello, { hash, isNew }: Meeting): void {
    const { TIME_LAST } = flow;
    const row = this.#hosts.upsertIp(flow.SRC_IP, TIME_LAST);
    if (this.#start[0] === 0) this.#start[0] = TIME_LAST;
    if (this.#hosts.isNew) {
      this.#since[row] = TIME_LAST;
      this.#learned[row] = this.#told[row] = 0;
      this.#evidenceOf[row] = -1;
    }
    if (!isNew) return;
    this.#learned[row]!++;
    const counter = hash >>> (32 - COMMON_BITS);
    const hosts = this.#common[counter]!;
    if (hosts < COUNT_MAX) this.#common[counter] = hosts + 1;
    const { learnTime, commonMin } = this.#settings;
    const since = Math.max(this.#since[row]!, this.#start[0]!);
    if (TIME_LAST - since < learnTime * SECOND || hosts >= commonMin) return;
    if (this.#evidenceOf[row]! < 0) this.#evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(this.#evidenceOf[row]!, row, flow as never);
    this.#told[row]!++;
    this.#announce(row, flow, { hosts, hello });
  }

  expire(now: number): void {
    this.#hosts.expire(now);
  }

  #announce(row: number, flow: Flow, { hosts, hello }: News): void {
    const { commonMin } = this.#settings;
    const host = this.#hosts.ip(row, 0);
    const server = Address.of(flow.DST_IP);
    const { ja4, name } = hello;
    const hours = Math.floor((flow.TIME_LAST - this.#since[row]!) / HOUR);
    const others = hosts === 0 ? "no other host has" : `${hosts} others have`;
    const detail: AlertDetail = {
      rule: "news",
      key: `${host} ja4`,
      reason: `${host} shows the TLS fingerprint ${ja4} for the first time in ${hours} h, which ${others} (limit ${commonMin}), to ${server}${name === "" ? "" : ` by the name "${name}"`}; it had ${this.#learned[row]! - 1}`,
      observed: hosts,
      threshold: commonMin,
      baseline: this.#learned[row]! - 1,
      source: { ip: String(host) },
      target: { ip: String(server), port: flow.DST_PORT },
      flows: this.#told[row]!,
      evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
    };
    this.#out.alerts.send(
      {
        SRC_IP: host,
        DST_IP: server,
        DST_PORT: flow.DST_PORT,
        PROTOCOL: flow.PROTOCOL,
        PACKETS: flow.PACKETS,
        BYTES: flow.BYTES,
        TIME_FIRST: flow.TIME_FIRST,
        TIME_LAST: flow.TIME_LAST,
        TLS_SNI: name,
        TLS_JA4: ja4,
      },
      detail,
    );
  }
}
