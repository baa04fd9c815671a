// SPDX-License-Identifier: BSD-3-Clause
import { isV4, parseIp } from "../../core/unirec/ip.ts";

export interface ThrottleOptions {
  /** Keys kept of each kind; past it the least recently used leave. */
  readonly max?: number;
  /** Milliseconds of a clock that never jumps. */
  readonly clock?: () => number;
}

interface Rule {
  /** Attempts that may come at once. */
  readonly burst: number;
  /** Milliseconds until another one is allowed. */
  readonly refillMs: number;
}

/** An address may mistype a few times. */
const PER_ADDRESS: Rule = { burst: 5, refillMs: 60_000 };
/** A name takes more, and gets it back faster than one locked address can use it up. */
const PER_NAME: Rule = { burst: 10, refillMs: 30_000 };

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

/**
 * Slows down who guesses passwords: a token bucket for each address and for each name, and behind an empty one a
 * lock that doubles from 2 s to 15 min. After a lock one attempt is free.
 *
 * Whoever guesses from everywhere locks the name, and that must not lock its owner out: an address from which
 * the name has logged in before answers for itself only. All of it is in memory and bounded.
 */
export class Throttle {
  readonly #addresses: BucketMap;
  readonly #names: BucketMap;
  /** Addresses from which a name has logged in. */
  readonly #known: Recent<true>;

  constructor({ max = 10_000, clock = () => performance.now() }: ThrottleOptions = {}) {
    this.#addresses = new BucketMap(PER_ADDRESS, max, clock);
    this.#names = new BucketMap(PER_NAME, max, clock);
    this.#known = new Recent(max);
  }

  /** Milliseconds to wait before a secret may be tried, of a name or of no name; 0 takes the attempt. */
  attempt(name: string | undefined, address: string): number {
    const from = addressKey(address);
    const wait = this.#addresses.take(from);
    if (wait > 0 || name === undefined || this.#known.get(pair(name, from))) return wait;
    return this.#names.take(name);
  }

  /** The attempt was none after all: it does not count. */
  giveBack(name: string | undefined, address: string): void {
    const from = addressKey(address);
    this.#addresses.giveBack(from);
    if (name !== undefined && !this.#known.get(pair(name, from))) this.#names.giveBack(name);
  }

  /** The attempt was right: it does not count, and this address is now known to belong to the name. */
  succeeded(name: string, address: string): void {
    this.giveBack(name, address);
    this.#known.set(pair(name, addressKey(address)), true);
  }

  /** Addresses, names and pairs in memory now. */
  get sizes(): readonly [number, number, number] {
    return [this.#addresses.size, this.#names.size, this.#known.size];
  }
}

const pair = (name: string, from: string): string => `${from} ${name}`;

/** What counts as one address: of IPv6 the /64, for a host has all of it. */
export function addressKey(address: string): string {
  const ip = parseIp(address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address);
  if (!ip) return "other";
  return isV4(ip) ? `${ip.w2}` : `${ip.w0}:${ip.w1}`;
}

/** A map that drops what was not used for the longest time. */
class Recent<T> {
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

class BucketMap {
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

  take(key: string): number {
    const now = this.#clock();
    const bucket = this.#bucketOf(key, now);
    if (now < bucket.lockedUntil) return bucket.lockedUntil - now;
    if (bucket.tokens < 1) return this.#lock(bucket, now);
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
