// SPDX-License-Identifier: BSD-3-Clause
/** For tests: DNS messages byte by byte. @module */
import { type Bytes, u16, u32 } from "../../packet/test-kit.ts";

export const RESPONSE = 0x8180;
/** A pointer to the name of the first question. */
export const TO_QUESTION: Bytes = [0xc0, 12];

/** Characters of Latin-1 as bytes, and back. */
export const bytesOf = (text: string): Bytes => [...Buffer.from(text, "latin1")];
export const textOf = (bytes: Bytes): string => Buffer.from(bytes).toString("latin1");

const label = (text: string): Bytes => [text.length, ...bytesOf(text)];

/** A name without pointers; "" is the root. */
export const name = (text: string): Bytes =>
  text === "" ? [0] : [...text.split(".").flatMap(label), 0];

/** Character strings, as in TXT. */
export const strings = (...texts: string[]): Bytes => texts.flatMap(label);

export const question = (of: Bytes, type = 1): Bytes => [...of, ...u16(type), ...u16(1)];

export interface Rr {
  readonly name?: Bytes;
  readonly type?: number;
  readonly class?: number;
  readonly ttl?: number;
  readonly data: Bytes;
}

export const record = ({ name: of = TO_QUESTION, type = 1, class: kind = 1, ttl = 60, data }: Rr) =>
  [...of, ...u16(type), ...u16(kind), ...u32(ttl), ...u16(data.length), ...data] as const;

/** A record of EDNS. */
export const options = (size: number, ttl = 0): Bytes =>
  record({ name: [0], type: 41, class: size, ttl, data: [] });

export interface Message {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: readonly Bytes[];
  readonly answers?: readonly Bytes[];
  readonly authorities?: readonly Bytes[];
  readonly additionals?: readonly Bytes[];
}

/** A message of its parts, whose counts are right. */
export function message({
  id = 7,
  flags = 0x0100,
  questions = [],
  answers = [],
  authorities = [],
  additionals = [],
}: Message): Bytes {
  const sections = [questions, answers, authorities, additionals];
  return [
    ...u16(id),
    ...u16(flags),
    ...sections.flatMap((section) => u16(section.length)),
    ...sections.flat(2),
  ];
}

/** With the length that goes in front of it over TCP. */
export const framed = (bytes: Bytes): Bytes => [...u16(bytes.length), ...bytes];
