// SPDX-License-Identifier: BSD-3-Clause
import { isV4, parseIp } from "../../core/unirec/ip.ts";
import { BucketMap, Recent, type Rule } from "./buckets.ts";

export interface ThrottleOptions {
  /** Keys kept of each kind; past it the least recently used leave. */
  readonly max?: number;
  /** Milliseconds of a clock that never jumps. */
  readonly clock?: () => number;
}

/** An address may mistype a few times. */
const PER_ADDRESS: Rule = { burst: 5, refillMs: 60_000, locks: true };
/** A name takes more, and gets it back faster than one locked address can use it up. */
const PER_NAME: Rule = { burst: 10, refillMs: 30_000, locks: true };

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
