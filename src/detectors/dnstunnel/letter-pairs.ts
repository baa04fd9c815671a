// SPDX-License-Identifier: BSD-3-Clause

/** What follows one another in words and names that people make: the 110 most frequent pairs of letters of English. */
const USUAL =
  "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os";

const CLASS_BITS = 5;
const LETTERS = 26;
const DIGIT = 26;
/** What parts words within a label. */
const MARK = 27;
/** The class of what no name of a host or service has. */
export const ODD = 28;
/** The class of the dot between labels, and of what is beyond the ends of a name. */
export const NONE = 31;

/** The class of each byte: letters of either case by their place in the alphabet. */
export const CLASS_OF = classes();
/** By class of a character and that of the one behind it: {@link PAIR}, and {@link USUAL_PAIR} where it is frequent. */
const PAIRS = pairs();
/** Two characters of a label, with no mark that parts words. */
export const PAIR = 1;
export const USUAL_PAIR = 2;

export const pairOf = (one: number, two: number): number => PAIRS[(one << CLASS_BITS) | two]!;

function classes(): Uint8Array {
  const table = new Uint8Array(256).fill(ODD);
  for (let i = 0; i < LETTERS; i++) {
    table[0x61 + i] = i;
    table[0x41 + i] = i;
  }
  table.fill(DIGIT, 0x30, 0x3a);
  for (const mark of "-_ ") table[mark.charCodeAt(0)] = MARK;
  table[0x2e] = NONE;
  return table;
}

function pairs(): Uint8Array {
  const table = new Uint8Array(1 << (2 * CLASS_BITS));
  const kinds = Array.from({ length: ODD + 1 }, (_, kind) => kind).filter((kind) => kind !== MARK);
  for (const one of kinds) for (const two of kinds) table[(one << CLASS_BITS) | two] = 1;
  for (const pair of USUAL.split(" ")) {
    const [one, two] = [...pair].map((letter) => CLASS_OF[letter.charCodeAt(0)]!);
    table[(one! << CLASS_BITS) | two!] = 1 | 2;
  }
  return table;
}
