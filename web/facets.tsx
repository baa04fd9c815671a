// SPDX-License-Identifier: BSD-3-Clause
import type { Alert, Stats } from "./api.ts";
import { detectorFacets, type Facet, pageFacets, severityFacets } from "./facet-counts.ts";
import { count } from "./format.ts";
import { hashOf } from "./routes.ts";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 5000;

/** What the list can be narrowed to by one click. */
export function Facets({
  query,
  items,
}: {
  readonly query: URLSearchParams;
  readonly items: readonly Alert[];
}) {
  const { data: stats } = usePoll<Stats>("/api/v1/stats", POLL_MS);
  const stored = stats?.store.stored ?? [];
  const status = pageFacets(items, ({ triage }) => triage?.status ?? "new");
  return (
    <details class="facets" open={innerWidth > 760}>
      <summary>Narrow down</summary>
      <FacetList title="Severity" filter="severity" facets={severityFacets(stored)} query={query} />
      <FacetList title="Detector" filter="detector" facets={detectorFacets(stored)} query={query} />
      <FacetList
        title="Category, on this page"
        filter="category"
        facets={pageFacets(items, ({ category }) => category)}
        query={query}
      />
      <FacetList
        title="State, on this page"
        filter="state"
        facets={pageFacets(items, ({ state }) => state)}
        query={query}
      />
      <FacetList title="Triage, on this page" facets={status} query={query} />
    </details>
  );
}

function FacetList({
  title,
  filter,
  facets,
  query,
}: {
  readonly title: string;
  /** As the API names it; undefined for what it cannot filter by. */
  readonly filter?: string;
  readonly facets: readonly Facet[];
  readonly query: URLSearchParams;
}) {
  const chosen = filter === undefined ? null : query.get(filter);
  const others = { ...Object.fromEntries(query), cursor: "" };
  if (facets.length === 0 && chosen === null) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {facets.map(({ value, name, events }) => (
          <li key={value}>
            {filter === undefined ? (
              <span>{name}</span>
            ) : (
              <a
                href={hashOf("alerts", {
                  query: { ...others, [filter]: value === chosen ? "" : value },
                })}
                aria-current={value === chosen ? "true" : undefined}
              >
                {name}
              </a>
            )}{" "}
            <span class="number">{count(events)}</span>
          </li>
        ))}
      </ul>
      {filter !== undefined && chosen !== null ? (
        <a href={hashOf("alerts", { query: { ...others, [filter]: "" } })}>any</a>
      ) : null}
    </section>
  );
}
