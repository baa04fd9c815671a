// SPDX-License-Identifier: BSD-3-Clause
import { randomBytes } from "node:crypto";
import { and, asc, count, eq } from "drizzle-orm";
import { grants, isScope, type Role, type Scope, type TokenPrincipal } from "./access.ts";
import type { ControlDatabase } from "./database.ts";
import { apiToken, user } from "./schema.ts";
import { hashOf } from "./secrets.ts";
import { isLabel } from "./text.ts";

const PREFIX = "nmn_";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 43 of 62 characters hold 256 bits. */
const SECRET_LENGTH = 43;
/** 62 to the sixth is more than a CRC-32 can be. */
const CHECK_LENGTH = 6;
const TOKEN = /^nmn_[0-9A-Za-z]{49}$/;
/** Bytes from here on would make the first characters more likely. */
const UNBIASED = 256 - (256 % BASE62.length);

const TOUCH_MS = 60_000;
/** A token that is older than the clock says was made before the clock was set back. */
const CLOCK_SKEW_MS = 5 * 60_000;
export const TOKENS_PER_USER_MAX = 100;

/** A token as its owner may see it. */
export interface TokenInfo {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly created: number;
  readonly expires: number | null;
  readonly lastUsed: number | null;
}

/** What a new token is to be. */
export interface TokenWish {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Milliseconds since 1970; null for a token without an end. */
  readonly expires: number | null;
}

/** `nmn_`, a secret of 256 bits and a checksum, which tells a typing error from a token that has ended. */
export function newToken(): string {
  let secret = "";
  while (secret.length < SECRET_LENGTH) {
    for (const byte of randomBytes(SECRET_LENGTH - secret.length))
      if (byte < UNBIASED) secret += BASE62[byte % BASE62.length];
  }
  return `${PREFIX}${secret}${checksum(secret)}`;
}

/** Whether a text has the form of a token and the right checksum. */
export function isTokenForm(text: string): boolean {
  if (!TOKEN.test(text)) return false;
  const end = PREFIX.length + SECRET_LENGTH;
  return checksum(text.slice(PREFIX.length, end)) === text.slice(end);
}

function checksum(secret: string): string {
  let rest = Bun.hash.crc32(secret);
  let text = "";
  for (let i = 0; i < CHECK_LENGTH; i++) {
    text = BASE62[rest % BASE62.length] + text;
    rest = Math.floor(rest / BASE62.length);
  }
  return text;
}

/** Tokens that users give to programs. Like sessions they are kept as hashes, and tell their owner's role of today. */
export class Tokens {
  readonly #database: ControlDatabase;
  readonly #now: () => number;

  constructor(database: ControlDatabase, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** What is wrong with a wish of a user of that role, in words; undefined when nothing is. */
  complaint(userId: number, role: Role, { name, scopes, expires }: TokenWish): string | undefined {
    if (!isLabel(name)) return "name: 1 to 64 printable characters";
    if (scopes.length === 0) return "scopes: at least one";
    if (scopes.length > new Set(scopes).size) return "scopes: each once";
    // A scope the owner does not have would wait for the day the owner has it.
    const foreign = scopes.find((scope) => !isScope(scope) || !grants(role, scope));
    if (foreign !== undefined) return "scopes: not all are yours to give";
    if (expires !== null && !(Number.isSafeInteger(expires) && expires > this.#now()))
      return "expires: a time to come, or null";
    if (this.#countOf(userId) >= TOKENS_PER_USER_MAX)
      return `at most ${TOKENS_PER_USER_MAX} tokens a user; revoke one first`;
    return undefined;
  }

  /** Make a token from a wish without a complaint; the secret is told here and never again. */
  create(userId: number, { name, scopes, expires }: TokenWish): { id: number; token: string } {
    const token = newToken();
    const row = { name, userId, tokenHash: hashOf(token), scopes: scopes.join(" "), expires };
    const { id } = this.#database.orm
      .insert(apiToken)
      .values({ ...row, created: this.#now() })
      .returning({ id: apiToken.id })
      .get();
    return { id, token };
  }

  /** Whose token it is, if it is anybody's and has not ended. */
  verify(token: string): TokenPrincipal | undefined {
    if (!isTokenForm(token)) return undefined;
    const row = this.#database.orm
      .select()
      .from(apiToken)
      .innerJoin(user, eq(apiToken.userId, user.id))
      .where(eq(apiToken.tokenHash, hashOf(token)))
      .get();
    if (!row || row.user.disabled || !this.#isAlive(row.api_token)) return undefined;
    this.#touch(row.api_token);
    const { id: userId, name, role } = row.user;
    const { id: tokenId, scopes } = row.api_token;
    return { kind: "token", userId, name, role, tokenId, scopes: scopesOf(scopes) };
  }

  /** The tokens of a user in the order they were made, ended ones included. */
  list(userId: number): TokenInfo[] {
    return this.#database.orm
      .select()
      .from(apiToken)
      .where(eq(apiToken.userId, userId))
      .orderBy(asc(apiToken.id))
      .all()
      .map(({ tokenHash: _hash, userId: _owner, scopes, ...rest }) => ({
        ...rest,
        scopes: scopesOf(scopes),
      }));
  }

  /** End a token of a user's; false when the user has none of that number. */
  revoke(userId: number, id: number): boolean {
    const of = and(eq(apiToken.id, id), eq(apiToken.userId, userId));
    return this.#database.orm.delete(apiToken).where(of).returning().all().length > 0;
  }

  #countOf(userId: number): number {
    const of = eq(apiToken.userId, userId);
    return this.#database.orm.select({ n: count() }).from(apiToken).where(of).get()?.n ?? 0;
  }

  #isAlive({ created, expires }: typeof apiToken.$inferSelect): boolean {
    const now = this.#now();
    if (expires === null) return true;
    return now < expires && created <= now + CLOCK_SKEW_MS;
  }

  #touch({ id, lastUsed }: typeof apiToken.$inferSelect): void {
    const now = this.#now();
    if (lastUsed !== null && Math.abs(now - lastUsed) < TOUCH_MS) return;
    try {
      this.#database.orm.update(apiToken).set({ lastUsed: now }).where(eq(apiToken.id, id)).run();
    } catch {
      // When it was used last is not worth refusing a program while the disk is full.
    }
  }
}

/** A scope that a newer version knew is none here. */
const scopesOf = (text: string): Scope[] => text.split(" ").filter(isScope);
