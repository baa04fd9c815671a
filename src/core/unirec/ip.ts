// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "./types.ts";

const V4_TAIL = -1;

/** UniRec's test for IPv4: 8 zero bytes in front, 4 bytes of ones behind (unirec.md section 2.1). */
export const isV4 = (ip: Ip): boolean => ip.w3 === V4_TAIL && ip.w0 === 0 && ip.w1 === 0;

/** An address that owns its words. */
export class Address implements Ip {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;

  static of(ip: Ip): Address {
    return new Address().set(ip);
  }

  set(ip: Ip): this {
    this.w0 = ip.w0;
    this.w1 = ip.w1;
    this.w2 = ip.w2;
    this.w3 = ip.w3;
    return this;
  }

  /** The IPv4 address of an unsigned number in host order. */
  setV4(v4: number): this {
    this.w0 = 0;
    this.w1 = 0;
    this.w2 = swap(v4);
    this.w3 = V4_TAIL;
    return this;
  }

  toString(): string {
    return ipText(this);
  }
}

/** Reverse the bytes of a 32-bit word. */
export const swap = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);

export const sameIp = (a: Ip, b: Ip): boolean =>
  a.w0 === b.w0 && a.w1 === b.w1 && a.w2 === b.w2 && a.w3 === b.w3;

/** Text as inet_ntop writes it: lower case, the longest run of zero groups as `::`. */
export function ipText(ip: Ip): string {
  if (isV4(ip)) {
    const v4 = ip.w2;
    return `${v4 & 255}.${(v4 >>> 8) & 255}.${(v4 >>> 16) & 255}.${v4 >>> 24}`;
  }
  return v6Text(groups(ip));
}

/** The eight 16-bit groups of an IPv6 address. */
function groups(ip: Ip): number[] {
  return [ip.w0, ip.w1, ip.w2, ip.w3].flatMap((word) => {
    const big = swap(word);
    return [big >>> 16, big & 0xffff];
  });
}

function v6Text(all: readonly number[]): string {
  const mapped = all.slice(0, 5).every((group) => group === 0);
  // glibc writes IPv4-mapped and IPv4-compatible addresses with a dotted tail.
  if (mapped && (all[5] === 0xffff || (all[5] === 0 && all[6] !== 0))) {
    const tail = `${all[6]! >>> 8}.${all[6]! & 255}.${all[7]! >>> 8}.${all[7]! & 255}`;
    return all[5] === 0xffff ? `::ffff:${tail}` : `::${tail}`;
  }
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && all[end] === 0) end++;
    if (end - i > bestLength) {
      best = i;
      bestLength = end - i;
    }
    if (end > i) i = end;
  }
  const hex = all.map((group) => group.toString(16));
  if (best < 0) return hex.join(":");
  return `${hex.slice(0, best).join(":")}::${hex.slice(best + bestLength).join(":")}`;
}

const V4_TEXT = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9a-fA-F]{1,4}$/;

/** The four octets of a dotted quad, strict as inet_pton: no leading zeros, none above 255. */
function v4Octets(text: string): number[] | undefined {
  const found = V4_TEXT.exec(text);
  if (!found) return undefined;
  const octets = found.slice(1).map(Number);
  return octets.every((octet, i) => octet < 256 && String(octet) === found[i + 1])
    ? octets
    : undefined;
}

/** An address from its text; undefined when it is none. A `:` anywhere makes it IPv6. */
export function parseIp(text: string): Address | undefined {
  const address = new Address();
  if (!text.includes(":")) {
    const octets = v4Octets(text);
    if (!octets) return undefined;
    return address.setV4(
      ((octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!) >>> 0,
    );
  }
  const all = v6Groups(text);
  if (!all) return undefined;
  const word = (i: number): number => swap((all[i]! << 16) | all[i + 1]!);
  address.w0 = word(0);
  address.w1 = word(2);
  address.w2 = word(4);
  address.w3 = word(6);
  return address;
}

function v6Groups(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const parsed = halves.map((half, i) => groupsOf(half, i === halves.length - 1));
  const [head, tail] = parsed;
  if (!head || (halves.length === 2 && !tail)) return undefined;
  if (!tail) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupsOf(half: string, last: boolean): number[] | undefined {
  if (half === "") return [];
  const parts = half.split(":");
  const out: number[] = [];
  for (const [i, part] of parts.entries()) {
    const octets =
      last && i === parts.length - 1 && part.includes(".") ? v4Octets(part) : undefined;
    if (octets) out.push((octets[0]! << 8) | octets[1]!, (octets[2]! << 8) | octets[3]!);
    else if (GROUP.test(part)) out.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return out;
}

const MAC = /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$/;

/** A MAC address as its 48 bits; undefined when the text is none. */
export function parseMac(text: string): number | undefined {
  if (!MAC.test(text)) return undefined;
  return text.split(":").reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 16), 0);
}

/** `aa:bb:cc:dd:ee:ff` of the 48 bits. */
export function macText(mac: number): string {
  const hex = mac.toString(16).padStart(12, "0");
  return `${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}:${hex.slice(8, 10)}:${hex.slice(10, 12)}`;
}
