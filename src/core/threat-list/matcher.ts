// SPDX-License-Identifier: BSD-3-Clause
import { domainToASCII } from "node:url";
import { parseIp, swap } from "../unirec/ip.ts";
import { ListSets } from "./list-sets.ts";
import { NameTable } from "./name-table.ts";
import { maskOf, PrefixTrie } from "./prefix-trie.ts";
import { UrlKey } from "./url-key.ts";

/** What a list names. */
export type Kind = "ip" | "domain" | "url";

/** The set of the lists that a line stands for, at one port or at all; undefined when there are too many sets. */
export type Marked = (port?: number) => number | undefined;

/** Entries of one kind, of all lists. */
export interface Matcher {
  readonly kind: Kind;
  readonly sets: ListSets;
  readonly byteLength: number;
  /** Add a value, or only look at it; returns why it is none. */
  add(value: string, marked?: Marked): string | undefined;
}

const TOO_MANY = "has ports that are too many different ones";
const V4_PORT = /^([0-9.]{7,15}):([0-9]{1,5})$/;
const LENGTH = /^[0-9]{1,3}$/;
const ZERO = 0x30;
const DOT = 0x2e;

/** Addresses and prefixes. */
export class AddressMatcher implements Matcher {
  readonly kind = "ip";
  readonly sets = new ListSets();
  readonly v4 = new PrefixTrie(1, this.sets);
  readonly v6 = new PrefixTrie(4, this.sets);
  /** The prefix that is added. */
  readonly #key = new Int32Array(4);

  get byteLength(): number {
    return this.v4.byteLength + this.v6.byteLength;
  }

  /** `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; `192.0.2.1:443` is the address at that port. */
  add(value: string, marked?: Marked): string | undefined {
    const [, host = value, port] = value.includes(":") ? (V4_PORT.exec(value) ?? []) : [];
    if (port !== undefined && Number(port) > 65_535) return "is no address at a port";
    const slash = host.indexOf("/");
    const text = slash < 0 ? host : host.slice(0, slash);
    const key = this.#key;
    const bits = keyOf(text, key);
    if (bits === 0) return "is no address";
    const length = slash < 0 ? bits : lengthOf(host.slice(slash + 1));
    if (length < 1 || length > bits) return `is no prefix: expected /1 to /${bits}`;
    if (!marked) return undefined;
    const set = marked(port === undefined ? undefined : Number(port));
    if (set === undefined) return TOO_MANY;
    for (let i = 0; i < 4; i++) key[i]! &= maskOf(length - i * 32);
    (bits === 32 ? this.v4 : this.v6).add(key, length, set);
    return undefined;
  }
}

const lengthOf = (text: string): number => (LENGTH.test(text) ? Number(text) : 0);

/** Write an address as big-endian words; returns its bits, 0 when it is none. */
function keyOf(text: string, key: Int32Array): number {
  if (!text.includes(":")) return dottedQuad(text, key) ? 32 : 0;
  const ip = parseIp(text);
  if (!ip) return 0;
  key[0] = swap(ip.w0);
  key[1] = swap(ip.w1);
  key[2] = swap(ip.w2);
  key[3] = swap(ip.w3);
  return 128;
}

/** Four numbers without leading zeros, as most lines of most lists are: read without a regular expression. */
function dottedQuad(text: string, key: Int32Array): boolean {
  let word = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) {
      if (octet === 0) return false;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return false;
    } else if (digit === DOT - ZERO && octet >= 0 && dots < 3) {
      word = (word << 8) | octet;
      octet = -1;
      dots++;
    } else return false;
  }
  key[0] = (word << 8) | octet;
  return dots === 3 && octet >= 0;
}

const NOT_ASCII = /[^\0-\x7f]/;
/** What lists write in front of a name that stands for all below it, which it does anyway. */
const BELOW = /^\*?\./;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const DIGITS = /^[0-9]+$/;
const DOMAIN_MAX = 253;

/** Domain names, each of which stands for all names below it. */
export class DomainMatcher implements Matcher {
  readonly kind = "domain";
  readonly sets = new ListSets();
  readonly names = new NameTable(this.sets, true);

  get byteLength(): number {
    return this.names.byteLength;
  }

  add(value: string, marked?: Marked): string | undefined {
    const name = domainName(value);
    if (name === undefined) return "is no domain name of two labels or more";
    if (!marked) return undefined;
    const set = marked();
    if (set === undefined) return TOO_MANY;
    const bytes = Buffer.from(name, "latin1");
    return this.names.add(bytes, 0, bytes.length, set) ? undefined : "is too much text";
  }
}

/** A name as it goes over the wire, without the root's dot; undefined when it is none, or a top-level domain. */
function domainName(value: string): string | undefined {
  const text = value.replace(BELOW, "");
  const ascii = NOT_ASCII.test(text) ? domainToASCII(text) : text;
  const name = ascii.endsWith(".") ? ascii.slice(0, -1) : ascii;
  if (name.length > DOMAIN_MAX) return undefined;
  const labels = name.split(".");
  const last = labels.at(-1)!;
  // A top-level domain of digits alone: it is an address.
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)) || DIGITS.test(last))
    return undefined;
  return name;
}

/** URLs: host, path and query. */
export class UrlMatcher implements Matcher {
  readonly kind = "url";
  readonly sets = new ListSets();
  readonly urls = new NameTable(this.sets, false);
  /** Their hosts: most requests need not be looked at any further. */
  readonly hosts = new NameTable(this.sets, false);
  readonly #key = new UrlKey();

  get byteLength(): number {
    return this.urls.byteLength + this.hosts.byteLength;
  }

  add(value: string, marked?: Marked): string | undefined {
    const key = this.#key;
    if (!key.ofText(value)) return "is no URL";
    if (!marked) return undefined;
    const set = marked();
    if (set === undefined) return TOO_MANY;
    const hasRoom =
      this.hosts.add(key.bytes, 0, key.hostLength, set) &&
      this.urls.add(key.bytes, 0, key.length, set);
    return hasRoom ? undefined : "is too much text";
  }

  /** The lists that hold the URL of a key, with its query or without, as a set; 0 for none. */
  find({ bytes, length, pathLength }: UrlKey): number {
    const whole = this.urls.find(bytes, 0, length);
    if (pathLength === length) return whole;
    return this.sets.union(this.urls.find(bytes, 0, pathLength), whole);
  }
}
