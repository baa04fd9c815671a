// SPDX-License-Identifier: BSD-3-Clause

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** The rule of {@link userName} in words. */
export const NAME_RULE = "name: 1 to 64 of a-z, 0-9 and . _ @ -, with a letter or digit in front";
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const LABEL_MAX = 64;

/**
 * The one form of a user's name, in lower case; undefined when it can be nobody's. ASCII only: no name looks like
 * another one, and none moves a terminal's cursor.
 */
export const userName = (text: string): string | undefined =>
  NAME.test(text) ? text.toLowerCase() : undefined;

/** What an owner may call a thing of theirs: one line of text that shows as it is. */
export const isLabel = (text: string): boolean =>
  text.length <= LABEL_MAX && text.trim() !== "" && !CONTROL.test(text);
