// SPDX-License-Identifier: BSD-3-Clause

/** What names are made of: letters by their place in the alphabet, digits, hyphen (and space), underscore, all else; the ends of a label. */
export const SYMBOLS = 40;
export const OTHER = 38;
export const EDGE = 39;
/** A pair's cost in bits is so many units. */
export const UNIT = 8;

const HYPHEN = 36;
const UNDERSCORE = 37;

/** The symbol of each byte, letters of either case alike. */
export const SYMBOL_OF = symbols();

function symbols(): Uint8Array {
  const table = new Uint8Array(256).fill(OTHER);
  for (let i = 0; i < 26; i++) table[0x61 + i] = table[0x41 + i] = i;
  for (let i = 0; i < 10; i++) table[0x30 + i] = 26 + i;
  for (const mark of "- ") table[mark.charCodeAt(0)] = HYPHEN;
  table[0x5f] = UNDERSCORE;
  return table;
}
