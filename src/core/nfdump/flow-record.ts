// SPDX-License-Identifier: BSD-3-Clause
import { FLOW_BYTES, placeOf } from "./elements.ts";
import {
  V1_ADDRESSES,
  V1_BYTES,
  V1_COMMON,
  V1_EXTENSIONS,
  V1_PACKETS,
  type V1Extension,
  V3_EXTENSIONS,
  type Value,
} from "./extensions.ts";
import { EXTENSION_HEAD_BYTES, RECORD, V3_HEAD_BYTES } from "./format.ts";

const WORD = 4_294_967_296;
const SECOND_MILLIS = 1000;
/** Flags of flows of layout 1: what is of the longer form. */
const LONG = { addresses: 1, packets: 2, bytes: 4 } as const;
/** Bytes in front of the addresses: of the older record, and of the newer. */
const COMMON0_BYTES = 28;
const COMMON_BYTES = 32;
/** The extension without which a record is no flow. */
const GENERIC = 1;
/** Extensions that a map has at most: each of those known, and as many again. */
const MAP_MAX = 128;
const MAP_HEAD_BYTES = 8;

const FIRST = placeOf("first").at;
const LAST = placeOf("last").at;
const EVENT = placeOf("eventAt").at;
const FLOWS = placeOf("flows").at;
const DOMAIN = placeOf("domain").at;

/**
 * The flow of one record, whatever its layout: all elements one behind the other in network order, zero where the file has none.
 * What a record claims beyond its end is not there.
 */
export class FlowRecord {
  readonly bytes = new Uint8Array(new ArrayBuffer(FLOW_BYTES));
  readonly view = new DataView(this.bytes.buffer);
  /** Extensions of layout 1 by the number of their map, which files have in front of the flows. */
  readonly #maps = new Map<number, readonly V1Extension[]>();

  /** Begin with another file, which has maps of its own. */
  forget(): void {
    this.#maps.clear();
  }

  /** Take a V3 record, `size` bytes at `at`; false when it is no flow. */
  takeV3(block: DataView, at: number, size: number): boolean {
    if (size < V3_HEAD_BYTES) return false;
    this.bytes.fill(0);
    const end = at + size;
    let isFlow = false;
    let next = at + V3_HEAD_BYTES;
    for (let left = block.getUint16(at + 4, true); left > 0; left--) {
      if (next + EXTENSION_HEAD_BYTES > end) return false;
      const number = block.getUint16(next, true);
      const length = block.getUint16(next + 2, true);
      if (length < EXTENSION_HEAD_BYTES || length > end - next) return false;
      const values = V3_EXTENSIONS[number];
      if (values) this.#copy(values, block, next + EXTENSION_HEAD_BYTES, next + length);
      isFlow ||= number === GENERIC;
      next += length;
    }
    // Without an observation domain the engine stands for it, as exporters of NetFlow v5 have it.
    if (isFlow && this.view.getInt32(DOMAIN) === 0)
      this.view.setUint16(DOMAIN + 2, block.getUint16(at + 6));
    return isFlow && this.#complete();
  }

  /** Take a map of extensions, `size` bytes at `at`; false when it is none. */
  takeMap(block: DataView, at: number, size: number): boolean {
    if (size < MAP_HEAD_BYTES) return false;
    const extensions: V1Extension[] = [];
    const end = Math.min(at + size, at + MAP_HEAD_BYTES + 2 * MAP_MAX);
    for (let next = at + MAP_HEAD_BYTES; next + 2 <= end; next += 2) {
      const number = block.getUint16(next, true);
      if (number === 0) break;
      // Those that every flow has do not belong here, and are passed over as nfdump does.
      if (number <= 3) continue;
      const extension = V1_EXTENSIONS[number];
      if (!extension) break;
      extensions.push(extension);
    }
    this.#maps.set(block.getUint16(at + 4, true), extensions);
    return true;
  }

  /** Take a flow of layout 1, `size` bytes at `at`; false when it is none or its map has not come. */
  takeV1(block: DataView, at: number, size: number): boolean {
    const isOld = block.getUint16(at, true) === RECORD.common0;
    const head = isOld ? COMMON0_BYTES : COMMON_BYTES;
    if (size < head) return false;
    const extensions = this.#maps.get(block.getUint16(at + 6, true));
    if (!extensions) return false;
    this.bytes.fill(0);
    const end = at + size;
    const flags = isOld ? block.getUint8(at + 4) : block.getUint16(at + 4, true);
    this.#copy(V1_COMMON, block, at, end);
    this.#millis(FIRST, block.getUint32(at + 12, true), block.getUint16(at + 8, true));
    this.#millis(LAST, block.getUint32(at + 16, true), block.getUint16(at + 10, true));
    const isLong = (flag: number): 0 | 1 => ((flags & flag) === 0 ? 0 : 1);
    const addresses = isLong(LONG.addresses);
    const packets = isLong(LONG.packets);
    const bytes = isLong(LONG.bytes);
    let next = at + head;
    const sizes = [addresses === 0 ? 8 : 32, packets === 0 ? 4 : 8, bytes === 0 ? 4 : 8] as const;
    if (end - next < sizes[0] + sizes[1] + sizes[2]) return false;
    this.#copy(V1_ADDRESSES[addresses], block, next, end);
    next += sizes[0];
    this.#copy(V1_PACKETS[packets], block, next, end);
    next += sizes[1];
    this.#copy(V1_BYTES[bytes], block, next, end);
    next += sizes[2];
    for (const extension of extensions) {
      if (extension.bytes > end - next) return false;
      this.#copy(extension.values, block, next, next + extension.bytes);
      next += extension.bytes;
    }
    return this.#complete();
  }

  /** When it ended, microseconds since 1970. */
  get last(): number {
    return (this.view.getUint32(LAST) * WORD + this.view.getUint32(LAST + 4)) * 1000;
  }

  /** Let it end at a time (microseconds since 1970) and take as long as it did. */
  endAt(micros: number): void {
    const { view } = this;
    const first = view.getUint32(FIRST) * WORD + view.getUint32(FIRST + 4);
    const took = Math.max(0, this.last / 1000 - first);
    const end = Math.floor(micros / 1000);
    this.#put(FIRST, Math.max(0, end - took));
    this.#put(LAST, end);
  }

  /** Values that lie in front of `end` go over; files of older versions have shorter extensions. */
  #copy(values: readonly Value[], block: DataView, at: number, end: number): void {
    const { bytes: into } = this;
    for (const { from, bytes, to, isText } of values) {
      const start = at + from;
      if (start + bytes > end) continue;
      if (isText) for (let i = 0; i < bytes; i++) into[to + i] = block.getUint8(start + i);
      else for (let i = 0, j = to + bytes; i < bytes; i++) into[--j] = block.getUint8(start + i);
    }
  }

  #millis(to: number, seconds: number, millis: number): void {
    this.#put(to, seconds * SECOND_MILLIS + millis);
  }

  #put(to: number, value: number): void {
    this.view.setUint32(to, Math.floor(value / WORD));
    this.view.setUint32(to + 4, value % WORD);
  }

  /** A flow that lacks one of its times has the other one, events of firewalls have theirs; it is one flow where nobody says more. Always true. */
  #complete(): true {
    const { view, bytes } = this;
    const isSet = (at: number): boolean => (view.getInt32(at) | view.getInt32(at + 4)) !== 0;
    if (!isSet(FIRST))
      bytes.copyWithin(FIRST, isSet(LAST) ? LAST : EVENT, (isSet(LAST) ? LAST : EVENT) + 8);
    if (!isSet(LAST)) bytes.copyWithin(LAST, FIRST, FIRST + 8);
    if (!isSet(FLOWS)) this.#put(FLOWS, 1);
    return true;
  }
}
