// SPDX-License-Identifier: BSD-3-Clause
import type { EvidenceFlow } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { DomainMatcher } from "../../core/threat-list/matcher.ts";
import { parseSources } from "../../core/threat-list/sources.ts";
import { ThreatLists } from "../../core/threat-list/threat-lists.ts";
import { isV4, parseIp, swap } from "../../core/unirec/ip.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Reader, type Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { answer, type Flows } from "./fields.ts";
import type { Setup } from "./index.ts";
import { Recent } from "./recent.ts";
import { SharedAnswers } from "./shared-answers.ts";

type Flow = Reader<Flows>;

/** Types of records (RFC 1035, RFC 3596). */
const A = 1;
const AAAA = 28;
const DOT = 0x2e;
/** An answer that may be kept for longer than this is watched for as long. */
const TTL_MAX = 86_400;
/** Bytes of the listed names of an address. */
const TEXT_MAX = 255;
const EVIDENCE_SLOTS = 256;
/** Bits of the filter in front of the table. */
const NEAR = 1 << 16;
const PRIMES = [0x0100_0193, 0x85eb_ca6b] as const;
const SEED = 0x811c_9dc5;

/** What an event says of the address that it is about. */
export interface Resolved {
  readonly names: readonly string[];
  /** Names of the lists, and the greatest of their severities. */
  readonly lists: string;
  readonly severity: number;
  /** Event time of the latest answer. */
  readonly time: number;
  /** Whether other names resolve to it as well. */
  readonly isShared: boolean;
  /** The flows that had the answers. */
  readonly answers: readonly EvidenceFlow[];
}

/** The addresses that listed names resolve to, which are listed themselves for a while. */
export class Adaptive {
  readonly lists: ThreatLists<DomainMatcher>;
  readonly recent: Recent;
  readonly #shared: SharedAnswers;
  readonly #sharedMax: number;
  readonly #span: number;
  readonly #count: Setup["count"];
  readonly #rows: Table;
  /** From when to when each is watched, and the latest answer. */
  readonly #since: Float64Array;
  readonly #until: Float64Array;
  readonly #answered: Float64Array;
  /** Two words of the lists, and two hashes of the answer's text. */
  readonly #bits: Int32Array;
  readonly #hashes: Int32Array;
  readonly #text: Uint8Array;
  readonly #length: Uint8Array;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Bits of the addresses that may be watched: most are not, and most look-ups end there. */
  readonly #near: Int32Array;
  #hasLeft = false;
  /** Where the descriptors lie in the sender's records; -1 where it has none. */
  #nameAt = -1;
  #answerAt = -1;

  constructor({ params, state, count, warn }: Setup) {
    const { domains, watchedMax, sharedNames, recentMax, adaptiveTime, idleTimeout } = params;
    this.#count = count;
    this.#sharedMax = sharedNames;
    this.#span = adaptiveTime * SECOND;
    const sources = parseSources(domains, "ipblacklist: domains");
    const context = { module: "ipblacklist", count, warn };
    this.lists = new ThreatLists(() => new DomainMatcher(), sources, context);
    state.column(`domains: ${this.lists.identity}`, "uint8", 1);
    this.recent = new Recent(state, recentMax, count);
    this.#shared = new SharedAnswers(state, sharedNames);
    this.#since = state.column("since", "float64", watchedMax);
    this.#until = state.column("until", "float64", watchedMax);
    this.#answered = state.column("answeredAt", "float64", watchedMax);
    this.#bits = state.column("domainBits", "int32", watchedMax * 2);
    this.#hashes = state.column("answerHashes", "int32", watchedMax * 2);
    this.#text = state.column("names", "uint8", watchedMax * TEXT_MAX);
    this.#length = state.column("namesLength", "uint8", watchedMax);
    this.#near = state.column("watchedNear", "int32", NEAR / 32);
    this.#evidence = state.evidence("answerEvidence", EVIDENCE_SLOTS, answer);
    this.#evidenceOf = state.column("answerEvidenceOf", "int32", watchedMax);
    this.#rows = state.table("watched", {
      key: ["ip"],
      rows: watchedMax,
      // They outlive the events that they explain.
      idle: (Math.max(adaptiveTime, TTL_MAX) + idleTimeout) * SECOND,
      onLeave: () => {
        this.#hasLeft = true;
      },
    });
  }

  announced(layout: Template): void {
    this.#nameAt = fieldOf(layout, "DNS_NAME")?.offset ?? -1;
    this.#answerAt = fieldOf(layout, "DNS_RDATA")?.offset ?? -1;
  }

  /** Whether the flow tells of names at all. */
  hasName(cursor: AnyReader): boolean {
    if (this.#nameAt < 0 || this.#answerAt < 0) return false;
    cursor.span(this.#nameAt);
    return cursor.spanLength > 0;
  }

  /** Learn from a flow with a name; returns the address that is watched from now on. */
  learn(flow: Flow): Ip | undefined {
    if (flow.DNS_QTYPE !== A && flow.DNS_QTYPE !== AAAA) return undefined;
    const cursor = flow as never as AnyReader;
    const { bytes } = cursor.batch;
    const text = cursor.span(this.#answerAt);
    const textEnd = text + cursor.spanLength;
    const from = cursor.span(this.#nameAt);
    const end = from + cursor.spanLength;
    if (text === textEnd) return undefined;
    const to = bytes[end - 1] === DOT ? end - 1 : end;
    const one = hash(bytes, text, textEnd, PRIMES[0]);
    const two = hash(bytes, text, textEnd, PRIMES[1]);
    const { names, sets } = this.lists.matcher;
    const set = names.findDomain(bytes, from, to);
    if (set === 0) {
      this.#shared.add(one, two, hash(bytes, from, to, PRIMES[0]), flow.TIME_LAST);
      return undefined;
    }
    const ip = parseIp(latin1(bytes, text, textEnd));
    if (!ip) this.#count("answers_unread");
    if (!ip || !isHost(ip) || flow.SRC_IP.equals(ip) || flow.DST_IP.equals(ip)) return undefined;
    sets.at(set, 0);
    const { row, isNew } = this.#watch(ip, flow);
    this.#hashes[row * 2] = one;
    this.#hashes[row * 2 + 1] = two;
    this.#bits[row * 2]! |= sets.low;
    this.#bits[row * 2 + 1]! |= sets.high;
    this.#addName(row, latin1(bytes, to - names.found, to).toLowerCase());
    this.#evidence.keep(this.#evidenceOf[row]!, row, cursor);
    return isNew ? ip : undefined;
  }

  /** The row of an address that an answer names, and whether it was not watched at that time. */
  #watch(ip: Ip, { TIME_LAST, DNS_RR_TTL }: Flow): { row: number; isNew: boolean } {
    const row = this.#rows.upsertIp(ip, TIME_LAST);
    const isNew = this.#rows.isNew || TIME_LAST > this.#until[row]!;
    if (isNew) {
      this.#since[row] = TIME_LAST;
      this.#until[row] = TIME_LAST;
      this.#answered[row] = TIME_LAST;
      this.#length[row] = 0;
      this.#bits[row * 2] = 0;
      this.#bits[row * 2 + 1] = 0;
      this.#evidenceOf[row] = this.#evidence.take(row);
      this.#mark(ip);
    }
    const span = Math.max(this.#span, Math.min(DNS_RR_TTL, TTL_MAX) * SECOND);
    this.#since[row] = Math.min(this.#since[row]!, TIME_LAST);
    this.#until[row] = Math.max(this.#until[row]!, TIME_LAST + span);
    this.#answered[row] = Math.max(this.#answered[row]!, TIME_LAST);
    return { row, isNew };
  }

  #addName(row: number, name: string): void {
    const names = this.#names(row);
    if (names.includes(name)) return;
    const text = Buffer.from([...names, name].join(), "latin1");
    if (text.length > TEXT_MAX) return;
    this.#text.set(text, row * TEXT_MAX);
    this.#length[row] = text.length;
  }

  #names(row: number): string[] {
    const at = row * TEXT_MAX;
    const text = latin1(this.#text, at, at + this.#length[row]!);
    return text === "" ? [] : text.split(",");
  }

  /** Whether a flow is contact with a watched address, which one of its sides is. */
  isContact(ip: Ip, flow: Flow): boolean {
    if (!this.#isNear(ip)) return false;
    const row = this.#rows.findIp(ip);
    if (row < 0 || flow.TIME_LAST < this.#since[row]! || flow.TIME_FIRST > this.#until[row]!)
      return false;
    if (this.#others(row, flow.TIME_LAST) > this.#sharedMax) {
      this.#count("contacts_shared");
      return false;
    }
    // What is in contact does not make room for what is not.
    this.#rows.upsertIp(ip, flow.TIME_LAST);
    return true;
  }

  /** What is known of an address; undefined when it had to make room. */
  describe(ip: Ip): Resolved | undefined {
    const row = this.#rows.findIp(ip);
    if (row < 0) return undefined;
    const bits = { low: this.#bits[row * 2]!, high: this.#bits[row * 2 + 1]! };
    const { names: lists, severity } = this.lists.describe(bits);
    const time = this.#answered[row]!;
    return {
      names: this.#names(row),
      lists,
      severity,
      time,
      isShared: this.#others(row, time) > 0,
      answers: this.#evidence.flows(this.#evidenceOf[row]!, row),
    };
  }

  /** Names that no list has and that the address has as well. */
  #others(row: number, time: number): number {
    return this.#shared.names(this.#hashes[row * 2]!, this.#hashes[row * 2 + 1]!, time);
  }

  expire(now: number): void {
    this.#shared.expire(now);
    this.#rows.expire(now);
    if (!this.#hasLeft) return;
    this.#hasLeft = false;
    this.#near.fill(0);
    this.#rows.forEach((row) => {
      this.#mark(this.#rows.ip(row, 0));
    });
  }

  #mark(ip: Ip): void {
    const bit = bitOf(ip);
    this.#near[bit >>> 5]! |= 1 << (bit & 31);
  }

  #isNear(ip: Ip): boolean {
    const bit = bitOf(ip);
    return ((this.#near[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  }
}

const bitOf = ({ w0, w1, w2, w3 }: Ip): number => Math.imul(w0 ^ w1 ^ w2 ^ w3, 0x9e37_79b1) >>> 16;

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");

/** Of bytes without regard to the case of letters. */
function hash(bytes: Uint8Array, from: number, to: number, prime: number): number {
  let h = SEED;
  for (let i = from; i < to; i++) h = Math.imul(h ^ (bytes[i]! | 0x20), prime);
  return h ^ (h >>> 15);
}

/** Whether an address may be a host elsewhere: answers of blocking resolvers are 0.0.0.0, loopback or of the own network. */
function isHost(ip: Ip): boolean {
  if (!isV4(ip)) return swap(ip.w0) >>> 29 === 1; // 2000::/3
  const v4 = swap(ip.w2) >>> 0;
  const first = v4 >>> 24;
  if (first === 0 || first === 10 || first === 127 || first >= 224) return false;
  const ends = [
    [0xa9fe_0000, 16], // 169.254.0.0/16
    [0xac10_0000, 12], // 172.16.0.0/12
    [0xc0a8_0000, 16], // 192.168.0.0/16
    [0x6440_0000, 10], // 100.64.0.0/10
  ] as const;
  return !ends.some(([prefix, length]) => (v4 ^ prefix) >>> (32 - length) === 0);
}
