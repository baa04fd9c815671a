// SPDX-License-Identifier: BSD-3-Clause
import type { Principal } from "../auth/access.ts";
import { BucketMap } from "../auth/buckets.ts";
import { addressKey } from "../auth/throttle.ts";
import { localRequests } from "./admission.ts";
import { problem } from "./problem.ts";
import { addressOf } from "./serve.ts";

/** 50 requests a second, and 200 at once: a page that opens asks for a few dozen. */
const RULE = { burst: 200, refillMs: 20, locks: false };

export interface RateOptions {
  /** Senders kept of each kind; past it the least recently seen leave, and begin anew. */
  readonly max?: number;
  /** Milliseconds of a clock that never jumps. */
  readonly clock?: () => number;
}

/**
 * How many requests anybody may send: each user, each token, and strangers by their address. Whoever floods the API is
 * refused, and others are served. Strangers have a table of their own, so that they cannot push out users.
 */
export class RateLimit {
  readonly #users: BucketMap;
  readonly #strangers: BucketMap;
  readonly #limited = { user: 0, stranger: 0 };

  constructor({ max = 10_000, clock = () => performance.now() }: RateOptions = {}) {
    this.#users = new BucketMap(RULE, max, clock);
    this.#strangers = new BucketMap(RULE, max, clock);
  }

  /** Requests refused so far, by kind of sender. */
  get limited(): { readonly user: number; readonly stranger: number } {
    return this.#limited;
  }

  /** The answer to who sends too many requests; undefined for others, and takes the request into account. */
  refusal(request: Request, principal: Principal | undefined): Response | undefined {
    if (localRequests.has(request)) return undefined;
    const key = keyOf(principal);
    const wait =
      key === undefined
        ? this.#strangers.take(addressKey(addressOf(request)))
        : this.#users.take(key);
    if (wait === 0) return undefined;
    this.#limited[key === undefined ? "stranger" : "user"]++;
    return problem(
      429,
      { title: "Too many requests", detail: "At most 50 a second, and 200 at once." },
      { "retry-after": String(Math.ceil(wait / 1000)) },
    );
  }
}

/** What tells users and tokens apart; undefined for strangers. */
function keyOf(principal: Principal | undefined): string | undefined {
  if (principal?.kind === "session") return `user ${principal.userId}`;
  return principal?.kind === "token" ? `token ${principal.tokenId}` : undefined;
}
