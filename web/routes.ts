// SPDX-License-Identifier: BSD-3-Clause
import { type Access, type Paths, sessionOf } from "./access.ts";

/** Pages, and what each is called; those of the navigation come first, in its order. */
export const TITLES = {
  overview: "Overview",
  alerts: "Alerts",
  pipeline: "Pipeline",
  sinks: "Sinks",
  configuration: "Configuration",
  users: "Users",
  audit: "Audit",
  setup: "Setup",
  account: "Your account",
  login: "Log in",
} as const;
export type PageName = keyof typeof TITLES;

/** Pages by the names they had before. */
const BEFORE: Readonly<Record<string, PageName>> = { modules: "pipeline" };

/** Where in the console one is: what the address's hash says. */
export interface Place {
  readonly page: PageName;
  /** The event that the page of alerts shows in detail. */
  readonly id?: string;
  /** Filters of a list. */
  readonly query: URLSearchParams;
}

const HASH = /^#\/([a-z]+)(?:\/([\w-]+))?(?:\?(.*))?$/;

/** The place that a hash names; the overview for one that names none. */
export function placeOf(hash: string): Place {
  const [, name = "", id, query] = HASH.exec(hash) ?? [];
  const page = Object.hasOwn(BEFORE, name) ? BEFORE[name]! : name;
  if (!Object.hasOwn(TITLES, page)) return { page: "overview", query: new URLSearchParams() };
  return {
    page: page as PageName,
    ...(id === undefined ? {} : { id }),
    query: new URLSearchParams(query),
  };
}

/** The hash of a page, of one of its events, or of a list with filters; empty filters are left out. */
export function hashOf(
  page: PageName,
  {
    id,
    query = {},
  }: { readonly id?: string; readonly query?: Readonly<Record<string, string>> } = {},
): string {
  const filled = Object.entries(query).filter(([, value]) => value !== "");
  const search = new URLSearchParams(filled).toString();
  return `#/${page}${id === undefined ? "" : `/${id}`}${search === "" ? "" : `?${search}`}`;
}

/** Pages that one may see on this appliance, for the navigation. */
export function pagesFor(access: Access, paths: Paths): readonly PageName[] {
  if (access.kind === "stranger") return ["login"];
  const isOperator = sessionOf(access, "operator") !== undefined;
  const isAdmin = sessionOf(access, "admin") !== undefined;
  const shown: Readonly<Partial<Record<PageName, boolean>>> = {
    overview: true,
    alerts: true,
    pipeline: true,
    sinks: isOperator,
    configuration: isOperator && paths.has("/api/v1/config"),
    users: isAdmin,
    audit: isAdmin,
    setup: access.kind === "setup",
  };
  return (Object.keys(shown) as PageName[]).filter((page) => shown[page]);
}

/** Filters that the page of alerts has, as the API names them. */
export const ALERT_FILTERS = ["severity", "detector", "category", "state", "ip"] as const;

const PAGE_SIZE = "50";

/** The API's address of a page of alerts: known filters and the cursor, and nothing else of the hash. */
export function alertsPath(query: URLSearchParams): string {
  const search = new URLSearchParams({ limit: PAGE_SIZE });
  for (const name of [...ALERT_FILTERS, "cursor"]) {
    const value = query.get(name)?.trim() ?? "";
    if (value !== "") search.set(name, value);
  }
  return `/api/v1/alerts?${search}`;
}
