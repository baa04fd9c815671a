// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";
import { parseIp, parseMac } from "./ip.ts";
import { SECOND } from "./time.ts";
import type { Ip, ScalarType } from "./types.ts";

/**
 * Write one scalar in UniRec's representation: a number modulo the type's range, as JavaScript's conversions have
 * it; a bigint as the raw 64 bits; an address or a MAC also as text. Throws ERR_VALUE when the text is none.
 */
export function writeScalar(view: DataView, at: number, type: ScalarType, value: unknown): void {
  switch (type) {
    case "ipaddr":
      writeIp(view, at, typeof value === "string" ? ipOf(value) : (value as Ip));
      return;
    case "macaddr":
      writeMac(view, at, typeof value === "string" ? macOf(value) : (value as number));
      return;
    case "time":
      if (typeof value === "bigint") view.setBigUint64(at, value, true);
      else writeMicros(view, at, value as number);
      return;
    case "uint64":
    case "int64":
      if (typeof value === "bigint") view.setBigUint64(at, BigInt.asUintN(64, value), true);
      else write64(view, at, Number(value));
      return;
    default:
      writeNumber(view, at, type, Number(value));
  }
}

/** Fractions of 2^-32 seconds in a microsecond as the original counts them: 1000 K / 2^32, see time.ts. */
const FRACTIONS = 4294.967296067625;

/**
 * Microseconds since 1970 (0 up to 2106) as a UniRec time, bit by bit as writeTime() has it. One product of doubles
 * instead of that one's halves is 2 ns instead of 6; a test tries all microseconds of a second.
 */
export function writeMicros(view: DataView, at: number, micros: number): void {
  const seconds = Math.floor(micros / SECOND);
  view.setInt32(at, Math.floor((micros - seconds * SECOND) * FRACTIONS) | 0, true);
  view.setInt32(at + 4, seconds | 0, true);
}

/** A double as 64 bits, rounded down; exact to 2^53. */
export function write64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 4_294_967_296);
  view.setInt32(at, (value - high * 4_294_967_296) | 0, true);
  view.setInt32(at + 4, high | 0, true);
}

/** The 48 bits of a MAC address, in network order. */
export function writeMac(view: DataView, at: number, mac: number): void {
  const high = Math.floor(mac / 4_294_967_296);
  view.setInt16(at, high | 0);
  view.setInt32(at + 2, (mac - high * 4_294_967_296) | 0);
}

type NumberType = Exclude<ScalarType, "ipaddr" | "macaddr" | "time" | "uint64" | "int64">;

function writeNumber(view: DataView, at: number, type: NumberType, value: number): void {
  switch (type) {
    case "double":
      view.setFloat64(at, value, true);
      return;
    case "float":
      view.setFloat32(at, value, true);
      return;
    case "uint32":
    case "int32":
      // Through `| 0`: a store of a double above 2^31 is slow in JSC.
      view.setInt32(at, value | 0, true);
      return;
    case "uint16":
    case "int16":
      view.setInt16(at, value, true);
      return;
    case "uint8":
    case "int8":
    case "char":
      view.setInt8(at, value);
  }
}

function writeIp(view: DataView, at: number, ip: Ip): void {
  view.setInt32(at, ip.w0, true);
  view.setInt32(at + 4, ip.w1, true);
  view.setInt32(at + 8, ip.w2, true);
  view.setInt32(at + 12, ip.w3, true);
}

const bad = (what: string, text: string): NemeanError =>
  new NemeanError("ERR_VALUE", EXIT.data, `not ${what}: "${text}"`);

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (!ip) throw bad("an IP address", text);
  return ip;
}

function macOf(text: string): number {
  const mac = parseMac(text);
  if (mac === undefined) throw bad("a MAC address", text);
  return mac;
}
