// SPDX-License-Identifier: BSD-3-Clause
import { ADDRESS, AS_SEQUENCE, addressBytes, BYTES, padded, RECORD } from "./structures.ts";

/** Lower 30 bits of an interface; the upper two are what kind of number these are. */
const INTERFACE = 0x3fff_ffff;

/** A flow sample that is looked at: what it says itself, and where its records lie. The same object for each. */
export class FlowSample {
  /** Data source: its type in the upper 8 bits, its index in the others. */
  source = 0;
  rate = 0;
  /** Packets that should have been sampled and were not, since the agent began. */
  drops = 0;
  /** Interfaces by SNMP's ifIndex; 0 where it is unknown, or the packet was dropped or went to several. */
  input = 0;
  output = 0;
  /** Offsets of the data of records; 0 where there is none. Of several of a kind the first. */
  header = 0;
  ethernet = 0;
  ipv4 = 0;
  ipv6 = 0;
  switch = 0;
  router = 0;
  gateway = 0;
  /** Of the gateway's path: first autonomous system behind the agent's, and the last. 0 where they are none, or an unordered set. */
  nextAs = 0;
  targetAs = 0;

  /** Look at the sample between two offsets; false when it contradicts itself. */
  read(view: DataView, at: number, end: number, isExpanded: boolean): boolean {
    const head = isExpanded ? BYTES.flowExpanded : BYTES.flow;
    if (at + head > end) return false;
    this.header = 0;
    this.ethernet = 0;
    this.ipv4 = 0;
    this.ipv6 = 0;
    this.switch = 0;
    this.router = 0;
    this.gateway = 0;
    this.nextAs = 0;
    this.targetAs = 0;
    if (isExpanded) this.#expanded(view, at);
    else this.#compact(view, at);
    return this.#records(view, at + head, end);
  }

  #compact(view: DataView, at: number): void {
    this.source = view.getUint32(at + 4);
    this.rate = view.getUint32(at + 8);
    this.drops = view.getUint32(at + 16);
    this.input = interfaceOf(view.getUint32(at + 20));
    this.output = interfaceOf(view.getUint32(at + 24));
  }

  /** The same with more room for indexes of interfaces. */
  #expanded(view: DataView, at: number): void {
    this.source = ((view.getUint32(at + 4) << 24) ^ view.getUint32(at + 8)) >>> 0;
    this.rate = view.getUint32(at + 12);
    this.drops = view.getUint32(at + 20);
    this.input = view.getUint32(at + 24) === 0 ? view.getUint32(at + 28) : 0;
    this.output = view.getUint32(at + 32) === 0 ? view.getUint32(at + 36) : 0;
  }

  #records(view: DataView, from: number, end: number): boolean {
    let at = from;
    // How many there are is the word in front of the first.
    for (let left = view.getUint32(from - 4); left > 0; left--) {
      if (at + BYTES.head > end) return false;
      const format = view.getUint32(at);
      const data = at + BYTES.head;
      const next = data + view.getUint32(at + 4);
      if (next > end || !this.#record(view, format, data, next)) return false;
      at = padded(next);
    }
    return true;
  }

  /** Note where a record is; false when it is shorter than what it is. Those that are not known are passed over. */
  #record(view: DataView, format: number, at: number, end: number): boolean {
    const size = end - at;
    switch (format) {
      case RECORD.header:
        if (size < BYTES.header || BYTES.header + view.getUint32(at + 12) > size) return false;
        this.header ||= at;
        return true;
      case RECORD.ethernet:
        this.ethernet ||= at;
        return size >= BYTES.ethernet;
      case RECORD.ipv4:
        this.ipv4 ||= at;
        return size >= BYTES.ipv4;
      case RECORD.ipv6:
        this.ipv6 ||= at;
        return size >= BYTES.ipv6;
      case RECORD.switch:
        this.switch ||= at;
        return size >= BYTES.switch;
      case RECORD.router: {
        const address = addressBytes(view, at, end);
        this.router ||= at;
        return address > 0 && address + 8 <= size;
      }
      case RECORD.gateway:
        return this.#path(view, at, end);
      default:
        return true;
    }
  }

  /** A gateway's record: next hop, three autonomous systems, and the path, in segments. */
  #path(view: DataView, from: number, end: number): boolean {
    const address = addressBytes(view, from, end);
    let at = from + address + 16;
    if (address < 0 || at > end) return false;
    let first = 0;
    let last = 0;
    const segments = view.getUint32(at - 4);
    for (let i = 0; i < segments; i++) {
      if (at + 8 > end) return false;
      const isOrdered = view.getUint32(at) === AS_SEQUENCE;
      const count = view.getUint32(at + 4);
      at += 8;
      if (4 * count > end - at) return false;
      const isKnown = isOrdered && count > 0;
      if (i === 0 && isKnown) first = view.getUint32(at);
      at += 4 * count;
      last = isKnown ? view.getUint32(at - 4) : 0;
    }
    if (this.gateway > 0) return true;
    this.gateway = from;
    this.nextAs = first;
    this.targetAs = last;
    return true;
  }
}

/** Kind 0 is an ifIndex; 1 is why a packet was dropped, 2 to how many it went. */
const interfaceOf = (word: number): number => (word <= INTERFACE ? word : 0);

/** Whether the address at `at` is of this family. */
export const isFamily = (view: DataView, at: number, isIpv6: boolean): boolean =>
  view.getUint32(at) === (isIpv6 ? ADDRESS.ipv6 : ADDRESS.ipv4);
