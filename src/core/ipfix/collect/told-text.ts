// SPDX-License-Identifier: BSD-3-Clause
import { macText } from "../../unirec/ip.ts";
import { rfc3339 } from "../../unirec/time.ts";
import { microsOf, readUnsigned, TIME_BYTES, TOLD_TIMES } from "./conversions.ts";
import { DATA_TYPE } from "./data-types.ts";
import { addressAt } from "./list-values.ts";
import { NO_HEAD } from "./message-head.ts";

/** What may break a line or a terminal, or turn text around: control characters and marks that nobody sees. */
const UNSEEN = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
/** Bytes of unsigned256. */
const NUMBER_BYTES = 32;

/** A value as text, by the data type that its exporter told (RFC 5610); undefined where it does not fit that type. */
export function toldText(
  type: number,
  view: DataView,
  at: number,
  length: number,
): string | undefined {
  const time = TOLD_TIMES[type];
  if (time !== undefined)
    return length === TIME_BYTES[time] ? rfc3339(microsOf(time, view, at, NO_HEAD)) : undefined;
  switch (type) {
    case DATA_TYPE.float32:
    case DATA_TYPE.float64:
      if (length === 4) return String(view.getFloat32(at));
      return length === 8 ? String(view.getFloat64(at)) : undefined;
    case DATA_TYPE.boolean:
      return length === 1 ? BOOLEANS[view.getUint8(at)] : undefined;
    case DATA_TYPE.mac:
      return length === 6 ? macText(readUnsigned(view, at, length)) : undefined;
    case DATA_TYPE.string:
      return quoted(bytesAt(view, at, length));
    case DATA_TYPE.ipv4:
      return length === 4 ? String(addressAt(view, at, length)) : undefined;
    case DATA_TYPE.ipv6:
      return length === 16 ? String(addressAt(view, at, length)) : undefined;
    default:
      return integerText(type, bytesAt(view, at, length));
  }
}

/** RFC 7011 section 6.1.5. */
const BOOLEANS: Readonly<Record<number, string>> = { 1: "true", 2: "false" };

const bytesAt = (view: DataView, at: number, length: number): Buffer =>
  Buffer.from(view.buffer, view.byteOffset + at, length);

/** Numbers may be shorter than their type (RFC 7011 section 6.2). */
function integerText(type: number, bytes: Buffer): string | undefined {
  const { length } = bytes;
  const isSigned = type >= DATA_TYPE.signed8 && type <= DATA_TYPE.signed64;
  const isUnsigned = type >= DATA_TYPE.unsigned8 && type <= DATA_TYPE.unsigned64;
  const isKnown = isSigned || isUnsigned || type === DATA_TYPE.unsigned256;
  if (!isKnown || length === 0 || length > NUMBER_BYTES) return undefined;
  const value = BigInt(`0x${bytes.toString("hex")}`);
  return String(isSigned ? BigInt.asIntN(8 * length, value) : value);
}

/** In quotes, up to its padding of zeros, and with nothing in it that is not seen. */
function quoted(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  const text = JSON.stringify(bytes.toString("utf8", 0, end < 0 ? bytes.length : end));
  return text.replace(UNSEEN, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
