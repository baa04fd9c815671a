// SPDX-License-Identifier: BSD-3-Clause
/** Token buckets by key, in a table with a bound. @module */

export interface Rule {
  /** Attempts that may come at once. */
  readonly burst: number;
  /** Milliseconds until another one is allowed. */
  readonly refillMs: number;
  /** Whether an empty bucket is locked, each time for longer: for those who guess. */
  readonly locks: boolean;
}

const LOCK_FIRST_MS = 2000;
export const LOCK_MAX_MS = 15 * 60_000;
/** Locks grow again from the first after so long without one. */
const FORGET_MS = 60 * 60_000;

interface Bucket {
  tokens: number;
  /** When tokens were counted last; the end of a lock while there is one. */
  at: number;
  lockedUntil: number;
  locks: number;
}

/** A map that drops what was not used for the longest time. */
export class Recent<T> {
  readonly #entries = new Map<string, T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

/** Token buckets by key. */
export class BucketMap {
  readonly #rule: Rule;
  readonly #buckets: Recent<Bucket>;
  readonly #clock: () => number;

  constructor(rule: Rule, max: number, clock: () => number) {
    this.#rule = rule;
    this.#buckets = new Recent(max);
    this.#clock = clock;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Milliseconds until the key may try again; 0 takes a token. */
  take(key: string): number {
    const now = this.#clock();
    const bucket = this.#bucketOf(key, now);
    if (now < bucket.lockedUntil) return bucket.lockedUntil - now;
    if (bucket.tokens < 1)
      return this.#rule.locks ? this.#lock(bucket, now) : (1 - bucket.tokens) * this.#rule.refillMs;
    bucket.tokens--;
    return 0;
  }

  giveBack(key: string): void {
    const bucket = this.#bucketOf(key, this.#clock());
    bucket.tokens = Math.min(this.#rule.burst, bucket.tokens + 1);
  }

  #bucketOf(key: string, now: number): Bucket {
    const bucket = this.#buckets.get(key);
    if (!bucket) {
      const made = { tokens: this.#rule.burst, at: now, lockedUntil: 0, locks: 0 };
      this.#buckets.set(key, made);
      return made;
    }
    if (now > bucket.at) {
      const grown = bucket.tokens + (now - bucket.at) / this.#rule.refillMs;
      bucket.tokens = Math.min(this.#rule.burst, grown);
      bucket.at = now;
    }
    if (now - bucket.lockedUntil >= FORGET_MS) bucket.locks = 0;
    return bucket;
  }

  #lock(bucket: Bucket, now: number): number {
    // A patient guesser makes the power infinite one day; the bound holds for that as well.
    const wait = Math.min(LOCK_MAX_MS, LOCK_FIRST_MS * 2 ** bucket.locks);
    bucket.locks++;
    bucket.lockedUntil = now + wait;
    bucket.at = bucket.lockedUntil;
    bucket.tokens = 1;
    return wait;
  }
}
