// SPDX-License-Identifier: BSD-3-Clause
/** The routes of setup, log-in, users, tokens and the audit log. @module */

import { isRole, type Principal, type SessionPrincipal } from "../auth/access.ts";
import type { By } from "../auth/accounts.ts";
import type { Auth, LoggedIn } from "../auth/auth.ts";
import { CLEAR_COOKIE, setCookie } from "../auth/cookie.ts";
import type { Problem, Result } from "../auth/result.ts";
import { csrfToken } from "../auth/sessions.ts";
import type { UserChange } from "../auth/users.ts";
import { decodeCursor } from "../store/cursor.ts";
import { type Ask, sessionOf } from "./admission.ts";
import { type BodyFields, flag, optional, text, texts, timeOrNull } from "./body.ts";
import type { Operation } from "./openapi.ts";
import { json, problem } from "./problem.ts";

/** What a handler is given. */
export interface Call {
  readonly auth: Auth;
  readonly request: Request;
  /** Whoever was let in; undefined on public routes. */
  readonly principal: Principal | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, string>>;
  readonly address: string;
}

/** A route, all of it. */
export interface AccountRoute extends Operation {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly needs: Ask;
  readonly body?: BodyFields;
  handle(call: Call): Promise<Response> | Response;
}

const NAME = text("a name");
const PASSWORD = text("a password of 12 characters or more");
const ROLE = text("viewer, operator or admin");

const STATUS: Readonly<Record<Problem, number>> = {
  invalid: 422,
  denied: 401,
  throttled: 429,
  missing: 404,
  taken: 409,
  refused: 409,
};
const TITLE: Readonly<Record<Problem, string>> = {
  invalid: "Not acceptable",
  denied: "Denied",
  throttled: "Too many attempts",
  missing: "Not found",
  taken: "Taken",
  refused: "Refused",
};

/** The answer to a result: its value, or the problem it is. */
function told<T>(result: Result<T>, view: (value: T) => Response): Response {
  if (result.ok) return view(result.value);
  const { problem: kind, detail, retryAfter } = result;
  const headers =
    retryAfter === undefined ? {} : { "retry-after": String(Math.ceil(retryAfter / 1000)) };
  return problem(STATUS[kind], { title: TITLE[kind], detail }, headers);
}

const done = (): Response => json({ done: true });

function loggedIn({ token, csrf, principal: { name, role } }: LoggedIn): Response {
  const response = json({ csrf, name, role });
  response.headers.set("set-cookie", setCookie(token));
  return response;
}

const by = ({ principal, address }: Call): By => ({ principal: principal!, address });
const bySession = (call: Call): By<SessionPrincipal> => by(call) as By<SessionPrincipal>;
const idOf = ({ params }: Call): number => Number(params["id"]);

const credentials = ({ body, address, request }: Call) => {
  const previous = sessionOf(request);
  return {
    name: String(body["name"]),
    password: String(body["password"]),
    address,
    ...(previous === undefined ? {} : { previous }),
  };
};

export const ACCOUNT_ROUTES: readonly AccountRoute[] = [
  {
    method: "POST",
    path: "/api/v1/setup",
    needs: "public",
    operationId: "setUp",
    summary: "Make the first admin by the token that was shown at the first start.",
    answers: "Session",
    body: { token: text("the setup token"), name: NAME, password: PASSWORD },
    handle: async (call) =>
      told(await call.auth.claim(String(call.body["token"]), credentials(call)), loggedIn),
  },
  {
    method: "POST",
    path: "/api/v1/login",
    needs: "public",
    operationId: "logIn",
    summary:
      "Begin a session: the cookie opens it, and `csrf` goes with everything that changes something.",
    answers: "Session",
    body: { name: NAME, password: text("a password") },
    handle: async (call) => told(await call.auth.login(credentials(call)), loggedIn),
  },
  {
    method: "POST",
    path: "/api/v1/logout",
    needs: "account",
    operationId: "logOut",
    summary: "End the session.",
    answers: "Done",
    handle({ auth, request, address }) {
      auth.logout(sessionOf(request) ?? "", address);
      const response = done();
      response.headers.set("set-cookie", CLEAR_COOKIE);
      return response;
    },
  },
  {
    method: "GET",
    path: "/api/v1/session",
    needs: "account",
    operationId: "getSession",
    summary: "Who is logged in, and the session's CSRF token.",
    answers: "Session",
    handle: ({ principal, request }) =>
      json({
        csrf: csrfToken(sessionOf(request) ?? ""),
        name: principal!.name,
        role: principal!.role,
      }),
  },
  {
    method: "POST",
    path: "/api/v1/password",
    needs: "account",
    operationId: "changePassword",
    summary: "Change one's own password. All other sessions end.",
    answers: "Session",
    body: { old: text("the old password"), password: PASSWORD },
    async handle(call) {
      const { body, auth, principal } = call;
      const changed = auth.accounts.changePassword(
        bySession(call),
        String(body["old"]),
        String(body["password"]),
      );
      return told(await changed, (token) => {
        const response = json({
          csrf: csrfToken(token),
          name: principal!.name,
          role: principal!.role,
        });
        response.headers.set("set-cookie", setCookie(token));
        return response;
      });
    },
  },
  {
    method: "GET",
    path: "/api/v1/tokens",
    needs: "account",
    operationId: "listTokens",
    summary: "One's own API tokens, without their secrets.",
    answers: "Tokens",
    handle: ({ auth, principal }) =>
      json({ items: auth.tokens.list((principal as SessionPrincipal).userId) }),
  },
  {
    method: "POST",
    path: "/api/v1/tokens",
    needs: "account",
    operationId: "createToken",
    summary: "Make an API token; its secret is told once.",
    answers: "NewToken",
    body: {
      name: text("what it is for"),
      scopes: texts("scopes, as read:alerts"),
      expires: timeOrNull("milliseconds since 1970, or null for never"),
    },
    handle(call) {
      const { name, scopes, expires } = call.body;
      const wish = {
        name: String(name),
        scopes: scopes as string[],
        expires: expires as number | null,
      };
      return told(call.auth.accounts.createToken(bySession(call), wish), json);
    },
  },
  {
    method: "DELETE",
    path: "/api/v1/tokens/:id",
    needs: "account",
    operationId: "revokeToken",
    summary: "End one of one's own API tokens.",
    answers: "Done",
    errors: [404],
    handle: (call) => {
      const { userId } = call.principal as SessionPrincipal;
      return told(call.auth.accounts.revokeToken(by(call), userId, idOf(call)), done);
    },
  },
  {
    method: "GET",
    path: "/api/v1/users",
    needs: "admin",
    operationId: "listUsers",
    summary: "All users.",
    answers: "Users",
    handle: ({ auth }) => json({ items: auth.users.list() }),
  },
  {
    method: "POST",
    path: "/api/v1/users",
    needs: "admin",
    operationId: "createUser",
    summary: "Make a user.",
    answers: "User",
    body: { name: NAME, role: ROLE, password: PASSWORD },
    async handle(call) {
      const { name, role, password } = call.body;
      const wish = { name: String(name), role: String(role), password: String(password) };
      return told(await call.auth.accounts.createUser(by(call), wish), json);
    },
  },
  {
    method: "PATCH",
    path: "/api/v1/users/:id",
    needs: "admin",
    operationId: "changeUser",
    summary: "Give a user another role, lock one out or in again. Their sessions end.",
    answers: "User",
    errors: [404],
    body: { role: optional(ROLE), disabled: optional(flag("true or false")) },
    handle(call) {
      const { role } = call.body;
      if (role !== undefined && !isRole(String(role)))
        return problem(422, { title: TITLE.invalid, detail: "role: viewer, operator or admin" });
      return told(
        call.auth.accounts.changeUser(by(call), idOf(call), call.body as UserChange),
        json,
      );
    },
  },
  {
    method: "POST",
    path: "/api/v1/users/:id/password",
    needs: "admin",
    operationId: "resetPassword",
    summary: "Give a user a new password. Their sessions end.",
    answers: "User",
    errors: [404],
    body: { password: PASSWORD },
    async handle(call) {
      const reset = call.auth.accounts.resetPassword(
        by(call),
        idOf(call),
        String(call.body["password"]),
      );
      return told(await reset, json);
    },
  },
  {
    method: "DELETE",
    path: "/api/v1/users/:id",
    needs: "admin",
    operationId: "removeUser",
    summary: "Remove a user with sessions and tokens.",
    answers: "User",
    errors: [404],
    handle: (call) => told(call.auth.accounts.removeUser(by(call), idOf(call)), json),
  },
  {
    method: "GET",
    path: "/api/v1/audit",
    needs: "admin",
    operationId: "listAudit",
    summary: "What was done and tried, the newest first; `?cursor=NEXT` goes on.",
    answers: "Audit",
    handle({ auth, request }) {
      const text = new URL(request.url).searchParams.get("cursor");
      const cursor = text === null ? undefined : decodeCursor(text);
      if (text !== null && !cursor)
        return problem(400, {
          title: "Bad query",
          detail: "cursor: expected next of an earlier page",
        });
      return json(auth.audit.page(cursor ? { cursor } : {}));
    },
  },
];
