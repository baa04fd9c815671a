// SPDX-License-Identifier: BSD-3-Clause
import { folded, type Pattern } from "./automaton.ts";
import { ACTION, ACTIONS, FAMILIES, type Family, IN, WORDS, wordsOf } from "./indications.ts";

/** Something that points to an attack: a word that is found, or what is seen in another way. */
export interface Indication {
  readonly family: number;
  readonly points: number;
  readonly in: number;
  readonly action: number;
}

const familyOf = (family: Family): number => FAMILIES.indexOf(family);
const seen = (family: Family, points: number): Indication => ({
  family: familyOf(family),
  points,
  in: IN.url,
  action: ACTION.none,
});

/** What is not seen by a word alone, in the order of {@link SEEN}. */
const OTHERS = {
  /** `' or 1=1`, `and 'a'='a'`. */
  orEqual: seen("sql", 5),
  andEqual: seen("sql", 3),
  selectFrom: seen("sql", 3),
  /** Words that are words only without comments in them. */
  comments: seen("sql", 2),
  nul: seen("protocol", 3),
  lineBreak: seen("protocol", 3),
  /** Two bytes where one is enough; also a character of an old Chinese or Korean encoding. */
  overlong: seen("protocol", 2),
  /** Methods that are for debugging only; methods that nobody knows. */
  debug: seen("methods", 5),
  unknownMethod: seen("methods", 2),
} as const;

/** All indications by number: words first, then the others, whose numbers are in `seen`. */
export interface Indications {
  readonly patterns: readonly Pattern[];
  readonly all: readonly Indication[];
  readonly seen: Readonly<Record<keyof typeof OTHERS, number>>;
}

/** Those of the families that are chosen. What is left out is worth nothing. */
export function indicationsOf(chosen: ReadonlySet<Family>): Indications {
  const words = WORDS.filter(({ family }) => chosen.has(family)).flatMap((entry) =>
    wordsOf(entry).map((word) => ({
      word,
      family: familyOf(entry.family),
      points: entry.points,
      in: entry.in,
      action: ACTION.none as number,
    })),
  );
  if (chosen.has("sql"))
    for (const [word, action] of ACTIONS)
      words.push({ word, family: familyOf("sql"), points: 0, in: IN.url, action });
  const others = Object.entries(OTHERS) as [keyof typeof OTHERS, Indication][];
  return {
    patterns: words.map(({ word }) => patternOf(word)),
    all: [
      ...words,
      ...others.map(([, other]) =>
        chosen.has(FAMILIES[other.family]!) ? other : { ...other, points: 0 },
      ),
    ],
    seen: Object.fromEntries(
      others.map(([name], i) => [name, words.length + i]),
    ) as Indications["seen"],
  };
}

function patternOf(word: string): Pattern {
  const starts = word.startsWith("^");
  const ends = word.length > 1 && word.endsWith("$");
  return { starts, ends, text: folded(word.slice(starts ? 1 : 0, ends ? -1 : undefined)) };
}
