// SPDX-License-Identifier: BSD-3-Clause

const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

export const OUTCOME = { none: 0, failure: 1, success: 2 } as const;

/**
 * What became of a TCP connection, by the flags of both directions: made when the server sent SYN and ACK, or, where its direction is not
 * seen, when the client went on to acknowledge; failed when it was refused or not answered. None where the record has no beginning.
 */
export function outcomeOf(flags: number, answer: number, answers: number): number {
  if ((flags & SYN) === 0) return OUTCOME.none;
  if ((answer & (SYN | ACK)) === (SYN | ACK)) return OUTCOME.success;
  if ((answer & RST) !== 0) return OUTCOME.failure;
  if ((flags & ACK) !== 0) return OUTCOME.success;
  return answers === 0 ? OUTCOME.failure : OUTCOME.none;
}
