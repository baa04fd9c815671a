// SPDX-License-Identifier: BSD-3-Clause
/** Which IPFIX information elements the fields of flows are, and how their values are written. @module */
import { PROTOCOLS } from "../metadata/protocols.ts";
import type { Field } from "../unirec/template.ts";
import { elementOf, isArrayType, type ScalarType, SIZE } from "../unirec/types.ts";

/** An information element: IANA's have enterprise 0. */
export interface Element {
  readonly enterprise: number;
  readonly number: number;
}

/** How a value is written. Those of {@link ENCODING.text} and above have the length in front of them. */
export const ENCODING = {
  uint8: 0,
  uint16: 1,
  uint32: 2,
  uint64: 3,
  /** Six bytes, which UniRec has in network order as well. */
  mac: 4,
  /** The 4 bytes of an IPv4 address. */
  ipv4: 5,
  /** All 16 bytes of an address; an IPv4 one as `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2). */
  ipv6: 6,
  /** dateTimeMilliseconds (RFC 7011 section 6.1.8). */
  millis: 7,
  /** dateTimeMicroseconds (RFC 7011 section 6.1.9). */
  micros: 8,
  /** One byte as a 32-bit number, for collectors that know an element only in its full size. */
  widened: 9,
  /** Strings and bytes. */
  text: 10,
  /** An address of 4 or 16 bytes. */
  address: 11,
  /** basicList (RFC 6313 section 4.5.1). */
  list: 12,
} as const;

/** Bytes of the values of each {@link ENCODING} that has a fixed size. */
export const ENCODED_SIZE: readonly number[] = [1, 2, 4, 8, 6, 4, 16, 8, 8, 4];

/** Field length that says the length is with the value (RFC 7011 section 7). */
export const VARIABLE = 65_535;

/** A field as it is exported. */
export interface ExportField {
  readonly element: Element;
  readonly encoding: number;
  /** Offset of the value, or of the descriptor of a variable one, in the UniRec record. */
  readonly offset: number;
  /** Of a list: what it is a list of. */
  readonly inner?: {
    readonly element: Element;
    readonly encoding: number;
    /** Bytes of an item in the UniRec record. */
    readonly size: number;
  };
}

/** The IP version of a template: an address is another element in either. */
export type Version = 4 | 6;

const iana = (number: number): Element => ({ enterprise: 0, number });
/** What is known of the other direction (RFC 5103 section 6.1). */
const reverse = (number: number): Element => ({ enterprise: 29_305, number });

/** Addresses of the flow, in templates of IPv4 and of IPv6. */
const ADDRESSES: Readonly<Record<string, Readonly<Record<Version, Element>>>> = {
  SRC_IP: { 4: iana(8), 6: iana(27) },
  DST_IP: { 4: iana(12), 6: iana(28) },
};

/** The basic fields of a flow. LINK_BIT_FIELD is none of them: the observation domain says it. */
const BASIC: Readonly<Record<string, Element>> = {
  SRC_PORT: iana(7),
  DST_PORT: iana(11),
  PROTOCOL: iana(4),
  BYTES: iana(1),
  BYTES_REV: reverse(1),
  PACKETS: iana(2),
  PACKETS_REV: reverse(2),
  TCP_FLAGS: iana(6),
  TCP_FLAGS_REV: reverse(6),
  SRC_MAC: iana(56),
  DST_MAC: iana(80),
  FLOW_END_REASON: iana(136),
};

/** Collectors take the direction from ingressInterface, as ipfixprobe sends it. */
const INGRESS_INTERFACE = iana(10);

/** Times that are sent twice: most collectors read milliseconds, some of them nothing else. */
const TIMES: Readonly<Record<string, { millis: Element; micros: Element }>> = {
  TIME_FIRST: { millis: iana(152), micros: iana(154) },
  TIME_LAST: { millis: iana(153), micros: iana(155) },
};

const SCALARS: Readonly<Record<ScalarType, number>> = {
  uint8: ENCODING.uint8,
  int8: ENCODING.uint8,
  char: ENCODING.uint8,
  uint16: ENCODING.uint16,
  int16: ENCODING.uint16,
  uint32: ENCODING.uint32,
  int32: ENCODING.uint32,
  float: ENCODING.uint32,
  uint64: ENCODING.uint64,
  int64: ENCODING.uint64,
  double: ENCODING.uint64,
  macaddr: ENCODING.mac,
  ipaddr: ENCODING.address,
  time: ENCODING.millis,
};

const WORD = /^e(\d+)id(\d+)$/;

/** `e8057id10` as an element. */
function elementNamed(text: string): Element {
  const [, enterprise, number] = WORD.exec(text) ?? [];
  if (number === undefined) throw new Error(`not an IPFIX element: "${text}"`);
  return { enterprise: Number(enterprise), number: Number(number) };
}

/** Elements of the plugins' fields, as the plugins declare them. */
const PLUGIN_FIELDS: ReadonlyMap<string, string> = new Map(
  PROTOCOLS.flatMap(({ elements }) => Object.entries(elements)),
);

/**
 * The elements of a field in templates of an IP version: none for one that IPFIX has no word for, several where
 * collectors differ.
 */
export function exportFields(field: Field, version: Version): ExportField[] {
  const { name, type, offset } = field;
  const address = ADDRESSES[name]?.[version];
  if (address && type === "ipaddr") {
    const encoding = version === 4 ? ENCODING.ipv4 : ENCODING.ipv6;
    return [{ element: address, encoding, offset }];
  }
  const times = TIMES[name];
  if (times && type === "time")
    return [
      { element: times.millis, encoding: ENCODING.millis, offset },
      // Behind the other, since collectors that know both keep what comes last.
      { element: times.micros, encoding: ENCODING.micros, offset },
    ];
  if (name === "DIR_BIT_FIELD" && type === "uint8")
    return [{ element: INGRESS_INTERFACE, encoding: ENCODING.widened, offset }];
  const basic = BASIC[name];
  if (basic) return [ofType(field, basic)];
  const declared = PLUGIN_FIELDS.get(name);
  return declared === undefined ? [] : [ofDeclaration(field, declared)];
}

/** `e8057id10`, or of a list `e0id291/e8057id802`. */
function ofDeclaration(field: Field, declared: string): ExportField {
  const [outer = "", inner] = declared.split("/");
  return ofType(field, elementNamed(outer), inner === undefined ? undefined : elementNamed(inner));
}

function ofType({ type, offset }: Field, element: Element, item?: Element): ExportField {
  if (isArrayType(type)) {
    if (!item) throw new Error(`${type} needs the element of its items`);
    const scalar = elementOf(type);
    // Items of a list are all of one size.
    const encoding = scalar === "ipaddr" ? ENCODING.ipv6 : SCALARS[scalar];
    const inner = { element: item, encoding, size: SIZE[scalar] };
    return { element, encoding: ENCODING.list, offset, inner };
  }
  const encoding = type === "string" || type === "bytes" ? ENCODING.text : SCALARS[type];
  return { element, encoding, offset };
}
