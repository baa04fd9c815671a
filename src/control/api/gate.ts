// SPDX-License-Identifier: BSD-3-Clause
import type { Auth } from "../auth/auth.ts";
import { admit } from "./admission.ts";
import type { Reach } from "./guard.ts";
import type { Operation } from "./openapi.ts";
import { noQuery } from "./query.ts";
import type { RateLimit } from "./rate.ts";

/** Paths that take a query. */
const QUERIED = new Set(["/api/v1/alerts", "/api/v1/audit"]);

export interface Gate {
  readonly auth: Auth | undefined;
  readonly reach: Reach;
  readonly rate: RateLimit;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** What each request has to pass before its route: who sends it, and how many; no query that nobody reads. */
export const gate =
  ({ auth, reach, rate, operations }: Gate) =>
  ({ request, path, route }: { request: Request; path: string; route: string }) => {
    const method = request.method === "HEAD" ? "GET" : request.method;
    const operation = operations[`${method} ${route}`];
    // A route that nobody declared is nobody's.
    const { principal, refusal } = admit(auth, request, {
      needs: operation?.needs ?? "admin",
      reach,
    });
    const tooMany = operation?.unlimited ? undefined : rate.refusal(request, principal);
    if (tooMany || refusal) return tooMany ?? refusal;
    if (!QUERIED.has(path)) noQuery(new URL(request.url).searchParams);
    return undefined;
  };
