// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "./host.ts";

/** Writes a payload at the offset; returns its size in bytes. */
export type Message = (bytes: Uint8Array, at: number) => number;

export const DNS_A = 1;
export const DNS_CNAME = 5;
export const DNS_PTR = 12;
export const DNS_TXT = 16;
export const DNS_AAAA = 28;
export const DNS_SRV = 33;
export const DNS_HTTPS = 65;
/** Response code: there is no such name. */
export const NXDOMAIN = 3;

const CLASS_IN = 1;
const FLAGS_QUERY = 0x0100;
const FLAGS_ANSWER = 0x8180;
/** A pointer to a name (RFC 1035 section 4.1.4), and one to the question's, behind the 12 bytes of the header. */
const POINTER = 0xc000;
const NAME_POINTER = POINTER | 12;

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
  if (host === undefined) return dnsReply(question, [], NXDOMAIN);
  const words = question.type === DNS_AAAA ? host.ipv6 : [host.ipv4];
  return dnsReply(question, [{ type: question.type, words }]);
}

/** One resource record of an answer: a name, an address or a text of up to 255 bytes. */
export type DnsRecord =
  | { readonly type: number; readonly name: string }
  | { readonly type: number; readonly words: readonly number[] }
  | { readonly type: number; readonly text: string };

/** An answer of a resolver. A CNAME's target is the owner of the records behind it. */
export function dnsReply(question: Question, records: readonly DnsRecord[], code = 0): Message {
  return (bytes, at) => {
    const flags = FLAGS_ANSWER | code;
    let end = writeQuestion(bytes, at, { ...question, flags, answers: records.length });
    let owner = NAME_POINTER;
    for (const record of records) {
      const from = write16(bytes, end, owner, record.type, CLASS_IN, 0, 300, 0);
      end = writeData(bytes, from, record);
      write16(bytes, from - 2, end - from);
      if (record.type === DNS_CNAME) owner = POINTER | (from - at);
    }
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
  end = writeName(bytes, end, name);
  return write16(bytes, end, type, CLASS_IN);
}

function writeName(bytes: Uint8Array, at: number, name: string): number {
  let end = at;
  for (const label of name.split(".")) end = writeText(bytes, end, label);
  bytes[end++] = 0;
  return end;
}

/** A text behind its length in one byte. */
function writeText(bytes: Uint8Array, at: number, text: string): number {
  let end = at;
  bytes[end++] = text.length;
  for (let i = 0; i < text.length; i++) bytes[end++] = text.charCodeAt(i);
  return end;
}

function writeData(bytes: Uint8Array, at: number, record: DnsRecord): number {
  if ("text" in record) return writeText(bytes, at, record.text);
  // Priority, weight and port of a service come before its host (RFC 2782).
  if ("name" in record)
    return writeName(
      bytes,
      record.type === DNS_SRV ? write16(bytes, at, 0, 100, 389) : at,
      record.name,
    );
  let end = at;
  for (const word of record.words) end = write16(bytes, end, word >>> 16, word & 0xffff);
  return end;
}

function write16(bytes: Uint8Array, at: number, ...words: number[]): number {
  let end = at;
  for (const word of words) {
    bytes[end++] = word >> 8;
    bytes[end++] = word;
  }
  return end;
}
