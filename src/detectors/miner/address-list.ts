// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { messageOf, paramError } from "../../core/errors.ts";
import { StateStore } from "../../core/state/state-store.ts";
import type { Table } from "../../core/state/table.ts";
import { type Address, parseIp, swap } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** A list has no more entries; the rest is told of and passed over. */
const ENTRIES_MAX = 1 << 20;
const NOTHING = () => {};

export interface Entry {
  readonly ip: Address;
  /** 0 where the line has none. */
  readonly port: number;
}

const BRACKETS = /^\[([^\]]+)\](?::(\d{1,5}))?$/;
const V4_PORT = /^([\d.]+)(?::(\d{1,5}))?$/;

/** `192.0.2.1`, `192.0.2.1:3333`, `2001:db8::1` or `[2001:db8::1]:3333`; undefined for anything else. */
export function parseEntry(text: string): Entry | undefined {
  const [, host = text, digits = "0"] = BRACKETS.exec(text) ?? V4_PORT.exec(text) ?? [];
  const ip = parseIp(host);
  const port = Number(digits);
  return ip && port < 65_536 ? { ip, port } : undefined;
}

/**
 * The entries of a file, an address a line, `#` before remarks; none without a file. Lines that are none are told of.
 * Throws ERR_PARAM when it cannot be read.
 */
export function readEntries(file: string, warn: (message: string) => void): Entry[] {
  if (file === "" || file === "-") return [];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw paramError(`miner: cannot read the list ${file}: ${messageOf(error)}`);
  }
  const entries: Entry[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const item = line.split("#", 1)[0]!.trim();
    if (item === "") continue;
    const entry = parseEntry(item);
    if (!entry) warn(`${file}:${i + 1}: no address with or without a port: ${item.slice(0, 60)}`);
    else if (entries.length < ENTRIES_MAX) entries.push(entry);
    else {
      warn(
        `${file}:${i + 1}: left out, as all behind it: a list has at most ${ENTRIES_MAX} entries`,
      );
      break;
    }
  }
  return entries;
}

/** Addresses, of which some mean one port only. */
export class AddressList {
  readonly #table: Table;
  readonly size: number;

  constructor(entries: readonly Entry[]) {
    this.size = entries.length;
    this.#table = new StateStore(NOTHING).table("entries", {
      key: ["ip", "number"],
      rows: Math.max(1, entries.length),
      idle: Number.POSITIVE_INFINITY,
    });
    for (const { ip, port } of entries) this.#table.upsertIpNumber(ip, port, 0);
  }

  has(ip: Ip, port: number): boolean {
    return this.#table.findIpNumber(ip, port) >= 0 || this.#table.findIpNumber(ip, 0) >= 0;
  }
}

/** The first bits of addresses. */
export interface Prefix {
  readonly ip: Address;
  readonly masks: readonly [number, number, number, number];
}

const PREFIX = /^([^/]+?)(?:\/(\d{1,3}))?$/;

/** Prefixes of a list with commas: `10.0.0.0/8, 2001:db8::/32`. Throws ERR_PARAM that names what is none. */
export function parsePrefixes(param: string, list: string): Prefix[] {
  return list.split(",").flatMap((item) => {
    const text = item.trim();
    if (text === "") return [];
    const [, host = "", length] = PREFIX.exec(text) ?? [];
    const ip = parseIp(host);
    const isV6 = host.includes(":");
    const bits = length === undefined ? (isV6 ? 128 : 32) : Number(length);
    if (!ip || bits > (isV6 ? 128 : 32))
      throw paramError(
        `${param}: expected addresses or prefixes such as 10.0.0.0/8, got "${text}"`,
      );
    const mask = (i: number): number => swap(firstBits(bits - 32 * i));
    return { ip, masks: isV6 ? [mask(0), mask(1), mask(2), mask(3)] : [-1, -1, mask(0), -1] };
  });
}

/** A word whose first bits are ones. */
const firstBits = (count: number): number =>
  count <= 0 ? 0 : count >= 32 ? -1 : -1 << (32 - count);

export const isWithin = (ip: Ip, prefixes: readonly Prefix[]): boolean =>
  prefixes.some(
    ({ ip: own, masks }) =>
      ((ip.w0 ^ own.w0) & masks[0]) === 0 &&
      ((ip.w1 ^ own.w1) & masks[1]) === 0 &&
      ((ip.w2 ^ own.w2) & masks[2]) === 0 &&
      ((ip.w3 ^ own.w3) & masks[3]) === 0,
  );
