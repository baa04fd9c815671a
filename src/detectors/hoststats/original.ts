// SPDX-License-Identifier: BSD-3-Clause
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { ackOf, type Flow, isDns, isEmptyUdp, isSsh, kindOf, synOf } from "./flow.ts";
import { MORE, OriginalRules, SIZE } from "./original-rules.ts";
import { PairFilter } from "./pair-filter.ts";
import type { Setup } from "./params.ts";
import {
  ACKS,
  ALL,
  BYTES,
  DIRECTION,
  FLOWS,
  IN,
  isLarge,
  KIND,
  OUT,
  PACKETS,
  REQUEST,
  RESPONSE,
  SSH,
  SYNS,
  UNKNOWN,
} from "./rules.ts";
import type { Settings } from "./settings.ts";

/** The filters are for two addresses each of so many hosts at least: its smallest table. */
const HOSTS_MIN = 65_536;
/** Counters end here, and those of SSH and DNS here. */
const MAX_32 = 2 ** 32 - 1;
const MAX_16 = 2 ** 16 - 1;
/** The part of a host's first second that goes into the key of its addresses, and the bit of its side. */
const SECOND_MASK = 0x7fff;
const RECEIVER = 0x8000;

/** What has no row: when the filters are swapped next, when hosts are looked at next, and the time now. In seconds. */
const CLOCK = { swap: 0, check: 1, now: 2 } as const;

/**
 * hoststatsnemea as it is: a host is counted from its first flow until it has been silent for 30 s or seen for 300, and then judged, once.
 * `offline` takes the time from the flows, else it is the machine's.
 */
export class Original {
  readonly #settings: Settings;
  readonly #offline: boolean;
  readonly #machine: Setup["clock"];
  readonly #counters: Float64Array;
  readonly #clock: Float64Array;
  /** Whom a host has met; whom it has asked, or by whom it was; the same by SSH. */
  readonly #met: PairFilter;
  readonly #asked: PairFilter;
  readonly #metBySsh: PairFilter;
  readonly #table: Table;
  readonly #rules: OriginalRules;

  constructor(context: Setup, settings: Settings) {
    const { params, state, clock } = context;
    const { hosts } = settings;
    const pairs = Math.max(hosts, HOSTS_MIN) * 2;
    this.#settings = settings;
    this.#offline = params.offline;
    this.#machine = clock;
    this.#counters = state.column("counters", "float64", hosts * SIZE);
    this.#clock = state.column("clock", "float64", 3);
    this.#met = new PairFilter("met", pairs, state);
    this.#asked = new PairFilter("asked", pairs, state);
    this.#metBySsh = new PairFilter("metBySsh", pairs, state);
    this.#rules = new OriginalRules(context, settings, this.#counters);
    this.#table = state.table("hosts", {
      key: ["ip"],
      rows: hosts,
      idle: Number.POSITIVE_INFINITY,
      onLeave: (row) => this.#judge(row),
    });
  }

  flows(flow: Flow): void {
    const { period } = this.#settings;
    const clock = this.#clock;
    while (flow.next()) {
      this.#follow(Math.floor(flow.TIME_LAST / SECOND));
      if (!isEmptyUdp(flow)) this.#update(flow);
      if (!this.#offline || clock[CLOCK.now]! < clock[CLOCK.check]!) continue;
      this.#check(false);
      clock[CLOCK.check]! += period;
    }
  }

  tick(now: number): void {
    const seconds = Math.floor(now / SECOND);
    if (this.#offline || this.#clock[CLOCK.swap] === 0) return;
    this.#clock[CLOCK.now] = seconds;
    if (seconds % this.#settings.period === 0) this.#check(false);
  }

  end(): void {
    this.#check(true);
  }

  /** A flow's time. The filters follow it in both modes of operation. */
  #follow(seconds: number): void {
    const { window, period } = this.#settings;
    const half = Math.floor(window / 2);
    const clock = this.#clock;
    if (clock[CLOCK.swap] === 0) {
      clock[CLOCK.swap] = seconds + half;
      clock[CLOCK.check] = seconds + period;
      clock[CLOCK.now] = this.#offline ? seconds : Math.floor(this.#machine.now() / SECOND);
    }
    if (this.#offline) {
      if (seconds <= clock[CLOCK.now]!) return;
      clock[CLOCK.now] = seconds;
    }
    if (seconds < clock[CLOCK.swap]!) return;
    for (const filter of [this.#met, this.#asked, this.#metBySsh]) filter.swap();
    clock[CLOCK.swap]! += half;
  }

  #update(flow: Flow): void {
    const { SRC_IP, DST_IP } = flow;
    const kind = kindOf(flow, this.#settings);

    const source = this.#touch(SRC_IP);
    let tag = this.#counters[source + MORE.first]! & SECOND_MASK;
    if (this.#met.add(SRC_IP, DST_IP, tag)) this.#add(source + MORE.sentTo, 1);
    if (kind === REQUEST && this.#asked.add(SRC_IP, DST_IP, tag)) this.#add(source + MORE.asked, 1);
    if (isSsh(flow) && this.#metBySsh.add(SRC_IP, DST_IP, tag))
      this.#add(source + MORE.sshSentTo, 1, MAX_16);
    this.#count(source, OUT, kind, flow);

    const target = this.#touch(DST_IP);
    tag = (this.#counters[target + MORE.first]! & SECOND_MASK) | RECEIVER;
    if (this.#met.add(SRC_IP, DST_IP, tag)) this.#add(target + MORE.heardFrom, 1);
    if (kind === REQUEST) this.#asked.add(SRC_IP, DST_IP, tag);
    if (isSsh(flow)) this.#metBySsh.add(SRC_IP, DST_IP, tag);
    if (synOf(flow.TCP_FLAGS) !== 0) this.#add(target + MORE.synPackets, flow.PACKETS);
    this.#count(target, IN, kind, flow);
  }

  /** Where the counters of a host are, which is seen now. */
  #touch(ip: Ip): number {
    const at = this.#table.upsertIp(ip, 0) * SIZE;
    const now = this.#clock[CLOCK.now]!;
    if (this.#table.isNew) {
      this.#counters.fill(0, at, at + SIZE);
      this.#counters[at + MORE.first] = now;
    }
    this.#counters[at + MORE.last] = now;
    return at;
  }

  #add(at: number, amount: number, max = MAX_32): void {
    this.#counters[at] = Math.min(this.#counters[at]! + amount, max);
  }

  /** Count the flow for one of its hosts. */
  #count(at: number, direction: number, kind: number, flow: Flow): void {
    this.#countAs(at + direction * DIRECTION + ALL * KIND, flow);
    if (kind === UNKNOWN) return;
    this.#countAs(at + direction * DIRECTION + kind * KIND, flow);
    if (isSsh(flow)) {
      const side = direction === OUT ? SSH.out : SSH.in;
      const to = at + MORE.ssh + side + (kind === REQUEST ? SSH.request : SSH.response);
      this.#add(to + SSH.packets, flow.PACKETS, MAX_16);
      this.#add(to + SSH.syns, synOf(flow.TCP_FLAGS), MAX_16);
    }
    if (kind === RESPONSE && isDns(flow) && isLarge(flow.BYTES, flow.PACKETS))
      this.#add(at + (direction === OUT ? MORE.largeSent : MORE.largeReceived), 1, MAX_16);
  }

  #countAs(to: number, flow: Flow): void {
    const { TCP_FLAGS: flags } = flow;
    this.#add(to + FLOWS, 1);
    this.#add(to + PACKETS, flow.PACKETS);
    this.#add(to + BYTES, flow.BYTES);
    this.#add(to + SYNS, synOf(flags));
    this.#add(to + ACKS, ackOf(flags));
  }

  /** Look at the hosts whose time is over, or at all. */
  #check(all: boolean): void {
    const { window, silence } = this.#settings;
    const now = this.#clock[CLOCK.now]!;
    const counters = this.#counters;
    this.#table.forEach((row) => {
      const at = row * SIZE;
      const isOver =
        counters[at + MORE.first]! + window <= now || counters[at + MORE.last]! + silence <= now;
      if (!all && !isOver) return;
      this.#judge(row);
      this.#table.delete(row);
    });
  }

  #judge(row: number): void {
    this.#rules.judge(row * SIZE, this.#table.ip(row, 0));
  }
}
