// SPDX-License-Identifier: BSD-3-Clause
/** Fingerprints of a ClientHello: what the program that sent it is. @module */
import { createHash } from "node:crypto";
import { EXTENSION, type Hello, isGrease } from "./hello.ts";

const HASH = 12;
const NOTHING = "0".repeat(HASH);
const COUNT_MAX = 99;
const LETTERS = /^[0-9A-Za-z]{2}$/;
/** JA4's two letters of each version. */
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, "13"],
  [0x0303, "12"],
  [0x0302, "11"],
  [0x0301, "10"],
  [0x0300, "s3"],
  [0x0002, "s2"],
  [0xfeff, "d1"],
  [0xfefd, "d2"],
  [0xfefc, "d3"],
]);

const real = (values: readonly number[]): number[] => values.filter((value) => !isGrease(value));
const hex = (values: readonly number[]): string =>
  values.map((value) => value.toString(16).padStart(4, "0")).join(",");
const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const sha = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, HASH);
const count = (value: number): string => String(Math.min(value, COUNT_MAX)).padStart(2, "0");

/** JA3 as it is before the hash (github.com/salesforce/ja3): five lists, decimal, without GREASE. */
export function ja3Text({ version, suites, extensions, groups, pointFormats }: Hello): string {
  const lists = [real(suites), real(extensions), real(groups), pointFormats];
  return [String(version), ...lists.map((list) => list.join("-"))].join(",");
}

/** The 16 bytes of JA3: MD5 of {@link ja3Text}. */
export const ja3 = (hello: Hello): Uint8Array => createHash("md5").update(ja3Text(hello)).digest();

export interface Ja4Options {
  /** What carries the hello: `t` for TCP, `q` for QUIC. */
  readonly carrier: "t" | "q";
  /** Count GREASE among the extensions, as ipfixprobe does and the specification does not. */
  readonly countGrease?: boolean;
}

/** JA4, TLS client fingerprint (FoxIO, technical_details/JA4.md). */
export function ja4(hello: Hello, { carrier, countGrease = false }: Ja4Options): string {
  const suites = real(hello.suites);
  const extensions = real(hello.extensions);
  const version = Math.max(0, ...real(hello.versions)) || hello.version;
  const start = [
    carrier,
    VERSIONS.get(version) ?? "00",
    hello.hasName ? "d" : "i",
    count(suites.length),
    count(countGrease ? hello.extensions.length : extensions.length),
    alpnEnds(hello.alpn),
  ].join("");
  return `${start}_${suites.length === 0 ? NOTHING : sha(hex(sorted(suites)))}_${extensionHash(hello, extensions)}`;
}

/** Server name and ALPN differ from site to site, so they are not part of the hash. */
function extensionHash(hello: Hello, extensions: readonly number[]): string {
  if (extensions.length === 0) return NOTHING;
  const kept = extensions.filter((t) => t !== EXTENSION.serverName && t !== EXTENSION.alpn);
  const signatures = real(hello.signatures);
  const list = hex(sorted(kept));
  return sha(signatures.length === 0 ? list : `${list}_${hex(signatures)}`);
}

/** First and last character of ALPN's first protocol; of its hexadecimal form when one is no letter or digit. */
function alpnEnds(alpn: Uint8Array): string {
  if (alpn.length === 0) return "00";
  const ends = String.fromCharCode(alpn[0]!, alpn[alpn.length - 1]!);
  if (LETTERS.test(ends)) return ends;
  return (alpn[0]! >>> 4).toString(16) + (alpn[alpn.length - 1]! & 15).toString(16);
}

/** Clients whose fingerprints are kept. */
const KEPT_MAX = 4096;
/** Code units of a string: suites of SSL 2.0 have more bits. */
const UNIT_MAX = 0xffff;

/** JA3 and JA4 of hellos; those of clients that come again are not computed again. */
export class Fingerprints {
  readonly #options: Ja4Options;
  readonly #known = new Map<string, { readonly ja3: Uint8Array; readonly ja4: string }>();
  readonly #key: number[] = [];

  constructor(options: Ja4Options) {
    this.#options = options;
  }

  of(hello: Hello): { readonly ja3: Uint8Array; readonly ja4: string } {
    const key = this.#keyOf(hello);
    let known = this.#known.get(key);
    if (!known) {
      known = { ja3: ja3(hello), ja4: ja4(hello, this.#options) };
      if (this.#known.size === KEPT_MAX) this.#known.delete(this.#known.keys().next().value!);
      if (hello.suites.every((suite) => suite <= UNIT_MAX)) this.#known.set(key, known);
    }
    return known;
  }

  /** All that the fingerprints depend on, a code unit for each number. */
  #keyOf(hello: Hello): string {
    const key = this.#key;
    const { version, hasName, alpn, extensions } = hello;
    key.length = 0;
    key.push(version, hasName ? 1 : 0, alpn.length, alpn[0] ?? 0, alpn.at(-1) ?? 0);
    key.push(extensions.length, hello.pointFormats.length, ...hello.pointFormats);
    for (const list of [hello.suites, extensions, hello.groups, hello.signatures, hello.versions]) {
      const start = key.push(0);
      // Random values that mean nothing would make each hello a client of its own.
      for (const value of list) if (!isGrease(value)) key.push(value);
      key[start - 1] = key.length - start;
    }
    return String.fromCharCode(...key);
  }
}
