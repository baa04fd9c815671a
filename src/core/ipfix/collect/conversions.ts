// SPDX-License-Identifier: BSD-3-Clause
/** How values of information elements become those of UniRec fields (RFC 7011 section 6). @module */
import { SECOND } from "../../unirec/time.ts";
import type { ScalarType } from "../../unirec/types.ts";
import { DATA_TYPE, type ElementType, SEMANTICS } from "./data-types.ts";
import type { MessageHead } from "./message-head.ts";

/** A conversion. */
export const CONVERSION = {
  /** Unsigned numbers of up to 8 bytes: too large a one becomes the largest there is (`counter`), or loses its upper bits. */
  counter8: 0,
  counter16: 1,
  counter32: 2,
  counter64: 3,
  low8: 4,
  low16: 5,
  low32: 6,
  /** A signed number of up to 8 bytes. */
  signed64: 7,
  float: 8,
  double: 9,
  address: 10,
  mac: 11,
  /** The lowest bit, as DIR_BIT_FIELD has of the interface that a flow came in by. */
  lowestBit: 12,
  seconds: 13,
  millis: 14,
  /** NTP's timestamp: dateTimeMicroseconds and dateTimeNanoseconds. */
  ntp: 15,
  /** Milliseconds of the exporter's uptime. */
  uptime: 16,
  /** Microseconds before the message was sent. */
  before: 17,
} as const;

const WORD = 4_294_967_296;
/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH = 2_208_988_800;

/** Elements whose values are times, and how they say them. */
const TIMES: Readonly<Record<number, number>> = {
  21: CONVERSION.uptime,
  22: CONVERSION.uptime,
  150: CONVERSION.seconds,
  151: CONVERSION.seconds,
  152: CONVERSION.millis,
  153: CONVERSION.millis,
  154: CONVERSION.ntp,
  155: CONVERSION.ntp,
  156: CONVERSION.ntp,
  157: CONVERSION.ntp,
  158: CONVERSION.before,
  159: CONVERSION.before,
  258: CONVERSION.millis,
  322: CONVERSION.seconds,
  323: CONVERSION.millis,
  324: CONVERSION.ntp,
  325: CONVERSION.ntp,
};

/** The same of elements of enterprises, by the data types that exporters tell. */
export const TOLD_TIMES: Readonly<Record<number, number>> = {
  [DATA_TYPE.seconds]: CONVERSION.seconds,
  [DATA_TYPE.millis]: CONVERSION.millis,
  [DATA_TYPE.micros]: CONVERSION.ntp,
  [DATA_TYPE.nanos]: CONVERSION.ntp,
};

/** Fields whose values are sets of flags or names of things: the upper bits of a longer one mean something else. */
const IDENTIFIERS = /FLAGS|FLG|_PORT$|PROTOCOL|TOS|TTL|_ID$|REASON/;

/**
 * The conversion for a field that comes from an element with values of so many bytes; undefined where there is none.
 * @param told what the exporter told of the element, where that is known
 */
export function conversionFor(
  { name, type }: { name: string; type: ScalarType },
  { enterprise, number }: { enterprise: number; number: number },
  length: number,
  told?: ElementType,
): number | undefined {
  switch (type) {
    case "time": {
      const ofEnterprise = TOLD_TIMES[told?.type ?? DATA_TYPE.octets] ?? CONVERSION.millis;
      const time = enterprise === 0 ? TIMES[number] : ofEnterprise;
      return time !== undefined && length === TIME_BYTES[time] ? time : undefined;
    }
    case "ipaddr":
      return length === 4 || length === 16 ? CONVERSION.address : undefined;
    case "macaddr":
      return length === 6 ? CONVERSION.mac : undefined;
    case "float":
    case "double":
      return length === 4 || length === 8 ? CONVERSION[type] : undefined;
    default:
      return length === 0 || length > 8 ? undefined : numberFor(name, type, told?.semantics);
  }
}

function numberFor(name: string, type: IntegerType, semantics?: number): number {
  if (name === "DIR_BIT_FIELD") return CONVERSION.lowestBit;
  if (type === "uint64") return CONVERSION.counter64;
  if (type === "int64") return CONVERSION.signed64;
  const isIdentifier = semantics === SEMANTICS.identifier || semantics === SEMANTICS.flags;
  const isCounter = type.startsWith("u") && !isIdentifier && !IDENTIFIERS.test(name);
  return isCounter ? COUNTER[type as keyof typeof COUNTER] : LOW[type];
}

type IntegerType = Exclude<ScalarType, "time" | "ipaddr" | "macaddr" | "float" | "double">;

/** Bytes of times, by how they are said. */
export const TIME_BYTES: Readonly<Record<number, number>> = {
  [CONVERSION.seconds]: 4,
  [CONVERSION.uptime]: 4,
  [CONVERSION.before]: 4,
  [CONVERSION.millis]: 8,
  [CONVERSION.ntp]: 8,
};
const LOW = {
  uint8: CONVERSION.low8,
  uint16: CONVERSION.low16,
  uint32: CONVERSION.low32,
  int8: CONVERSION.low8,
  char: CONVERSION.low8,
  int16: CONVERSION.low16,
  int32: CONVERSION.low32,
};
const COUNTER = {
  uint8: CONVERSION.counter8,
  uint16: CONVERSION.counter16,
  uint32: CONVERSION.counter32,
};

/** An unsigned number of 1 to 8 bytes in network order; above 2^53 the nearest double. */
export function readUnsigned(view: DataView, at: number, length: number): number {
  switch (length) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at);
    case 4:
      return view.getUint32(at);
    case 8:
      return view.getUint32(at) * WORD + view.getUint32(at + 4);
    default: {
      let value = 0;
      for (let i = 0; i < length; i++) value = value * 256 + view.getUint8(at + i);
      return value;
    }
  }
}

/** Microseconds since 1970 that a value says; NaN where that takes what the message does not say. */
export function microsOf(kind: number, view: DataView, at: number, head: MessageHead): number {
  switch (kind) {
    case CONVERSION.seconds:
      return view.getUint32(at) * SECOND;
    case CONVERSION.millis:
      return (view.getUint32(at) * WORD + view.getUint32(at + 4)) * 1000;
    case CONVERSION.ntp:
      return (
        (view.getUint32(at) - NTP_EPOCH) * SECOND +
        Math.floor((view.getUint32(at + 4) * SECOND) / WORD)
      );
    case CONVERSION.before:
      return head.sentAt - view.getUint32(at);
    default:
      return ofUptime(view.getUint32(at), head);
  }
}

/** Uptime is 32 bits of milliseconds: one after that of the message was before they began anew, 49.7 days ago. */
function ofUptime(uptime: number, { bootedAt, sentAt }: MessageHead): number {
  const micros = bootedAt + uptime * 1000;
  return micros > sentAt + AHEAD ? micros - WORD * 1000 : micros;
}

/** What a clock that is a little ahead is forgiven. */
const AHEAD = 3600 * SECOND;
