// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "./host.ts";

/** Writes a payload at the offset; returns its size in bytes. */
export type Message = (bytes: Uint8Array, at: number) => number;

export const DNS_A = 1;
export const DNS_PTR = 12;
export const DNS_AAAA = 28;

const CLASS_IN = 1;
const FLAGS_QUERY = 0x0100;
const FLAGS_ANSWER = 0x8180;
const FLAGS_NXDOMAIN = 0x8183;
/** A pointer to the name of the question, which follows the 12 bytes of the header. */
const NAME_POINTER = 0xc00c;

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: number;
}

interface Header {
  readonly flags: number;
  readonly answers?: number;
}

/** A query with one question (RFC 1035 section 4). */
export function dnsQuery(question: Question): Message {
  return (bytes, at) => writeQuestion(bytes, at, { ...question, flags: FLAGS_QUERY }) - at;
}

/** The answer with the host's address for A or AAAA; without a host the name does not exist. */
export function dnsAnswer(question: Question, host: Host | undefined): Message {
  return (bytes, at) => {
    if (host === undefined)
      return writeQuestion(bytes, at, { ...question, flags: FLAGS_NXDOMAIN }) - at;
    const words = question.type === DNS_AAAA ? host.ipv6 : [host.ipv4];
    let end = writeQuestion(bytes, at, { ...question, flags: FLAGS_ANSWER, answers: 1 });
    end = write16(bytes, end, NAME_POINTER, question.type, CLASS_IN, 0, 300, 4 * words.length);
    for (const word of words) end = write16(bytes, end, word >>> 16, word & 0xffff);
    return end - at;
  };
}

/** A multicast query: no id, no recursion (RFC 6762 section 18). */
export function mdnsQuery(name: string): Message {
  return (bytes, at) => writeQuestion(bytes, at, { id: 0, name, type: DNS_PTR, flags: 0 }) - at;
}

/** Header and question; returns the offset behind them. */
function writeQuestion(bytes: Uint8Array, at: number, question: Question & Header): number {
  const { id, name, type, flags, answers = 0 } = question;
  let end = write16(bytes, at, id, flags, 1, answers, 0, 0);
  for (const label of name.split(".")) {
    bytes[end++] = label.length;
    for (let i = 0; i < label.length; i++) bytes[end++] = label.charCodeAt(i);
  }
  bytes[end++] = 0;
  return write16(bytes, end, type, CLASS_IN);
}

function write16(bytes: Uint8Array, at: number, ...words: number[]): number {
  let end = at;
  for (const word of words) {
    bytes[end++] = word >> 8;
    bytes[end++] = word;
  }
  return end;
}
