// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { parseIp, swap } from "../../core/unirec/ip.ts";

/** Which alerts a sink gets: those that meet all that is said here. What is left out or empty lets all through. */
export interface Route {
  /** Least severity, 0 to 10. */
  readonly severity?: number;
  /** IDEA categories; `Recon` stands for `Recon.Scanning` and its other parts too. */
  readonly categories?: readonly string[];
  readonly detectors?: readonly string[];
  /** Addresses or prefixes, as `192.0.2.0/24` or `2001:db8::/32`, of which one has to hold the source or the target. */
  readonly prefixes?: readonly string[];
}

/** The first `length` bits of an address: one word of 32 bits for IPv4, four for IPv6. */
interface Prefix {
  readonly words: readonly number[];
  readonly length: number;
}

/**
 * A route as a test of alerts.
 * @throws {NemeanError} ERR_PARAM for a prefix that is none
 */
export function matcherOf(route: Route = {}): (alert: Alert) => boolean {
  const { severity = Number.NEGATIVE_INFINITY, categories = [], detectors = [] } = route;
  const prefixes = (route.prefixes ?? []).map(prefixOf);
  const below = categories.map((category) => `${category}.`);
  const isOfCategory = (category: string): boolean =>
    categories.includes(category) || below.some((start) => category.startsWith(start));
  return (alert) =>
    alert.severity >= severity &&
    (detectors.length === 0 || detectors.includes(alert.detector)) &&
    (categories.length === 0 || isOfCategory(alert.category)) &&
    (prefixes.length === 0 ||
      isWithin(alert.source.ip, prefixes) ||
      isWithin(alert.target.ip, prefixes));
}

const LENGTH = /^(0|[1-9]\d{0,2})$/;

function prefixOf(text: string): Prefix {
  const [address = "", length, ...more] = text.split("/");
  const words = wordsOf(address);
  if (!words || more.length > 0 || (length !== undefined && !LENGTH.test(length)))
    throw noPrefix(text);
  const bits = length === undefined ? words.length * 32 : Number(length);
  if (bits > words.length * 32) throw noPrefix(text);
  return { words, length: bits };
}

const noPrefix = (text: string): NemeanError =>
  new NemeanError(
    "ERR_PARAM",
    EXIT.config,
    `prefixes: expected an address or a prefix as 192.0.2.0/24 or 2001:db8::/32, got ${JSON.stringify(text)}`,
  );

function wordsOf(text: string): readonly number[] | undefined {
  const ip = parseIp(text);
  if (!ip) return undefined;
  if (!text.includes(":")) return [swap(ip.w2)];
  return [swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3)];
}

function isWithin(address: string | undefined, prefixes: readonly Prefix[]): boolean {
  const words = address === undefined ? undefined : wordsOf(address);
  return words !== undefined && prefixes.some((prefix) => holds(prefix, words));
}

const holds = ({ words, length }: Prefix, address: readonly number[]): boolean =>
  words.length === address.length &&
  words.every((word, i) => ((word ^ address[i]!) & maskOf(length - i * 32)) === 0);

/** The first `bits` of a word; shifts count modulo 32, so none and all are cases of their own. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
