// SPDX-License-Identifier: BSD-3-Clause

/** Why something was not done; each is a status of HTTP, and none tells a stranger what is there. */
export type Problem =
  /** What was sent breaks a rule; the detail names it. */
  | "invalid"
  /** Wrong name or password or token. */
  | "denied"
  /** Too many attempts, or too many at once: come again after `retryAfter`. */
  | "throttled"
  /** There is none of that number or name. */
  | "missing"
  /** The name is taken. */
  | "taken"
  /** It would leave no admin, or too many of something. */
  | "refused";

export interface Failure {
  readonly ok: false;
  readonly problem: Problem;
  readonly detail: string;
  /** Milliseconds. */
  readonly retryAfter?: number;
}

/** What came of something that may be refused: refusals are answers and not exceptions. */
export type Result<T> = { readonly ok: true; readonly value: T } | Failure;

export const done = <T>(value: T): Result<T> => ({ ok: true, value });

export const failed = (problem: Problem, detail: string): Failure => ({
  ok: false,
  problem,
  detail,
});

const BUSY_RETRY_MS = 1000;

export const throttled = (retryAfter: number): Failure => ({
  ...failed("throttled", "too many attempts"),
  retryAfter,
});

/** Passwords are being checked already, as many as may wait. */
export const busy = (): Failure => throttled(BUSY_RETRY_MS);
