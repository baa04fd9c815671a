// SPDX-License-Identifier: BSD-3-Clause
/** Queries as tools for tunnels write them: how each puts bytes into names, and the types it asks for. @module */
import type { Random } from "../../../core/traffic/rng.ts";
import { TYPE } from "../fields.ts";

export interface Query {
  readonly name: string;
  readonly type: number;
}
/** The query number `i` of a tunnel that carries random bytes, as those of a ciphered session. */
export type Tunnel = (dice: Random, i: number, domain: string) => Query;

const BASE32 = "abcdefghijklmnopqrstuvwxyz012345";
const RFC32 = "abcdefghijklmnopqrstuvwxyz234567";
const BASE64 = "abcdefghijklmnopqrstuvwxyz-0123456789+ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX = "0123456789abcdef";

const text = (dice: Random, alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[dice.below(alphabet.length)]).join("");
const labels = (encoded: string, longest: number): string =>
  encoded.match(new RegExp(`.{1,${longest}}`, "g"))!.join(".");
const one = <T>(dice: Random, of: readonly T[]): T => of[dice.below(of.length)]!;

/** Bytes beyond ASCII as they stand in records. */
const base128 = (dice: Random, length: number): string =>
  Array.from({ length }, () =>
    dice.chance(0.5) ? text(dice, BASE64, 1) : `\\${188 + dice.below(66)}`,
  ).join("");

/**
 * iodine: the user's number, a header of four characters, then data in a dot every 57 characters; one query in four is a ping without data.
 * NULL by default, or another type that the path lets through.
 */
const iodine =
  (type: number, data: (dice: Random, length: number) => string): Tunnel =>
  (dice, i, domain) => {
    if (i % 4 === 3) return { name: `p${text(dice, BASE32, 7)}.${domain}`, type };
    const header = HEX[dice.below(16)]! + text(dice, BASE32, 4);
    const parts = Array.from({ length: 1 + dice.below(3) }, () => data(dice, 57));
    return { name: `${header}${data(dice, 52)}.${parts.join(".")}.${domain}`, type };
  };

export const TUNNELS: Readonly<Record<string, Tunnel>> = {
  "iodine, base 32": iodine(TYPE.null, (dice, length) => text(dice, BASE32, length)),
  "iodine, base 64": iodine(TYPE.txt, (dice, length) => text(dice, BASE64, length)),
  "iodine, base 128": iodine(TYPE.null, base128),
  /** dnscat2: a packet in base 16, its number in front, as TXT, CNAME and MX by chance; most packets only ask whether there is something. */
  dnscat2: (dice, _, domain) => {
    const size = dice.chance(0.7) ? 17 : dice.between(20, 110);
    const name = `${labels(text(dice, HEX, 2 * size), 62)}.${domain}`;
    return { name, type: one(dice, [TYPE.txt, TYPE.cname, TYPE.mx]) };
  },
  /** dns2tcp: base 64 of a header of seven bytes and data, in labels of up to 63. */
  dns2tcp: (dice, _, domain) => {
    const length = dice.chance(0.5) ? dice.between(10, 14) : dice.between(40, 180);
    return { name: `${labels(text(dice, BASE64, length), 63)}.${domain}`, type: TYPE.txt };
  },
  /** OzymanDNS: 110 characters of base 32 in two labels, the number of the packet, the session; TXT. */
  ozymandns: (dice, i, domain) => {
    const name = `${labels(text(dice, RFC32, 110), 63)}.${i}-${dice.below(65_536)}.id-51231.up.${domain}`;
    return { name, type: TYPE.txt };
  },
  /** A thief's: stolen text in base 16, asked for as an address below a name that nobody answers for. */
  thief: (dice, i, domain) => {
    const stolen = `card ${text(dice, "0123456789", 16)}=2512 user${i}`;
    return { name: `${labels(Buffer.from(stolen).toString("hex"), 60)}.${domain}`, type: TYPE.a };
  },
};
