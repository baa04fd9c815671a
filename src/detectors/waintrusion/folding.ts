// SPDX-License-Identifier: BSD-3-Clause

export const BLANK = 0x20;
export const QUOTE = 0x22;
const SLASH = 0x2f;

/** What each byte is taken for: letters in lower case, blanks alike, both quotes alike, backslashes as slashes. */
export const FOLDED = folding();

/** Whether a byte of folded text is a letter, a digit or an underscore. */
export const IS_WORD = Uint8Array.from(FOLDED, (_, byte) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f ? 1 : 0,
);

function folding(): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (let letter = 0x41; letter <= 0x5a; letter++) table[letter] = letter | 0x20;
  // Tab to carriage return, plus, no-break space.
  for (const byte of [9, 10, 11, 12, 13, 0x2b, 0xa0]) table[byte] = BLANK;
  table[0x27] = QUOTE;
  table[0x5c] = SLASH;
  return table;
}
