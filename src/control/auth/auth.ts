// SPDX-License-Identifier: BSD-3-Clause
import { dirname, join } from "node:path";
import type { Principal, SessionPrincipal } from "./access.ts";
import { Accounts } from "./accounts.ts";
import { AuditLog } from "./audit.ts";
import { type ControlDatabase, closeControl, openControl } from "./database.ts";
import { Passwords, passwordComplaint } from "./passwords.ts";
import { busy, done, failed, type Result, throttled } from "./result.ts";
import { csrfToken, Sessions } from "./sessions.ts";
import { Setup } from "./setup.ts";
import { NAME_RULE, userName } from "./text.ts";
import { Throttle } from "./throttle.ts";
import { Tokens } from "./tokens.ts";
import { Users } from "./users.ts";

export interface AuthOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds of a clock that never jumps, for the throttle. */
  readonly clock?: () => number;
  readonly passwords?: Passwords;
  readonly auditMax?: number;
}

/** What a log-in sends. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
  /** Where it comes from. */
  readonly address: string;
  /** The token of the session the browser had before: it ends. */
  readonly previous?: string;
}

/** What a log-in gives. */
export interface LoggedIn {
  readonly token: string;
  readonly csrf: string;
  readonly principal: SessionPrincipal;
}

const WRONG = "name or password is wrong";
const WRONG_SETUP = "the setup token is wrong, or there is an admin already";
const SETUP_ACTOR = "(setup)";

/**
 * Who may come in: log-in, setup, and whose request this is. What is done to users and tokens afterwards is in
 * `accounts`.
 *
 * @example
 * using auth = new Auth("/var/lib/nemean/control.sqlite");
 * const setup = auth.setup.begin();
 * if (setup?.fresh) say(`open /setup with the token ${setup.token}`);
 */
export class Auth implements Disposable {
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  readonly sessions: Sessions;
  readonly setup: Setup;
  readonly tokens: Tokens;
  readonly users: Users;
  readonly #database: ControlDatabase;
  readonly #passwords: Passwords;
  readonly #throttle: Throttle;
  #closed = false;

  /** Open or create the database at a path; throws `ERR_STORE` when it cannot be used. */
  constructor(path: string, options: AuthOptions = {}) {
    const { now = Date.now, clock, auditMax } = options;
    const database = openControl(path);
    this.#database = database;
    this.#passwords = options.passwords ?? new Passwords();
    this.#throttle = new Throttle(clock ? { clock } : {});
    this.audit = new AuditLog(database, { now, ...(auditMax ? { max: auditMax } : {}) });
    this.users = new Users(database, now);
    this.sessions = new Sessions(database, now);
    this.tokens = new Tokens(database, now);
    this.setup = new Setup(database, this.users, join(dirname(path), "setup-token"));
    const { audit, users, sessions, tokens, setup } = this;
    const parts = { database, audit, users, sessions, tokens, setup };
    this.accounts = new Accounts({
      ...parts,
      passwords: this.#passwords,
      throttle: this.#throttle,
    });
    sessions.purge();
  }

  /** Whose request this is, by the cookie's token or by the one in `Authorization: Bearer`. */
  principalOf({ cookie, bearer }: { cookie?: string; bearer?: string }): Principal | undefined {
    if (bearer !== undefined) return this.tokens.verify(bearer);
    return cookie === undefined ? undefined : this.sessions.verify(cookie);
  }

  /** Check name and password and begin a session. A wrong name, a wrong password and a disabled user look alike. */
  async login(credentials: Credentials): Promise<Result<LoggedIn>> {
    const { password, address } = credentials;
    const name = userName(credentials.name) ?? "";
    const wait = this.#throttle.attempt(name, address);
    if (wait > 0) return throttled(wait);
    const asked = this.users.byName(name);
    const verdict = await this.#passwords.verify(password, asked?.passwordHash);
    if (verdict === "busy") {
      this.#throttle.giveBack(name, address);
      return busy();
    }
    // It may have been disabled, or have got another password, while this one was checked.
    const user = this.users.byName(name);
    const current = user?.passwordHash === asked?.passwordHash && user?.disabled === false;
    if (verdict === "mismatch" || !user || !current) {
      this.audit.append({ actor: name, action: "login.fail", address });
      return failed("denied", WRONG);
    }
    this.#throttle.succeeded(name, address);
    return done(this.#begin(user.id, credentials));
  }

  /** End a session. */
  logout(token: string, address: string): void {
    const principal = this.sessions.verify(token);
    if (this.sessions.revoke(token) && principal)
      this.audit.append({ actor: principal.name, action: "logout", address });
  }

  /** Make the first admin by the setup token, and log them in. */
  async claim(token: string, credentials: Credentials): Promise<Result<LoggedIn>> {
    const { password, address } = credentials;
    const wait = this.#throttle.attempt(undefined, address);
    if (wait > 0) return throttled(wait);
    if (!this.setup.accepts(token)) {
      this.audit.append({ actor: SETUP_ACTOR, action: "setup.fail", address });
      return failed("denied", WRONG_SETUP);
    }
    this.#throttle.giveBack(undefined, address);
    const name = userName(credentials.name);
    if (name === undefined) return failed("invalid", NAME_RULE);
    const complaint = passwordComplaint(password, name);
    if (complaint !== undefined) return failed("invalid", `password: ${complaint}`);
    const hash = await this.#passwords.hash(password);
    if (hash === undefined) return busy();
    return this.#claimed(token, name, hash, credentials);
  }

  /** The second of two claims at once finds the first one's admin. */
  #claimed(token: string, name: string, hash: string, asked: Credentials): Result<LoggedIn> {
    const { address } = asked;
    const claim = this.#database.raw.transaction((): Result<number> => {
      if (!this.setup.accepts(token)) return failed("denied", WRONG_SETUP);
      if (this.users.byName(name)) return failed("taken", "there is a user of that name");
      const detail = { role: "admin" };
      this.audit.append({
        actor: SETUP_ACTOR,
        action: "user.create",
        target: name,
        detail,
        address,
      });
      return done(this.users.insert(name, "admin", hash));
    });
    const claimed = claim.immediate();
    if (!claimed.ok) return claimed;
    this.setup.end();
    return done(this.#begin(claimed.value, asked));
  }

  #begin(userId: number, { name, address, previous }: Credentials): LoggedIn {
    const token = this.#database.raw
      .transaction(() => {
        this.audit.append({ actor: userName(name) ?? "", action: "login", address });
        return this.sessions.create(userId, address, previous);
      })
      .immediate();
    return { token, csrf: csrfToken(token), principal: this.sessions.verify(token)! };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeControl(this.#database);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
