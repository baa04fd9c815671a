// SPDX-License-Identifier: BSD-3-Clause
/** Who one is to the API, and what the appliance has. @module */
import type { Role } from "../src/control/auth/access.ts";
import { ApiError, get } from "./api.ts";

export interface Session {
  readonly csrf: string;
  readonly name: string;
  readonly role: Role;
}

export type Access =
  /** There are no accounts: all that can be seen is open. */
  | { readonly kind: "open" }
  /** There is no admin yet. */
  | { readonly kind: "setup" }
  | { readonly kind: "stranger" }
  | { readonly kind: "session"; readonly session: Session };

/** Paths of the API, as its description has them (`/api/v1/alerts/{id}`): nothing else is asked for. */
export type Paths = ReadonlySet<string>;

export const pathsOf = async (): Promise<Paths> =>
  new Set(Object.keys((await get<{ paths: object }>("/openapi.json")).paths));

const SESSION = "/api/v1/session";

/** Find out who one is; an appliance without accounts is asked for none. */
export async function accessOf(paths: Paths): Promise<Access> {
  if (!paths.has(SESSION)) return { kind: "open" };
  const { access } = await get<{ readonly access: string }>("/");
  if (access !== "session") return { kind: access === "setup" ? "setup" : "stranger" };
  try {
    return { kind: "session", session: await get<Session>(SESSION) };
  } catch (error) {
    // It ended just now.
    if (!(error instanceof ApiError)) throw error;
    return { kind: "stranger" };
  }
}

/** From the least to the most. */
export const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/**
 * The session of who has at least that role; undefined for all others. The API decides: this only spares people
 * buttons that would be refused.
 */
export function sessionOf(access: Access, least: Role): Session | undefined {
  if (access.kind !== "session") return undefined;
  const { session } = access;
  return ROLES.indexOf(session.role) >= ROLES.indexOf(least) ? session : undefined;
}
