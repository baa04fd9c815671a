// SPDX-License-Identifier: BSD-3-Clause
import { randomBytes } from "node:crypto";

/**
 * OWASP's least for argon2id: 19 MiB, two passes, one lane. It takes about 35 ms of a core; Bun's default of
 * 64 MiB takes three times that, and the log-in is what strangers may ask for, on a machine whose cores and
 * memory belong to the packets.
 */
export const ARGON2 = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const CONCURRENT_MAX = 2;
const WAITING_MAX = 32;

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 256;
/** Shorter names are in many a good password by chance. */
const NAME_IN_PASSWORD_MIN = 4;
const PRODUCT = "nemean";

/** What is wrong with a new password, in words; undefined when nothing is. */
export function passwordComplaint(password: string, name: string): string | undefined {
  if (!password.isWellFormed()) return "is not valid text";
  const length = characters(password);
  if (length < PASSWORD_MIN) return `has fewer than ${PASSWORD_MIN} characters`;
  if (length > PASSWORD_MAX) return `has more than ${PASSWORD_MAX} characters`;
  const folded = fold(password);
  const word = fold(name);
  if (word.length >= NAME_IN_PASSWORD_MIN && folded.includes(word)) return "holds the user's name";
  // What is left beside the product's name has to be a password by itself.
  if (characters(folded.replaceAll(PRODUCT, "")) < PASSWORD_MIN / 2)
    return "is little more than the product's name";
  if (new Set(folded).size < PASSWORD_MIN / 3) return "has too few different characters";
  return undefined;
}

const fold = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Code points: nobody counts surrogates. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What a check of a password came to; `busy` when too many wait already. */
export type Verdict = "match" | "mismatch" | "busy";

/** The work itself, which tests replace. */
export interface Hashing {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string): Promise<boolean>;
}

const ARGON2ID: Hashing = {
  hash: (password) => Bun.password.hash(password, ARGON2),
  verify: (password, hash) => Bun.password.verify(password, hash),
};

/**
 * Hashes and checks passwords: two at a time, and so many in line. Whoever comes after that is told to come
 * again, so that a flood of log-ins costs the machine two cores' worth and 38 MiB at most.
 */
export class Passwords {
  readonly #hashing: Hashing;
  readonly #dummy = dummyHash();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(hashing: Hashing = ARGON2ID) {
    this.#hashing = hashing;
  }

  /** The hash to keep; undefined when busy. The password is one that {@link passwordComplaint} let in. */
  async hash(password: string): Promise<string | undefined> {
    return await this.#inTurn(() => this.#hashing.hash(normal(password)));
  }

  /**
   * Check a password against the hash of a user, or against nobody's: that takes as long, so that time does not
   * tell which names there are.
   */
  async verify(password: string, hash: string | undefined): Promise<Verdict> {
    // No password is like this, whoever the user is.
    const asked = password.length <= 2 * PASSWORD_MAX && password.isWellFormed() ? password : "";
    if (asked === "") return "mismatch";
    const verified = await this.#inTurn(() => this.#check(asked, hash));
    if (verified === undefined) return "busy";
    return verified && hash !== undefined ? "match" : "mismatch";
  }

  async #check(password: string, hash: string | undefined): Promise<boolean> {
    try {
      return await this.#hashing.verify(normal(password), hash ?? this.#dummy);
    } catch {
      // A row that holds no hash lets nobody in.
      return false;
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= CONCURRENT_MAX) {
      if (this.#waiting.length >= WAITING_MAX) return undefined;
      // The place is handed over by the one that leaves, or a newcomer could take it in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** The same password typed on another keyboard (RFC 8265 section 4.2). */
const normal = (password: string): string => password.normalize("NFC");

/** A hash of no password, with the cost of a real one. */
function dummyHash(): string {
  const part = (): string => randomBytes(32).toString("base64").replaceAll("=", "");
  const { memoryCost, timeCost } = ARGON2;
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${part()}$${part()}`;
}
