// SPDX-License-Identifier: BSD-3-Clause
import { allows, LOCAL, type Need, type Principal } from "../auth/access.ts";
import type { Auth } from "../auth/auth.ts";
import { readCookie } from "../auth/cookie.ts";
import { isCsrfToken } from "../auth/sessions.ts";
import { LOOPBACK, type Reach } from "./guard.ts";
import { problem } from "./problem.ts";

/** What a route asks of whoever sends a request; `public` asks nothing. */
export type Ask = Need | "public";

/** Header with the session's CSRF token, on everything that changes something. */
export const CSRF_HEADER = "x-csrf-token";
const BEARER = /^Bearer (\S+)$/;
const READING = new Set(["GET", "HEAD"]);

/** Requests that came over the local socket: the file system has let their sender in. */
export const localRequests = new WeakSet<Request>();

/** Who sends a request, as far as that is known, and the answer to who may not. */
export interface Admission {
  readonly principal?: Principal | undefined;
  readonly refusal?: Response;
}

/** The session's token in a request's cookie. */
export const sessionOf = (request: Request): string | undefined =>
  readCookie(request.headers.get("cookie"));

const unknown = (): Admission => ({
  refusal: problem(
    401,
    {
      title: "Log in first",
      detail: "POST /api/v1/login, or a token: Authorization: Bearer nmn_…",
    },
    { "www-authenticate": "Bearer" },
  ),
});

const refused = (detail: string, principal?: Principal): Admission => ({
  principal,
  refusal: problem(403, { title: "Not allowed", detail }),
});

/** Whether a session's request comes from our own pages, where it changes something. */
const isProven = (request: Request, session: string): boolean =>
  READING.has(request.method) || isCsrfToken(session, request.headers.get(CSRF_HEADER) ?? "");

/**
 * Whether a request may do what its route is for. As long as there is no admin, and where there are no accounts at all
 * (the demo), reading alerts is open to this machine where no other can come, and nothing else is.
 */
export function admit(
  auth: Auth | undefined,
  request: Request,
  { needs: ask, reach }: { readonly needs: Ask; readonly reach: Reach },
): Admission {
  if (ask === "public") return { principal: undefined };
  if (localRequests.has(request))
    return allows(LOCAL, ask) ? { principal: LOCAL } : refused("This needs a session of a user.");
  if (!auth || auth.setup.isOpen)
    return ask === "read:alerts" && reach === LOOPBACK
      ? { principal: undefined }
      : refused("There is no admin yet: POST /api/v1/setup makes the first.");
  const header = request.headers.get("authorization");
  const bearer = BEARER.exec(header ?? "")?.[1];
  const cookie = sessionOf(request);
  // A header that is not understood is no reason to look at the cookie instead.
  if (header !== null && bearer === undefined) return unknown();
  const principal = auth.principalOf({
    ...(bearer === undefined ? {} : { bearer }),
    ...(cookie === undefined ? {} : { cookie }),
  });
  if (!principal) return unknown();
  if (!allows(principal, ask))
    return refused("Your role, or the token's scopes, do not cover this.", principal);
  if (principal.kind === "session" && !isProven(request, cookie ?? ""))
    return refused(
      `${CSRF_HEADER}: expected the one of this session; GET /api/v1/session tells it`,
      principal,
    );
  return { principal };
}
