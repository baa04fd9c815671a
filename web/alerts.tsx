// SPDX-License-Identifier: BSD-3-Clause
import { AlertTable } from "./alert-table.tsx";
import type { AlertPage } from "./api.ts";
import { Facets } from "./facets.tsx";
import { Filters } from "./filters.tsx";
import { Heading, Trouble, Waiting } from "./parts.tsx";
import { alertsPath, hashOf } from "./routes.ts";
import { useAlertStream } from "./use-alert-stream.ts";
import { usePoll } from "./use-poll.ts";

/** New alerts are told by the stream; the list is asked all the same, for what people make of events. */
const POLL_MS = 10_000;

/** Events, those opened last first; filters and page are in the address, so they can be sent to a colleague. */
export function Alerts({ query }: { readonly query: URLSearchParams }) {
  const polled = usePoll<AlertPage>(alertsPath(query), POLL_MS);
  const { data, error } = polled;
  const isLatest = !query.has("cursor");
  const { isLive, arrived } = useAlertStream(polled.again);
  const filters = Object.fromEntries(query);
  const onward = data?.next ? hashOf("alerts", { query: { ...filters, cursor: data.next } }) : "";
  return (
    <>
      <div class="title-row">
        <Heading>Alerts</Heading>
        <p class={isLive ? "live on" : "live"} role="status">
          {isLive ? "Live" : "Looks again every 10 s"}
          {arrived > 0 ? `, ${arrived} since you came` : ""}
        </p>
      </div>
      <Filters query={query} />
      <Trouble text={error} />
      <Waiting on={polled} />
      <div class="with-facets">
        {/* They stay while other alerts are asked for: a second click must not find them elsewhere. */}
        <Facets query={query} items={data?.items ?? []} />
        {data ? <AlertTable items={data.items} /> : null}
      </div>
      <nav class="pages" aria-label="Pages">
        {isLatest ? null : (
          <a href={hashOf("alerts", { query: { ...filters, cursor: "" } })}>« Latest</a>
        )}
        {onward === "" ? null : <a href={onward}>Older »</a>}
      </nav>
    </>
  );
}
