// SPDX-License-Identifier: BSD-3-Clause
import { isV4, parseIp } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Rules that are kept; a longer file is told of. */
const RULES_MAX = 100_000;
const COMMENT = "#";
const DIGITS = /^\d{1,5}$/;
const PORT_MAX = 65_535;
const BITS = { v4: 32, v6: 128 } as const;
/** Where the 32 bits of an IPv4 address begin among the 128 that hold it. */
const V4_AT = 64;

type Range = readonly [from: number, to: number];
/** Undefined for all ports. */
type Ports = readonly Range[] | undefined;

/** A rule of the file. */
interface Rule {
  readonly side: "src" | "dst" | "both";
  readonly ip: Ip;
  readonly prefix: number;
  readonly ports: Ports;
}

const bit = ({ w0, w1, w2, w3 }: Ip, i: number): number => {
  const word = i < 32 ? w0 : i < 64 ? w1 : i < 96 ? w2 : w3;
  return (word >>> ((i & 24) + 7 - (i & 7))) & 1;
};

/** Prefixes with their ports, bit by bit. */
class PrefixTree {
  /** Both children of each node, 0 for none. */
  readonly #children = [0, 0];
  readonly #ports: ({ all: boolean; readonly ranges: Range[] } | undefined)[] = [undefined];

  /** `isOriginal`: a range that overlaps one that is there is lost. */
  add({ ip, prefix, ports }: Rule, from: number, isOriginal: boolean): void {
    let node = 0;
    for (let i = from; i < from + prefix; i++) {
      const at = node * 2 + bit(ip, i);
      node = this.#children[at]! || this.#ports.length;
      if (node !== this.#ports.length) continue;
      this.#children[at] = node;
      this.#children.push(0, 0);
      this.#ports.push(undefined);
    }
    this.#ports[node] ??= { all: false, ranges: [] };
    const known = this.#ports[node]!;
    if (!ports) known.all = true;
    for (const range of ports ?? [])
      if (
        !isOriginal ||
        !known.ranges.some((other) => range[0] <= other[1] && other[0] <= range[1])
      )
        known.ranges.push(range);
  }

  covers(ip: Ip, from: number, port: number): boolean {
    for (let node = 0, i = from; ; i++) {
      const ports = this.#ports[node];
      if (ports && (ports.all || ports.ranges.some(([low, high]) => port >= low && port <= high)))
        return true;
      if (i === BITS.v6) return false;
      node = this.#children[node * 2 + bit(ip, i)]!;
      if (node === 0) return false;
    }
  }
}

/**
 * Whose connections are never taken for guesses: `[src|dst ]address/prefix[/port,from-to]` a line, `#` begins a comment.
 * `src` is the client and its port, `dst` the server and its port; without either, a rule is for both.
 */
export class Whitelist {
  readonly #trees = {
    v4: { src: new PrefixTree(), dst: new PrefixTree() },
    v6: { src: new PrefixTree(), dst: new PrefixTree() },
  };
  /** Rules that were read. */
  size = 0;

  #add(rule: Rule, isOriginal: boolean): void {
    const { trees, from } = this.#of(rule.ip);
    if (rule.side !== "dst") trees.src.add(rule, from, isOriginal);
    if (rule.side !== "src") trees.dst.add(rule, from, isOriginal);
    this.size++;
  }

  /** The trees of an address's family, and where it begins. */
  #of(ip: Ip) {
    return isV4(ip) ? { trees: this.#trees.v4, from: V4_AT } : { trees: this.#trees.v6, from: 0 };
  }

  covers(client: Ip, server: Ip, clientPort: number, serverPort: number): boolean {
    if (this.size === 0) return false;
    const { trees, from } = this.#of(client);
    return trees.src.covers(client, from, clientPort) || trees.dst.covers(server, from, serverPort);
  }

  /** The rules of a file's text; `warn` is told of each line that is none. */
  static parse(text: string, warn: (message: string) => void): Whitelist {
    const list = new Whitelist();
    for (const [i, line] of text.split("\n").entries()) {
      const [content = ""] = line.split(COMMENT, 1);
      if (content.trim() === "") continue;
      if (list.size === RULES_MAX) {
        warn(`only the first ${RULES_MAX} rules of the whitelist are used`);
        break;
      }
      const rule = ruleOf(content.trim());
      if (rule) list.#add(rule, false);
      else warn(`line ${i + 1} of the whitelist is no rule: ${JSON.stringify(line.slice(0, 80))}`);
    }
    return list;
  }

  /** The rules as the original reads them: a last line without its end is lost, and so are overlapping ports. */
  static parseOriginal(text: string): Whitelist {
    const list = new Whitelist();
    for (const line of text.split("\n").slice(0, -1)) {
      const rule = originalRuleOf(line.split(COMMENT, 1)[0]!);
      if (rule && list.size < RULES_MAX) list.#add(rule, true);
    }
    return list;
  }
}

const SIDE = /^(src|dst)\s+(.*)$/;

function ruleOf(line: string): Rule | undefined {
  const [, side = "both", rest = line] = SIDE.exec(line) ?? [];
  const parts = rest.split("/").map((part) => part.trim());
  const ip = parseIp(parts[0]!);
  if (!ip || parts.length > 3) return undefined;
  const bits = isV4(ip) ? BITS.v4 : BITS.v6;
  const prefix = parts[1] === undefined ? bits : numberIn(parts[1], bits);
  const ports = parts[2] === undefined ? undefined : portsIn(parts[2]);
  if (prefix === undefined || (parts[2] !== undefined && !ports)) return undefined;
  return { side: side as Rule["side"], ip, prefix, ports };
}

function portsIn(text: string): Range[] | undefined {
  const ranges: Range[] = [];
  for (const item of text.split(",")) {
    const [low, high, more] = item.split("-").map((part) => numberIn(part.trim(), PORT_MAX));
    if (low === undefined || more !== undefined) return undefined;
    const last = item.includes("-") ? high : low;
    if (last === undefined || last < low) return undefined;
    ranges.push([low, last]);
  }
  return ranges;
}

const numberIn = (text: string, max: number): number | undefined =>
  DIGITS.test(text) && Number(text) <= max ? Number(text) : undefined;

/** C's atoi. */
const atoi = (text: string): number => Number.parseInt(text, 10) || 0;

/** A line as the original takes it: what is no number is 0, and a prefix has 8 bits. */
function originalRuleOf(line: string): Rule | undefined {
  if (line.length < 4) return undefined;
  const word = line.slice(0, 3);
  const side = word === "src" || word === "dst" ? word : "both";
  const [address = "", prefix, ports] = (side === "both" ? line : line.slice(4)).split("/");
  const ip = parseIp(address);
  if (!ip || prefix === undefined || ports === "") return undefined;
  const length = atoi(prefix) & 0xff;
  if (length > (isV4(ip) ? BITS.v4 : BITS.v6)) return undefined;
  return {
    side,
    ip,
    prefix: length,
    ports: ports?.split(",").map((item): Range => {
      const [low = "", high = low] = item.split("-");
      return [atoi(low) & 0xffff, atoi(high) & 0xffff];
    }),
  };
}
