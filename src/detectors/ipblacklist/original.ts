// SPDX-License-Identifier: BSD-3-Clause
/** ipblacklistfilter as it is: a search that misses nested prefixes, and a record that keeps its former values. @module */
import type { Handlers } from "../../core/module.ts";
import { OriginalFile } from "../../core/threat-list/original-file.ts";
import { isV4, parseIp } from "../../core/unirec/ip.ts";
import type { Reader } from "../../core/unirec/template.ts";
import type { Ip, IpField } from "../../core/unirec/types.ts";
import { originalFiles } from "./address-sources.ts";
import type { Flows } from "./fields.ts";
import type { Setup } from "./index.ts";

type Flow = Reader<Flows>;

const DNS = 53;
/** Bitmap of a line of the adaptive filter, which a list may have as well. */
const ADAPTIVE = 999n;

interface Entry {
  /** The 4 or 16 bytes of the address. */
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly bitmap: bigint;
  readonly id: string;
  readonly ports: Ports;
}

/** Ports by number of list. */
type Ports = ReadonlyMap<number, ReadonlySet<number>>;

export function original({ params, out, state, count, warn }: Setup): Handlers<{ flows: Flows }> {
  const { v4, v6 } = originalFiles(params);
  let lists: readonly [Entry[], Entry[]] = [[], []];
  const files = [new OriginalFile(v4, "ipblacklist"), new OriginalFile(v6, "ipblacklist")];
  /** The bitmaps of the last record, two words each: that of the side which is not looked up stays. */
  const last = state.column("last", "uint32", 4);
  const address = new Uint8Array(16);

  function load(): void {
    const lines = files.flatMap((file, i) => {
      if (i === 0 || !file.isNamed || file.exists) return file.lines();
      warn("ipblacklist: no file of IPv6 addresses: none is looked up");
      return [];
    });
    const entries = entriesOf(lines, params.portsLeak);
    count("list_entries", entries.length - lists[0].length - lists[1].length);
    lists = [
      entries.filter(({ bytes }) => bytes.length === 4),
      entries.filter(({ bytes }) => bytes.length === 16),
    ];
  }
  load();

  function search(ip: Ip, isIpv4: boolean): Entry | undefined {
    const words = new Int32Array(address.buffer);
    words[0] = isIpv4 ? ip.w2 : ip.w0;
    words[1] = ip.w1;
    words[2] = ip.w2;
    words[3] = ip.w3;
    const entries = lists[isIpv4 ? 0 : 1];
    for (let begin = 0, end = entries.length - 1; begin <= end; ) {
      const mid = (begin + end) >> 1;
      const entry = entries[mid]!;
      const order = isIpv4 ? compareV4(entry, address) : compareV6(entry, address);
      if (order === 0) return entry;
      if (order < 0) begin = mid + 1;
      else end = mid - 1;
    }
    return undefined;
  }

  /** Put a bitmap into `last`, or none to the other side; whether the flow is listed. */
  function mark(entry: Entry, side: 0 | 2, port: number): boolean {
    const bitmap = bitmapAt(entry, port);
    const at = bitmap === 0n ? 2 - side : side;
    last[at] = Number(bitmap & 0xffff_ffffn);
    last[at + 1] = Number(bitmap >> 32n);
    return bitmap !== 0n;
  }

  function look(flow: Flow): void {
    const isIpv4 = flow.SRC_IP.isV4;
    const source = search(flow.SRC_IP, isIpv4);
    const entry = source ?? (isSame(flow.DST_IP, isIpv4) ? search(flow.DST_IP, isIpv4) : undefined);
    if (!entry) return;
    const isMarked = source ? mark(entry, 0, flow.SRC_PORT) : mark(entry, 2, flow.DST_PORT);
    if (isMarked) send(flow, entry);
  }

  function send(flow: Flow, { bitmap, id }: Entry): void {
    const { raw } = flow;
    out.alerts.send({
      SRC_IP: flow.SRC_IP,
      DST_IP: flow.DST_IP,
      SRC_PORT: flow.SRC_PORT,
      DST_PORT: flow.DST_PORT,
      PROTOCOL: flow.PROTOCOL,
      PACKETS: flow.PACKETS,
      BYTES: raw.BYTES,
      TIME_FIRST: raw.TIME_FIRST,
      TIME_LAST: raw.TIME_LAST,
      SRC_BLACKLIST: (BigInt(last[1]!) << 32n) | BigInt(last[0]!),
      DST_BLACKLIST: (BigInt(last[3]!) << 32n) | BigInt(last[2]!),
      ADAPTIVE_IDS: bitmap === ADAPTIVE ? id : "",
    });
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) if (flow.SRC_PORT !== DNS && flow.DST_PORT !== DNS) look(flow);
    },
    tick() {
      if (files.some((file) => file.hasChanged)) load();
    },
    ask: load,
  };
}

const isSame = (ip: IpField, isIpv4: boolean): boolean => ip.isV4 === isIpv4;

const LINE = /^([^,/]*)(?:\/(\d{1,3})[^,]*)?,(.*)$/;
const DIGITS = /^\s*(\d*)/;
const BITMAP_MAX = 2n ** 64n - 1n;

/**
 * The entries of `ip[/prefix],bitmap[,id][;list:port,port…]`. Ports count for nothing where a library left an error number
 * at the start; else the first group counts, for its line and for those after it that have none.
 */
function entriesOf(lines: readonly string[], portsLeak: boolean): Entry[] {
  const entries: Entry[] = [];
  let ports: Ports = new Map();
  for (const line of lines) {
    const [, host = "", prefix, rest = ""] = LINE.exec(line) ?? [];
    const ip = parseIp(host);
    if (!ip) continue;
    if (portsLeak && line.includes(";")) ports = portsOf(line);
    const all = new Uint8Array(Int32Array.of(ip.w0, ip.w1, ip.w2, ip.w3).buffer);
    const bytes = isV4(ip) ? all.slice(8, 12) : all;
    const length = prefix === undefined ? bytes.length * 8 : Number(prefix);
    if (length > bytes.length * 8) continue;
    const number = BigInt(DIGITS.exec(rest)?.[1] || "0");
    const bitmap = number > BITMAP_MAX ? BITMAP_MAX : number;
    entries.push({ bytes, length, bitmap, id: rest.slice(rest.indexOf(",") + 1), ports });
  }
  return entries;
}

const GROUP = /^[^;]*;(\d+):([\d,]*)/;

function portsOf(line: string): Ports {
  const [, list, ports] = GROUP.exec(line) ?? [];
  return list === undefined
    ? new Map()
    : new Map([[Number(list), new Set(ports!.split(",").map(Number))]]);
}

/** A list that has ports and not this one is turned round, whether the entry is on it or not. */
function bitmapAt({ bitmap, ports }: Entry, port: number): bigint {
  let turned = bitmap;
  for (const [list, numbers] of ports)
    if (!numbers.has(port)) turned ^= BigInt((1 << (list - 1)) >>> 0);
  return turned;
}

function compareV4({ bytes, length }: Entry, address: Uint8Array): number {
  for (let i = 0; i < 4; i++) {
    const rest = Math.min(8, Math.max(0, length - i * 8));
    const order = bytes[i]! - (address[i]! & (0xff00 >> rest));
    if (order !== 0) return order;
  }
  return 0;
}

/** The masks of IPv6 take the low bits of a byte where a prefix ends within it. */
function compareV6({ bytes, length }: Entry, address: Uint8Array): number {
  for (let i = 0; i < (length <= 64 ? 8 : 16); i++) {
    const rest = Math.min(8, Math.max(0, length - i * 8));
    const order = bytes[i]! - (address[i]! & (2 ** rest - 1));
    if (order !== 0) return order;
  }
  return 0;
}
