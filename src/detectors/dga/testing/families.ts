// SPDX-License-Identifier: BSD-3-Clause
/**
 * Names as published families of malware make them: alphabet, lengths, structure and ends of each. Where only the random numbers are a
 * family's own, and not what they are made into, the dice here are ours.
 * @module
 */
import { createHash } from "node:crypto";
import type { Random } from "../../../core/traffic/rng.ts";

export interface Family {
  readonly name: string;
  readonly kind: "letters" | "mixed" | "hash" | "spoken" | "words";
  /** What stands behind the label that is made. */
  readonly ends: readonly string[];
  readonly label: (dice: Random) => string;
}

const AZ = "abcdefghijklmnopqrstuvwxyz";
/** Families that take a number modulo 25 never make a z. */
const AY = AZ.slice(0, -1);
const DIGITS = "0123456789";
const VOWELS = "aeiou";
const CONSONANTS = "bcdfghjklmnpqrstvwxyz";

const one = (dice: Random, from: string | readonly string[]): string =>
  from[dice.below(from.length)]!;

const text = (alphabet: string, least: number, most: number) => (dice: Random) =>
  Array.from({ length: dice.between(least, most) }, () => one(dice, alphabet)).join("");

const hash = (algorithm: string, dice: Random): string =>
  createHash(algorithm).update(String(dice.word())).digest("hex");

/** Consonants and vowels in turn, either first. */
const inTurn =
  (consonants: string, vowels: string, least: number, most: number) => (dice: Random) => {
    const first = dice.below(2);
    return Array.from({ length: dice.between(least, most) }, (_, i) =>
      one(dice, (i + first) % 2 === 0 ? consonants : vowels),
    ).join("");
  };

/** Ramnit: Park and Miller's generator gives the length, then each letter. */
function ramnit(dice: Random): string {
  let seed = dice.between(1, 0x7ffffffe);
  const next = (): number => {
    seed =
      (16_807 * (seed % 127_773) - 2836 * Math.floor(seed / 127_773) + 0x7fffffff) % 0x7fffffff;
    return seed;
  };
  return Array.from({ length: 8 + (next() % 12) }, () => AY[next() % 25]).join("");
}

/** Banjori: the first four letters of a fixed label become sums of one another, again and again. */
function banjori(dice: Random): string {
  const letters = [..."earnestnessbiophysicalohax"].map((letter) => AZ.indexOf(letter));
  for (let round = dice.between(1, 500); round > 0; round--) {
    const [a, b, c, d] = letters as [number, number, number, number];
    const first = (a + d) % 26;
    const second = (b + 2 * first) % 26;
    letters.splice(0, 4, first, second, (a + c + 25) % 26, (b + c + d) % 26);
  }
  return letters.map((i) => AZ[i]).join("");
}

/** Pykspa: mostly consonants and vowels in turn, in pairs at times. */
function pykspa(dice: Random): string {
  let label = "";
  let isVowel = dice.chance(0.5);
  for (let i = dice.between(6, 15); i > 0; i--) {
    label += one(dice, isVowel ? VOWELS : CONSONANTS);
    if (!dice.chance(0.2)) isVowel = !isVowel;
  }
  return label;
}

const KRAKEN_ENDS = ["able", "dom", "hood", "ment", "ness", "ship", "ly", "ency", "ing", "er"];

/** Kraken: letters alone, in later ones something like a word with one of English's endings. */
const kraken = (dice: Random): string =>
  dice.chance(0.5)
    ? text(AZ, 6, 12)(dice)
    : inTurn(CONSONANTS, VOWELS, 4, 7)(dice) + one(dice, KRAKEN_ENDS);

const WORDS =
  "ability above across action again almost alone answer appear arrive autumn balance basket because before begin behind believe better between board bottle branch bread bridge bring brother builder busy butter careful carry castle caught center certain chair change charge children circle clear close cloud colour common corner cotton country cover cross crowd dance danger daughter decide degree demand detail differ dinner direct doctor double dream dress drive during early earth effort either electric engine enough even evening example exercise experience family famous father fellow field figure finger flower follow forest forward freedom friend future garden gentle glass govern ground happen heavy history however hunger husband increase industry journey kitchen language laugh leader leather letter listen little machine manner market material matter meat member mountain movement nation nature neither north number object office orange paper perhaps person picture pleasant position possible power prepare president probable promise public quarter question rather reason record remember report school season second senses several shake shadow silver simple sister smoke soldier sorry spend square station storm story strange stream street strength strong sugar summer suppose surprise system table tear thick thousand through together tomorrow toward trade travel trouble twelve understand value various village visit voice wagon watch water weather weight welcome wheel whether window winter within woman wonder would write yellow yesterday".split(
    " ",
  );

/** Words until there are enough letters. */
const words = (least: number, most: number) => (dice: Random) => {
  for (;;) {
    let label = "";
    while (label.length < least) label += one(dice, WORDS);
    if (label.length <= most) return label;
  }
};

const GENERIC = ["com", "net", "org", "info", "biz"];
const DYNAMIC = ["dyndns.org", "yi.org", "mooo.com", "dynserv.com"];

/** Families that the model learns from. */
export const LEARNT: readonly Family[] = [
  {
    name: "conficker",
    kind: "letters",
    ends: [...GENERIC, "ws", "cn", "cc"],
    label: text(AZ, 5, 11),
  },
  {
    name: "necurs",
    kind: "letters",
    ends: ["com", "pw", "tv", "su", "ki"],
    label: text(AZ, 7, 21),
  },
  { name: "ramnit", kind: "letters", ends: ["com"], label: ramnit },
  { name: "murofet", kind: "letters", ends: GENERIC, label: text(AZ, 12, 16) },
  { name: "nymaim", kind: "letters", ends: ["com", "in", "pw", "xyz"], label: text(AZ, 5, 12) },
  {
    name: "mydoom",
    kind: "letters",
    ends: ["com", "ws", "in"],
    label: text("aehkmnpqrsw", 10, 10),
  },
  {
    name: "padcrypt",
    kind: "letters",
    ends: ["com", "de", "eu", "cc"],
    label: text("abcdfklmno", 16, 16),
  },
  { name: "newgoz", kind: "mixed", ends: GENERIC, label: text(AZ + DIGITS, 20, 28) },
  { name: "shiotob", kind: "mixed", ends: ["com", "net"], label: text(AZ + AZ + DIGITS, 9, 15) },
  {
    name: "bamital",
    kind: "hash",
    ends: ["info", "org", "cz.cc"],
    label: (dice) => hash("md5", dice),
  },
  { name: "pykspa", kind: "spoken", ends: ["com", "net", "info"], label: pykspa },
  { name: "symmi", kind: "spoken", ends: ["ddns.net"], label: inTurn(CONSONANTS, VOWELS, 8, 15) },
];

/** Families that it never sees before it is measured by them. */
export const UNSEEN: readonly Family[] = [
  {
    name: "cryptolocker",
    kind: "letters",
    ends: ["com", "net", "biz", "ru", "org", "co.uk", "info"],
    label: text(AY, 12, 15),
  },
  {
    name: "locky",
    kind: "letters",
    ends: ["ru", "pw", "eu", "in", "yt", "pm"],
    label: text(AY, 5, 17),
  },
  { name: "tinba", kind: "letters", ends: ["com", "net", "in", "ru"], label: text(AY, 12, 12) },
  {
    name: "ranbyus",
    kind: "letters",
    ends: ["in", "me", "cc", "su", "tw", "net"],
    label: text(AY, 14, 14),
  },
  { name: "qakbot", kind: "letters", ends: GENERIC, label: text(AZ, 8, 25) },
  { name: "fobber", kind: "letters", ends: ["net", "com"], label: text(AZ, 10, 17) },
  { name: "virut", kind: "letters", ends: ["com"], label: text(AZ, 6, 6) },
  { name: "corebot", kind: "mixed", ends: ["ddns.net"], label: text(`${AZ}012345678`, 12, 23) },
  {
    name: "chinad",
    kind: "mixed",
    ends: ["com", "org", "net", "biz", "ru", "cn"],
    label: text(AZ + DIGITS, 16, 16),
  },
  {
    name: "dyre",
    kind: "hash",
    ends: ["cc", "ws", "to", "in", "hk", "cn", "tk", "so"],
    label: (dice) => one(dice, AZ) + hash("sha256", dice).slice(0, 33),
  },
  { name: "kraken", kind: "spoken", ends: [...DYNAMIC, "com", "net", "cc"], label: kraken },
  {
    name: "simda",
    kind: "spoken",
    ends: ["com", "info", "eu"],
    label: inTurn("qwrtpsdfghjklzxcvbnm", "eyuioa", 5, 11),
  },
  { name: "banjori", kind: "words", ends: ["com"], label: banjori },
  {
    name: "suppobox",
    kind: "words",
    ends: ["net", "ru"],
    label: (dice) => one(dice, WORDS) + one(dice, WORDS),
  },
  { name: "matsnu", kind: "words", ends: ["com"], label: words(16, 24) },
  { name: "gozi", kind: "words", ends: ["com", "ru"], label: words(12, 23) },
];
