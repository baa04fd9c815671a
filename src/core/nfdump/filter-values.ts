// SPDX-License-Identifier: BSD-3-Clause
import { readUnsigned } from "../ipfix/collect/conversions.ts";
import { parseIp, swap } from "../unirec/ip.ts";
import { type ElementName, type Place, placeOf } from "./elements.ts";
import type { Tokens } from "./filter-tokens.ts";

/** Whether a flow is what a filter wants. */
export type FlowTest = (view: DataView) => boolean;
type Compare = (value: number) => boolean;

const NUMBER = /^(\d{1,15})([kmgt]?)$/;
const SCALE: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const HEX = /^0x[0-9a-f]{1,8}$/;

/** A number as a filter writes it, `5`, `10k` or `0x12`; undefined for another word. */
export function numberOf(word: string): number | undefined {
  const text = word.toLowerCase();
  if (HEX.test(text)) return Number(text);
  const [, digits, scale = ""] = NUMBER.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * SCALE[scale]!;
}

const COMPARISONS: Readonly<Record<string, (wanted: number) => Compare>> = {
  "=": (wanted) => (value) => value === wanted,
  "==": (wanted) => (value) => value === wanted,
  eq: (wanted) => (value) => value === wanted,
  ">": (wanted) => (value) => value > wanted,
  gt: (wanted) => (value) => value > wanted,
  "<": (wanted) => (value) => value < wanted,
  lt: (wanted) => (value) => value < wanted,
  ">=": (wanted) => (value) => value >= wanted,
  "<=": (wanted) => (value) => value <= wanted,
};

/** `> 5`, `5`, `in [ 5 6 ]`: what stands behind the name of a number. */
export function isComparison(tokens: Tokens): Compare {
  if (tokens.takes("in")) {
    const wanted = new Set(listOf(tokens, () => number(tokens)));
    return (value) => wanted.has(value);
  }
  const compare = Object.hasOwn(COMPARISONS, tokens.word) ? COMPARISONS[tokens.step()] : undefined;
  return (compare ?? COMPARISONS["="]!)(number(tokens));
}

function number(tokens: Tokens): number {
  const value = numberOf(tokens.word);
  if (value === undefined)
    return tokens.expected("a number, as 5, 10k or 0x12, or a comparison with one");
  tokens.step();
  return value;
}

/** Words between brackets, with or without commas. */
function listOf<T>(tokens: Tokens, item: () => T): readonly T[] {
  if (!tokens.takes("[")) tokens.expected("`[`");
  const items: T[] = [];
  while (!tokens.takes("]")) {
    items.push(item());
    tokens.takes(",");
  }
  return items;
}

/** Any of some numbers of a flow is so; and any of `also`, where it is given. */
export function numberTest(
  tokens: Tokens,
  names: readonly ElementName[],
  also?: readonly ElementName[],
): FlowTest {
  const compare = isComparison(tokens);
  const test = anyNumber(names.map(placeOf), compare);
  if (!also) return test;
  const other = anyNumber(also.map(placeOf), compare);
  return (view) => test(view) && other(view);
}

function anyNumber([one, other]: readonly Place[], compare: Compare): FlowTest {
  const is = (view: DataView, { at, bytes }: Place) => compare(readUnsigned(view, at, bytes));
  if (!other) return (view) => is(view, one!);
  return (view) => is(view, one!) || is(view, other);
}

/** The words of an address in network order, and how many of its bits count. */
interface Net {
  readonly isV4: boolean;
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

/** `10.0.0.1`, `10.0.0.0/8`, `in [ … ]`, and behind `net` also `10.0.0.0 255.0.0.0`: a test for addresses that lie there. */
export function addressTest(
  tokens: Tokens,
  isNet: boolean,
): (names: readonly [ElementName, ElementName]) => FlowTest {
  const nets = tokens.takes("in")
    ? listOf(tokens, () => netOf(tokens, false))
    : [netOf(tokens, isNet)];
  return ([v4, v6]) => {
    const [at4, at6] = [placeOf(v4).at, placeOf(v6).at];
    const tests = nets.map((net) => inNet(net, at4, at6));
    const [first] = tests;
    return tests.length === 1 ? first! : (view) => tests.some((test) => test(view));
  };
}

function inNet({ isV4, words, masks }: Net, at4: number, at6: number): FlowTest {
  const at = isV4 ? at4 : at6;
  return (view) => {
    // The other version's address is zero, which no net but the whole of it has.
    if (isV4 && view.getInt32(at) === 0 && view.getInt32(at6) !== 0) return false;
    for (let i = 0; i < words.length; i++)
      if ((view.getInt32(at + 4 * i) & masks[i]!) !== words[i]!) return false;
    return true;
  };
}

function netOf(tokens: Tokens, hasMask: boolean): Net {
  const [text = "", length] = tokens.word.split("/", 2);
  const ip = parseIp(text);
  if (!ip) return tokens.expected("an address, as 192.0.2.1, 2001:db8::1 or 192.0.2.0/24");
  tokens.step();
  const isV4 = !text.includes(":");
  const own = isV4 ? [swap(ip.w2)] : [ip.w0, ip.w1, ip.w2, ip.w3].map(swap);
  const masks = masksOf(tokens, { isV4, length, hasMask });
  return { isV4, words: own.map((word, i) => word & masks[i]!), masks };
}

function masksOf(
  tokens: Tokens,
  { isV4, length, hasMask }: { isV4: boolean; length: string | undefined; hasMask: boolean },
): readonly number[] {
  const bits = isV4 ? 32 : 128;
  const mask = hasMask && isV4 && length === undefined ? parseIp(tokens.word) : undefined;
  if (mask) {
    tokens.step();
    return [swap(mask.w2)];
  }
  const count = length === undefined ? bits : numberOf(length);
  if (count === undefined || count > bits) return tokens.expected(`a length of 0 to ${bits}`);
  return Array.from({ length: bits / 32 }, (_, i) => {
    const left = Math.min(32, Math.max(0, count - 32 * i));
    return left === 0 ? 0 : -1 << (32 - left);
  });
}
