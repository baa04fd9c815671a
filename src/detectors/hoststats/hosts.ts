// SPDX-License-Identifier: BSD-3-Clause
import { PAYLOAD_MAX } from "../../core/batch.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { addressesBehind, addressesOf, hashOf, raise, SKETCH, setBit } from "./addresses.ts";
import { ackOf, type Flow, kindOf, flows as layout, synOf } from "./flow.ts";
import type { HostTable } from "./host-table.ts";
import { Newcomers } from "./newcomers.ts";
import type { Setup } from "./params.ts";
import { Profile } from "./profile.ts";
import { reporter } from "./report.ts";
import {
  ACKS,
  BYTES,
  DIRECTION,
  FLOWS,
  floods,
  IN,
  isFlooded,
  KIND,
  type Limits,
  limitsOf,
  OUT,
  PACKETS,
  passes,
  REQUEST,
  RESPONSE,
  Sums,
  SYNS,
  scans,
  UNKNOWN,
} from "./rules.ts";
import type { Settings } from "./settings.ts";
import { Watched } from "./watched.ts";

/**
 * A host's numbers, 9 cache lines with the table's own:
 *
 * ```text
 *   0  how many bits are set of 52, packets of incoming flows with a SYN, 2 unused
 *   4  out  request   flows packets bytes SYNs ACKs, 3 unused     28  in  request   flows packets bytes SYNs ACKs, 3 unused
 *  12       response  the same                                    36      response  the same
 *  20       unknown   the same                                    44      unknown   the same
 *  52  addresses that the host has asked                          60  addresses that it has heard from
 * ```
 *
 * A flow touches three lines of each of its hosts: the first, that of its direction and kind, and that of an address.
 */
const BITS_SET = 0;
const SYN_PACKETS = 1;
const COUNTS = 4;
const ASKED = COUNTS + 2 * DIRECTION;
const HEARD = ASKED + SKETCH;
const SIZE = HEARD + SKETCH;

const RULES = ["scan", "floodVictim", "floodAttacker"] as const;
const SCAN = 0;
const VICTIM = 1;
const ATTACKER = 2;
/** What is noted of a flood. */
const SYN_FLOOD = 1;
const FORGED = 2;

const EVIDENCE_SLOTS = 512;
/** Of many flows of a host one of so many is looked at closely. */
const SAMPLE = 64;
/** Addresses are estimated, 3 % off, and those before a host was let in are not among them: so much of the limit of scans will do. */
const TOLERANCE = 0.93;
/** Most flows of a batch. */
const FLOWS_MAX = Math.ceil(PAYLOAD_MAX / layout.fixedSize);
/** Hashes of a flow: those of source and target for the table, then those that are the same in every run. */
const HASHES = 4;
/** Why a flow is looked at: what it is, and whose side of it. */
const LOOK = { source: 1, target: 2, syn: 4, small: 8 } as const;
/** Most small requests that do not let a host in. */
const FEW_MAX = 32_768;
/** Flows whose rows are read ahead at a time. */
const STEP = 128;

/** Scans and floods: rules about all flows of a host. */
export class Hosts {
  readonly #settings: Settings;
  readonly #byPackets: boolean;
  readonly #profile: Profile;
  readonly #table: HostTable;
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #sums: Sums;
  readonly #scanFrom: number;
  /** Most packets, and bytes of one, of a flow that may be part of a flood. */
  readonly #packetsMax: number;
  readonly #bytesMax: number;
  readonly #victim: Limits;
  readonly #attacker: Limits;
  /** Who is let into the table: sources of unanswered SYNs, and both sides of small requests, of which a flood has far more. */
  readonly #scanners: Newcomers;
  readonly #flooders: Newcomers;
  readonly #watched: Watched;
  /** Of the flows of the batch under way. */
  readonly #hashes = new Int32Array(FLOWS_MAX * HASHES);
  readonly #kinds = new Uint8Array(FLOWS_MAX);
  /** What speaks for looking at a flow: see {@link LOOK}. */
  readonly #looks = new Uint8Array(FLOWS_MAX);
  #prepared = 0;
  /** Where what is read ahead goes, without which it would not be read. */
  readonly #read = new Int32Array(1);

  constructor(context: Setup, given: Settings) {
    const { flowsMin } = context.params;
    const scanAddresses = given.scanAddresses * TOLERANCE - (flowsMin - 1);
    const settings = { ...given, scanAddresses };
    const report = reporter(context, settings);
    this.#settings = settings;
    this.#byPackets = settings.byPackets !== 0;
    this.#sums = new Sums(settings);
    this.#packetsMax = Math.max(settings.victimPacketsPerFlow, settings.attackerPacketsPerFlow);
    this.#bytesMax = Math.max(settings.victimBytesPerPacket, settings.attackerBytesPerPacket);
    this.#scanFrom = Math.ceil(settings.scanSyns / 2);
    this.#victim = limitsOf(settings.victimSyns, settings.victimFlows);
    this.#attacker = limitsOf(settings.attackerSyns, settings.attackerFlows);
    const { state } = context;
    const { window, hosts } = settings;
    this.#scanners = new Newcomers("hosts.scanners", { flowsMin, window }, state);
    const least = Math.min(this.#victim.least, this.#attacker.least);
    const isFew = flowsMin === 1 || this.#byPackets;
    const floodsMin = isFew ? flowsMin : Math.min(FEW_MAX, Math.max(flowsMin, least >>> 4));
    this.#flooders = new Newcomers("hosts.flooders", { flowsMin: floodsMin, window }, state);
    this.#watched = new Watched("hosts.watched", { rows: hosts, window }, state);
    this.#profile = new Profile(context, {
      name: "hosts",
      rows: settings.hosts,
      numbers: SIZE,
      rules: RULES.length,
      window: settings.window,
      evidence: EVIDENCE_SLOTS,
      say: (finding, ip) => {
        const { row, rule, note } = finding;
        report(RULES[rule]!, finding, {
          ip,
          evidence: this.#profile.evidence(row, rule === VICTIM ? IN : OUT),
          isSyn: (note & SYN_FLOOD) !== 0,
          isForged: (note & FORGED) !== 0,
        });
      },
    });
    this.#table = this.#profile.table;
    this.#numbers = this.#table.numbers;
    this.#words = this.#table.words;
    this.#bytes = this.#table.bytes;
  }

  /** Hash the hosts of a batch's flows, and read what will be looked for in the index; changes nothing else. */
  prepare(flow: Flow): void {
    const hashes = this.#hashes;
    const looks = this.#looks;
    const table = this.#table;
    let n = 0;
    let sum = 0;
    for (; n < FLOWS_MAX && flow.next(); n++) {
      const { SRC_IP, DST_IP } = flow;
      const source = table.hash(SRC_IP);
      const target = table.hash(DST_IP);
      let look = this.#suspicionOf(flow);
      if (look !== 0 || this.#watched.has(source)) look |= LOOK.source;
      if (look >= LOOK.small || this.#watched.has(target)) look |= LOOK.target;
      looks[n] = look;
      if (look === 0) continue;
      sum ^= table.touch(source) ^ table.touch(target);
      hashes[n * HASHES] = source;
      hashes[n * HASHES + 1] = target;
      hashes[n * HASHES + 2] = hashOf(SRC_IP);
      hashes[n * HASHES + 3] = hashOf(DST_IP);
      this.#kinds[n] = kindOf(flow, this.#settings);
    }
    this.#read[0] = sum;
    this.#prepared = n;
  }

  /** What makes a host worth watching: a SYN without an answer, and whatever may be part of a flood of small requests. */
  #suspicionOf(flow: Flow): number {
    const { TCP_FLAGS } = flow;
    const isSyn = synOf(TCP_FLAGS) > ackOf(TCP_FLAGS);
    const packets = packetsOf(flow);
    // What rules ask of all flows together, most of them fulfil by themselves.
    const isSmall =
      this.#byPackets || (packets <= this.#packetsMax && flow.BYTES < this.#bytesMax * packets);
    return (isSyn ? LOOK.syn : 0) | (isSmall ? LOOK.small : 0);
  }

  /** Read what the flows from the `nth` on will change, so that many cache misses are under way at a time. */
  #readAhead(nth: number): void {
    const hashes = this.#hashes;
    const words = this.#words;
    const end = Math.min(nth + STEP, this.#prepared);
    let sum = 0;
    for (let i = nth; i < end; i++) {
      if (this.#looks[i] === 0) continue;
      const h = i * HASHES;
      const kind = COUNTS + this.#kinds[i]! * KIND;
      const source = this.#profile.at(this.#table.guess(hashes[h]!));
      sum ^= words[source * 2]! ^ words[(source + OUT * DIRECTION + kind) * 2]!;
      sum ^= words[(source + ASKED) * 2 + (hashes[h + 3]! >>> 28)]!;
      const target = this.#profile.at(this.#table.guess(hashes[h + 1]!));
      sum ^= words[target * 2]! ^ words[(target + IN * DIRECTION + kind) * 2]!;
      sum ^= this.#bytes[(target + HEARD) * 8 + (hashes[h + 2]! >>> 26)]!;
    }
    this.#read[0] = sum;
  }

  /** Count the `nth` flow of a batch for both of its hosts, as far as they are watched. */
  see(flow: Flow, nth: number): void {
    if (nth % STEP === 0) this.#readAhead(nth);
    const look = this.#looks[nth]!;
    if (look === 0) return;
    const h = nth * HASHES;
    const kind = this.#kinds[nth]!;
    this.#profile.time = flow.TIME_LAST;
    this.#watched.roll(flow.TIME_LAST, this.#table);
    if ((look & LOOK.source) !== 0) {
      const row = this.#rowOf(flow.SRC_IP, h, OUT, look);
      if (row >= 0) this.#sent(row, kind, flow, this.#hashes[h + 3]!);
    }
    if ((look & LOOK.target) !== 0) {
      const row = this.#rowOf(flow.DST_IP, h + 1, IN, look & LOOK.small);
      if (row >= 0) this.#received(row, kind, flow, this.#hashes[h + 2]!);
    }
  }

  /** The row of a host whose hash is the `h`th, -1 as long as it is not watched; `look` may let it in. */
  #rowOf(ip: Ip, h: number, direction: number, look: number): number {
    const hash = this.#hashes[h]!;
    const profile = this.#profile;
    if (this.#watched.has(hash)) {
      const row = profile.known(ip, hash);
      if (row >= 0) return row;
    }
    const id = this.#hashes[h + 2]!;
    const { time } = profile;
    const scanner = (look & LOOK.syn) !== 0 && this.#scanners.stays(id, direction, time);
    const flooder = (look & LOOK.small) !== 0 && this.#flooders.stays(id, direction, time);
    if (!scanner && !flooder) return -1;
    this.#watched.add(hash);
    const row = profile.known(ip, hash);
    return row < 0
      ? profile.admit(ip, hash, (flooder ? this.#flooders : this.#scanners).flowsMin)
      : row;
  }

  #sent(row: number, kind: number, flow: Flow, targetHash: number): void {
    const at = this.#profile.at(row);
    const flows = this.#count(at + COUNTS + OUT * DIRECTION + kind * KIND, flow);
    if (kind !== RESPONSE) {
      if (setBit(this.#words, (at + ASKED) * 2, targetHash)) this.#numbers[at + BITS_SET]!++;
      if (isSynAlone(flow.TCP_FLAGS)) this.#judgeScan(row, at, flow);
    }
    if (flows >= this.#attacker.part) this.#judgeAttacker(row, at, flow);
  }

  #received(row: number, kind: number, flow: Flow, sourceHash: number): void {
    const at = this.#profile.at(row);
    const flows = this.#count(at + COUNTS + IN * DIRECTION + kind * KIND, flow);
    if (synOf(flow.TCP_FLAGS) !== 0)
      this.#numbers[at + SYN_PACKETS]! += this.#profile.weight * packetsOf(flow);
    raise(this.#bytes, (at + HEARD) * 8, sourceHash);
    if (flows >= this.#victim.part || this.#byPackets) this.#judgeVictim(row, at, flow);
  }

  /** Count a flow; returns how many there are of its direction and kind. */
  #count(at: number, flow: Flow): number {
    const numbers = this.#numbers;
    const { weight } = this.#profile;
    const { TCP_FLAGS: flags } = flow;
    const flows = numbers[at + FLOWS]! + weight;
    numbers[at + FLOWS] = flows;
    numbers[at + PACKETS]! += weight * packetsOf(flow);
    numbers[at + BYTES]! += weight * flow.BYTES;
    numbers[at + SYNS]! += weight * synOf(flags);
    numbers[at + ACKS]! += weight * ackOf(flags);
    return flows;
  }

  #flows(at: number): number {
    const numbers = this.#numbers;
    return numbers[at + FLOWS]! + numbers[at + KIND + FLOWS]! + numbers[at + 2 * KIND + FLOWS]!;
  }

  #judgeScan(row: number, at: number, flow: Flow): void {
    const numbers = this.#numbers;
    const profile = this.#profile;
    const syns =
      numbers[at + COUNTS + REQUEST * KIND + SYNS]! + numbers[at + COUNTS + UNKNOWN * KIND + SYNS]!;
    if (syns < this.#scanFrom || this.#isPassedOver(syns)) return;
    profile.keep(row, OUT, syns - profile.weight < this.#scanFrom, flow);
    if (syns <= this.#settings.scanSyns) return;
    const addresses = addressesOf(numbers[at + BITS_SET]!);
    const sums = this.#sums.load(numbers, at + COUNTS);
    if (!scans(sums, addresses, this.#settings)) return;
    const observed = sums.all(OUT, SYNS) - sums.all(OUT, ACKS);
    profile.hold(row, SCAN, { observed, addresses, note: 0 });
  }

  /** Of a scan that goes on and on, one flow of so many is looked at closely. */
  #isPassedOver(syns: number): boolean {
    return syns > 4 * this.#settings.scanSyns && syns % SAMPLE !== 0;
  }

  #judgeAttacker(row: number, at: number, flow: Flow): void {
    const { suspect, least, most } = this.#attacker;
    const sent = this.#flows(at + COUNTS + OUT * DIRECTION);
    if (sent < suspect) return;
    const isNow = sent % SAMPLE === 0;
    const before = sent - this.#profile.weight;
    if (before < suspect || isNow) this.#profile.keep(row, OUT, before < suspect, flow);
    // Limits of attackers are reached, those of victims passed.
    const isReached = passes(before, sent, least - 1) || passes(before, sent, most - 1);
    if (sent < least || !(isNow || isReached)) return;
    const addresses = addressesOf(this.#numbers[at + BITS_SET]!);
    const sums = this.#sums.load(this.#numbers, at + COUNTS);
    const flood = floods(sums, addresses, this.#settings);
    if (!flood) return;
    const flows = flood === "syn" ? sums.all(OUT, FLOWS) : sums.requests(OUT, FLOWS);
    this.#profile.hold(row, ATTACKER, {
      observed: Math.trunc(flows / Math.max(addresses, 1)),
      addresses,
      note: flood === "syn" ? SYN_FLOOD : 0,
    });
  }

  #judgeVictim(row: number, at: number, flow: Flow): void {
    const { suspect, least, most } = this.#victim;
    const received = this.#flows(at + COUNTS + IN * DIRECTION);
    const amount = this.#byPackets ? this.#packets(at) : received;
    if (amount < suspect) return;
    const before = amount - this.#profile.weight * (this.#byPackets ? packetsOf(flow) : 1);
    const isNow = received % SAMPLE === 0;
    if (before < suspect || isNow) this.#profile.keep(row, IN, before < suspect, flow);
    const isReached = passes(before, amount, least) || passes(before, amount, most);
    if (amount > least && (isNow || isReached)) this.#judgeFlood(row, at);
  }

  #judgeFlood(row: number, at: number): void {
    const sums = this.#sums.load(this.#numbers, at + COUNTS);
    const synPackets = this.#numbers[at + SYN_PACKETS]!;
    const flood = isFlooded(sums, synPackets, this.#settings);
    if (!flood) return;
    const addresses = addressesBehind(this.#bytes, (at + HEARD) * 8);
    const note =
      (flood === "syn" ? SYN_FLOOD : 0) | (sums.all(IN, FLOWS) < 2 * addresses ? FORGED : 0);
    const syns = this.#byPackets ? synPackets : sums.all(IN, SYNS);
    const others = this.#byPackets ? sums.asked(IN, PACKETS) : sums.requests(IN, FLOWS);
    this.#profile.hold(row, VICTIM, { observed: flood === "syn" ? syns : others, addresses, note });
  }

  /** The more of packets with a SYN and packets of requests that the host got. */
  #packets(at: number): number {
    const requests = this.#numbers[at + COUNTS + IN * DIRECTION + REQUEST * KIND + PACKETS]!;
    return Math.max(this.#numbers[at + SYN_PACKETS]!, requests);
  }

  expire(now: number): void {
    this.#profile.expire(now);
  }

  end(): void {
    this.#profile.end();
  }
}

const isSynAlone = (flags: number): boolean => synOf(flags) > ackOf(flags);

/** A sender that samples may say 0: a flow has a packet at least. */
const packetsOf = (flow: Flow): number => flow.PACKETS || 1;
