// SPDX-License-Identifier: BSD-3-Clause
const WWW = Buffer.from("www.");
const COM = Buffer.from(".com");
/** Characters between them: Tor takes 4 to 25. */
const LENGTH = { min: 4, max: 25 } as const;
const DIGITS = { first: 0x32, last: 0x37 } as const;
const LETTERS = { first: 0x61, last: 0x7a } as const;

/**
 * Whether a server name is one that Tor invents: `www.`, 4 to 25 characters of base32 at random, `.com`. Many names of sites
 * are of these characters; a digit within letters tells most that are random (19 of 20 of 14 characters) from most that
 * are not.
 */
export function isRandomName(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from - WWW.length - COM.length;
  if (length < LENGTH.min || length > LENGTH.max) return false;
  if (!isAt(bytes, from, WWW) || !isAt(bytes, to - COM.length, COM)) return false;
  let isWithin = false;
  /** The kinds of the last two characters. */
  let isDigit = false;
  let wasLetter = false;
  for (let i = from + WWW.length; i < to - COM.length; i++) {
    const byte = bytes[i]!;
    const isLetter = byte >= LETTERS.first && byte <= LETTERS.last;
    if (!isLetter && (byte < DIGITS.first || byte > DIGITS.last)) return false;
    if (isLetter && isDigit && wasLetter) isWithin = true;
    if (isLetter) wasLetter = true;
    isDigit = !isLetter;
  }
  return isWithin;
}

function isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}
