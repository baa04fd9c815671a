// SPDX-License-Identifier: BSD-3-Clause

/** Bits of SMTP_STAT_CODE_FLAGS, as ipfixprobe has them: the codes of replies by their order, and what their text says. */
const BIT = { 421: 8, 450: 9, 451: 10, 550: 18, 551: 19, 553: 21, 554: 22 } as const;
const SPAM = 0x4000_0000;
const REFUSALS = Object.values(BIT).reduce((bits, bit) => bits | (1 << bit), 0);
/** The answer is for good: 550, 551, 553, 554. */
const FINAL = (1 << BIT[550]) | (1 << BIT[551]) | (1 << BIT[553]) | (1 << BIT[554]);
/** Points of a session in which the server speaks of spam. */
const SPAM_POINTS = 5;

/** Ports of mail: between servers, and where programs hand it in (RFC 8314). */
export const isMailPort = (port: number): boolean =>
  port === 25 || port === 587 || port === 465 || port === 2525;

export const speaksOfSpam = (flags: number): boolean => (flags & SPAM) !== 0;

/** Whether the server refused mail for good. */
export const isRefused = (flags: number): boolean => (flags & (FINAL | SPAM)) !== 0;

/**
 * Points of a session: 5 when the server speaks of spam, 1 for each refusal, for mail without a sender and without a
 * recipient. Of a session that was enciphered neither is known, and nothing is counted.
 */
export function pointsOf(flags: number, mails: number, ends: Ends): number {
  let points = speaksOfSpam(flags) ? SPAM_POINTS : 0;
  for (let bits = flags & REFUSALS; bits !== 0; bits &= bits - 1) points++;
  if (mails === 0) return points;
  return points + (ends.sender === 0 ? 1 : 0) + (ends.recipient === 0 ? 1 : 0);
}

/** Bytes of the first sender and the first recipient. */
export interface Ends {
  readonly sender: number;
  readonly recipient: number;
}
