// SPDX-License-Identifier: BSD-3-Clause
/**
 * Who may do what: one table of roles, and one question.
 * @module
 */

/** From the least to the most. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What a token may be limited to. None of them implies another. */
export const SCOPES = [
  "read:alerts",
  "write:alerts",
  "read:config",
  "write:config",
  "control",
  "admin",
] as const;
export type Scope = (typeof SCOPES)[number];

/** What a route asks for: a scope, or that somebody minds their own password, sessions and tokens. */
export type Need = Scope | "account";

/** Whoever sends a request, once it is known. */
export type Principal = SessionPrincipal | TokenPrincipal | LocalPrincipal;

interface UserPrincipal {
  readonly userId: number;
  readonly name: string;
  readonly role: Role;
}

/** A user who logged in. */
export interface SessionPrincipal extends UserPrincipal {
  readonly kind: "session";
  /** Tells the user's sessions apart; it opens none. */
  readonly sessionId: string;
}

/** A program with a token of a user's. */
export interface TokenPrincipal extends UserPrincipal {
  readonly kind: "token";
  readonly tokenId: number;
  readonly scopes: readonly Scope[];
}

/** The peer of the local socket, whom the file system has let in. */
export interface LocalPrincipal {
  readonly kind: "local";
  readonly name: string;
  readonly role: "admin";
}

export const LOCAL: LocalPrincipal = { kind: "local", name: "(local)", role: "admin" };

// The configuration tells receivers and addresses of the network: who looks at alerts needs none of them.
const GRANTS: Readonly<Record<Role, ReadonlySet<Need>>> = {
  viewer: new Set<Need>(["account", "read:alerts"]),
  operator: new Set<Need>(["account", "read:alerts", "write:alerts", "read:config", "control"]),
  admin: new Set<Need>(["account", ...SCOPES]),
};

/** Whether a role has a scope. */
export const grants = (role: Role, need: Need): boolean => GRANTS[role].has(need);

/**
 * Whether a principal may do what a route asks for. A token needs both the scope and its owner's role, so that
 * an owner who is demoted takes the tokens down as well; it never minds an account, or it would outlive itself.
 */
export function allows(principal: Principal, need: Need): boolean {
  if (!grants(principal.role, need)) return false;
  if (need === "account") return principal.kind === "session";
  return principal.kind !== "token" || principal.scopes.includes(need);
}

export const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

export const isScope = (text: string): text is Scope =>
  (SCOPES as readonly string[]).includes(text);
