// SPDX-License-Identifier: BSD-3-Clause

import { isV4 } from "../unirec/ip.ts";
import type { AnyReader } from "../unirec/reader.ts";
import type { IpField } from "../unirec/types.ts";
import { EXTENSION_HEAD_BYTES, RECORD, V3_HEAD_BYTES } from "./format.ts";

/** Most bytes of a record: all extensions. */
export const RECORD_BYTES_MAX = 512;
const WORD = 4_294_967_296;

type Kind = 8 | 16 | 32 | 64 | "mac" | "micros";
/** Field, kind, and where its value lies in its extension. */
type Row = readonly [field: string, kind: Kind, at: number];

/** Extensions with numbers, which are written when one of them is not zero: their length, and their fields. */
const EXTENSIONS: readonly (readonly [id: number, bytes: number, rows: readonly Row[]])[] = [
  [
    4,
    16,
    [
      ["INPUT_INTERFACE", 32, 0],
      ["OUTPUT_INTERFACE", 32, 4],
      ["SRC_MASK", 8, 8],
      ["DST_MASK", 8, 9],
      ["FLOW_DIRECTION", 8, 10],
      ["DST_TOS", 8, 11],
      ["BIFLOW_DIRECTION", 8, 12],
      ["FLOW_END_REASON", 8, 13],
    ],
  ],
  [
    6,
    8,
    [
      ["VLAN_ID", 32, 0],
      ["POST_VLAN_ID", 32, 4],
    ],
  ],
  [
    7,
    8,
    [
      ["SRC_AS", 32, 0],
      ["DST_AS", 32, 4],
    ],
  ],
  [14, 40, Array.from({ length: 10 }, (_, i): Row => [`MPLS_LABEL_${i + 1}`, 32, 4 * i])],
  [
    15,
    32,
    [
      ["SRC_MAC", "mac", 0],
      ["POST_DST_MAC", "mac", 8],
      ["DST_MAC", "mac", 16],
      ["POST_SRC_MAC", "mac", 24],
    ],
  ],
  [
    16,
    8,
    [
      ["NEXT_AS", 32, 0],
      ["PREV_AS", 32, 4],
    ],
  ],
  [
    22,
    4,
    [
      ["NAT_SRC_PORT", 16, 0],
      ["NAT_DST_PORT", 16, 2],
    ],
  ],
  [33, 16, [["ODID", 32, 8]]],
];

/** Extensions of one address or two: their numbers for IPv4 and for IPv6. */
const ADDRESSES: readonly (readonly [v4: number, v6: number, fields: readonly string[]])[] = [
  [8, 9, ["BGP_NEXT_HOP"]],
  [10, 11, ["NEXT_HOP"]],
  [12, 13, ["EXPORTER_IP"]],
  [20, 21, ["NAT_SRC_IP", "NAT_DST_IP"]],
];
const FLOW_IPV4 = 2;
const FLOW_IPV6 = 3;
const ADDRESS_FIELDS = ["SRC_IP", "DST_IP"];

const GENERIC = 1;
const GENERIC_BYTES = 48;
const COUNTS = 5;
const COUNTS_BYTES = 24;
/** What wrote the record, in nfdump's numbers of versions: a program that meters itself. */
const SOURCE_VERSION = 0x41;

/** Writes flows as V3 records. Of a flow's optional fields those that are there and not zero are written. */
export class RecordEncoder {
  readonly bytes = new Uint8Array(new ArrayBuffer(RECORD_BYTES_MAX));
  readonly view = new DataView(this.bytes.buffer);
  #at = 0;
  #extensions = 0;

  /** Encode the flow under a cursor, whose layout has all fields that files have; returns the record's bytes. */
  encode(flow: AnyReader): number {
    const { view, bytes } = this;
    bytes.fill(0);
    this.#at = V3_HEAD_BYTES;
    this.#extensions = 0;
    this.#generic(flow);
    this.#pair(flow, ADDRESS_FIELDS, FLOW_IPV4, FLOW_IPV6);
    this.#counts(flow);
    for (const [id, length, rows] of EXTENSIONS) this.#numbers(flow, id, length, rows);
    for (const [v4, v6, fields] of ADDRESSES) this.#optional(flow, fields, v4, v6);
    view.setUint16(0, RECORD.v3, true);
    view.setUint16(2, this.#at, true);
    view.setUint16(4, this.#extensions, true);
    view.setUint8(7, Number(flow["LINK_BIT_FIELD"]) & 255);
    view.setUint8(11, SOURCE_VERSION);
    return this.#at;
  }

  #generic(flow: AnyReader): void {
    const at = this.#begin(GENERIC, GENERIC_BYTES);
    this.#put(at, "micros", flow["TIME_FIRST"] as number);
    this.#put(at + 8, "micros", flow["TIME_LAST"] as number);
    this.#put(at + 16, "micros", (flow["RECEIVED_TIME"] || flow["TIME_LAST"]) as number);
    this.#put(at + 24, 64, flow["PACKETS"] as number);
    this.#put(at + 32, 64, flow["BYTES"] as number);
    this.#put(at + 40, 16, flow["SRC_PORT"] as number);
    this.#put(at + 42, 16, flow["DST_PORT"] as number);
    this.#put(at + 44, 8, flow["PROTOCOL"] as number);
    this.#put(at + 45, 8, flow["TCP_FLAGS"] as number);
    this.#put(at + 46, 8, flow["FORWARDING_STATUS"] as number);
    this.#put(at + 47, 8, flow["TOS"] as number);
  }

  /** Aggregated flows, and the other direction. */
  #counts(flow: AnyReader): void {
    const flows = (flow["FLOWS"] as number) || 1;
    const packets = flow["PACKETS_REV"] as number;
    const bytes = flow["BYTES_REV"] as number;
    // One flow of one direction is what records without it are.
    if (flows === 1 && packets === 0 && bytes === 0) return;
    const at = this.#begin(COUNTS, COUNTS_BYTES);
    this.#put(at, 64, flows);
    this.#put(at + 8, 64, packets);
    this.#put(at + 16, 64, bytes);
  }

  #numbers(flow: AnyReader, id: number, length: number, rows: readonly Row[]): void {
    let isAny = false;
    for (const [field] of rows) isAny ||= flow[field] !== 0;
    if (!isAny) return;
    const at = this.#begin(id, length);
    for (const [field, kind, offset] of rows) this.#put(at + offset, kind, flow[field] as number);
  }

  #optional(flow: AnyReader, fields: readonly string[], v4: number, v6: number): void {
    for (const field of fields) {
      const { w0, w1, w2, w3 } = flow[field] as IpField;
      if ((w0 | w1 | w2) === 0 && (w3 === 0 || w3 === -1)) continue;
      this.#pair(flow, fields, v4, v6);
      return;
    }
  }

  /** Both as IPv4 where they are that. */
  #pair(flow: AnyReader, fields: readonly string[], v4: number, v6: number): void {
    let areV4 = true;
    for (const field of fields) areV4 &&= isV4Or0(flow[field] as IpField);
    const at = this.#begin(areV4 ? v4 : v6, fields.length * (areV4 ? 4 : 16));
    for (let i = 0; i < fields.length; i++) {
      const ip = flow[fields[i]!] as IpField;
      if (areV4) this.#word(at + 4 * i, ip.w2);
      else this.#ipv6(at + 16 * i, ip);
    }
  }

  /** Two numbers of 64 bits, the upper one first; an IPv4 address beside an IPv6 one is mapped (RFC 4291). */
  #ipv6(at: number, ip: IpField): void {
    const isMapped = isV4(ip);
    this.#word(at + 4, ip.w0);
    this.#word(at, ip.w1);
    if (isMapped) {
      this.view.setInt32(at + 12, 0xffff, true);
      this.#word(at + 8, ip.w2);
    } else {
      this.#word(at + 12, ip.w2);
      this.#word(at + 8, ip.w3);
    }
  }

  /** A word whose bytes are in network order. */
  #word(at: number, word: number): void {
    this.view.setInt32(at, word);
  }

  #begin(id: number, length: number): number {
    const { view } = this;
    const at = this.#at;
    view.setUint16(at, id, true);
    view.setUint16(at + 2, EXTENSION_HEAD_BYTES + length, true);
    this.#at += EXTENSION_HEAD_BYTES + length;
    this.#extensions++;
    return at + EXTENSION_HEAD_BYTES;
  }

  #put(at: number, kind: Kind, value: number): void {
    const { view } = this;
    switch (kind) {
      case 8:
        view.setUint8(at, value);
        return;
      case 16:
        view.setUint16(at, value, true);
        return;
      case 32:
        view.setInt32(at, value | 0, true);
        return;
      default: {
        const number = kind === "micros" ? Math.floor(value / 1000) : value;
        const high = Math.floor(number / WORD);
        view.setInt32(at, (number - high * WORD) | 0, true);
        view.setInt32(at + 4, high | 0, true);
      }
    }
  }
}

const isV4Or0 = (ip: IpField): boolean => isV4(ip) || (ip.w0 | ip.w1 | ip.w2 | ip.w3) === 0;
