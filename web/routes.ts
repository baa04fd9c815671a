// SPDX-License-Identifier: BSD-3-Clause

/** Pages that have an entry in the navigation, in its order. */
export const PAGES = ["overview", "alerts", "sinks", "modules"] as const;
export type PageName = (typeof PAGES)[number] | "setup" | "login";

/** Where in the console one is: what the address's hash says. */
export interface Place {
  readonly page: PageName;
  /** The event that the page of alerts shows in detail. */
  readonly id?: string;
  /** Filters of a list. */
  readonly query: URLSearchParams;
}

const HASH = /^#\/([a-z]+)(?:\/([\w-]+))?(?:\?(.*))?$/;
const NAMES: readonly string[] = [...PAGES, "setup", "login"];

/** The place that a hash names; the overview for one that names none. */
export function placeOf(hash: string): Place {
  const [, page = "", id, query] = HASH.exec(hash) ?? [];
  if (!NAMES.includes(page)) return { page: "overview", query: new URLSearchParams() };
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

/** Filters that the page of alerts has, as the API names them. */
export const ALERT_FILTERS = ["severity", "detector", "ip"] as const;

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
