// SPDX-License-Identifier: BSD-3-Clause
import { type AlertDetail, EVIDENCE_MAX } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { bitmapOf } from "../../core/threat-list/list-sets.ts";
import { AddressMatcher } from "../../core/threat-list/matcher.ts";
import { flowsText, Sightings } from "../../core/threat-list/sightings.ts";
import { ThreatLists } from "../../core/threat-list/threat-lists.ts";
import { type Address, swap } from "../../core/unirec/ip.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import type { Reader, Template } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { IpField } from "../../core/unirec/types.ts";
import { Adaptive } from "./adaptive.ts";
import { addressSources } from "./address-sources.ts";
import { basic, type Flows } from "./fields.ts";
import { type Ground, listGround, resolvedGround } from "./ground.ts";
import type { Setup } from "./index.ts";
import { NAMED, Peers } from "./peers.ts";

type Flow = Reader<Flows>;

/** Events whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;
const UINT32_MAX = 0xffff_ffff;
/** Contact from outside: how much less it matters than contact to there, and at most when nobody answers. */
const INBOUND_LESS = 2;
const UNANSWERED_MAX = 3;
/** In place of the number of a list, where a listed name resolved to the address. */
const ADAPTIVE = 65;
/** Answers among the flows of evidence. */
const ANSWERS_SHOWN = 2;
const TCP = 6;
const UDP = 17;

/** Events of listed addresses: who was in contact with each, from which side, on which list it is. */
export class Contacts {
  /** Undefined without lists of names. */
  readonly #adaptive: Adaptive | undefined;
  readonly #lists: ThreatLists<AddressMatcher>;
  readonly #out: Setup["out"];
  readonly #flowsMin: number;
  readonly #rows: Table;
  readonly #sightings: Sightings;
  readonly #peers: Peers;
  /** Flows that were answered, and the lists of both sides: the caller's two words, then the called one's. */
  readonly #answered: Float64Array;
  readonly #bits: Int32Array;
  readonly #protocol: Uint8Array;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  /** Whether senders tell of both directions in a record. */
  #isBiflow = false;
  /** Of the flow that is looked at: whether its source was called, and the lists of caller and called. */
  #isTurned = false;
  readonly #found = new Int32Array(4);

  constructor(context: Setup) {
    const { params, out, state, count, warn } = context;
    const { contactsMax, flowsMin, opensMax } = params;
    this.#out = out;
    this.#flowsMin = flowsMin;
    this.#lists = new ThreatLists(() => new AddressMatcher(), addressSources(params), {
      module: "ipblacklist",
      count,
      warn,
    });
    // Rows hold numbers of lists: a state of other lists is not taken back.
    state.column(`lists: ${this.#lists.identity}`, "uint8", 1);
    if (params.domains !== "") this.#adaptive = new Adaptive(context);
    const interval = params.updateInterval * SECOND;
    this.#sightings = new Sightings(state, {
      rows: contactsMax,
      flowsMin,
      interval,
      opensMax,
      count,
    });
    this.#peers = new Peers(state, contactsMax);
    this.#answered = state.column("answered", "float64", contactsMax);
    this.#bits = state.column("bits", "int32", contactsMax * 4);
    this.#protocol = state.column("protocol", "uint8", contactsMax);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, basic);
    this.#evidenceOf = state.column("evidenceOf", "int32", contactsMax);
    const idle = params.idleTimeout * SECOND;
    this.#rows = state.table("contacts", {
      key: ["ip", "number"],
      rows: contactsMax,
      idle,
      onLeave: (row, why) => {
        if (!this.#sightings.isOpen(row)) return;
        const ended = why === "idle" ? { time: this.#rows.touched(row) + idle } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  look(flow: Flow): void {
    this.#isBiflow = flow.has.PACKETS_REV;
    if (this.#adaptive && !this.#adaptive.lists.isEmpty) this.#lookAdaptively(flow, this.#adaptive);
    else if (!this.#lists.isEmpty) this.#look(flow);
  }

  #look(flow: Flow): void {
    const { v4, v6 } = this.#lists.matcher;
    while (flow.next()) {
      const source = find(flow.SRC_IP, v4, v6);
      const target = find(flow.DST_IP, v4, v6);
      if ((source | target) !== 0) this.#contact(flow, source, target);
    }
  }

  #lookAdaptively(flow: Flow, adaptive: Adaptive): void {
    const { v4, v6 } = this.#lists.matcher;
    const cursor = flow as never as AnyReader;
    while (flow.next()) {
      const source = find(flow.SRC_IP, v4, v6);
      const target = find(flow.DST_IP, v4, v6);
      if ((source | target) !== 0) this.#contact(flow, source, target);
      const hasName = adaptive.hasName(cursor);
      const watched = hasName && adaptive.learn(flow);
      if (watched)
        adaptive.recent.take(watched, flow.TIME_LAST, (earlier) =>
          this.#watched(earlier, adaptive),
        );
      if (!this.#watched(flow, adaptive) && !hasName) adaptive.recent.add(cursor);
    }
  }

  /** Count the flow if one of its sides is watched. */
  #watched(flow: Flow, adaptive: Adaptive): boolean {
    const isSource = adaptive.isContact(flow.SRC_IP, flow);
    const isTarget = adaptive.isContact(flow.DST_IP, flow);
    if (!isSource && !isTarget) return false;
    this.#turn(flow);
    this.#found.fill(0);
    if (isSource) this.#note(flow, !this.#isTurned, ADAPTIVE);
    if (isTarget) this.#note(flow, this.#isTurned, ADAPTIVE);
    return true;
  }

  announced(layout: Template): void {
    this.#adaptive?.announced(layout);
  }

  expire(now: number): void {
    this.#rows.expire(now);
    this.#adaptive?.expire(now);
  }

  /** Notice lists that have changed, by any clock, or read them at once. */
  lookAtLists(now: number): void {
    this.#lists.look(now);
    this.#adaptive?.lists.look(now);
  }

  readLists(): void {
    this.#lists.readNow();
    this.#adaptive?.lists.readNow();
  }

  end(): void {
    this.#rows.forEach((row) => {
      if (this.#sightings.hasNews(row)) this.#announce(row);
    });
  }

  /** Look closer at a flow of which a side is listed, at some port at least. */
  #contact(flow: Flow, source: number, target: number): void {
    const { SRC_PORT, DST_PORT } = flow;
    const { sets } = this.#lists.matcher;
    const found = this.#found;
    this.#turn(flow);
    const caller = this.#isTurned ? 2 : 0;
    sets.at(source, SRC_PORT);
    found[caller] = sets.low;
    found[caller + 1] = sets.high;
    sets.at(target, DST_PORT);
    found[2 - caller] = sets.low;
    found[3 - caller] = sets.high;
    for (let word = 0; word < 4; word++)
      for (let rest = found[word]!; rest !== 0; rest &= rest - 1)
        this.#note(flow, word < 2, (word & 1) * 32 + 32 - Math.clz32(rest & -rest));
  }

  /** Of uniflows the answer is a flow of its own: from the port that was called, mostly the lower one. */
  #turn({ SRC_PORT, DST_PORT, PROTOCOL }: Flow): void {
    this.#isTurned =
      !this.#isBiflow && SRC_PORT < DST_PORT && (PROTOCOL === TCP || PROTOCOL === UDP);
  }

  /** Count the flow for one list that the caller, or the called side, is on. */
  #note(flow: Flow, isInbound: boolean, list: number): void {
    const { TIME_FIRST, TIME_LAST } = flow;
    const sightings = this.#sightings;
    const isTurned = this.#isTurned;
    const isSource = isInbound !== isTurned;
    const listed = isSource ? flow.SRC_IP : flow.DST_IP;
    const row = this.#rows.upsertIpNumber(listed, list * 2 + (isInbound ? 1 : 0), TIME_LAST);
    if (this.#rows.isNew) {
      sightings.clear(row);
      this.#peers.clear(row);
      this.#answered[row] = 0;
      this.#protocol[row] = flow.PROTOCOL;
      this.#evidenceOf[row] = this.#evidence.take(row);
    }
    // By hand, as `set` of a typed array is a call.
    for (let i = 0; i < 4; i++) this.#bits[row * 4 + i] = this.#found[i]!;
    const peer = isSource ? flow.DST_IP : flow.SRC_IP;
    this.#peers.add(row, peer, isTurned ? flow.SRC_PORT : flow.DST_PORT);
    sightings.add(row, flow.PACKETS + flow.PACKETS_REV, flow.BYTES + flow.BYTES_REV);
    if (!this.#isBiflow || flow.PACKETS_REV > 0) this.#answered[row]!++;
    if (sightings.flows[row]! <= EVIDENCE_MAX)
      this.#evidence.keep(this.#evidenceOf[row]!, row, flow as never);
    if (sightings.extend(row, TIME_FIRST, TIME_LAST)) this.#announce(row);
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { packets, bytes, first, last } = this.#sightings;
    this.#sightings.tell(row);
    const listed = this.#rows.ip(row, 0);
    const peer = this.#peers.host(row, 0);
    const [source, target] = this.#isInbound(row) ? [listed, peer] : [peer, listed];
    const bits = this.#bits;
    const ground = this.#ground(row, listed);
    this.#out.alerts.send(
      {
        SRC_IP: source,
        DST_IP: target,
        DST_PORT: this.#peers.ports(row)[0]!,
        PROTOCOL: this.#protocol[row]!,
        PACKETS: Math.min(packets[row]!, UINT32_MAX),
        BYTES: bytes[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        SRC_BLACKLIST: bitmapOf(bits[row * 4]!, bits[row * 4 + 1]!),
        DST_BLACKLIST: bitmapOf(bits[row * 4 + 2]!, bits[row * 4 + 3]!),
        ADAPTIVE_IDS: ground.names?.join() ?? "",
      },
      {
        ...(this.#isInbound(row) ? this.#inbound(row, ground) : this.#outbound(row, ground)),
        ...ground.detail,
        observed: this.#sightings.flows[row]!,
        threshold: this.#flowsMin,
        flows: this.#sightings.flows[row]!,
        packets: packets[row]!,
        bytes: bytes[row]!,
        evidence: [
          ...(ground.answers?.slice(-ANSWERS_SHOWN) ?? []),
          ...this.#evidence.flows(this.#evidenceOf[row]!, row),
        ],
        ...closing,
      },
    );
  }

  #ground(row: number, listed: Address): Ground {
    const list = this.#list(row);
    return this.#adaptive && list === ADAPTIVE
      ? resolvedGround(this.#adaptive.describe(listed), this.#sightings.last[row]!)
      : listGround(this.#lists, list);
  }

  #outbound(row: number, { key, why, severity }: Ground): AlertDetail {
    const listed = String(this.#rows.ip(row, 0));
    const hosts = this.#peers.hostsText(row);
    return {
      rule: "outbound",
      key: `*>${listed} ${key}`,
      reason: `${hosts} contacted ${listed}, ${why}: ${this.#what(row)}`,
      severity,
      source: this.#hosts(row),
      target: { ip: listed, port: this.#peers.ports(row)[0]! },
    };
  }

  #inbound(row: number, { key, why, severity }: Ground): AlertDetail {
    const listed = String(this.#rows.ip(row, 0));
    const hosts = this.#peers.hostsText(row);
    const answered = this.#answered[row]!;
    const answers = this.#isBiflow ? `, ${answered} of them answered` : "";
    return {
      rule: "inbound",
      key: `${listed}>* ${key}`,
      reason: `${listed}, ${why}, contacted ${hosts}: ${this.#what(row)}${answers}`,
      severity:
        answered === 0 ? Math.min(UNANSWERED_MAX, severity) : Math.max(1, severity - INBOUND_LESS),
      source: { ip: listed },
      target: { ...this.#hosts(row), port: this.#peers.ports(row)[0]! },
    };
  }

  #what(row: number): string {
    const flows = flowsText(this.#sightings.flows[row]!);
    return `${flows}, ${this.#peers.portsText(row)} (limit ${this.#flowsMin})`;
  }

  #hosts(row: number): { readonly ip: string } | { readonly count: number } {
    const count = this.#peers.hosts(row);
    return count === 1
      ? { ip: String(this.#peers.host(row, 0)) }
      : { count: Math.min(count, NAMED) };
  }

  #list(row: number): number {
    return this.#rows.number(row, 4) >>> 1;
  }

  #isInbound(row: number): boolean {
    return (this.#rows.number(row, 4) & 1) === 1;
  }
}

/** The lists that hold an address, as a set; 0 for none. */
function find(ip: IpField, v4: AddressMatcher["v4"], v6: AddressMatcher["v6"]): number {
  if (ip.isV4) return v4.find(ip.v4 | 0, 0, 0, 0);
  return v6.find(swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3));
}
