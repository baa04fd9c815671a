// SPDX-License-Identifier: BSD-3-Clause
import { write64, writeMicros } from "../../unirec/scalar-write.ts";
import { CONVERSION, microsOf, readUnsigned } from "./conversions.ts";
import { type MessageHead, NO_HEAD } from "./message-head.ts";

const NOTHING = new DataView(new ArrayBuffer(0));
const NO_SPANS = new Int32Array(0);
const LARGEST = { 8: 255, 16: 65_535, 32: 0xffff_ffff } as const;

/**
 * A record on its way into a UniRec record, and how single values go over. A value of zero is not written: the record begins with zeros, and a better
 * element's value may stand there already.
 */
export class Transfer {
  /** The record that is read: where it lies, and where its fields do. */
  view: DataView = NOTHING;
  at = 0;
  spans: Int32Array = NO_SPANS;
  head: MessageHead = NO_HEAD;
  /** The fixed part of the record that is filled in. */
  to: DataView = NOTHING;

  /** Convert the value at `at` of so many bytes, and write it at `p`. */
  store(kind: number, at: number, length: number, p: number): void {
    if (kind === CONVERSION.counter64) this.#wide(at, length, p);
    else if (kind <= CONVERSION.low32) this.#number(kind, readUnsigned(this.view, at, length), p);
    else if (kind >= CONVERSION.seconds) this.#time(kind, at, p);
    else this.#other(kind, at, length, p);
  }

  #number(kind: number, value: number, p: number): void {
    if (value === 0) return;
    const { to } = this;
    switch (kind) {
      case CONVERSION.counter8:
        to.setUint8(p, Math.min(value, LARGEST[8]));
        return;
      case CONVERSION.counter16:
        to.setUint16(p, Math.min(value, LARGEST[16]), true);
        return;
      case CONVERSION.counter32:
        to.setInt32(p, Math.min(value, LARGEST[32]) | 0, true);
        return;
      case CONVERSION.low8:
        to.setUint8(p, value & 255);
        return;
      case CONVERSION.low16:
        to.setUint16(p, value & 65_535, true);
        return;
      default:
        to.setInt32(p, value | 0, true);
    }
  }

  #wide(at: number, length: number, p: number): void {
    const { view, to } = this;
    if (length < 8) {
      const value = readUnsigned(view, at, length);
      if (value !== 0) write64(to, p, value);
      return;
    }
    const high = view.getInt32(at);
    const low = view.getInt32(at + 4);
    if ((high | low) === 0) return;
    to.setInt32(p, low, true);
    to.setInt32(p + 4, high, true);
  }

  #time(kind: number, at: number, p: number): void {
    const micros = microsOf(kind, this.view, at, this.head);
    // A time before 1970, or none.
    if (micros > 0) writeMicros(this.to, p, micros);
  }

  #other(kind: number, at: number, length: number, p: number): void {
    const { view, to } = this;
    switch (kind) {
      case CONVERSION.address:
        if (length === 4) this.#ipv4(view.getInt32(at, true), p);
        else this.#ipv6(at, p);
        return;
      case CONVERSION.mac:
        if (view.getInt32(at) === 0 && view.getInt16(at + 4) === 0) return;
        to.setInt32(p, view.getInt32(at));
        to.setInt16(p + 4, view.getInt16(at + 4));
        return;
      case CONVERSION.signed64:
        to.setBigInt64(p, signed(view, at, length), true);
        return;
      case CONVERSION.lowestBit:
        to.setUint8(p, view.getUint8(at + length - 1) & 1);
        return;
      case CONVERSION.float:
        to.setFloat32(p, length === 4 ? view.getFloat32(at) : view.getFloat64(at), true);
        return;
      default:
        to.setFloat64(p, length === 4 ? view.getFloat32(at) : view.getFloat64(at), true);
    }
  }

  /** 0.0.0.0 is an address as well, where no better one stands. */
  #ipv4(word: number, p: number): void {
    const { to } = this;
    if (word === 0 && isTaken(to, p)) return;
    to.setInt32(p, 0);
    to.setInt32(p + 4, 0);
    to.setInt32(p + 8, word, true);
    to.setInt32(p + 12, -1);
  }

  /** One that is mapped from IPv4 (`::ffff:192.0.2.1`) stays what it is. */
  #ipv6(at: number, p: number): void {
    const { view, to } = this;
    const words = view.getInt32(at) | view.getInt32(at + 4) | view.getInt32(at + 8);
    if ((words | view.getInt32(at + 12)) === 0) return;
    for (let k = 0; k < 16; k += 4) to.setInt32(p + k, view.getInt32(at + k));
  }
}

/** Whether an address stands there that is not `::`. */
const isTaken = (to: DataView, p: number): boolean =>
  (to.getInt32(p) | to.getInt32(p + 4) | to.getInt32(p + 8) | to.getInt32(p + 12)) !== 0;

/** A signed number of 1 to 8 bytes (RFC 7011 section 6.2: shorter ones keep their sign). */
function signed(view: DataView, at: number, length: number): bigint {
  let value = BigInt(view.getInt8(at));
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}
