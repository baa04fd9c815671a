// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { Histograms, WINDOW } from "./histograms.ts";
import { type Judgement, judge, LOW } from "./judgement.ts";
import { Names } from "./names.ts";
import { Newcomers } from "./newcomers.ts";
import { timestampScore } from "./score.ts";

/** A pair without contact for so long is forgotten: as long as the window of its histogram. */
const IDLE = WINDOW;
/** Slices of a flow that goes on after an active timeout follow one another within an idle timeout. */
const SLICE_GAP = 30 * SECOND;
/** Pairs whose flows are kept as evidence, and the score of timing from which on they are. */
const EVIDENCE_SLOTS = 1024;
const SUSPECT = 0.6;
/**
 * A host that calls so many destinations equally often watches over them, by a list: whoever is infected has a server or two. How
 * even each of them is says little, since checks of a site by two protocols fall between one another.
 */
const WATCHED_MIN = 5;
const WATCHED_ALIKE = 0.3;
/** Registers of the number of hosts, 2^10: a standard error of 3.3 %. */
const HOST_BITS = 10;

/** What is known of each pair. */
function columnsOf(state: Setup["state"], rows: number, samples: number) {
  return {
    /** Seconds at which the latest connections began, and bytes they sent: rings by number of contact. */
    times: state.column("times", "uint32", rows * samples),
    sizes: state.column("sizes", "float64", rows * samples),
    /** Seconds in which connections began. */
    contacts: state.column("contacts", "uint32", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    /** Contacts at which to judge next; contacts and severity in the last alert, 0 before it. */
    lookAt: state.column("lookAt", "uint32", rows),
    announced: state.column("announced", "uint32", rows),
    severity: state.column("severity", "uint8", rows),
    /** Of the latest flow: destination, ports, protocol, end. */
    target: state.column("target", "int32", rows * 4),
    ports: state.column("ports", "uint32", rows),
    protocol: state.column("protocol", "uint8", rows),
    ended: state.column("ended", "float64", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** Pairs of a host and a destination, a name or an address, with when they met. */
export class Pairs {
  readonly names: Names;
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #count: Setup["count"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #newcomers: Newcomers;
  readonly #histograms: Histograms;
  readonly #evidence: Evidence;
  readonly #pairs: Table;
  /** Destinations, and how many tracked hosts each has. */
  readonly #peers: Table;
  readonly #hostsOf: Uint32Array;
  /** All hosts that were seen. */
  readonly #hosts: HyperLogLog;

  constructor({ params, out, state, count }: Setup) {
    const { pairsMax, samplesMax, trackedAt } = params;
    this.#settings = params;
    this.#out = out;
    this.#count = count;
    this.#columns = columnsOf(state, pairsMax, samplesMax);
    this.#newcomers = new Newcomers(trackedAt, state);
    this.#histograms = new Histograms(pairsMax, state);
    this.#hosts = new HyperLogLog("hosts", 1, HOST_BITS, state);
    this.#hostsOf = state.column("hostsOf", "uint32", pairsMax);
    this.names = new Names(pairsMax, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    const idle = Number.POSITIVE_INFINITY;
    this.#peers = state.table("peers", { key: ["ip"], rows: pairsMax, idle });
    this.#pairs = state.table("pairs", {
      key: ["ip", "ip"],
      rows: pairsMax,
      idle: IDLE,
      onLeave: (row, why) => this.#leave(row, why),
    });
  }

  /** A stream begins at `time`, unless one goes on. */
  begin(time: number): void {
    if (this.#histograms.start === 0) this.#histograms.begin(time);
  }

  /** A host has begun a connection; `peer` is its destination, the key of a name where it has one. */
  contact(source: Ip, peer: Ip, isNamed: boolean, flow: Flow): void {
    const hash = hashOf(source, 0);
    this.#hosts.add(0, hash);
    // What is idle must be gone: its host no longer counts, and its cell is free.
    this.#pairs.expire(flow.TIME_LAST);
    if (!this.#newcomers.admits(hashOf(peer, hash), flow.TIME_FIRST)) return;
    const time = flow.TIME_LAST;
    const row = this.#pairs.upsertPair(source, peer, time);
    if (this.#pairs.isNew) this.#track(row, peer, isNamed, flow);
    else if (this.#goesOn(row, flow)) {
      this.#columns.ended[row] = time;
      return;
    }
    this.#meet(row, flow);
  }

  /** Event time has come to `now`. */
  expire(now: number): void {
    this.#pairs.expire(now);
    if (this.#newcomers.passed > 0) this.#count("contacts_passed", this.#newcomers.passed);
    this.#newcomers.passed = 0;
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, contacts, last } = this.#columns;
    this.#pairs.forEach((row) => {
      if (announced[row] === 0 || announced[row] === contacts[row]) return;
      const judgement = this.#judge(row, last[row]!);
      if (judgement?.isBeacon) this.#announce(row, judgement);
    });
  }

  #track(row: number, peer: Ip, isNamed: boolean, flow: Flow): void {
    const { contacts, first, last, lookAt, announced, severity, evidenceOf } = this.#columns;
    contacts[row] = 0;
    first[row] = flow.TIME_FIRST;
    last[row] = flow.TIME_FIRST;
    lookAt[row] = Math.ceil(this.#settings.connectionsMin / 2);
    announced[row] = 0;
    severity[row] = 0;
    evidenceOf[row] = -1;
    if (isNamed) this.names.keep(row, flow as never);
    else this.names.clear(row);
    this.#histograms.clear(row, flow.TIME_LAST);
    const known = this.#peers.upsertIp(peer, flow.TIME_LAST);
    this.#hostsOf[known] = this.#peers.isNew ? 1 : this.#hostsOf[known]! + 1;
  }

  /** Whether it is a slice of the flow that was last. */
  #goesOn(row: number, flow: Flow): boolean {
    const { ports, protocol, ended } = this.#columns;
    return (
      ports[row] === portsOf(flow) &&
      protocol[row] === flow.PROTOCOL &&
      flow.TIME_FIRST - ended[row]! < SLICE_GAP
    );
  }

  #meet(row: number, flow: Flow): void {
    const { times, sizes, contacts, first, last, ended, ports, protocol, target, evidenceOf } =
      this.#columns;
    const { TIME_FIRST, TIME_LAST, DST_IP } = flow;
    const { samplesMax } = this.#settings;
    ended[row] = TIME_LAST;
    ports[row] = portsOf(flow);
    protocol[row] = flow.PROTOCOL;
    target[row * 4] = DST_IP.w0;
    target[row * 4 + 1] = DST_IP.w1;
    target[row * 4 + 2] = DST_IP.w2;
    target[row * 4 + 3] = DST_IP.w3;
    const second = Math.floor(TIME_FIRST / SECOND);
    const met = contacts[row]!;
    const base = row * samplesMax;
    // What begins in the same second is one contact, of which the first flow counts.
    if (met > 0 && times[base + ((met - 1) % samplesMax)] === second) return;
    times[base + (met % samplesMax)] = second;
    sizes[base + (met % samplesMax)] = flow.BYTES;
    contacts[row] = met + 1;
    if (met === samplesMax) this.#count("pairs_sampled");
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_FIRST > last[row]!) last[row] = TIME_FIRST;
    this.#histograms.add(row, TIME_FIRST, TIME_LAST);
    if (evidenceOf[row] !== -1) this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    if (met + 1 >= this.#columns.lookAt[row]!) this.#look(row, flow);
  }

  #look(row: number, flow: Flow): void {
    const { contacts, first, last, lookAt, announced, severity, evidenceOf } = this.#columns;
    const { connectionsMin, spanMin } = this.#settings;
    const met = contacts[row]!;
    if (evidenceOf[row] === -1 && (timestampScore(this.#times(row)) ?? 0) >= SUSPECT) {
      evidenceOf[row] = this.#evidence.take(row);
      this.#evidence.keep(evidenceOf[row]!, row, flow as never);
    }
    // Each eighth more: a judgement sorts all that is kept.
    lookAt[row] = met + Math.max(1, met >>> 3);
    const double = announced[row]! * 2;
    if (double > met) lookAt[row] = Math.min(double, lookAt[row]!);
    if (met < connectionsMin || last[row]! - first[row]! < spanMin * SECOND) return;
    const judgement = this.#judge(row, flow.TIME_LAST);
    if (!judgement?.isBeacon) return;
    if (met >= double || judgement.severity > severity[row]!) this.#announce(row, judgement);
  }

  #judge(row: number, now: number): Judgement | undefined {
    const { contacts, first, last } = this.#columns;
    const { samplesMax, scoreMin } = this.#settings;
    const from = Math.max(this.#histograms.start, now - WINDOW);
    const base = row * samplesMax;
    const peer = this.#peers.findIp(this.#pairs.ip(row, 4));
    const meetings = {
      times: this.#times(row),
      sizes: this.#columns.sizes.subarray(base, base + Math.min(contacts[row]!, samplesMax)),
      bars: this.#histograms.bars(row, now),
      connections: contacts[row]!,
      span: last[row]! - Math.max(first[row]!, from),
      window: now - from,
      hosts: this.#hostsOf[peer]!,
      network: this.#hosts.estimate(0),
    };
    const judgement = judge(meetings, scoreMin);
    if (!judgement?.isBeacon || judgement.severity <= LOW || !this.#watchesMany(row))
      return judgement;
    return { ...judgement, severity: LOW };
  }

  /** Whether the host of a pair calls so many destinations as often as this one that it goes through a list of them. */
  #watchesMany(row: number): boolean {
    const enough = this.#settings.connectionsMin / 2;
    const rate = this.#rateOf(row);
    let alike = 0;
    this.#pairs.forEach((other) => {
      if (this.#columns.contacts[other]! < enough) return;
      for (let word = 0; word < 4; word++)
        if (this.#pairs.number(other, word) !== this.#pairs.number(row, word)) return;
      if (Math.abs(this.#rateOf(other) / rate - 1) <= WATCHED_ALIKE) alike++;
    });
    return alike >= WATCHED_MIN;
  }

  /** Connections of a pair a microsecond, from its first to its last. */
  #rateOf(row: number): number {
    const { contacts, first, last } = this.#columns;
    return contacts[row]! / (last[row]! - first[row]!);
  }

  /** The seconds that are kept, ascending. */
  #times(row: number): Uint32Array {
    const { samplesMax } = this.#settings;
    const base = row * samplesMax;
    const kept = Math.min(this.#columns.contacts[row]!, samplesMax);
    return this.#columns.times.slice(base, base + kept).sort();
  }

  #announce(
    row: number,
    judgement: Judgement | undefined,
    closing: Pick<AlertDetail, "closed" | "time"> = {},
  ): void {
    if (judgement === undefined) return;
    const { contacts, first, last, announced, severity, protocol, ports, evidenceOf } =
      this.#columns;
    const { score } = judgement;
    announced[row] = contacts[row]!;
    severity[row] = Math.max(severity[row]!, judgement.severity);
    const source = this.#pairs.ip(row, 0);
    const target = this.#targetOf(row);
    const name = this.names.text(row);
    const port = ports[row]! & 0xffff;
    this.#out.alerts.send(
      {
        SRC_IP: source,
        DST_IP: target,
        DST_PORT: port,
        PROTOCOL: protocol[row]!,
        BEACON_NAME: name,
        BEACON_SCORE: score,
        BEACON_PERIOD: Math.round(judgement.interval),
        CONNECTIONS: contacts[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule: name === "" ? "address" : "name",
        key: `${source}>${name || target}`,
        reason: `${source} connected to ${name === "" ? target : `${name} (${target})`} port ${port} ${contacts[row]} times in ${spanText(last[row]! - first[row]!)}, ${this.#inWords(judgement)}; ${this.#prevalence(row)}`,
        observed: score,
        threshold: this.#settings.scoreMin,
        confidence: score,
        severity: severity[row]!,
        source: { ip: String(source) },
        target: { ip: String(target), port },
        flows: contacts[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #inWords(judgement: Judgement): string {
    const { score, timing, size, histogram, duration, isEarly } = judgement;
    const parts = [`timing ${timing.toFixed(2)}`, `size ${size.toFixed(2)}`];
    if (histogram !== undefined && duration !== undefined && !isEarly)
      parts.push(`histogram ${histogram.toFixed(2)}`, `duration ${duration.toFixed(2)}`);
    return (
      `every ${judgement.interval} s (median, deviation ${judgement.jitter} s) with ${judgement.bytes} bytes (deviation ${judgement.bytesJitter}): ` +
      `score ${score.toFixed(2)}${isEarly ? " so far" : ""} (limit ${this.#settings.scoreMin}), the mean of ${parts.join(", ")}`
    );
  }

  #prevalence(row: number): string {
    const hosts = this.#hostsOf[this.#peers.findIp(this.#pairs.ip(row, 4))]!;
    return `${hosts} of about ${this.#hosts.estimate(0)} hosts do so`;
  }

  #targetOf(row: number): Address {
    const { target } = this.#columns;
    const address = new Address();
    address.w0 = target[row * 4]!;
    address.w1 = target[row * 4 + 1]!;
    address.w2 = target[row * 4 + 2]!;
    address.w3 = target[row * 4 + 3]!;
    return address;
  }

  #leave(row: number, why: "idle" | "evicted"): void {
    const { announced, last } = this.#columns;
    if (announced[row] !== 0) {
      const time = this.#pairs.touched(row) + (why === "idle" ? IDLE : 0);
      this.#announce(row, this.#judge(row, last[row]!), { closed: true, time });
    }
    const peer = this.#pairs.ip(row, 4);
    this.#newcomers.forget(hashOf(peer, hashOf(this.#pairs.ip(row, 0), 0)));
    const known = this.#peers.findIp(peer);
    this.#hostsOf[known]!--;
    if (this.#hostsOf[known] === 0) this.#peers.delete(known);
  }
}

const portsOf = ({ SRC_PORT, DST_PORT }: Flow): number => ((SRC_PORT << 16) | DST_PORT) >>> 0;

/** 32 good bits of an address, or of the key of a name, and of what goes before it. Each contact has two: one round does for all four words. */
function hashOf({ w0, w1, w2, w3 }: Ip, before: number): number {
  const odd = Math.imul(w0, 0x9e3779b1) + Math.imul(w2, 0x85ebca77);
  const even = Math.imul(w1, 0xc2b2ae3d) + Math.imul(w3, 0x27d4eb2f);
  let h = (odd + even + Math.imul(before, 0x165667b1)) | 0;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function spanText(span: number): string {
  const minutes = Math.round(span / (60 * SECOND));
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
