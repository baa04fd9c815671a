// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX, recordTooLong } from "../batch.ts";
import { Address } from "./ip.ts";
import { SCALAR_CODE, scanWhole } from "./scan.ts";
import { decodeHex } from "./scan-address.ts";
import { Span } from "./span.ts";
import { elementOf, isArrayType, type ScalarType, SIZE, type UniRecType } from "./types.ts";

const BAR = 124;
const OPEN = 91;
const CLOSE = 93;
/** Elements until the writer has them: a record's, and one past it. */
const scratch = new ArrayBuffer(RECORD_MAX + 16 - ((RECORD_MAX + 16) % 16));
const view = new DataView(scratch);
const element = new Span();
const encoder = new TextEncoder();

/** One value from its text (unirec.md section 6) as a writer takes it; undefined when it is none. */
export function parseValue(type: UniRecType, text: string): unknown {
  const bytes = encoder.encode(text);
  const item = new Span().over(bytes, 0, bytes.length);
  if (type === "string") return text;
  if (SIZE[type] < 0) {
    const values = variableOf(type, item);
    return values && isArrayType(type) ? Array.from(values) : values;
  }
  const scalar = type as ScalarType;
  return scanWhole(SCALAR_CODE[scalar], item, view, 0) ? elementsOf(scalar, 1)[0] : undefined;
}

/**
 * What a writer takes for a variable field, from its item's bytes, which are written over; undefined when they are
 * no value. Good until the next call.
 * @throws {NemeanError} ERR_RECORD_SIZE when it is more than a record holds
 */
export function variableOf(type: UniRecType, item: Span): ArrayLike<unknown> | undefined {
  if (isArrayType(type)) return arrayOf(elementOf(type), item);
  const { bytes, at, end } = item;
  if (type === "string") return bytes.subarray(at, end);
  const count = decodeHex(bytes, at, end);
  return count < 0 ? undefined : bytes.subarray(at, at + count);
}

/** `[1|2|3]`, or with spaces for bars; square brackets anywhere are dropped. */
function arrayOf(type: ScalarType, item: Span): ArrayLike<unknown> | undefined {
  const { bytes } = item;
  let end = withoutBrackets(item);
  let i = item.at;
  while (i < end && isSpace(bytes[i]!)) i++;
  while (end > i && isSpace(bytes[end - 1]!)) end--;
  const code = SCALAR_CODE[type];
  const size = SIZE[type];
  let length = 0;
  for (let more = i < end; more; ) {
    const from = i;
    while (i < end && !isSeparator(bytes[i]!)) i++;
    if (length + size > scratch.byteLength) throw recordTooLong(length + size);
    if (!scanWhole(code, element.over(bytes, from, i), view, length)) return undefined;
    length += size;
    more = i < end;
    while (i < end && isSeparator(bytes[i]!)) i++;
    // A bar behind the last element announces another.
    if (more && i === end) return undefined;
  }
  return elementsOf(type, length / size);
}

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);
const isSeparator = (byte: number): boolean => byte === BAR || isSpace(byte);

/** Close the item's text up over its brackets; returns its new end. */
function withoutBrackets({ bytes, at, end }: Span): number {
  let to = at;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (byte !== OPEN && byte !== CLOSE) bytes[to++] = byte;
  }
  return to;
}

/** The scratch buffer's elements as a writer takes them: what has 64 bits keeps them all. */
function elementsOf(type: ScalarType, count: number): ArrayLike<unknown> {
  switch (type) {
    case "ipaddr":
      return Array.from({ length: count }, (_, i) => addressAt(view, i * 16));
    case "macaddr":
      return Array.from({ length: count }, (_, i) => macAt(view, i * 6));
    case "time":
    case "uint64":
      return new BigUint64Array(scratch, 0, count);
    case "int64":
      return new BigInt64Array(scratch, 0, count);
    case "double":
      return new Float64Array(scratch, 0, count);
    case "float":
      return new Float32Array(scratch, 0, count);
    case "uint32":
      return new Uint32Array(scratch, 0, count);
    case "int32":
      return new Int32Array(scratch, 0, count);
    case "uint16":
      return new Uint16Array(scratch, 0, count);
    case "int16":
      return new Int16Array(scratch, 0, count);
    case "int8":
      return new Int8Array(scratch, 0, count);
    default:
      return new Uint8Array(scratch, 0, count);
  }
}

function addressAt(from: DataView, at: number): Address {
  const address = new Address();
  address.w0 = from.getInt32(at, true);
  address.w1 = from.getInt32(at + 4, true);
  address.w2 = from.getInt32(at + 8, true);
  address.w3 = from.getInt32(at + 12, true);
  return address;
}

const macAt = (from: DataView, at: number): number =>
  from.getUint16(at) * 4_294_967_296 + from.getUint32(at + 2);
