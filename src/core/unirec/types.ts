// SPDX-License-Identifier: BSD-3-Clause
import type { Part } from "./list-write.ts";

/** A view of a 16-byte UniRec address; it moves with its cursor, so copy the words you keep. */
export interface Ip {
  /** The 16 bytes as four little-endian signed words: equality and hashing need nothing else. */
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** {@link Ip} as a record's cursor gives it. */
export interface IpField extends Ip {
  /** UniRec keeps IPv4 as 8 zero bytes, the address, then 4 bytes of ones. */
  readonly isV4: boolean;
  /** The IPv4 address as an unsigned number in host order; meaningless unless {@link isV4}. */
  readonly v4: number;
  equals(other: Ip): boolean;
  /** Text as inet_ntop writes it. */
  toString(): string;
}

/** What a cursor gives for each UniRec type. Times are whole microseconds since 1970; a MAC is its 48 bits. */
export interface ReadTypes {
  ipaddr: IpField;
  macaddr: number;
  time: number;
  uint64: number;
  int64: number;
  double: number;
  uint32: number;
  int32: number;
  float: number;
  uint16: number;
  int16: number;
  uint8: number;
  int8: number;
  char: number;
  string: string;
  bytes: Uint8Array;
  "int8*": readonly number[];
  "uint8*": readonly number[];
  "int16*": readonly number[];
  "uint16*": readonly number[];
  "int32*": readonly number[];
  "uint32*": readonly number[];
  "int64*": readonly number[];
  "uint64*": readonly number[];
  "float*": readonly number[];
  "double*": readonly number[];
  "time*": readonly number[];
  "macaddr*": readonly number[];
  "ipaddr*": readonly string[];
}

type Numbers = ArrayLike<number | bigint> | Part;

/** What a writer takes for each UniRec type. A bigint is the raw 64 bits, so a copied time stays exact. */
export interface WriteTypes {
  ipaddr: Ip | string;
  macaddr: number | string;
  time: number | bigint;
  uint64: number | bigint;
  int64: number | bigint;
  double: number;
  uint32: number;
  int32: number;
  float: number;
  uint16: number;
  int16: number;
  uint8: number;
  int8: number;
  char: number;
  string: string | Uint8Array;
  bytes: Uint8Array | Part;
  "int8*": Numbers;
  "uint8*": Numbers;
  "int16*": Numbers;
  "uint16*": Numbers;
  "int32*": Numbers;
  "uint32*": Numbers;
  "int64*": Numbers;
  "uint64*": Numbers;
  "float*": Numbers;
  "double*": Numbers;
  "time*": Numbers;
  "macaddr*": ArrayLike<number | string>;
  "ipaddr*": ArrayLike<Ip | string>;
}

/** The 29 UniRec type names. */
export type UniRecType = keyof ReadTypes;
export type ArrayType = Extract<UniRecType, `${string}*`>;
export type ScalarType = Exclude<UniRecType, ArrayType | "string" | "bytes">;

/**
 * Signed sizes, as UniRec sorts by them: bytes of a fixed type, minus the bytes of an element for a
 * variable one (unirec.md section 5).
 */
export const SIZE: Readonly<Record<UniRecType, number>> = {
  ipaddr: 16,
  time: 8,
  uint64: 8,
  int64: 8,
  double: 8,
  macaddr: 6,
  uint32: 4,
  int32: 4,
  float: 4,
  uint16: 2,
  int16: 2,
  uint8: 1,
  int8: 1,
  char: 1,
  string: -1,
  bytes: -1,
  "int8*": -1,
  "uint8*": -1,
  "int16*": -2,
  "uint16*": -2,
  "int32*": -4,
  "uint32*": -4,
  "float*": -4,
  "macaddr*": -6,
  "int64*": -8,
  "uint64*": -8,
  "double*": -8,
  "time*": -8,
  "ipaddr*": -16,
};

export const isUniRecType = (name: string): name is UniRecType => Object.hasOwn(SIZE, name);

/** Bytes of a field in the fixed part: its value, or {uint16 offset, uint16 length} for a variable one. */
export const fixedBytes = (type: UniRecType): number => (SIZE[type] < 0 ? 4 : SIZE[type]);

/** The type of an array's elements. */
export const elementOf = (type: ArrayType): ScalarType => type.slice(0, -1) as ScalarType;

export const isArrayType = (type: UniRecType): type is ArrayType => type.endsWith("*");
