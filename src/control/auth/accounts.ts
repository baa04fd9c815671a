// SPDX-License-Identifier: BSD-3-Clause
import { isRole, type Principal, type Role, type SessionPrincipal } from "./access.ts";
import type { AuditEntry, AuditLog } from "./audit.ts";
import type { ControlDatabase } from "./database.ts";
import { type Passwords, passwordComplaint } from "./passwords.ts";
import { busy, done, failed, type Result, throttled } from "./result.ts";
import type { Sessions } from "./sessions.ts";
import type { Setup } from "./setup.ts";
import { NAME_RULE, userName } from "./text.ts";
import type { Throttle } from "./throttle.ts";
import type { Tokens, TokenWish } from "./tokens.ts";
import { USERS_MAX, type UserChange, type UserInfo, type Users } from "./users.ts";

/** Who does it, and from where: what the audit log says. */
export interface By<P extends Principal = Principal> {
  readonly principal: P;
  readonly address: string;
}

export interface NewUser {
  readonly name: string;
  readonly role: string;
  readonly password: string;
}

/** What the accounts are made of. */
export interface AccountParts {
  readonly database: ControlDatabase;
  readonly audit: AuditLog;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly setup: Setup;
  readonly throttle: Throttle;
  readonly tokens: Tokens;
  readonly users: Users;
}

const NO_USER = failed("missing", "there is no such user");

/**
 * What is done to users, passwords, sessions and tokens, each in one transaction with its entry in the audit log.
 * Whether the one who asks may do so was decided before, by `allows`.
 */
export class Accounts {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  async createUser(by: By, { name, role, password }: NewUser): Promise<Result<UserInfo>> {
    const { passwords, users, setup } = this.#parts;
    const folded = userName(name);
    if (folded === undefined) return failed("invalid", NAME_RULE);
    if (!isRole(role)) return failed("invalid", "role: viewer, operator or admin");
    const complaint = passwordComplaint(password, folded);
    if (complaint !== undefined) return failed("invalid", `password: ${complaint}`);
    const hash = await passwords.hash(password);
    if (hash === undefined) return busy();
    const result = this.#change((): Result<UserInfo> => {
      if (users.byName(folded)) return failed("taken", "there is a user of that name");
      if (users.count() >= USERS_MAX) return failed("refused", `at most ${USERS_MAX} users`);
      const id = users.insert(folded, role, hash);
      this.#note(by, { action: "user.create", target: folded, detail: { role } });
      return done(users.get(id)!);
    });
    if (result.ok && role === "admin") setup.end();
    return result;
  }

  /** Give a user another role, lock one out or in again. Their sessions end, so that no page shows the old role. */
  changeUser(by: By, id: number, { role, disabled }: UserChange): Result<UserInfo> {
    const { users, sessions } = this.#parts;
    return this.#change(() => {
      const before = users.get(id);
      if (!before) return NO_USER;
      const after = { role: role ?? before.role, disabled: disabled ?? before.disabled };
      if (this.#isLastAdmin(before) && (after.role !== "admin" || after.disabled))
        return LAST_ADMIN;
      users.update(id, after);
      sessions.revokeAll(id);
      const detail = { before: { role: before.role, disabled: before.disabled }, after };
      this.#note(by, { action: "user.change", target: before.name, detail });
      return done({ ...before, ...after });
    });
  }

  /** Remove a user with sessions and tokens. */
  removeUser(by: By, id: number): Result<UserInfo> {
    const { users } = this.#parts;
    return this.#change(() => {
      const before = users.get(id);
      if (!before) return NO_USER;
      if (this.#isLastAdmin(before)) return LAST_ADMIN;
      users.remove(id);
      this.#note(by, { action: "user.remove", target: before.name, detail: { role: before.role } });
      return done(before);
    });
  }

  /** Give a user a new password without the old one. Their sessions end; tokens stay. */
  async resetPassword(by: By, id: number, password: string): Promise<Result<UserInfo>> {
    const { passwords, users, sessions } = this.#parts;
    const asked = users.get(id);
    if (!asked) return NO_USER;
    const complaint = passwordComplaint(password, asked.name);
    if (complaint !== undefined) return failed("invalid", `password: ${complaint}`);
    const hash = await passwords.hash(password);
    if (hash === undefined) return busy();
    return this.#change(() => {
      const user = users.get(id);
      if (!user) return NO_USER;
      users.setPassword(id, hash);
      sessions.revokeAll(id);
      this.#note(by, { action: "user.password", target: user.name });
      return done(user);
    });
  }

  /**
   * Change one's own password; the token of the session that goes on. All others end. The old password is asked
   * for, and guessed no faster than at the log-in: a session left open is not the account.
   */
  async changePassword(
    by: By<SessionPrincipal>,
    old: string,
    password: string,
  ): Promise<Result<string>> {
    const { passwords, users, throttle } = this.#parts;
    const { name } = by.principal;
    const complaint = passwordComplaint(password, name);
    if (complaint !== undefined) return failed("invalid", `password: ${complaint}`);
    const wait = throttle.attempt(name, by.address);
    if (wait > 0) return throttled(wait);
    const before = users.byName(name);
    const verdict = await passwords.verify(old, before?.passwordHash);
    if (verdict === "mismatch") {
      this.#note(by, { action: "password.fail", target: name });
      return failed("denied", "the old password is wrong");
    }
    throttle.giveBack(name, by.address);
    const hash = verdict === "busy" ? undefined : await passwords.hash(password);
    return hash === undefined ? busy() : this.#setOwn(by, hash, before?.passwordHash);
  }

  #setOwn(by: By<SessionPrincipal>, hash: string, before: string | undefined): Result<string> {
    const { users, sessions } = this.#parts;
    const { name, userId } = by.principal;
    return this.#change((): Result<string> => {
      // Disabled, removed or reset while the hash was made: that was the later word.
      const user = users.byName(name);
      if (!user || user.disabled || user.id !== userId || user.passwordHash !== before)
        return failed("denied", "the account has changed meanwhile");
      users.setPassword(userId, hash);
      sessions.revokeAll(userId);
      this.#note(by, { action: "password.change", target: name });
      return done(sessions.create(userId, by.address));
    });
  }

  /** Make a token of one's own; the secret is told here and never again. */
  createToken(by: By<SessionPrincipal>, wish: TokenWish): Result<{ id: number; token: string }> {
    const { tokens, users } = this.#parts;
    const { userId } = by.principal;
    return this.#change((): Result<{ id: number; token: string }> => {
      const owner = users.get(userId);
      if (!owner) return NO_USER;
      const complaint = tokens.complaint(userId, owner.role, wish);
      if (complaint !== undefined) return failed("invalid", complaint);
      const made = tokens.create(userId, wish);
      const detail = { id: made.id, scopes: wish.scopes, expires: wish.expires };
      this.#note(by, { action: "token.create", target: wish.name, detail });
      return done(made);
    });
  }

  /** End a token of a user's. */
  revokeToken(by: By, userId: number, id: number): Result<undefined> {
    const { tokens } = this.#parts;
    return this.#change((): Result<undefined> => {
      const found = tokens.list(userId).find((token) => token.id === id);
      if (!found || !tokens.revoke(userId, id)) return failed("missing", "there is no such token");
      this.#note(by, { action: "token.revoke", target: found.name, detail: { id, userId } });
      return done(undefined);
    });
  }

  /** End a session of a user's, or all of them; how many ended. */
  revokeSessions(by: By, userId: number, id?: string): Result<number> {
    const { sessions, users } = this.#parts;
    return this.#change((): Result<number> => {
      const user = users.get(userId);
      if (!user) return NO_USER;
      const ended =
        id === undefined ? sessions.revokeAll(userId) : Number(sessions.revokeById(userId, id));
      if (id !== undefined && ended === 0) return failed("missing", "there is no such session");
      this.#note(by, { action: "session.revoke", target: user.name, detail: { ended } });
      return done(ended);
    });
  }

  /** All of it or nothing, the audit log included. */
  #change<T>(work: () => T): T {
    return this.#parts.database.raw.transaction(work).immediate();
  }

  #isLastAdmin(user: { readonly role: Role; readonly disabled: boolean }): boolean {
    return user.role === "admin" && !user.disabled && this.#parts.users.admins() === 1;
  }

  #note({ principal, address }: By, entry: Omit<AuditEntry, "actor" | "address">): void {
    const { kind, name } = principal;
    const detail = kind === "token" ? { ...entry.detail, token: principal.tokenId } : entry.detail;
    this.#parts.audit.append({ ...entry, ...(detail && { detail }), actor: name, address });
  }
}

const LAST_ADMIN = failed("refused", "it is the last admin who can log in");
