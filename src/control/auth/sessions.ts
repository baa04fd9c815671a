// SPDX-License-Identifier: BSD-3-Clause
import { createHmac } from "node:crypto";
import { desc, eq, lte, or } from "drizzle-orm";
import type { SessionPrincipal } from "./access.ts";
import type { ControlDatabase } from "./database.ts";
import { session, user } from "./schema.ts";
import { hashOf, isSecretForm, newSecret, sameSecret } from "./secrets.ts";

/** A session ends so long after its last use, and at the latest so long after the log-in. */
export const IDLE_MS = 30 * 60_000;
export const ABSOLUTE_MS = 12 * 60 * 60_000;
/** Uses within a minute of the one that was written down are not: a session may end a minute early. */
const TOUCH_MS = 60_000;
/** A clock set back must not lengthen sessions: one from so far in the future has ended. */
const CLOCK_SKEW_MS = 5 * 60_000;
/** Sessions of one user; past it the oldest ends. */
const PER_USER_MAX = 20;

/** A session as its user may see it. */
export interface SessionInfo {
  readonly id: string;
  readonly created: number;
  readonly lastUsed: number;
  readonly expires: number;
  readonly address: string;
}

/** Enough of the hash to tell a user's sessions apart. */
const idOf = (tokenHash: string): string => tokenHash.slice(0, 16);

/**
 * The sessions of users who logged in. The browser has an opaque token, the database its hash; role and name are
 * read anew at every request, so that a change of them holds at once.
 */
export class Sessions {
  readonly #database: ControlDatabase;
  readonly #now: () => number;

  constructor(database: ControlDatabase, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** Begin a session; the token is told here and never again. `previous` is the one it takes the place of. */
  create(userId: number, address: string, previous?: string): string {
    const { orm } = this.#database;
    const now = this.#now();
    this.purge();
    if (previous !== undefined) this.revoke(previous);
    this.#makeRoom(userId);
    const token = newSecret();
    const times = { created: now, lastUsed: now, expires: now + ABSOLUTE_MS };
    const at = address.slice(0, 64);
    orm
      .insert(session)
      .values({ tokenHash: hashOf(token), userId, address: at, ...times })
      .run();
    return token;
  }

  /** Whose token it is, if it is anybody's who may still use it. */
  verify(token: string): SessionPrincipal | undefined {
    if (!isSecretForm(token)) return undefined;
    const tokenHash = hashOf(token);
    const row = this.#database.orm
      .select()
      .from(session)
      .innerJoin(user, eq(session.userId, user.id))
      .where(eq(session.tokenHash, tokenHash))
      .get();
    if (!row || row.user.disabled || !this.#isAlive(row.session)) return undefined;
    this.#touch(row.session);
    const { id: userId, name, role } = row.user;
    return { kind: "session", userId, name, role, sessionId: idOf(tokenHash) };
  }

  /** The sessions of a user, the latest first. */
  list(userId: number): SessionInfo[] {
    return this.#database.orm
      .select()
      .from(session)
      .where(eq(session.userId, userId))
      .orderBy(desc(session.created))
      .all()
      .filter((row) => this.#isAlive(row))
      .map(({ tokenHash, created, lastUsed, expires, address }) => ({
        id: idOf(tokenHash),
        created,
        lastUsed,
        expires,
        address,
      }));
  }

  /** End the session of a token. */
  revoke(token: string): boolean {
    return this.#end(hashOf(token));
  }

  /** End one of a user's sessions by what {@link list} calls it. */
  revokeById(userId: number, id: string): boolean {
    const rows = this.#database.orm
      .select({ tokenHash: session.tokenHash })
      .from(session)
      .where(eq(session.userId, userId))
      .all();
    const found = rows.find(({ tokenHash }) => idOf(tokenHash) === id);
    return found !== undefined && this.#end(found.tokenHash);
  }

  /** End all sessions of a user; how many there were. */
  revokeAll(userId: number): number {
    const of = eq(session.userId, userId);
    return this.#database.orm.delete(session).where(of).returning().all().length;
  }

  /** Drop the sessions that have ended by themselves. */
  purge(): void {
    const now = this.#now();
    const ended = or(lte(session.expires, now), lte(session.lastUsed, now - IDLE_MS));
    this.#database.orm.delete(session).where(ended).run();
  }

  #end(tokenHash: string): boolean {
    const of = eq(session.tokenHash, tokenHash);
    return this.#database.orm.delete(session).where(of).returning().all().length > 0;
  }

  #isAlive({ created, lastUsed, expires }: typeof session.$inferSelect): boolean {
    const now = this.#now();
    if (created > now + CLOCK_SKEW_MS || lastUsed > now + CLOCK_SKEW_MS) return false;
    return now < expires && now - lastUsed < IDLE_MS;
  }

  #touch({ tokenHash, lastUsed }: typeof session.$inferSelect): void {
    const now = this.#now();
    if (now - lastUsed < TOUCH_MS) return;
    try {
      const of = eq(session.tokenHash, tokenHash);
      this.#database.orm.update(session).set({ lastUsed: now }).where(of).run();
    } catch {
      // A full disk must not lock out who comes to make room; the session ends early at the worst.
    }
  }

  #makeRoom(userId: number): void {
    const rows = this.#database.orm
      .select({ tokenHash: session.tokenHash })
      .from(session)
      .where(eq(session.userId, userId))
      .orderBy(desc(session.created))
      .all();
    for (const { tokenHash } of rows.slice(PER_USER_MAX - 1)) this.#end(tokenHash);
  }
}

/**
 * What a page sends along with a change: only who has the session's token can make it, so no page of another site
 * can, and it ends with the session. Nothing is kept for it.
 */
export const csrfToken = (token: string): string =>
  createHmac("sha256", token).update("nemean csrf 1").digest("base64url");

export const isCsrfToken = (token: string, csrf: string): boolean =>
  sameSecret(csrfToken(token), csrf);
